"""Error types per class: each false positive and each missed pixel has exactly one cause.

Conventions
-----------
Truth, curves and scale are those of truth.py; ignored pixels and distances those of prediction.py. A false positive of
class k is a pixel predicted as k with another label, a miss is a pixel of label k predicted as another class. The
first cause of a list that holds is the cause of the pixel, and the last takes the rest: the counts of a class add up to
its false positives and its false negatives exactly.

False positives of class k
    1. hidden       on curve k itself, where another curve was drawn over it, as at crossings
    2. other_curve  on another curve
    3. thickness    at most `thickness_mm` from curve k: drawn too thick, or beside the curve
    4. text         on the layer TEXT; before the grid, because letters are printed across grid lines
    5. grid         on the layer GRID or EDGE
    6. stain        on the layer STAIN; after print, because print on a stain is still visible
    7. stray        on blank paper

Misses of class k
    1. crossing     at most `crossing_mm` from another curve, whatever was predicted there
    2. other_curve  predicted as another curve
    3. beside       class k is predicted at most `thickness_mm` away
    4. lost         curve k is predicted nowhere on the sheet
    5. end          above the first row or below the last row in which curve k is predicted
    6. gap          between these rows

Curve k *is predicted* in a row where a pixel predicted as k lies at most `thickness_mm` from it, so that false
positives elsewhere do not turn an end into a gap. A trace is interrupted by 1, by 5 with 4, and by 6.

Integer counts are added over sheets and divided once. A rate is the share of a cause in the false positives (`fp_...`)
or misses (`fn_...`) of a class, NaN where it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts, overlap_of
from thinline.metrics.structure.prediction import Prediction
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT, Float64, Int64

FALSE_POSITIVES: Final = ("hidden", "other_curve", "thickness", "text", "grid", "stain", "stray")
MISSES: Final = ("crossing", "other_curve", "beside", "lost", "end", "gap")

THICKNESS_MM: Final = 0.5
"""Two nominal pens: all errors of a curve of one pen that is drawn five pens thick are `thickness`."""

CROSSING_MM: Final = 1.0


@dataclass(frozen=True)
class ErrorTypeCounts(Counts):
    """Pixels by cause: `false_positives` int64 [K,7] in the order of FALSE_POSITIVES, `misses` int64 [K,6]."""

    false_positives: Int64
    misses: Int64


def error_types(
    prediction: Prediction, *, thickness_mm: float = THICKNESS_MM, crossing_mm: float = CROSSING_MM
) -> ErrorTypeCounts:
    """Count the errors by cause. ValueError for lengths beyond the reach of the prediction."""
    thickness_px, crossing_px = prediction.px(thickness_mm), prediction.px(crossing_mm)
    false_positives = np.zeros((len(prediction.classes), len(FALSE_POSITIVES)), np.int64)
    misses = np.zeros((len(prediction.classes), len(MISSES)), np.int64)
    layers, width = prediction.truth.layers.reshape(-1), prediction.labels.shape[1]
    for k, pixels in enumerate(prediction.classes):
        wrong, missed = ~pixels.true, ~pixels.predicted
        near = pixels.to_own <= thickness_px * thickness_px
        distances = pixels.to_own[wrong], pixels.to_others[wrong]
        call(_wrong, *distances, near[wrong], layers[pixels.positions[wrong]], false_positives[k])
        crossing = pixels.to_others[missed] <= crossing_px * crossing_px
        positions = pixels.positions[missed]
        beside, _ = prediction.curve(k).nearest(positions, within_px=thickness_px)
        rows = pixels.positions[pixels.predicted & near] // width
        ends = (rows[0], rows[-1]) if len(rows) else (-1, -1)
        call(_missed, crossing, pixels.any_curve[missed], beside, positions // width, *ends, misses[k])
    return ErrorTypeCounts(false_positives, misses)


@kernel
def _wrong(to_own, to_others, near, layers, counts):  # type: ignore[no-untyped-def]
    """Add to `counts [7]` the cause of each of Q false positives, all arrays [Q]."""
    for q in range(len(to_own)):
        if to_own[q] == 0:
            cause = 0
        elif to_others[q] == 0:
            cause = 1
        elif near[q]:
            cause = 2
        elif layers[q] & TEXT:
            cause = 3
        elif layers[q] & (GRID | EDGE):
            cause = 4
        elif layers[q] & STAIN:
            cause = 5
        else:
            cause = 6
        counts[cause] += 1


@kernel
def _missed(crossing, any_curve, beside, rows, top, bottom, counts):  # type: ignore[no-untyped-def]
    """Add to `counts [6]` the cause of each of Q misses, all arrays [Q]. `beside` is finite where the class is near.

    The class is predicted in the rows `top` to `bottom`; both are -1 where it is predicted nowhere.
    """
    for q in range(len(rows)):
        if crossing[q]:
            cause = 0
        elif any_curve[q]:
            cause = 1
        elif np.isfinite(beside[q]):
            cause = 2
        elif bottom < 0:
            cause = 3
        elif rows[q] < top or rows[q] > bottom:
            cause = 4
        else:
            cause = 5
        counts[cause] += 1


def error_type_rates(counts: ErrorTypeCounts) -> dict[str, Float64]:
    """`fp_CAUSE` and `fn_CAUSE` for each cause, float64 [K]."""
    rates: dict[str, Float64] = {}
    for sign, names, pixels in (("fp", FALSE_POSITIVES, counts.false_positives), ("fn", MISSES, counts.misses)):
        shares = overlap_of(pixels, pixels.sum(axis=1, keepdims=True))
        rates |= {f"{sign}_{name}": share for name, share in zip(names, shares.T, strict=True)}
    return rates
