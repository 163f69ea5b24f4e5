"""Interactions of two factors: a line for each level of one over the levels of the other.

Effects that add give parallel lines. Every point is the mean over the conditions of the grid that have both levels,
with its interval over seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import metric
from thinline.study.design.results import Results
from thinline.study.figures.labels import end_labels
from thinline.study.figures.style import (
    RULE,
    SMALL,
    TINY,
    NotDrawn,
    entitle,
    in_style,
    level_line,
    page,
    words,
)
from thinline.study.figures.tables import data_of, grid_of_curve, intervals_note, means, varied
from thinline.study.stats.estimates import by_seed, mean_of, rounded, size_of
from thinline.study.stats.samples import Samples
from thinline.vocabulary import Float64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pair = tuple[str, str]
_MOST_PAIRS, _MOST_COLUMNS = 6, 3
_MOST_LETTERS: Final = 66
"""Letters of the names below an axis of the page's width; more are turned."""


@in_style
def interactions(results: Results, measure: str, *, split: str = "test") -> Figure:
    """Every pair of factors of the grid, or the six least parallel pairs, with a row of panels for each curve.

    A curve that is predicted under one factor alone is left out. Raises `NotDrawn` where the grid varies fewer than two
    factors, or no run has the measure.
    """
    factors = varied(results)
    if len(factors) < 2:
        raise NotDrawn("the study varies fewer than two factors, so nothing can interact")
    grids = {name: grid_of_curve(results, name) for name in results.classes}
    grids = {name: grid for name, grid in grids.items() if len(_varied_in(grid, factors)) > 1}
    if not grids:
        raise NotDrawn("no curve is predicted at two levels of two factors, so nothing can interact")
    data = {name: data_of(results, measure, name, split=split) for name in grids}
    pairs = [_wider_first(pair, factors) for pair in combinations(factors, 2)]
    shown = pairs if len(pairs) <= _MOST_PAIRS else _least_parallel(grids, data, pairs)
    columns = min(_MOST_COLUMNS, len(shown))
    blocks = -(-len(shown) // columns)
    figure = page(1.1 + 2.3 * blocks * len(data))
    panels = figure.subplots(blocks * len(data), columns, squeeze=False)
    for axes in panels.flat[len(shown) * len(data) :]:
        axes.set_visible(False)
    for index, pair in enumerate(shown):
        for number, (name, of) in enumerate(data.items()):
            axes = panels[index // columns * len(data) + number, index % columns]
            axes.set_visible(len(_varied_in(grids[name], pair)) == 2)
            if not axes.get_visible():
                continue
            _lines(axes, pair_means(grids[name], of, pair), factors[pair[0]], turned=_MOST_LETTERS // columns)
            axes.set_xlabel(words(pair[0]))
            axes.set_title(f"{words(name)}, a line for each {words(pair[1])}", fontsize=SMALL)
            axes.set_ylabel("" if index % columns else metric(measure).axis)
    more = f"Shown: the {len(shown)} least parallel of {len(pairs)} pairs of factors. " if shown != pairs else ""
    named = metric(measure).axis + ("" if split == "test" else f" ({split})")
    entitle(
        figure,
        f"Interactions on {named}: where lines are not parallel, effects do not add",
        f"{more}Means over the other factors of the grid. {intervals_note(results)}",
    )
    return figure


def _varied_in(conditions: pd.DataFrame, factors: Iterable[str]) -> list[str]:
    """The factors that the grid of `conditions` varies."""
    grid = conditions[conditions["grid"]]
    return [name for name in factors if grid[name].nunique() > 1]


def _wider_first(pair: Pair, factors: Mapping[str, Sequence[str]]) -> Pair:
    """The pair with the factor that has more levels, for the axis, before the other, for the lines."""
    return pair if len(factors[pair[0]]) >= len(factors[pair[1]]) else pair[::-1]


def pair_weights(conditions: pd.DataFrame, pair: Pair) -> dict[Pair, Float64]:
    """Weights over conditions for the mean at every combination of two levels that the grid has."""
    grid = conditions[conditions["grid"]]
    combinations = grid[list(pair)].drop_duplicates().itertuples(index=False, name=None)
    return {levels: mean_of(conditions, dict(zip(pair, levels, strict=True)), grid=True) for levels in combinations}


def pair_means(conditions: pd.DataFrame, data: Samples, pair: Pair) -> dict[str, pd.DataFrame]:
    """For each level of the second factor of `pair`, means by level of the first."""
    weights = pair_weights(conditions, pair)
    return {
        level: means(data, {first: weight for (first, second), weight in weights.items() if second == level})
        for level in dict.fromkeys(second for _, second in weights)
    }


def _least_parallel(
    grids: Mapping[str, pd.DataFrame], data: Mapping[str, Samples], pairs: Sequence[Pair]
) -> list[Pair]:
    """The pairs with the largest interaction in any curve that is predicted at two levels of both, in their order."""
    values = {name: pd.DataFrame(of.values).mean(axis=1).to_numpy(np.float64) for name, of in data.items()}
    sizes = []
    for pair in pairs:
        both = [name for name, grid in grids.items() if len(_varied_in(grid, pair)) == 2]
        sizes.append(max((_unparallel(pair_weights(grids[name], pair), values[name]) for name in both), default=0.0))
    return [pairs[index] for index in sorted(np.argsort(np.round(sizes, 12), kind="stable")[::-1][:_MOST_PAIRS])]


def _unparallel(weights: Mapping[Pair, Float64], values: Float64) -> float:
    """Root mean square of the residuals of a table of two factors after its row and column means."""
    of_pairs = by_seed(values, np.stack(list(weights.values())))
    known = dict(zip(weights, rounded(of_pairs, size_of(values)).tolist(), strict=True))
    table = pd.Series(known).unstack()
    rest = table.sub(table.mean(axis=1), axis=0) - table.mean(axis=0) + float(np.nanmean(table))
    return float(np.sqrt(np.nanmean(rest**2)))


def _lines(axes: Axes, tables: Mapping[str, pd.DataFrame], levels: Sequence[str], *, turned: int) -> None:
    """One panel; names of levels with more than `turned` letters in all are turned."""
    labels = []
    for number, (level, table) in enumerate(tables.items()):
        at = np.array([levels.index(level) for level in table.index]) + 0.05 * (number - (len(tables) - 1) / 2)
        ink = level_line(axes, at, table["mean"], table[["low", "high"]].to_numpy(), number=number, label=level)
        labels.append((level, float(table["mean"].iloc[-1]), ink))
    axes.set_xticks(range(len(levels)), levels)
    if sum(map(len, levels)) > turned:
        axes.tick_params(axis="x", rotation=30, labelsize=TINY)
    axes.set_xlim(-0.3, len(levels) - 0.7)
    axes.margins(y=0.12)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    end_labels(axes, labels, gap=0.085)
