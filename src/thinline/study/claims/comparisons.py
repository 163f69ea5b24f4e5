"""Comparisons that test claims: weighted sums of means over conditions, with their interval over seeds.

Conventions
-----------
A *term* is the mean of one measure over all conditions with the levels `where`, times a factor. An empty `where` means
all conditions; only those of the grid, unless `outside` adds the others. A *comparison* is a sum of terms and what is
expected of it. Terms of several measures and splits are paired by seed, and by sheet where all of them have sheets.

Beside the measures of the runs there are two exact counts of true pixels:

    frequency          true pixels of the class / all pixels
    background_ratio   true pixels of the background / true pixels of the class

Matched terms
-------------
In a full product, or a fraction of sufficient resolution for the number of factors named (see contrasts.py), a term is
the mean over all conditions that it names. In any other grid such means would differ in more than what is compared: if
weighted Dice was not run with one of the heads, the mean over Dice has less of that head than the mean over Tversky.
There the terms are *matched*: the factors of which terms name different levels are compared, and the mean is over the
combinations of all other factors with which every compared combination has run. A level that all terms name must be
among these combinations; otherwise the comparison is not testable. Terms with conditions outside of the grid are not
matched: the claim itself names what is the same.

Matching considers which conditions ran, not what they measured: a network that finds no pixel of a curve has no
precision there, and without that condition the mean would be too good. A comparison that lacks such a value stays open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.claims.expectations import Expectation
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.stats.contrasts import Grid, conditions_by_levels, grid_of
from thinline.study.stats.estimates import Estimate, estimate, levels_of, mean_of
from thinline.study.stats.samples import Samples, samples
from thinline.vocabulary import BACKGROUND, Bool, Float64, Int64

FREQUENCY: Final = "frequency"
BACKGROUND_RATIO: Final = "background_ratio"
COUNTED: Final = (FREQUENCY, BACKGROUND_RATIO)
Where = Mapping[str, tuple[str, ...]]


class NotTestable(StudyError):
    """A study lacks what a criterion needs; the text says what."""


@dataclass(frozen=True)
class Term:
    """`times` the mean of `measure` (`split/name`) over the conditions `where`; of class `of`, if it names one."""

    measure: str
    where: Where = field(default_factory=dict)
    times: float = 1.0
    of: str = ""
    outside: bool = False


@dataclass(frozen=True)
class Comparison:
    """A sum of `terms`, `text` in words, and what is expected of it, if anything; of `classes`, or of every curve.

    `step` marks a step of a trend: it may be open, but a step the other way refutes the trend.
    """

    text: str
    terms: tuple[Term, ...]
    expected: Expectation | None
    classes: tuple[str, ...] = ()
    step: bool = False

    @property
    def measure(self) -> str:
        """The measures compared, for example `test/iou` or `test/nsd_1px less test/iou`."""
        names = dict.fromkeys(term.measure for term in sorted(self.terms, key=lambda term: term.times < 0))
        return " less ".join(names)


@dataclass(frozen=True)
class Weights:
    """The weights [A] of the conditions in each term, times its factor, and whether they were matched."""

    of_terms: tuple[Float64, ...]
    matched: bool = False


class StudyData:
    """Samples and weights of the terms of one study, each read once."""

    def __init__(self, results: Results) -> None:
        self.study = results.study.name
        self.conditions = _as_objects(results.conditions)
        self.classes = results.classes
        self._results = results
        self._samples: dict[tuple[str, str], Samples | None] = {}
        self.grid = grid_of(results)
        self._predicted: dict[str, Bool] = {}
        self._weights: dict[tuple[tuple[str, bool, float], ...], Weights] = {}

    def samples(self, measure: str, name: str) -> Samples | None:
        """The samples of `split/measure` of class `name`; None if no run has them."""
        if (measure, name) not in self._samples:
            split, _, short = measure.partition("/")
            try:
                read = _counted(self._results, split, short, name) if short in COUNTED else None
                read = read if short in COUNTED else self._read(split, short, name)
            except StudyError:
                read = None
            self._samples[measure, name] = read
        return self._samples[measure, name]

    def _read(self, split: str, measure: str, name: str) -> Samples:
        """The samples of the runs, or of the rows beside them. Raises `StudyError` if neither has the measure."""
        try:
            return samples(self._results, measure, name, split=split)
        except StudyError:
            return samples(self._results.of_beside, measure, name, split=split)

    def predicted(self, name: str) -> Bool:
        """Indicator [A] of the conditions whose runs have any number of class `name`: other heads have none."""
        if name not in self._predicted:
            rows = self._results.rows
            runs = rows.loc[(rows["class"] == name) & rows["value"].notna(), "run"].unique()
            cells = self._results.cells
            of_class = set(cells.loc[cells["run"].isin(runs), "condition"])
            self._predicted[name] = np.array([label in of_class for label in self.conditions.index], np.bool_)
        return self._predicted[name]

    def weights(self, terms: Sequence[Term]) -> Weights:
        """The weights of the conditions in each term. Raises `NotTestable` naming what the study lacks."""
        key = tuple((words_of(term.where), term.outside, term.times) for term in terms)
        if key not in self._weights:
            self._weights[key] = weights_of(self.conditions, self.grid, terms)
        return self._weights[key]


def _as_objects(conditions: pd.DataFrame) -> pd.DataFrame:
    """The conditions with labels and levels as Python strings, which NumPy compares without converting them again."""
    factors = dict.fromkeys(conditions.columns.drop("grid"), object)
    return conditions.astype(factors).set_axis(conditions.index.astype(object))


def summed_weights(data: StudyData, terms: Sequence[Term], name: str) -> dict[tuple[str, str], Float64]:
    """The weights [A] of the sum of `terms` for class `name`, by measure and class."""
    parts: dict[tuple[str, str], Float64] = {}
    for term, own in zip(terms, data.weights(terms).of_terms, strict=True):
        key = (term.measure, term.of or name)
        parts[key] = parts.get(key, 0.0) + own
    return parts


def estimate_of_terms(data: StudyData, terms: Sequence[Term], name: str) -> Estimate | None:
    """The estimate of the sum of `terms` for class `name`; None if no run has one of the measures."""
    parts = summed_weights(data, terms, name)
    known = {key: data.samples(*key) for key in parts}
    read = [each for each in known.values() if each is not None]
    if len(read) < len(parts):
        return None
    if len(parts) == 1:
        return estimate(read[0], next(iter(parts.values())))
    used = [np.flatnonzero(weight) for weight in parts.values()]
    weights = [weight[own] for weight, own in zip(parts.values(), used, strict=True)]
    return estimate(_stacked([_narrowed(*each) for each in zip(read, used, strict=True)]), np.concatenate(weights))


def _narrowed(data: Samples, used: Int64) -> Samples:
    """The samples of the conditions numbered `used`."""
    labels = tuple(data.conditions[condition] for condition in used)
    return replace(data, conditions=labels, parts=data.parts[used], whole=data.whole[used])


def _stacked(of_measures: Sequence[Samples]) -> Samples:
    """Samples of several measures as further conditions; with one sheet per seed if their sheets differ."""
    arrays = [(each.parts, each.whole) for each in of_measures]
    same = len({each.parts.shape[1:] for each in of_measures}) == 1
    if not same:
        arrays = [(parts.sum(-1, keepdims=True), whole.sum(-1, keepdims=True)) for parts, whole in arrays]
    return Samples(
        "|".join(each.split for each in of_measures),
        "|".join(each.measure for each in of_measures),
        "|".join(each.name for each in of_measures),
        tuple(label for each in of_measures for label in each.conditions),
        of_measures[0].seeds,
        np.concatenate([parts for parts, _ in arrays]),
        np.concatenate([whole for _, whole in arrays]),
        crossed=same and all(each.crossed for each in of_measures),
    )


def _counted(results: Results, split: str, measure: str, name: str) -> Samples | None:
    """The counts of true pixels, see the module, from the supports of the classes of each run."""
    rows = results.rows[(results.rows["split"] == split) & (results.rows["measure"] == "iou")]
    wide = rows.pivot(index="run", columns="class", values="support")
    if name not in wide or BACKGROUND not in wide:
        return None
    counts = (wide[name], wide.sum(axis=1)) if measure == FREQUENCY else (wide[BACKGROUND], wide[name])
    table = pd.DataFrame(dict(zip(("parts", "whole"), counts, strict=True))).dropna()
    table = table.join(results.cells.set_index("run")[["condition", "seed"]])
    parts, whole = (
        table.pivot(index="condition", columns="seed", values=column)
        .reindex(index=list(results.conditions.index), columns=list(results.seeds))
        .fillna(0.0)
        .to_numpy(np.float64)[..., None]
        for column in ("parts", "whole")
    )
    labels = tuple(str(label) for label in results.conditions.index)
    return Samples(split, measure, name, labels, results.seeds, parts, whole, crossed=False)


def words_of(where: Where) -> str:
    """Levels in words, for example `loss=dice and tversky, data_mix=fresh` of a mean over two losses."""
    return ", ".join(f"{name}={' and '.join(levels)}" for name, levels in where.items()) or "all cells"


def weights_of(conditions: pd.DataFrame, grid: Grid, terms: Sequence[Term]) -> Weights:
    """The weights of the conditions in each term. Raises `NotTestable` naming what the study lacks."""
    for term in terms:
        _check_levels(conditions, term)
    named = {name for term in terms for name in term.where} & set(grid.names)
    plain = Weights(tuple(term.times * _mean(conditions, term) for term in terms))
    if grid.clear(len(named)) or any(term.outside for term in terms):
        return plain
    return _matched(grid, terms) or plain


def _check_levels(conditions: pd.DataFrame, term: Term) -> None:
    """Refuse a term with factors or levels that the study does not have."""
    allowed = np.ones(len(conditions), np.bool_) if term.outside else conditions["grid"].to_numpy(np.bool_)
    for name, levels in term.where.items():
        if name != "condition" and name not in conditions:
            raise NotTestable(f"no cells with {words_of({name: levels})}: {name} is not varied")
        known = set(levels_of(conditions, name)[allowed])
        lacking = [level for level in levels if level not in known]
        if lacking:
            raise NotTestable(f"no cells with {name}={'|'.join(lacking)}")


def _mean(conditions: pd.DataFrame, term: Term) -> Float64:
    try:
        return mean_of(conditions, term.where, grid=None if term.outside else True)
    except StudyError:
        raise NotTestable(f"no cells with {words_of(term.where)} together") from None


def _matched(grid: Grid, terms: Sequence[Term]) -> Weights | None:
    """Weights over the combinations of the factors not compared that all terms have; None if that leaves nothing out.

    Raises `NotTestable` if there is no such combination, or none with a level that all terms name.
    """
    codes = [
        {name: [levels.index(level) for level in term.where.get(name, levels)] for name, levels in grid.levels.items()}
        for term in terms
    ]
    compared = [name for name in grid.names if len({frozenset(own[name]) for own in codes}) > 1]
    others = [name for name in grid.names if name not in compared]
    conditions = conditions_by_levels(grid, compared)
    sides = [list(product(*(own[name] for name in compared))) for own in codes]
    allowed = set(product(*(codes[0][name] for name in others)))
    of_cells = [set(conditions.get(cell, {})) & allowed for side in sides for cell in side]
    shared = set.intersection(*of_cells)
    if all(own == shared for own in of_cells):
        return None
    named = {name for term in terms for name in term.where}
    kept = {name: {key[column] for key in shared} for column, name in enumerate(others) if name in named}
    if not shared or any(own != set(codes[0][name]) for name, own in kept.items()):
        asked = "; ".join(dict.fromkeys(words_of(term.where) for term in terms))
        raise NotTestable(f"not for every level of {asked} there are cells that differ in nothing else")
    weights = []
    for term, side in zip(terms, sides, strict=True):
        chosen = [conditions[cell][key] for cell in side for key in shared]
        row = np.zeros(len(grid.codes))
        row[chosen] = term.times / len(chosen)
        weights.append(row)
    return Weights(tuple(weights), matched=True)
