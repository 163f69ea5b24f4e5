"""Calibration per class: do the predicted probabilities agree with the frequency of the class?

Conventions
-----------
`ink` float32 `[H,W]` is the probability p of one class at each pixel, `labels` uint8 `[H,W]` the truth; pixels whose
truth is 255 (ignore) are not counted. A pixel is a yes/no decision of its own: y = 1 where the label is the class. Bin
m of BINS = 15 bins of equal width holds m/15 <= p < (m+1)/15, the last bin also p = 1. Sums of p and of (p - y)^2 are
kept as integers of 2^-30, so that the sum of sheets depends neither on their order nor on the number of processes.
Counts are added over the split and divided once.

    1. ece    sum over bins of n_m / n |mean p - share of the class|, over all n counted pixels
              Naeini et al. 2015; per class as in Nixon et al. 2019
    2. brier  mean of (p - y)^2 over all counted pixels                                                    Brier 1950

Both are means over all pixels. About 98 % of them are background with a probability near 0, so both are small numbers:
compare runs with each other, and with the score of a constant p = share of the class (ece 0, brier share (1 - share)).
NaN where the truth has no pixel of the class. Thresholds do not change them.

References
----------
Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950).
Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
Nixon, Dusenberry, Zhang, Jerfel and Tran, "Measuring calibration in deep learning", CVPR workshops 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import IGNORE, Float32, Int64, UInt8

BINS: Final = 15
ONE: Final = 2**30
"""The integer that stands for 1 in sums."""


@dataclass(frozen=True)
class CalibrationCounts(Counts):
    """Integers of one class: by bin int64 [15] the number of `pixels`, of `positives`, and the `confidence`, the sum of
    p in units of 2^-30; over all bins `squared`, the sum of (p - y)^2 in the same unit."""

    pixels: Int64
    positives: Int64
    confidence: Int64
    squared: int


def calibration(ink: Float32, labels: UInt8, class_id: int) -> CalibrationCounts:
    """Count the pixels of a sheet by the probability `ink [H,W]` of the class `class_id`.

    Raises `ValueError` for another shape than that of `labels`.
    """
    if ink.shape != labels.shape:
        raise ValueError(
            f"`ink` and `labels` must have one shape, got {list(ink.shape)} and {list(labels.shape)}; pass the "
            "probability of one class"
        )
    counts = np.zeros((3, BINS), np.int64)
    flat = (np.ascontiguousarray(array).reshape(-1) for array in (ink, labels))
    squared = call(_count, *flat, class_id, counts)
    return CalibrationCounts(counts[0], counts[1], counts[2], int(squared))


def calibration_rates(counts: CalibrationCounts) -> dict[str, float]:
    """`ece` and `brier`."""
    total = int(counts.pixels.sum())
    if not counts.positives.any():
        return {"ece": float("nan"), "brier": float("nan")}
    gaps = np.abs(counts.confidence - counts.positives * ONE)
    return {"ece": float(gaps.sum() / ONE / total), "brier": counts.squared / ONE / total}


@kernel
def _count(ink, labels, class_id, counts):  # type: ignore[no-untyped-def]
    """Add to `counts [3,15]`; returns the sum of squares. Bin 0, where most pixels are, is summed in registers."""
    pixels = positives = confidence = squared = np.int64(0)
    for i in range(len(ink)):
        if labels[i] == IGNORE:
            continue
        p = np.float64(ink[i])
        true = np.int64(labels[i] == class_id)
        amount = np.int64(p * ONE + 0.5)
        squared += np.int64((p - true) * (p - true) * ONE + 0.5)
        number = np.int64(p * BINS)
        if number == 0:
            pixels += 1
            positives += true
            confidence += amount
        else:
            number = min(number, np.int64(BINS - 1))
            counts[0, number] += 1
            counts[1, number] += true
            counts[2, number] += amount
    counts[0, 0] += pixels
    counts[1, 0] += positives
    counts[2, 0] += confidence
    return squared
