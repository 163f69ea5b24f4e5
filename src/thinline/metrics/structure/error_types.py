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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts, overlap_of
from thinline.metrics.structure.prediction import Prediction
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT, Bool, Float64, Int64

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
    false_positives, misses = [], []
    for k, pixels in enumerate(prediction.classes):
        near = pixels.to_own <= thickness_px * thickness_px
        wrong, missed = np.flatnonzero(~pixels.true), np.flatnonzero(~pixels.predicted)
        layer = prediction.truth.layers.reshape(-1)[pixels.positions[wrong]]
        printed = [(layer & bits) != 0 for bits in (TEXT, GRID | EDGE, STAIN)]
        on_curve = [pixels.to_own[wrong] == 0, pixels.to_others[wrong] == 0]
        false_positives.append(_first([*on_curve, near[wrong], *printed]))
        crossing = pixels.to_others[missed] <= crossing_px * crossing_px
        beside, _ = prediction.curve(k).nearest(pixels.positions[missed], within_px=thickness_px)
        rows = pixels.positions // prediction.labels.shape[1]
        beyond = _lost_and_end(rows[missed], rows[pixels.predicted & near])
        misses.append(_first([crossing, pixels.any_curve[missed], np.isfinite(beside), *beyond]))
    return ErrorTypeCounts(
        np.array(false_positives).reshape(-1, len(FALSE_POSITIVES)), np.array(misses).reshape(-1, len(MISSES))
    )


def _lost_and_end(missed: Int64, predicted: Int64) -> list[Bool]:
    """Whether misses in the rows `missed` are of type lost and of type end, from the rows with a prediction."""
    if not len(predicted):
        return [np.ones(len(missed), np.bool_), np.zeros(len(missed), np.bool_)]
    return [np.zeros(len(missed), np.bool_), (missed < predicted[0]) | (missed > predicted[-1])]


def _first(causes: Sequence[Bool]) -> Int64:
    """How many of P pixels each of the causes [P] is the first to hold for, and how many are left: int64 [R+1]."""
    table = np.stack([*causes, np.ones_like(causes[0])])
    return np.bincount(table.argmax(axis=0), minlength=len(table))


def error_type_rates(counts: ErrorTypeCounts) -> dict[str, Float64]:
    """`fp_CAUSE` and `fn_CAUSE` for each cause, float64 [K]."""
    rates: dict[str, Float64] = {}
    for sign, names, pixels in (("fp", FALSE_POSITIVES, counts.false_positives), ("fn", MISSES, counts.misses)):
        shares = overlap_of(pixels, pixels.sum(axis=1, keepdims=True))
        rates |= {f"{sign}_{name}": share for name, share in zip(names, shares.T, strict=True)}
    return rates
