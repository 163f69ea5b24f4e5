"""Which contrasts a study has: differences of levels, differences of those, and what each is a weighted sum of.

Conventions
-----------
A *contrast* is a row of weights over all `A` conditions of the results, 0 outside of the grid. `P` pairs of levels of a
factor are all of them, the later declared less the earlier, as `measured - none`.

    order 1     difference of two marginal means                          measured - none
    order 2     difference of two such differences                        (measured - none) x (tversky - soft_ce)
    order 3     likewise once more

All levels of the other factors weigh the same. In a complete grid the weight is the product of +1 and -1 over the
factors of the term, over the number of combinations of the others. An *effect-coded* parameter is what a combination of
levels has beyond all of lower order; those of a factor add up to 0 over its levels.

Grids that are not the full product
-----------------------------------
A fraction of resolution R (see study/design/study.py) gives a contrast of k factors as in the complete grid where R -
k > k: it is
then mixed up with interactions of more factors than its own alone. Any other contrast is *matched*: taken over those
combinations of the other factors that all its cells have, so that like is compared with like. Without such a
combination it cannot be estimated and is left out. Effect-coded parameters need the complete grid.

References
----------
Box, Hunter and Hunter, "Statistics for Experimenters", Wiley 2005, chapters 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from math import prod
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.design.study import strength
from thinline.vocabulary import Bool, Float64, Int64

MOST_FACTORS: Final = 3
"""Contrasts and parameters of so many factors at most."""


@dataclass(frozen=True)
class Grid:
    """The conditions that contrasts are taken of.

    `levels` of the factors that vary among them; `inside` [A], which conditions they are; `codes` int64 [A,F], the
    number of the level of each, -1 outside of the grid; `resolution` of a fraction, None for the full product.
    """

    levels: Mapping[str, tuple[str, ...]]
    inside: Bool
    codes: Int64
    resolution: int | None

    @property
    def names(self) -> tuple[str, ...]:
        """The factors that vary."""
        return tuple(self.levels)

    def clear(self, order: int) -> bool:
        """Whether contrasts of `order` factors are mixed up with interactions of more factors alone, or none."""
        return self.resolution is None or order < self.resolution - order

    def has(self, name: str) -> Bool:
        """Which condition has which level of a factor, [L,A]."""
        hits: Bool = np.arange(len(self.levels[name]))[:, None] == self.codes[:, self.names.index(name)]
        return hits


@dataclass(frozen=True)
class Contrasts:
    """`table` with one row (order, term, contrast) for each row of `weights` float64 [C,A].

    `matched` counts those taken over a part of the grid, `lost` those that cannot be estimated.
    """

    table: pd.DataFrame
    weights: Float64
    matched: int
    lost: int


def grid_of(results: Results, known: Bool | None = None) -> Grid:
    """The grid of `results`, or of those of its conditions that are `known` [A] (have a value of some measure)."""
    conditions = results.conditions
    inside = conditions["grid"].to_numpy(np.bool_) & (True if known is None else known)
    kept = conditions[inside]
    met = {name: tuple(it for it in told if (kept[name] == it).any()) for name, told in results.factors.items()}
    levels = {name: told for name, told in met.items() if len(told) > 1}
    codes = np.zeros((len(conditions), len(levels)), np.int64)
    for place, (name, told) in enumerate(levels.items()):
        codes[:, place] = pd.Index(told).get_indexer(pd.Index(conditions[name]))
    codes[~inside] = -1
    if int(inside.sum()) == prod(len(told) for told in levels.values()):
        return Grid(levels, inside, codes, None)
    cells = [{str(name): str(level) for name, level in row.items()} for row in kept[list(levels)].to_dict("records")]
    return Grid(levels, inside, codes, strength(cells, list(levels)) + 1)


def terms(names: Sequence[str], most: int = MOST_FACTORS) -> list[tuple[str, ...]]:
    """All sets of one to `most` of the factors, small ones first, in the order declared."""
    return [term for order in range(1, most + 1) for term in combinations(names, order)]


def contrasts_of(grid: Grid, *, most: int = MOST_FACTORS) -> Contrasts:
    """All contrasts of one to `most` factors; see the module."""
    rows, weights, matched, lost = [], [np.zeros((0, len(grid.codes)))], 0, 0
    for term in terms(grid.names, most):
        pairs = [list(combinations(range(len(grid.levels[name])), 2)) for name in term]
        told = [_told(grid, term, chosen) for chosen in product(*pairs)]
        if grid.clear(len(term)):
            own, there = _of_product(grid, term), np.ones(len(told), np.bool_)
        else:
            own, there = _of_part(grid, term, pairs)
            matched += int(there.sum())
            lost += int((~there).sum())
        weights.append(own[there])
        rows += [(len(term), ":".join(term), text) for text, kept in zip(told, there, strict=True) if kept]
    table = pd.DataFrame(rows, columns=["order", "term", "contrast"])
    return Contrasts(table, np.concatenate(weights), matched, lost)


def _told(grid: Grid, term: Sequence[str], chosen: Sequence[tuple[int, int]]) -> str:
    """The name of a contrast."""
    parts = [
        f"{grid.levels[name][late]} - {grid.levels[name][early]}"
        for name, (early, late) in zip(term, chosen, strict=True)
    ]
    return parts[0] if len(parts) == 1 else " x ".join(f"({part})" for part in parts)


def _of_product(grid: Grid, term: Sequence[str]) -> Float64:
    """Weights of the contrasts of a term in a grid where each combination of its levels is met equally often."""
    differences = []
    for name in term:
        has = grid.has(name).astype(np.float64)
        early, late = np.array(list(combinations(range(len(has)), 2))).T
        differences.append(has[late] - has[early])
    each = int(grid.inside.sum()) / prod(len(grid.levels[name]) for name in term)
    return _crossed(differences) / each


def _crossed(rows: Sequence[Float64]) -> Float64:
    """Products of one row of each array [.,A], the last array's rows running fastest."""
    return reduce(lambda one, other: (one[:, None] * other).reshape(-1, other.shape[1]), rows)


def _of_part(grid: Grid, term: Sequence[str], pairs: Sequence[Sequence[tuple[int, int]]]) -> tuple[Float64, Bool]:
    """Weights of matched contrasts, and which of them there are."""
    met = _met(grid, term)
    weights = np.zeros((prod(len(own) for own in pairs), len(grid.codes)))
    for row, chosen in zip(weights, product(*pairs), strict=True):
        cells = list(product(*chosen))
        for cell, places in zip(cells, _common(met, cells), strict=True):
            late = sum(level == pair[1] for level, pair in zip(cell, chosen, strict=True))
            row[places] = (-1.0) ** (len(term) - late) / max(len(places), 1)
    return weights, np.asarray(weights.any(1))


_Met = Mapping[tuple[int, ...], Mapping[tuple[int, ...], int]]


def _met(grid: Grid, term: Sequence[str]) -> _Met:
    """{levels of the term: {levels of the others: condition}}."""
    own = [grid.names.index(name) for name in term]
    others = [place for place in range(len(grid.names)) if place not in own]
    met: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for condition in np.flatnonzero(grid.inside):
        codes = grid.codes[condition]
        met.setdefault(tuple(codes[own].tolist()), {})[tuple(codes[others].tolist())] = int(condition)
    return met


def _common(met: _Met, cells: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """The conditions of each cell that have counterparts in all; nothing where there is none."""
    shared = set.intersection(*(set(met.get(cell, {})) for cell in cells))
    return ([met[cell][key] for key in sorted(shared)] if shared else [] for cell in cells)


def level_weights(grid: Grid, name: str) -> Float64:
    """Weights [L,A] of the marginal mean of each level of a factor, over the same combinations of the others.

    No rows where the levels have no combination in common.
    """
    if grid.clear(1):
        has = grid.has(name).astype(np.float64)
        return np.asarray(has / has.sum(1, keepdims=True))
    weights = np.zeros((len(grid.levels[name]), len(grid.codes)))
    cells = [(level,) for level in range(len(weights))]
    for row, places in zip(weights, _common(_met(grid, [name]), cells), strict=True):
        row[places] = 1 / max(len(places), 1)
    return weights if weights.any() else weights[:0]


def coded_of(grid: Grid, *, most: int = MOST_FACTORS) -> Contrasts:
    """Effect-coded parameters of the full factorial of one to `most` factors, as weights; the `contrast` is the level,
    as `measured:tversky`. None where the grid is not complete."""
    rows, weights = [], [np.zeros((0, len(grid.codes)))]
    for term in terms(grid.names, most) if grid.resolution is None else []:
        inside = grid.inside.astype(np.float64)
        apart = [inside * (len(grid.levels[name]) * grid.has(name).astype(np.float64) - 1.0) for name in term]
        weights.append(_crossed(apart) / float(inside.sum()))
        told = product(*(grid.levels[name] for name in term))
        rows += [(len(term), ":".join(term), ":".join(levels)) for levels in told]
    table = pd.DataFrame(rows, columns=["order", "term", "contrast"])
    return Contrasts(table, np.concatenate(weights), 0, 0)
