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
    """The smallest difference of two of the conditions in `values [A,S]`; NaN with fewer than two seeds or conditions.

    Conditions without a value in some seed are left out.
    """
    complete = values[np.isfinite(values).all(1)]
    seeds = complete.shape[1]
    if len(complete) < 2 or seeds < 2:
        return float("nan")
    first, second = np.triu_indices(len(complete), 1)
    variances = np.concatenate([(complete[a] - complete[b]).var(1, ddof=1) for a, b in _parts(first, second)])
    found = minimum_detectable_effect(np.sqrt(variances / seeds), np.full(len(variances), seeds - 1.0))
    return float(np.median(found[np.isfinite(found)])) if np.isfinite(found).any() else float("nan")


def _parts(first: Int64, second: Int64, size: int = 4096) -> list[tuple[Int64, Int64]]:
    return [(first[start : start + size], second[start : start + size]) for start in range(0, len(first), size)]


def smallest_of(results: Results, measure: str, name: str, *, split: str = "test") -> float:
    """The smallest difference of two conditions of `results` in `split/measure` of class `name`; NaN if it lacks it."""
    try:
        return smallest_difference(samples(results, measure, name, split=split).values)
    except StudyError:
        return float("nan")
