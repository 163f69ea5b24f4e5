"""The smallest difference of two conditions that the seeds of a study can tell.

Conventions
-----------
`A` conditions, `S` seeds. Cells of one seed share their sheets, so most of the interval of a single condition is the
variation of sheets, which the difference of two conditions does not have. Rows of a table are therefore not compared by
their own intervals. The smallest difference is the minimum detectable effect (estimates.py) of the paired difference of
two conditions: found with a probability of .8 at p < .05, without a correction for the number of pairs. Pairs differ,
and the median over all pairs is given. Variance from test sheets that all seeds share is not in it.
"""

from __future__ import annotations

import numpy as np

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.stats.estimates import minimum_detectable_effect
from thinline.study.stats.samples import samples
from thinline.vocabulary import Float64, Int64


def smallest_difference(values: Float64) -> float:
    """The smallest difference of two of the conditions in `values [A,S]`, over the seeds that a pair has in common.

    NaN where no pair has two such seeds, or none varies.
    """
    if min(values.shape, default=0) < 2:
        return float("nan")
    first, second = np.triu_indices(len(values), 1)
    found = np.concatenate([_detectable(values[a] - values[b]) for a, b in _parts(first, second)])
    return float(np.median(found[np.isfinite(found)])) if np.isfinite(found).any() else float("nan")


def _detectable(differences: Float64) -> Float64:
    """The minimum detectable effect of each row of `differences [.,S]`, NaN where a seed lacks a value."""
    known = np.isfinite(differences)
    count = known.sum(1)
    filled = np.where(known, differences, 0.0)
    mean = filled.sum(1) / np.maximum(count, 1)
    squares = np.where(known, filled - mean[:, None], 0.0) ** 2
    error = np.sqrt(np.where(count > 1, squares.sum(1) / np.maximum(count * (count - 1), 1), np.nan))
    return minimum_detectable_effect(error, np.maximum(count - 1.0, 1.0))


def _parts(first: Int64, second: Int64, size: int = 4096) -> list[tuple[Int64, Int64]]:
    return [(first[start : start + size], second[start : start + size]) for start in range(0, len(first), size)]


def smallest_of(results: Results, measure: str, name: str, *, split: str = "test") -> float:
    """The smallest difference of two conditions of `results` in `split/measure` of class `name`; NaN if it lacks it."""
    try:
        return smallest_difference(samples(results, measure, name, split=split).values)
    except StudyError:
        return float("nan")
