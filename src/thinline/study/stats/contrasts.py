"""The contrasts that a study can estimate, as weights over its conditions.

Conventions
-----------
The *grid* is the set of conditions that contrasts compare: the product of the levels of all factors, without excluded
conditions and without those where the measure has no value. It is *complete* if it is the full product.

A *contrast* is a row of weights over all `A` conditions of the results, 0 outside of the grid. There is one for each
pair of levels of the factors, the later declared minus the earlier:

    order 1     main effect: difference of two marginal means             measured - none
    order 2     interaction: difference of two such differences           (measured - none) x (tversky - soft_ce)
    order 3     three-way interaction: difference of two interactions

Their intervals: estimates.py. All levels of the other factors weigh the same. In a complete grid the weight is the
product of +1 and -1 over the factors of the term, divided by the number of combinations of the others.

An *effect-coded* parameter (coded parameter) of one factor is the mean of a level minus the mean of the grid. That of
several factors is the mean of a combination of their levels minus the mean of the grid and all parameters of fewer of
these factors. Summed over the levels of any one factor, parameters give 0.

Grids that are not the full product
-----------------------------------
Two contrasts are *aliased* in a fraction if its conditions do not separate them: the estimate of one contains the
other. In a fraction of resolution R (study/design/study.py) a contrast of k factors is aliased only with interactions
of R - k or more factors. If R - k > k, these have more factors than the contrast itself; they are neglected, and the
contrast is estimated as in the complete grid. Any other contrast is *matched*: it is computed from those combinations
of the other factors that occur with each of the levels it compares. Without such a combination it is not estimable and
left out. Effect-coded parameters need the complete grid.

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
"""The highest order of contrasts and parameters."""


@dataclass(frozen=True)
class Grid:
    """The conditions that contrasts compare.

    `levels` of the F factors that vary among them; `inside` [A] marks them; `codes` int64 [A,F] number their levels, -1
    outside of the grid; `resolution` of a fraction, None for the full product.
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
        """Whether contrasts of `order` factors are aliased with nothing but interactions of more factors."""
        return self.resolution is None or order < self.resolution - order

    def has(self, name: str) -> Bool:
        """Indicator [L,A] of the levels of a factor."""
        hits: Bool = np.arange(len(self.levels[name]))[:, None] == self.codes[:, self.names.index(name)]
        return hits


@dataclass(frozen=True)
class Contrasts:
    """`table` with one row (order, term, contrast) for each row of `weights` float64 [C,A]; `lost` counts the contrasts
    that are not estimable."""

    table: pd.DataFrame
    weights: Float64
    lost: int = 0


def grid_of(results: Results, known: Bool | None = None) -> Grid:
    """The grid of `results`, restricted to the conditions `known` [A] (those with a value of a measure)."""
    conditions = results.conditions
    inside = conditions["grid"].to_numpy(np.bool_) & (True if known is None else known)
    kept = conditions[inside]
    present = {
        name: tuple(level for level in declared if (kept[name] == level).any())
        for name, declared in results.factors.items()
    }
    levels = {name: own for name, own in present.items() if len(own) > 1}
    codes = np.zeros((len(conditions), len(levels)), np.int64)
    for column, (name, own) in enumerate(levels.items()):
        codes[:, column] = pd.Index(own).get_indexer(pd.Index(conditions[name]))
    codes[~inside] = -1
    if int(inside.sum()) == prod(len(own) for own in levels.values()):
        return Grid(levels, inside, codes, None)
    cells = [{str(name): str(level) for name, level in row.items()} for row in kept[list(levels)].to_dict("records")]
    return Grid(levels, inside, codes, strength(cells, list(levels)) + 1)


def terms(names: Sequence[str], most: int = MOST_FACTORS) -> list[tuple[str, ...]]:
    """All sets of one to `most` factors, smaller sets first, in the order declared."""
    return [term for order in range(1, most + 1) for term in combinations(names, order)]


def contrasts_of(grid: Grid) -> Contrasts:
    """All contrasts of one to `MOST_FACTORS` factors; see the module."""
    rows, weights, lost = [], [np.zeros((0, len(grid.codes)))], 0
    for term in terms(grid.names):
        pairs = [list(combinations(range(len(grid.levels[name])), 2)) for name in term]
        names = [_name(grid, term, chosen) for chosen in product(*pairs)]
        own = _of_product(grid, term) if grid.clear(len(term)) else _of_part(grid, term, pairs)
        estimable = np.asarray(own.any(1))
        lost += int((~estimable).sum())
        weights.append(own[estimable])
        rows += [(len(term), ":".join(term), name) for name, kept in zip(names, estimable, strict=True) if kept]
    return Contrasts(_table(rows), np.concatenate(weights), lost)


def _table(rows: Sequence[tuple[int, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["order", "term", "contrast"])


def _name(grid: Grid, term: Sequence[str], chosen: Sequence[tuple[int, int]]) -> str:
    """`tversky - dice` of one factor, `(measured - none) x (tversky - dice)` of two."""
    parts = [
        f"{grid.levels[name][late]} - {grid.levels[name][early]}"
        for name, (early, late) in zip(term, chosen, strict=True)
    ]
    return parts[0] if len(parts) == 1 else " x ".join(f"({part})" for part in parts)


def _of_product(grid: Grid, term: Sequence[str]) -> Float64:
    """Weights of the contrasts of a term in a grid where each combination of its levels occurs equally often."""
    differences = []
    for name in term:
        has = grid.has(name).astype(np.float64)
        early, late = np.array(list(combinations(range(len(has)), 2))).T
        differences.append(has[late] - has[early])
    each = int(grid.inside.sum()) / prod(len(grid.levels[name]) for name in term)
    return _crossed(differences) / each


def _crossed(rows: Sequence[Float64]) -> Float64:
    """Products of one row of each array [.,A]; the rows of the last array vary fastest."""
    return reduce(lambda left, right: (left[:, None] * right).reshape(-1, right.shape[1]), rows)


def _of_part(grid: Grid, term: Sequence[str], pairs: Sequence[Sequence[tuple[int, int]]]) -> Float64:
    """Weights of matched contrasts; a row of zeros where a contrast is not estimable."""
    conditions = conditions_by_levels(grid, term)
    weights = np.zeros((prod(len(own) for own in pairs), len(grid.codes)))
    for row, chosen in zip(weights, product(*pairs), strict=True):
        cells = list(product(*chosen))
        for cell, matched in zip(cells, _matched(conditions, cells), strict=True):
            late = sum(level == pair[1] for level, pair in zip(cell, chosen, strict=True))
            row[matched] = (-1.0) ** (len(term) - late) / max(len(matched), 1)
    return weights


_Codes = tuple[int, ...]


def conditions_by_levels(grid: Grid, term: Sequence[str]) -> dict[_Codes, dict[_Codes, int]]:
    """{codes of the levels of the factors `term`: {codes of the other factors: condition of the grid}}."""
    own = [grid.names.index(name) for name in term]
    others = [column for column in range(len(grid.names)) if column not in own]
    conditions: dict[_Codes, dict[_Codes, int]] = {}
    for condition in np.flatnonzero(grid.inside):
        codes = grid.codes[condition]
        conditions.setdefault(tuple(codes[own].tolist()), {})[tuple(codes[others].tolist())] = int(condition)
    return conditions


def _matched(conditions: Mapping[_Codes, Mapping[_Codes, int]], cells: Sequence[_Codes]) -> Iterator[list[int]]:
    """The conditions of each cell at the levels of the other factors that all cells have; empty without any."""
    shared = set.intersection(*(set(conditions.get(cell, {})) for cell in cells))
    return ([conditions[cell][others] for others in sorted(shared)] if shared else [] for cell in cells)


def matched_means(grid: Grid, term: Sequence[str], cells: Sequence[Sequence[str]]) -> Float64:
    """Weights [n,A] of the mean of each of `cells`, levels of the factors `term`, over the levels of the other factors
    that all of them have; zeros without any."""
    codes = [tuple(grid.levels[name].index(level) for name, level in zip(term, cell, strict=True)) for cell in cells]
    weights = np.zeros((len(cells), len(grid.codes)))
    for row, matched in zip(weights, _matched(conditions_by_levels(grid, term), codes), strict=True):
        row[matched] = 1 / max(len(matched), 1)
    return weights


def level_weights(grid: Grid, name: str) -> Float64:
    """Weights [L,A] of the marginal mean of each level of a factor, over the same combinations of the other factors.

    No rows if the levels have no combination in common.
    """
    if grid.clear(1):
        has = grid.has(name).astype(np.float64)
        return np.asarray(has / has.sum(1, keepdims=True))
    weights = np.zeros((len(grid.levels[name]), len(grid.codes)))
    cells = [(level,) for level in range(len(weights))]
    for row, matched in zip(weights, _matched(conditions_by_levels(grid, [name]), cells), strict=True):
        row[matched] = 1 / max(len(matched), 1)
    return weights if weights.any() else weights[:0]


def coded_of(grid: Grid) -> Contrasts:
    """Effect-coded parameters of one to `MOST_FACTORS` factors, the `contrast` being the levels, e.g.
    `measured:tversky`; none if the grid is not complete."""
    rows, weights = [], [np.zeros((0, len(grid.codes)))]
    for term in terms(grid.names) if grid.resolution is None else []:
        inside = grid.inside.astype(np.float64)
        deviations = [inside * (len(grid.levels[name]) * grid.has(name).astype(np.float64) - 1.0) for name in term]
        weights.append(_crossed(deviations) / float(inside.sum()))
        rows += [(len(term), ":".join(term), ":".join(own)) for own in product(*(grid.levels[name] for name in term))]
    return Contrasts(_table(rows), np.concatenate(weights))
