"""Rates from integer counts of true and predicted pixels, and their value where a class is absent.

Conventions
-----------
`tp`, `predicted`, `true` are counts of pixels (of masks, surfaces, centrelines or zones) of any one shape: true
positives, all predicted pixels, all true pixels. Counts of sheets are added first and divided once, so that false
positives on a sheet without the class count in the split.

A rate is NaN only where the truth has no pixel of the class. A network that predicts nothing gets a score where the
truth has some:

    true  predicted  overlap  precision  recall  F
    0     0          NaN      NaN        NaN     NaN    the class is absent from both: no score
    0     > 0        0        0          NaN     0      only false positives; there was nothing to recall
    > 0   0          0        0          0       0      everything missed: precision is 0, not NaN

`overlap` is IoU, F1 of pixels, NSD or boundary IoU. Other metrics state their own value without a truth: area ratio
and HD95 NaN, `breaks` 0, shares of error types NaN where there is no error.

References
----------
Maier-Hein et al., "Metrics reloaded", Nature Methods 21 (2024), on absent classes and per-class reporting.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from thinline.vocabulary import Float64


@dataclass(frozen=True)
class Counts:
    """Base of integer counts over one or more sheets; `a + b` adds field by field."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def overlap_of(common: ArrayLike, everything: ArrayLike) -> Float64:
    """`common / everything`, NaN where `everything` is 0."""
    part, whole = np.asarray(common, np.float64), np.asarray(everything, np.float64)
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def recall_of(tp: ArrayLike, true: ArrayLike) -> Float64:
    """`tp / true`, NaN where `true` is 0."""
    return overlap_of(tp, true)


def precision_of(tp: ArrayLike, predicted: ArrayLike, true: ArrayLike) -> Float64:
    """`tp / predicted`; where nothing is predicted 0 if something is true, else NaN."""
    all_missed = (np.asarray(predicted) == 0) & (np.asarray(true) > 0)
    return np.where(all_missed, 0.0, overlap_of(tp, predicted))


def f_of(precision: Float64, recall: Float64) -> Float64:
    """Harmonic mean of a precision and a recall whose true positives differ, as within a tolerance."""
    known_recall = np.where(np.isnan(recall) & np.isfinite(precision), 0.0, recall)
    total = precision + known_recall
    out = np.where(np.isnan(total), np.nan, 0.0)
    np.divide(2 * precision * known_recall, total, out=out, where=total > 0)
    return out
