"""The terms of a comparison: means over conditions, like compared with like.

Conventions
-----------
A *term* is the mean over all conditions with the levels `where`, of one measure, times a factor. `where` is empty for
all conditions; of the grid alone, unless `outside` takes those beside it as well. Weights are over all `A` conditions.

In a grid that is the full product of its factors, or a fraction of enough resolution for the number of factors named
(see contrasts.py), each term is the mean over all conditions that it names. In any other grid these would differ in
more than what is compared: where weighted Dice was not run with one of the heads, the mean over Dice has less of that
head than the mean over Tversky. There the terms are *matched*: factors of which they name different levels are
compared, and the mean is over those combinations of all others with which every compared combination has run. A level
that all terms name is not dropped in silence: without a counterpart the comparison is not testable. Terms with
conditions beside the grid are not matched; their author names what is to be the same.

Matching knows which conditions ran, not what they measured: a network that finds no pixel of a curve has no precision
there, and without that condition the mean would look better than it is. So a comparison that lacks such a value stays
open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd

from thinline.study.design.study import StudyError
from thinline.study.stats.contrasts import Grid
from thinline.study.stats.estimates import mean_of
from thinline.vocabulary import Float64

Where = Mapping[str, tuple[str, ...]]
_Key = tuple[str, ...]


class NotTestable(StudyError):
    """A study that does not have what a criterion asks for; the text says what."""


@dataclass(frozen=True)
class Term:
    """`times` the mean of `measure` (`split/name`) over the conditions `where`; of class `of`, if it names one."""

    measure: str
    where: Where = field(default_factory=dict)
    times: float = 1.0
    of: str = ""
    outside: bool = False


@dataclass(frozen=True)
class Weights:
    """The weights [A] of each term, times its factor, and whether they were matched."""

    of_terms: tuple[Float64, ...]
    matched: bool = False


def words_of(where: Where) -> str:
    """Levels in words, as `loss=dice|tversky, data_mix=fresh`."""
    return ", ".join(f"{name}={'|'.join(levels)}" for name, levels in where.items()) or "all cells"


def weights_of(conditions: pd.DataFrame, grid: Grid, terms: Sequence[Term]) -> Weights:
    """The weights of the conditions in each term. Raises `NotTestable` naming what the study lacks."""
    for term in terms:
        _check(conditions, term)
    named = {name for term in terms for name in term.where} & set(grid.names)
    plain = tuple(term.times * _mean(conditions, term) for term in terms)
    if grid.clear(len(named)) or any(term.outside for term in terms):
        return Weights(plain)
    return _matched(conditions[grid.inside], conditions.index, grid, terms) or Weights(plain)


def _check(conditions: pd.DataFrame, term: Term) -> None:
    """Refuse a term of factors or levels that the study does not have."""
    there = conditions if term.outside else conditions[conditions["grid"].astype(bool)]
    there = there.assign(condition=there.index)
    for name, levels in term.where.items():
        if name not in there:
            raise NotTestable(f"no cells with {words_of({name: levels})}: {name} is not varied")
        known = set(there[name].dropna())
        lacking = [level for level in levels if level not in known]
        if lacking:
            raise NotTestable(f"no cells with {name}={'|'.join(lacking)}")


def _mean(conditions: pd.DataFrame, term: Term) -> Float64:
    try:
        return mean_of(conditions, term.where, grid=None if term.outside else True)
    except StudyError:
        raise NotTestable(f"no cells with {words_of(term.where)} together") from None


def _matched(inside: pd.DataFrame, index: pd.Index, grid: Grid, terms: Sequence[Term]) -> Weights | None:
    """Weights over the combinations of what is not compared that all terms have; None where these are all there are.

    Raises `NotTestable` where there are none, and where a level that the terms name is in none of them.
    """
    asked = [{name: term.where.get(name, grid.levels[name]) for name in grid.names} for term in terms]
    compared = [name for name in grid.names if len({frozenset(its[name]) for its in asked}) > 1]
    others = [name for name in grid.names if name not in compared]
    met = _met(inside, compared, others)
    sides = [list(product(*(its[name] for name in compared))) for its in asked]
    allowed = [asked[0][name] for name in others]

    def wanted(keys: Iterable[_Key]) -> set[_Key]:
        return {key for key in keys if all(level in of for level, of in zip(key, allowed, strict=True))}

    shared = sorted(wanted(_common(met, sides)))
    if all(wanted(met.get(own, {})) == set(shared) for side in sides for own in side):
        return None
    named = {name for term in terms for name in term.where}
    kept = {name: {key[place] for key in shared} for place, name in enumerate(others) if name in named}
    if not shared or any(levels != set(asked[0][name]) for name, levels in kept.items()):
        told = "; ".join(dict.fromkeys(words_of(term.where) for term in terms))
        raise NotTestable(f"not for every level of {told} there are cells that differ in nothing else")
    weights = []
    for term, side in zip(terms, sides, strict=True):
        labels = [met[own][key] for own in side for key in shared]
        weights.append(term.times * index.isin(labels).astype(np.float64) / len(labels))
    return Weights(tuple(weights), matched=True)


def _met(inside: pd.DataFrame, compared: Sequence[str], others: Sequence[str]) -> dict[_Key, dict[_Key, str]]:
    """{levels of what is compared: {levels of the others: condition}}."""
    met: dict[_Key, dict[_Key, str]] = {}
    for label, row in inside.iterrows():
        own, key = (tuple(str(row[name]) for name in names) for names in (compared, others))
        met.setdefault(own, {})[key] = str(label)
    return met


def _common(met: Mapping[_Key, Mapping[_Key, str]], sides: Iterable[Sequence[_Key]]) -> set[_Key]:
    """The levels of the others with which every compared combination has run."""
    owns = {own for side in sides for own in side}
    return set.intersection(*(set(met.get(own, {})) for own in owns))
