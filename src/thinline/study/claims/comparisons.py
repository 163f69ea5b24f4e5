"""Sums over conditions of one or several measures, with their interval over seeds: the stuff that criteria are made of.

Conventions
-----------
A *comparison* is a sum of terms (see contrast_terms.py) of which something is expected. Terms may be of several
measures and
splits: they are paired by seed, and by sheet where all of them have sheets. A comparison of matched terms says so.

Beyond the measures of the runs there are two of their counts of true pixels, exact in every run:

    frequency          true pixels of the class / all pixels
    background_ratio   pixels of the background / true pixels of the class
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.claims.contrast_terms import NotTestable, Term, Weights, weights_of, words_of
from thinline.study.claims.expectations import BOUNDS, Expectation, Finding
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.stats.contrasts import grid_of
from thinline.study.stats.estimates import Estimate, estimate
from thinline.study.stats.samples import Samples, samples
from thinline.vocabulary import BACKGROUND, Float64, Int64

FREQUENCY: Final = "frequency"
BACKGROUND_RATIO: Final = "background_ratio"
COUNTED: Final = (FREQUENCY, BACKGROUND_RATIO)


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
        self._grid = grid_of(results)
        self._weights: dict[tuple[tuple[str, bool, float], ...], Weights] = {}

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

    def weights(self, terms: Sequence[Term]) -> Weights:
        """The weights of the conditions in each term. Raises `NotTestable` naming what the study lacks."""
        key = tuple((words_of(term.where), term.outside, term.times) for term in terms)
        if key not in self._weights:
            self._weights[key] = weights_of(self.conditions, self._grid, terms)
        return self._weights[key]


def found(numbers: Numbers, comparison: Comparison) -> list[Finding]:
    """A finding for each class that has values in the conditions asked for; it is open where no seed has all of them.

    Raises `NotTestable` where that is so of every class.
    """
    if numbers.weights(comparison.terms).matched:
        comparison = replace(comparison, text=f"{comparison.text}, matched")
    names = comparison.classes or numbers.classes
    if all(term.of for term in comparison.terms):
        names = (" and ".join(dict.fromkeys(term.of for term in comparison.terms)),)
    findings = []
    for name in names:
        told = summed(numbers, comparison.terms, name)
        if told is not None and (told.seeds or _partly(numbers, comparison.terms, name)):
            findings.append(finding_of(comparison, name, told))
    if not any(it.seeds for it in findings):
        curves, where = ", ".join(names) or "any curve", _without(numbers, comparison, names)
        raise NotTestable(f"no value of {comparison.measure} for {curves} in {where}")
    return findings


def _without(numbers: Numbers, comparison: Comparison, names: Sequence[str]) -> str:
    """In which of the conditions asked for the first curve lacks a value, in words."""
    for term, weights in zip(comparison.terms, numbers.weights(comparison.terms).of_terms, strict=True):
        read = numbers.of(term.measure, term.of or names[0]) if term.of or names else None
        if read is not None:
            lacking = (weights != 0) & ~np.isfinite(read.values).all(1)
            if lacking.any():
                return ", ".join(numbers.conditions.index[lacking][:3])
    return "; ".join(dict.fromkeys(words_of(term.where) for term in comparison.terms))


def _partly(numbers: Numbers, terms: Sequence[Term], name: str) -> bool:
    """Whether a class has a value in some cells of each term; one that a head does not know has none at all."""
    for term, weights in zip(terms, numbers.weights(terms).of_terms, strict=True):
        read = numbers.of(term.measure, term.of or name)
        if read is None or not np.isfinite(read.values[weights != 0]).any():
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


def summed(numbers: Numbers, terms: Sequence[Term], name: str) -> Estimate | None:
    """The estimate of the sum of `terms` for class `name`; None where a measure is lacking."""
    parts: dict[tuple[str, str], Float64] = {}
    for term, own in zip(terms, numbers.weights(terms).of_terms, strict=True):
        key = (term.measure, term.of or name)
        parts[key] = parts.get(key, 0.0) + own
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
