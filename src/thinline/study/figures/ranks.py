"""Ranks of the levels of a factor on each measure, and the agreement of measures on these ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.metrics.number_format import number
from thinline.study.figures.labels import end_labels
from thinline.study.figures.style import (
    RULE,
    NotDrawn,
    entitle,
    in_style,
    level_line,
    page,
    shaded,
    words,
)
from thinline.study.figures.tables import some
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOSS: Final = "loss"
_TAU_DIGITS: Final = 2
_SPAN: Final = 0.5
"""The width over which the levels of one measure are spread, in columns."""


@in_style
def rank_stability(ranks: pd.DataFrame, *, factor: str = _LOSS) -> Figure:
    """Rank of each level of `factor` on each measure with its interval, a panel for each curve; rank 1 is above.

    Where lines cross, the order depends on the measure. Raises `NotDrawn` where the factor has no ranks.
    """
    table = some(ranks[(ranks["factor"] == factor) & (ranks["split"] == "test")], f"ranks of {words(factor)}")
    measures = list(dict.fromkeys(table["measure"]))
    classes = list(dict.fromkeys(table["class"]))
    levels = list(dict.fromkeys(table["level"]))
    figure = page(1.0 + 2.5 * len(classes))
    panels = figure.subplots(len(classes), 1, squeeze=False, sharex=True)[:, 0]
    firsts = set()
    for axes, name in zip(panels, classes, strict=True):
        of_class = table[table["class"] == name]
        _ranks(axes, of_class, levels, measures)
        axes.set_title(words(name))
        best = of_class.loc[of_class.groupby("measure")["rank"].idxmin(), "level"]
        firsts |= set(best)
    several = f"{len(firsts)} of {len(levels)} levels are first on some measure of some curve"
    one = f"{', '.join(firsts)} is first on every measure"
    entitle(
        figure,
        f"Ranks of {words(factor)}: {one if len(firsts) == 1 else several}",
        "Rank of the mean, 1 the best. Bars: ranks that the differences leave possible, 95 % for all levels together "
        "(Bonferroni). Where lines cross, the measure decides who is better.",
    )
    return figure


def _ranks(axes: Axes, table: pd.DataFrame, levels: list[str], measures: list[str]) -> None:
    labels = []
    for index, level in enumerate(levels):
        part = table[table["level"] == level].set_index("measure").reindex(measures)
        at = np.arange(len(measures), dtype=np.float64) + _SPAN * (index / max(len(levels) - 1, 1) - 0.5)
        ends = part[["low_rank", "high_rank"]].to_numpy(np.float64)
        ink = level_line(axes, at, part["rank"], ends, number=index, label=level, width=1)
        labels.append((level, float(part["rank"].iloc[-1]), ink))
    axes.set_xticks(range(len(measures)), [metric(name).label for name in measures])
    axes.set_yticks(range(1, len(levels) + 1))
    axes.set_ylim(len(levels) + 0.4, 0.6)
    axes.set_xlim(-0.5, len(measures) - 0.5)
    axes.set_ylabel("rank")
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    for edge in np.arange(len(measures) - 1) + 0.5:
        axes.axvline(edge, color=RULE, linewidth=0.5)
    end_labels(axes, labels)


@in_style
def tau_matrix(tau: pd.DataFrame, *, factor: str = _LOSS) -> Figure:
    """Kendall's tau between the rankings that two measures give the levels of `factor`, a panel for each curve.

    1 is the same ranking, -1 the reverse. Raises `NotDrawn` where there is none.
    """
    from matplotlib.colors import LinearSegmentedColormap

    table = some(tau[tau["factor"] == factor], f"agreement of measures on {words(factor)}")
    measures = list(dict.fromkeys([*table["measure_a"], *table["measure_b"]]))
    if len(measures) < 2:
        raise NotDrawn(f"the study ranks {words(factor)} on one measure, which agrees with itself")
    classes = list(dict.fromkeys(table["class"]))
    colours = LinearSegmentedColormap.from_list("tau", ["#E69F00", "#FFFFFF", "#6BAED6"])
    names = [metric(measure).label for measure in measures]
    figure = page(1.2 + 3.9 * (2 / max(len(classes), 2)))
    panels = figure.subplots(1, len(classes), squeeze=False, sharey=True)[0]
    least = np.inf
    for axes, name in zip(panels, classes, strict=True):
        square = square_of(table[table["class"] == name], measures)
        least = min(least, float(np.nanmin(square)))
        texts = {at: number(float(square[at]), _TAU_DIGITS) for at in np.ndindex(square.shape)}
        shaded(axes, square, texts, colours, low=-1)
        axes.set_xticks(range(len(measures)), names, rotation=45, ha="right")
        axes.set_yticks(range(len(measures)), names)
        axes.set_title(words(name))
    entitle(
        figure,
        f"Do measures agree which {words(factor)} is better? Kendall's tau goes down to {number(least, _TAU_DIGITS)}",
        "1: the same ranking; -1: the reverse; blue agrees, orange does not.",
    )
    return figure


def square_of(table: pd.DataFrame, measures: list[str]) -> Float64:
    """Tau as a symmetric matrix over `measures` with 1 on the diagonal; `table` has each pair once, in any order."""
    square = np.full((len(measures), len(measures)), np.nan)
    np.fill_diagonal(square, 1.0)
    for first, second, value in table[["measure_a", "measure_b", "tau"]].itertuples(index=False):
        row, column = measures.index(first), measures.index(second)
        square[row, column] = square[column, row] = value
    return square
