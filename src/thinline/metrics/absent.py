"""What a rate is where a class is absent: the one rule of every measure that compares found with true.

Conventions
-----------
`hits`, `found`, `true` are counts of pixels (or pixels of outlines, of centrelines, of a zone) as float64 of any one
shape: what was found and is true, all that was found, all that is true. They may be of one sheet, of a zone or of a
whole split; counts are added first and divided once, so false alarms on a sheet without the class count in the split.

Only the truth may leave a score undefined; an answer can never escape its score by being silent:

    true  found   overlap  precision  recall  F
    0     0       NaN      NaN        NaN     NaN    absent from both: not scored
    0     > 0     0        0          NaN     0      false alarms only; there was nothing to recall
    > 0   0       0        0          0       0      everything missed: precision 0, not NaN

`overlap` is IoU, F1 of pixels, NSD, boundary IoU. Measures that are no comparison of two sets say in their own module
what they are without a truth: area ratio and HD95 NaN, `breaks` 0, reasons of errors NaN where there is no error.

References
----------
Maier-Hein et al., "Metrics reloaded", Nature Methods 21 (2024), on absent classes and per-class reporting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from thinline.vocabulary import Float64


def overlap_of(common: ArrayLike, everything: ArrayLike) -> Float64:
    """`common / everything`, NaN where there is nothing at all."""
    part, whole = np.asarray(common, np.float64), np.asarray(everything, np.float64)
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def recall_of(hits: ArrayLike, true: ArrayLike) -> Float64:
    """`hits / true`, NaN where nothing is true."""
    return overlap_of(hits, true)


def precision_of(hits: ArrayLike, found: ArrayLike, true: ArrayLike) -> Float64:
    """`hits / found`; where nothing was found 0 if something is true, else NaN."""
    silent = (np.asarray(found) == 0) & (np.asarray(true) > 0)
    return np.where(silent, 0.0, overlap_of(hits, found))


def f_of(precision: Float64, recall: Float64) -> Float64:
    """The harmonic mean of a precision and a recall that count different things, as within a tolerance."""
    there = np.where(np.isnan(recall) & np.isfinite(precision), 0.0, recall)
    total = precision + there
    out = np.where(np.isnan(total), np.nan, 0.0)
    np.divide(2 * precision * there, total, out=out, where=total > 0)
    return out
