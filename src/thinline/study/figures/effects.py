"""The forest plot of contrasts, and the components of variance of each measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.study.figures.style import BLUE, GREY, MARKERS, entitle, in_style, name_rows, page, whiskers, words
from thinline.study.figures.tables import some
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGNIFICANT: Final = 0.05
_MOST_ROWS, _MOST_MAINS, _MOST_COLUMNS = 30, 18, 4
_FILLS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#222222")
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "++", "--", "oo")


@in_style
def forest(contrasts: pd.DataFrame, *, orders: Sequence[int] = (1, 2)) -> Figure:
    """Contrasts of the primary measures with their intervals, main effects first, a column for each measure.

    Filled and blue: significant after Holm's correction over the declared family. Grey bar: effects that the study
    cannot tell from 0. Raises `NotDrawn` for a study without contrasts of the `orders`.
    """
    table = some(contrasts[contrasts["primary"] & contrasts["order"].isin(orders)], "contrasts of primary measures")
    columns = list(dict.fromkeys(zip(table["split"], table["measure"], strict=True)))[:_MOST_COLUMNS]
    keys = ["order", "term", "contrast"]
    rows = table[keys].drop_duplicates().sort_values("order", kind="stable")
    shown = _largest(table, rows, keys)
    classes = list(dict.fromkeys(table["class"]))
    figure = page(1.5 + (0.16 + 0.11 * len(classes)) * len(shown))
    panels = figure.subplots(1, len(columns), squeeze=False, sharey=True)[0]
    heights = {tuple(row): float(height) for height, row in enumerate(shown.itertuples(index=False))}
    for axes, (split, measure) in zip(panels, columns, strict=True):
        part = table[(table["split"] == split) & (table["measure"] == measure)]
        for number, name in enumerate(classes):
            of = part[part["class"] == name]
            at = [heights.get(key, np.nan) for key in of[keys].itertuples(index=False, name=None)]
            aside = 0.36 * (number - (len(classes) - 1) / 2)
            _contrasts(axes, of, np.array(at) + aside, MARKERS[number % len(MARKERS)])
        axes.set_title(metric(measure).axis if split == "test" else f"{metric(measure).axis}, {split}")
        axes.set_xlabel("effect")
    _rows_of_forest(panels, shown)
    _forest_legend(panels[0], classes)
    entitle(
        figure,
        _title(table),
        f"{_left_out(rows, shown)}{_seeds(table)} Blue and filled: p < {SIGNIFICANT:g} after Holm. Grey bars: smaller "
        "effects than the study detects.",
    )
    return figure


def _largest(table: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """All rows, or the largest by absolute effect if there are too many; main effects leave space for interactions."""
    if len(rows) <= _MOST_ROWS:
        return rows
    size = table["effect"].abs().groupby([table[key] for key in keys]).max()
    sizes = size.loc[pd.MultiIndex.from_frame(rows)].to_numpy()
    ordered = rows.assign(size=sizes).sort_values("size", ascending=False, kind="stable")
    mains = ordered[ordered["order"] == 1]
    others = ordered[ordered["order"] != 1]
    mains = mains.head(max(_MOST_MAINS, _MOST_ROWS - len(others)))
    kept = {*mains.index, *others.head(_MOST_ROWS - len(mains)).index}
    return rows.loc[rows.index.isin(kept)]


def _title(table: pd.DataFrame) -> str:
    if table["p_holm"].isna().all():
        return f"Effects: {len(table)} contrasts, none of which can be tested with one seed"
    count = int((table["p_holm"] < SIGNIFICANT).sum())
    return f"Effects: {count} of {len(table)} contrasts differ from 0 after Holm's correction"


def _seeds(table: pd.DataFrame) -> str:
    seeds = int(table["seeds"].max())
    return f"Lines: 95 % intervals over {seeds} seeds, uncorrected." if seeds > 1 else "One seed: no intervals."


def _left_out(rows: pd.DataFrame, shown: pd.DataFrame) -> str:
    return f"Shown: the {len(shown)} largest of {len(rows)} contrasts. " if len(shown) < len(rows) else ""


def _contrasts(axes: Axes, table: pd.DataFrame, at: Float64, marker: str) -> None:
    """The contrasts of one class: a bar for what is detectable, an interval, a marker."""
    known = np.isfinite(at) & np.isfinite(table["effect"].to_numpy(np.float64))
    table, at = table[known], at[known]
    reach = table["detectable"].to_numpy(np.float64)
    known = np.isfinite(reach)
    axes.use_sticky_edges = False
    axes.barh(at[known], 2 * reach[known], left=-reach[known], height=0.3, color="#E4E4E4", linewidth=0, zorder=0)
    clear = (table["p_holm"] < SIGNIFICANT).to_numpy()
    for part, ink, face in ((clear, BLUE, BLUE), (~clear, GREY, "white")):
        whiskers(axes, at[part], table.loc[part, ["low", "high"]].to_numpy(np.float64), ink=ink, upright=False)
        axes.plot(
            table.loc[part, "effect"], at[part], marker, color=ink, markerfacecolor=face, markersize=4.5, zorder=3
        )


def _rows_of_forest(panels: Sequence[Axes], shown: pd.DataFrame) -> None:
    rows = shown.itertuples(index=False, name=None)
    names = [f"{words(term)}: {contrast}" if order == 1 else contrast for order, term, contrast in rows]
    mains = int((shown["order"] == 1).sum())
    for axes in panels:
        name_rows(axes, names)
        axes.axvline(0, color="black", linewidth=0.8, zorder=1)
        axes.locator_params(axis="x", nbins=5)
        if 0 < mains < len(shown):
            axes.axhline(mains - 0.5, color=GREY, linewidth=0.8, linestyle="--")


def _forest_legend(axes: Axes, classes: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker=MARKERS[number % len(MARKERS)], color=GREY, linestyle="none", label=words(name))
        for number, name in enumerate(classes)
    ]
    axes.legend(handles=marks, loc="lower right", bbox_to_anchor=(-0.02, 1.0), ncols=len(marks), handletextpad=0.1)


@in_style
def variance_shares(variance: pd.DataFrame) -> Figure:
    """The share of each component in the variance of each measure, a panel for each curve."""
    table = some(variance[variance["split"] == "test"], "variance components")
    measures = list(dict.fromkeys(table["measure"]))
    components = list(dict.fromkeys(table["component"]))
    classes = list(dict.fromkeys(table["class"]))
    figure = page(1.5 + max(0.3 * len(measures), 0.2 * len(components)))
    panels = figure.subplots(1, len(classes), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, classes, strict=True):
        wide = table[table["class"] == name].pivot(index="measure", columns="component", values="share")
        wide = wide.reindex(index=measures, columns=components)
        left = np.zeros(len(measures))
        for number, component in enumerate(components):
            share = wide[component].fillna(0.0).to_numpy()
            axes.barh(
                range(len(measures)),
                share,
                left=left,
                color=_FILLS[number % len(_FILLS)],
                hatch=_HATCHES[(number + number // len(_FILLS)) % len(_HATCHES)],
                edgecolor="white",
                linewidth=0.5,
                label=" x ".join(words(part) for part in component.split(":")),
            )
            left = left + share
        axes.set_yticks(range(len(measures)), [metric(measure).label for measure in measures])
        axes.set(ylim=(len(measures) - 0.4, -0.6), xlim=(0, 1), xlabel="share of the variance", title=words(name))
        axes.tick_params(axis="y", length=0)
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    entitle(
        figure, "Where the variance of a measure comes from", "Components of variance of the study's cells, test split."
    )
    return figure
