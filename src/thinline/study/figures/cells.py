"""Tables of numbers as figures: the decision matrix of the losses, and the heat map of all conditions.

The shade of a cell says how good its number is within its column and curve, darker for better, for rates and errors
alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import less_is_better, metric
from thinline.metrics.number_format import MISSING, number
from thinline.study.design.results import Results
from thinline.study.figures.style import GREY, TINY, NotDrawn, entitle, in_style, page, shaded, words
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
    predicts_all,
    short_labels,
    varied,
)
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIVE: Final = ("dice", "focal", "lovasz", "soft_ce", "tversky")
"""The losses of the source's decision matrix; those that a study lacks are marked as not run."""

_MOST: Final = 40
_LIGHT, _DARK = 0.03, 0.5


@in_style
def decision_matrix(results: Results, ranks: pd.DataFrame, *, measures: Sequence[str] = ()) -> Figure:
    """Losses by `measures` (default: the measured ones of `AXES`), a panel for each curve.

    A cell holds the mean over the rest of the grid, its rank and its interval. Raises `NotDrawn` for a single loss.
    """
    levels = varied(results).get("loss")
    if levels is None:
        raise NotDrawn("the study compares no losses")
    measures = list(measures) or measured_axes(results)
    losses = [*FIVE, *(level for level in levels if level not in FIVE)]
    absent = [loss for loss in losses if loss not in levels]
    figure = page(1.0 + (0.55 + 0.42 * len(losses)) * len(results.classes))
    panels = figure.subplots(len(results.classes), 1, squeeze=False)[:, 0]
    best: list[str] = []
    for axes, name in zip(panels, results.classes, strict=True):
        grid = grid_of_curve(results, name)
        columns = {measure: _by_loss(results, grid, measure, name).reindex(losses) for measure in measures}
        means = np.column_stack([table["mean"] for table in columns.values()])
        known = np.isfinite(means).any(axis=0)
        best += [losses[row] for row in np.nanargmax(goodness(means, measures)[:, known], axis=0)]
        _shade(axes, means, measures, {}, rows=losses, title=words(name))
        of_losses = ranks[(ranks["class"] == name) & (ranks["factor"] == "loss") & (ranks["split"] == "test")]
        for column, (measure, table) in enumerate(columns.items()):
            own = of_losses[of_losses["measure"] == measure].set_index("level")["rank"]
            _fill(axes, column, table, own, digits=metric(measure).digits, absent=absent)
    not_run = f" Not run in this study: {', '.join(absent)}." if absent else ""
    heads = "" if predicts_all(results) else " (heads that predict the curve)"
    entitle(
        figure,
        f"Decision matrix: of {len(levels)} losses, {_most_often(best)}",
        f"Mean over the other factors of the grid{heads}, after # its rank (1 is best), and below the interval. "
        f"Darker is better within a column.{not_run} {intervals_note(results, 'Second line')}",
    )
    return figure


def _by_loss(results: Results, grid: pd.DataFrame, measure: str, name: str) -> pd.DataFrame:
    """Means by loss over the conditions in `grid`; no rows for a measure without values of the curve."""
    if not has_values(results, measure, name):
        return no_means(results).iloc[:0]
    return level_means(grid, data_of(results, measure, name), "loss")


def _most_often(best: Sequence[str]) -> str:
    """Which loss is most often among `best`; all of them where several are."""
    counts = Counter(best)
    times = max(counts.values())
    firsts = [loss for loss, count in counts.items() if count == times]
    has, each = ("has", "") if len(firsts) == 1 else ("have", " each")
    return f"{' and '.join(firsts)} {has} the best mean in {times} of {len(best)} columns{each}"


def _fill(
    axes: Axes, column: int, table: pd.DataFrame, ranks: pd.Series, *, digits: int, absent: Sequence[str]
) -> None:
    """The texts of one measure: mean, rank and interval of each loss, or that it has none."""
    centred: dict[str, Any] = {"ha": "center", "va": "center"}
    for row, (loss, mean, low, high) in enumerate(table[["mean", "low", "high"]].itertuples()):
        if not np.isfinite(mean):
            text = "not run" if loss in absent else MISSING
            axes.text(column, row, text, fontsize=TINY, color=GREY, style="italic", **centred)
            continue
        rank = f"  #{round(float(ranks[loss]), 1):g}" if loss in ranks.index and np.isfinite(ranks[loss]) else ""
        known = np.isfinite(low)
        axes.text(column, row - 0.17 * known, number(mean, digits) + rank, fontsize=TINY + 0.5, **centred)
        if known:
            text = f"{number(low, digits)} to {number(high, digits)}"
            axes.text(column, row + 0.22, text, fontsize=TINY - 0.5, **centred)


@in_style
def heat_map(results: Results, cells: pd.DataFrame, *, measures: Sequence[str] = ()) -> Figure:
    """Conditions in the order of `overall` by `measures` (default: those of `AXES`), a panel for each curve."""
    measures = list(measures) or measured_axes(results)
    order, left = ends_of(list(overall(results, cells).index), _MOST)
    names = short_labels(results)
    figure = page(1.6 + 0.2 * len(order))
    panels = figure.subplots(1, len(results.classes), squeeze=False, sharey=True)[0]
    none = no_means(results)
    for axes, name in zip(panels, results.classes, strict=True):
        columns = [
            condition_means(results, cells, measure, name) if has_values(results, measure, name) else none
            for measure in measures
        ]
        table = np.column_stack([column["mean"].loc[order] for column in columns])
        digits = [metric(measure).digits for measure in measures]
        texts = {at: number(float(table[at]), digits[at[1]]) for at in np.ndindex(table.shape)}
        _shade(axes, table, measures, texts, rows=[names[label] for label in order], title=words(name))
        axes.tick_params(axis="x", rotation=50)
        for label in axes.get_xticklabels():
            label.set(ha="left", rotation_mode="anchor")
        if left:
            axes.axhline(_MOST // 2 - 0.5, color="black", linewidth=1)
    most = "" if predicts_all(results) else " of those that predict most curves"
    seeds = f"{len(results.seeds)} seeds" if len(results.seeds) > 1 else "one seed"
    entitle(
        figure,
        f"All conditions on {len(measures)} axes: the best mean IoU{most} has {names[order[0]]}",
        f"{left}Mean over {seeds}, {order_note(results)}. Darker is better within a column and curve; for "
        "MAE, in shares of the track's width, less is better.",
    )
    return figure


def goodness(values: Float64, measures: Sequence[str]) -> Float64:
    """How good each of `values [n,m]` is within its column: 0 the worst, 1 the best, .5 where all are equal."""
    sign = np.array([-1.0 if less_is_better(name) else 1.0 for name in measures])
    signed = values * sign
    known = np.isfinite(signed)
    low = np.where(known, signed, np.inf).min(0)
    reach = np.where(known, signed, -np.inf).max(0) - low
    out = np.full(values.shape, 0.5)
    np.divide(signed - low, reach, out=out, where=known & (reach > 0))
    return np.where(known, out, np.nan)


def _shade(
    axes: Axes,
    values: Float64,
    measures: Sequence[str],
    texts: Mapping[tuple[int, int], str],
    *,
    rows: Sequence[str],
    title: str,
) -> None:
    """A panel of cells shaded by goodness, with names of rows and columns and white rules between the cells."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(colormaps["Blues"](np.linspace(_LIGHT, _DARK, 128)))
    shaded(axes, goodness(values, measures), texts, colours, size=TINY - 0.5)
    axes.set_xticks(range(len(measures)), [metric(name).label for name in measures])
    axes.set_yticks(range(len(rows)), rows, fontsize=TINY + 0.5)
    axes.tick_params(top=False, bottom=False, labeltop=True, labelbottom=False)
    axes.set_xticks(np.arange(len(measures) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.set_title(title)
