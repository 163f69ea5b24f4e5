"""Numbers in cells: the decision matrix of the losses, and the heat map of all conditions on all axes.

In both a cell's shade says how good its number is within its column and curve, the darker the better, so that rates and
errors read alike; the number itself is in the cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.figures.style import GREY, TINY, NotDrawn, entitle, in_style, page, short, told, words
from thinline.study.figures.tables import (
    condition_means,
    data_of,
    ends_of,
    grid_of_curve,
    has_values,
    intervals_note,
    level_means,
    measured_axes,
    no_means,
    order_note,
    overall,
    short_labels,
    some_untold,
    varied,
)
from thinline.study.stats.samples import LOWER_IS_BETTER
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIVE: Final = ("dice", "focal", "lovasz", "soft_ce", "tversky")
"""The losses of the source's decision matrix; those a study does not have are shown as not run."""

_MOST: Final = 40
_LIGHT, _DARK = 0.03, 0.5
_SHADES: Final = "Blues"


@in_style
def decision_matrix(results: Results, ranks: pd.DataFrame, *, measures: Sequence[str] = ()) -> Figure:
    """Losses by measures (those measured of `AXES` by default) for each curve, mean over the rest of the grid.

    A cell holds mean, interval and the rank of the mean. Raises `NotDrawn` where the grid has one loss.
    """
    levels = varied(results).get("loss")
    if levels is None:
        raise NotDrawn("the study compares no losses")
    measures = list(measures) or measured_axes(results)
    losses = [*FIVE, *(level for level in levels if level not in FIVE)]
    figure = page(1.0 + (0.55 + 0.42 * len(losses)) * len(results.classes))
    panels = figure.subplots(len(results.classes), 1, squeeze=False)[:, 0]
    best: list[str] = []
    absent = [loss for loss in losses if loss not in levels]
    for axes, name in zip(panels, results.classes, strict=True):
        grid = grid_of_curve(results, name)
        columns = [_by_loss(results, grid, it, name).reindex(losses) for it in measures]
        means = np.column_stack([table["mean"] for table in columns])
        known = np.isfinite(means).any(axis=0)
        best += [losses[row] for row in np.nanargmax(goodness(means, measures)[:, known], axis=0)]
        _shade(axes, means, measures)
        for column, (measure, table) in enumerate(zip(measures, columns, strict=True)):
            of = ranks[(ranks["measure"] == measure) & (ranks["class"] == name) & (ranks["factor"] == "loss")]
            _fill(axes, column, table, of[of["split"] == "test"].set_index("level")["rank"], absent=absent)
        _frame(axes, losses, measures, title=words(name))
    unrun = f" Not run in this study: {', '.join(absent)}." if absent else ""
    heads = " (of heads those that tell the curve)" if some_untold(results) else ""
    entitle(
        figure,
        f"Decision matrix: of {len(levels)} losses, {_most_often(best)}",
        f"Mean over the other factors of the grid{heads}, after # its rank (1 is best), and below the interval. "
        f"Darker is better within a column.{unrun} {intervals_note(results, 'Second line')}",
    )
    return figure


def _by_loss(results: Results, grid: pd.DataFrame, measure: str, name: str) -> pd.DataFrame:
    """Means by loss over the conditions in `grid`; none of a measure that no run has of the curve."""
    if not has_values(results, measure, name):
        return no_means(results).iloc[:0]
    return level_means(grid, data_of(results, measure, name), "loss")


def _most_often(best: Sequence[str]) -> str:
    """Which of the best of each column is it most often; all that are, where they are several."""
    counts = Counter(best)
    times = max(counts.values())
    firsts = [loss for loss, count in counts.items() if count == times]
    has, each = ("has", "") if len(firsts) == 1 else ("have", " each")
    return f"{' and '.join(firsts)} {has} the best mean in {times} of {len(best)} columns{each}"


def _fill(axes: Axes, column: int, table: pd.DataFrame, ranks: pd.Series, *, absent: Sequence[str]) -> None:
    """The texts of one measure: mean, rank, interval; or that a loss was not run, or has no such value."""
    for row, (loss, mean, low, high) in enumerate(table[["mean", "low", "high"]].itertuples()):
        if not np.isfinite(mean):
            text = "not run" if loss in absent else "-"
            axes.text(column, row, text, ha="center", va="center", fontsize=TINY, color=GREY, style="italic")
            continue
        rank = f"  #{round(float(ranks[loss]), 1):g}" if loss in ranks.index and np.isfinite(ranks[loss]) else ""
        known = np.isfinite(low)
        axes.text(column, row - 0.17 * known, told(mean) + rank, ha="center", va="center", fontsize=TINY + 0.5)
        if known:
            text = f"{told(low, like=mean)} to {told(high, like=mean)}"
            axes.text(column, row + 0.22, text, ha="center", va="center", fontsize=TINY - 0.5)


@in_style
def heat_map(results: Results, cells: pd.DataFrame, *, measures: Sequence[str] = ()) -> Figure:
    """Conditions, as `overall` orders them, by measures (those of `AXES` by default), a panel for each curve."""
    measures = list(measures) or measured_axes(results)
    order, left = ends_of(list(overall(results, cells).index), _MOST)
    names = short_labels(results)
    figure = page(1.6 + 0.2 * len(order))
    panels = figure.subplots(1, len(results.classes), squeeze=False, sharey=True)[0]
    none = no_means(results)
    for axes, name in zip(panels, results.classes, strict=True):
        columns = [
            condition_means(results, cells, it, name) if has_values(results, it, name) else none for it in measures
        ]
        table = np.column_stack([column["mean"].loc[order] for column in columns])
        _shade(axes, table, measures)
        for row, column in np.ndindex(table.shape):
            axes.text(column, row, told(float(table[row, column])), ha="center", va="center", fontsize=TINY - 0.5)
        _frame(axes, [names[label] for label in order], measures, title=words(name))
        axes.tick_params(axis="x", rotation=50)
        for label in axes.get_xticklabels():
            label.set(ha="left", rotation_mode="anchor")
        if left:
            axes.axhline(_MOST // 2 - 0.5, color="black", linewidth=1)
    most = " of those that tell most curves" if some_untold(results) else ""
    seeds = f"{len(results.seeds)} seeds" if len(results.seeds) > 1 else "one seed"
    entitle(
        figure,
        f"All conditions on {len(measures)} axes: the best mean IoU{most} has {names[order[0]]}",
        f"{left}Mean over {seeds}, {order_note(results)}. Darker is better within a column and curve; for "
        "MAE, in shares of the track's width, less is better.",
    )
    return figure


def goodness(values: Float64, measures: Sequence[str]) -> Float64:
    """How good each of `values [n,m]` is within its column, 0 the worst and 1 the best; .5 where all are the same."""
    sign = np.array([-1.0 if name in LOWER_IS_BETTER else 1.0 for name in measures])
    signed = values * sign
    known = np.isfinite(signed)
    low = np.where(known, signed, np.inf).min(0)
    reach = np.where(known, signed, -np.inf).max(0) - low
    out = np.full(values.shape, 0.5)
    np.divide(signed - low, reach, out=out, where=known & (reach > 0))
    return np.where(known, out, np.nan)


def _shade(axes: Axes, values: Float64, measures: Sequence[str]) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    inks = ListedColormap(colormaps[_SHADES](np.linspace(_LIGHT, _DARK, 128))).with_extremes(bad="#F4F4F4")
    axes.imshow(np.ma.masked_invalid(goodness(values, measures)), cmap=inks, vmin=0, vmax=1, aspect="auto")


def _frame(axes: Axes, rows: Sequence[str], measures: Sequence[str], *, title: str) -> None:
    """Names of rows and columns, and white rules between the cells."""
    axes.set_xticks(range(len(measures)), [short(name) for name in measures])
    axes.set_yticks(range(len(rows)), rows, fontsize=TINY + 0.5)
    axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    axes.set_xticks(np.arange(len(measures) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title)
