"""Sums over conditions of one or several measures, with their interval over seeds: the stuff that criteria are made of.

Conventions
-----------
A *term* is the mean over all conditions with the levels `where`, of one measure, times a factor; a *comparison* is a
sum of terms of which something is expected. `where` is empty for all conditions; of the grid alone, unless `outside`
takes those beside it as well. Terms may be of several measures and splits: they are paired by seed, and by sheet where
all of them have sheets.

Beyond the measures of the runs there are two of their counts of true pixels, exact in every run:

    frequency          true pixels of the class / all pixels
    background_ratio   pixels of the background / true pixels of the class
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from hairline.study.design import StudyError
from hairline.study.estimates import Estimate, estimate, mean_of
from hairline.study.findings import BOUNDS, Expectation, Finding
from hairline.study.results import Results
from hairline.study.samples import Samples, samples
from hairline.vocabulary import BACKGROUND, Float64, Int64

FREQUENCY: Final = "frequency"
BACKGROUND_RATIO: Final = "background_ratio"
COUNTED: Final = (FREQUENCY, BACKGROUND_RATIO)

Where = Mapping[str, tuple[str, ...]]


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
class Comparison:
    """A sum of `terms`, in words `text`, and what is expected of it, if anything; of `classes`, or of every curve."""

    text: str
    terms: tuple[Term, ...]
    expected: Expectation | None
    classes: tuple[str, ...] = ()

    @property
    def measure(self) -> str:
        """What is compared, as `test/iou`, or `test/nsd_1px less test/iou`."""
        names = list(dict.fromkeys(term.measure for term in sorted(self.terms, key=lambda it: it.times < 0)))
        return " less ".join(names)


class Numbers:
    """The numbers of one study, read once: samples by measure and class, conditions, weights of terms."""

    def __init__(self, results: Results) -> None:
        self.study = results.study.name
        self.conditions = results.conditions
        self.classes = results.classes
        self._results = results
        self._read: dict[tuple[str, str], Samples | None] = {}
        self._weights: dict[tuple[str, bool], Float64] = {}

    def of(self, measure: str, name: str) -> Samples | None:
        """The samples of `split/name` of a class; None where no run has them."""
        if (measure, name) not in self._read:
            self._read[measure, name] = self._samples(measure, name)
        return self._read[measure, name]

    def _samples(self, measure: str, name: str) -> Samples | None:
        split, _, short = measure.partition("/")
        try:
            if short in COUNTED:
                return _counted(self._results, split, short, name)
            return samples(self._results, short, name, split=split)
        except StudyError:
            return None

    def weights(self, term: Term) -> Float64:
        """Weights [A] of the conditions of a term. Raises `NotTestable` naming what the study lacks."""
        key = (words_of(term.where), term.outside)
        if key not in self._weights:
            self._weights[key] = _weights(self.conditions, term)
        return term.times * self._weights[key]


def found(numbers: Numbers, comparison: Comparison) -> list[Finding]:
    """A finding for each class that has values in the conditions asked for; it is open where no seed has all of them.

    Raises `NotTestable` where that is so of every class.
    """
    for term in comparison.terms:
        numbers.weights(term)
    names = comparison.classes or numbers.classes
    if all(term.of for term in comparison.terms):
        names = (" and ".join(dict.fromkeys(term.of for term in comparison.terms)),)
    findings = []
    for name in names:
        told = summed(numbers, comparison.terms, name)
        if told is not None and (told.seeds or _partly(numbers, comparison.terms, name)):
            findings.append(finding_of(comparison, name, told))
    if not any(it.seeds for it in findings):
        where = "; ".join(dict.fromkeys(words_of(term.where) for term in comparison.terms))
        raise NotTestable(f"no value of {comparison.measure} for {', '.join(names) or 'any curve'} in {where}")
    return findings


def _partly(numbers: Numbers, terms: Sequence[Term], name: str) -> bool:
    """Whether a class has a value in some cells of each term; one that a head does not know has none at all."""
    for term in terms:
        read = numbers.of(term.measure, term.of or name)
        if read is None or not np.isfinite(read.values[numbers.weights(term) != 0]).any():
            return False
    return True


def finding_of(comparison: Comparison, name: str, told: Estimate) -> Finding:
    """The finding of an estimate."""
    expected = comparison.expected
    return Finding(
        comparison.measure,
        name,
        comparison.text,
        expected.text if expected else "",
        told.effect,
        told.low,
        told.high,
        told.p,
        told.seeds,
        expected.holds(told.low, told.high) if expected else None,
        room=expected.room(told.low, told.high) if expected else float("nan"),
        signed=expected is not None and expected.kind not in BOUNDS,
    )


def _weights(conditions: pd.DataFrame, term: Term) -> Float64:
    """The mean over the conditions of a term; `NotTestable` where there are none."""
    grid = None if term.outside else True
    there = conditions if term.outside else conditions[conditions["grid"].astype(bool)]
    there = there.assign(condition=there.index)
    for name, levels in term.where.items():
        if name not in there:
            raise NotTestable(f"no cells with {words_of({name: levels})}: {name} is not varied")
        known = set(there[name].dropna())
        lacking = [level for level in levels if level not in known]
        if lacking:
            raise NotTestable(f"no cells with {name}={'|'.join(lacking)}")
    try:
        return mean_of(conditions, term.where, grid=grid)
    except StudyError:
        raise NotTestable(f"no cells with {words_of(term.where)} together") from None


def summed(numbers: Numbers, terms: Sequence[Term], name: str) -> Estimate | None:
    """The estimate of the sum of `terms` for class `name`; None where a measure is lacking."""
    parts: dict[tuple[str, str], Float64] = {}
    for term in terms:
        key = (term.measure, term.of or name)
        parts[key] = parts.get(key, 0.0) + numbers.weights(term)
    known, weights = [], []
    for key, weight in parts.items():
        read = numbers.of(*key)
        if read is None:
            return None
        used = np.flatnonzero(weight)
        known.append(narrowed(read, used))
        weights.append(weight[used])
    return estimate(stacked(known), np.concatenate(weights))


def narrowed(data: Samples, used: Int64) -> Samples:
    """The samples of the conditions at the places `used`."""
    labels = tuple(data.conditions[place] for place in used)
    return replace(data, conditions=labels, parts=data.parts[used], whole=data.whole[used])


def stacked(of_measures: Sequence[Samples]) -> Samples:
    """Samples of several measures as if they were further conditions; with one sheet a seed where sheets differ."""
    if len({each.parts.shape[1:] for each in of_measures}) > 1:
        arrays = [(each.parts.sum(-1, keepdims=True), each.whole.sum(-1, keepdims=True)) for each in of_measures]
        crossed = False
    else:
        arrays = [(each.parts, each.whole) for each in of_measures]
        crossed = all(each.crossed for each in of_measures)
    return Samples(
        "|".join(each.split for each in of_measures),
        "|".join(each.measure for each in of_measures),
        "|".join(each.name for each in of_measures),
        tuple(label for each in of_measures for label in each.conditions),
        of_measures[0].seeds,
        np.concatenate([parts for parts, _ in arrays]),
        np.concatenate([whole for _, whole in arrays]),
        crossed=crossed,
    )


def words_of(where: Where) -> str:
    """Levels in words, as `loss=dice|tversky, data_mix=fresh`."""
    return ", ".join(f"{name}={'|'.join(levels)}" for name, levels in where.items()) or "all cells"


def _counted(results: Results, split: str, measure: str, name: str) -> Samples | None:
    """The two measures of counts, from the supports of the classes of each run; see the module."""
    rows = results.rows[(results.rows["split"] == split) & (results.rows["measure"] == "iou")]
    wide = rows.pivot(index="run", columns="class", values="support")
    if name not in wide or BACKGROUND not in wide:
        return None
    pixels = wide.sum(axis=1) if measure == FREQUENCY else wide[name]
    counted = wide[name] if measure == FREQUENCY else wide[BACKGROUND]
    cells = results.cells.set_index("run")
    told = pd.DataFrame({"parts": counted, "whole": pixels}).join(cells[["condition", "seed"]])
    known = told["parts"].notna() & told["whole"].notna()
    arrays = [
        told.assign(value=told[column].where(known, 0.0))
        .pivot(index="condition", columns="seed", values="value")
        .reindex(index=list(results.conditions.index), columns=list(results.seeds))
        .fillna(0.0)
        .to_numpy(np.float64)[..., None]
        for column in ("parts", "whole")
    ]
    labels = tuple(str(label) for label in results.conditions.index)
    return Samples(split, measure, name, labels, results.seeds, arrays[0], arrays[1], crossed=False)
