"""Interactions of two factors: a line for each level of one over the levels of the other.

Parallel lines are effects that add. Every point is the mean over the grid's conditions that have both levels, with its
interval over seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.figures.labels import end_labels
from thinline.study.figures.style import (
    DASHES,
    INKS,
    MARKERS,
    RULE,
    SMALL,
    TINY,
    NotDrawn,
    entitle,
    in_style,
    page,
    whiskers,
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
"""Of the names below an axis as wide as the page, before they are turned."""


@in_style
def interactions(results: Results, measure: str, *, split: str = "test") -> Figure:
    """Every two factors of the grid (of more than six pairs, the least parallel ones), a row of panels for each curve.

    A curve that the levels of one factor alone tell is left out. Raises `NotDrawn` where the grid varies fewer than two
    factors, or no run has the measure.
    """
    factors = varied(results)
    if len(factors) < 2:
        raise NotDrawn("the study varies fewer than two factors, so nothing can interact")
    grids = {name: grid_of_curve(results, name) for name in results.classes}
    grids = {name: grid for name, grid in grids.items() if len(_varied_in(grid, factors)) > 1}
    if not grids:
        raise NotDrawn("no curve is told by two levels of two factors, so nothing can interact")
    data = {name: data_of(results, measure, name, split=split) for name in grids}
    pairs = [_wider_first(pair, factors) for pair in combinations(factors, 2)]
    shown = pairs if len(pairs) <= _MOST_PAIRS else _least_parallel(grids, data, pairs)
    columns = min(_MOST_COLUMNS, len(shown))
    blocks = -(-len(shown) // columns)
    figure = page(1.1 + 2.3 * blocks * len(data))
    panels = figure.subplots(blocks * len(data), columns, squeeze=False)
    for axes in panels.flat[len(shown) * len(data) :]:
        axes.set_visible(False)
    for place, pair in enumerate(shown):
        for number, (name, of) in enumerate(data.items()):
            axes = panels[place // columns * len(data) + number, place % columns]
            axes.set_visible(len(_varied_in(grids[name], pair)) == 2)
            if not axes.get_visible():
                continue
            _lines(axes, pair_means(grids[name], of, pair), factors[pair[0]], turned=_MOST_LETTERS // columns)
            axes.set_xlabel(words(pair[0]))
            axes.set_title(f"{words(name)}, a line for each {words(pair[1])}", fontsize=SMALL)
            axes.set_ylabel("" if place % columns else words(measure))
    more = f"Shown: the {len(shown)} least parallel of {len(pairs)} pairs of factors. " if shown != pairs else ""
    named = words(measure) if split == "test" else f"{words(measure)} ({split})"
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
    """The factor with more levels along the axis, the other as lines."""
    one, other = pair
    return (one, other) if len(factors[one]) >= len(factors[other]) else (other, one)


def pair_weights(conditions: pd.DataFrame, pair: Pair) -> dict[Pair, Float64]:
    """Weights over conditions of the mean over the grid's that have both levels, for every two levels that meet."""
    grid = conditions[conditions["grid"]]
    met = grid[list(pair)].drop_duplicates().itertuples(index=False, name=None)
    return {(one, other): mean_of(conditions, {pair[0]: one, pair[1]: other}, grid=True) for one, other in met}


def pair_means(conditions: pd.DataFrame, data: Samples, pair: Pair) -> dict[str, pd.DataFrame]:
    """For each level of the second factor of `pair`, means by level of the first."""
    weights = pair_weights(conditions, pair)
    return {
        level: means(data, {one: weight for (one, other), weight in weights.items() if other == level})
        for level in dict.fromkeys(other for _, other in weights)
    }


def _least_parallel(
    grids: Mapping[str, pd.DataFrame], data: Mapping[str, Samples], pairs: Sequence[Pair]
) -> list[Pair]:
    """The pairs with most interaction in any curve that is told by two levels of both, in their own order."""
    values = {name: pd.DataFrame(of.values).mean(axis=1).to_numpy(np.float64) for name, of in data.items()}
    sizes = []
    for pair in pairs:
        told = [name for name, grid in grids.items() if len(_varied_in(grid, pair)) == 2]
        sizes.append(max((_unparallel(pair_weights(grids[name], pair), values[name]) for name in told), default=0.0))
    return [pairs[place] for place in sorted(np.argsort(np.round(sizes, 12), kind="stable")[::-1][:_MOST_PAIRS])]


def _unparallel(weights: Mapping[Pair, Float64], values: Float64) -> float:
    """Root mean square of what the means of rows and columns leave of a table of two factors."""
    of_pairs = by_seed(values, np.stack(list(weights.values())))
    known = dict(zip(weights, rounded(of_pairs, size_of(values)).tolist(), strict=True))
    table = pd.Series(known).unstack()
    rest = table.sub(table.mean(axis=1), axis=0) - table.mean(axis=0) + float(np.nanmean(table))
    return float(np.sqrt(np.nanmean(rest**2)))


def _lines(axes: Axes, tables: Mapping[str, pd.DataFrame], levels: Sequence[str], *, turned: int) -> None:
    """One panel; names of levels of more than `turned` letters together are turned."""
    labels = []
    for number, (level, table) in enumerate(tables.items()):
        ink, marker = INKS[number % len(INKS)], MARKERS[number % len(MARKERS)]
        at = np.array([levels.index(it) for it in table.index]) + 0.05 * (number - (len(tables) - 1) / 2)
        whiskers(axes, at, table[["low", "high"]].to_numpy(), ink=ink)
        axes.plot(at, table["mean"], marker=marker, linestyle=DASHES[number % len(DASHES)], color=ink, label=level)
        labels.append((level, float(table["mean"].iloc[-1]), ink))
    axes.set_xticks(range(len(levels)), levels)
    if sum(map(len, levels)) > turned:
        axes.tick_params(axis="x", rotation=30, labelsize=TINY)
    axes.set_xlim(-0.3, len(levels) - 0.7)
    axes.margins(y=0.12)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    end_labels(axes, labels, gap=0.085)
