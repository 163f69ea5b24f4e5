"""Pixel rates by zone of the sheet, per class: at crossings, by slope of the curve, by distance to other curves.

Conventions
-----------
Truth, curves and scale are those of truth.py, ignored pixels those of prediction.py, distances and slopes those of
curve_pixels.py. Every true positive, false positive and miss of a class is in one zone of each of three divisions of
the sheet, so that the zones of a division add up to the counts of the sheet. The zone is that of the pixel's position,
whatever is predicted there:

    1. crossing   inside    at most `crossing_mm` from the curve of the class and from another curve
                  outside
    2. slope      vertical, sloped, horizontal   up to 30 degrees from vertical, to 60, and more: slope of the nearest
                            pixel of the curve of the class
                  away      farther than `crossing_mm` from that curve: false positives only
    3. distance   to the nearest other curve: at most the first of `limits_mm`, at most the second, ..., more than the
                  last or no other curve on the sheet

A false positive on another curve, far from a crossing, is therefore outside of crossings, away, and at distance 0.

Integer counts are added over sheets and divided once: `iou`, `precision`, `recall` and `f1` of the pixels of a zone.
Where a class is absent from a zone absent.py gives the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts, overlap_of, precision_of, recall_of
from thinline.metrics.structure.error_types import CROSSING_MM
from thinline.metrics.structure.prediction import Prediction
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64, Int64

DISTANCES_MM: Final = (0.5, 1.0, 2.0, 4.0)
_SLOPES: Final = ("vertical", "sloped", "horizontal", "away")
ZONES: Final = {
    "crossing": ("inside", "outside"),
    "slope": _SLOPES,
    "distance": (*(f"{limit:g}mm" for limit in DISTANCES_MM), "beyond"),
}
"""Names of the zones of each division."""

_FLAT: Final = 3**0.5
"""|dx/dy| at 60 degrees from vertical. No axis of pixels has exactly this slope, so rounding decides no zone."""


@dataclass(frozen=True)
class ZoneCounts(Counts):
    """Pixels of each class by zone, int64 [K,Z,3] for each division: true positives, false positives, misses.

    The zones are in the order of ZONES; distances have one zone more than limits.
    """

    crossing: Int64
    slope: Int64
    distance: Int64


def zones(
    prediction: Prediction, *, crossing_mm: float = CROSSING_MM, limits_mm: Sequence[float] = DISTANCES_MM
) -> ZoneCounts:
    """Count by zone; `limits_mm` ascends. ValueError for lengths beyond the reach of the prediction."""
    limits = np.square([prediction.px(limit) for limit in limits_mm])
    near = prediction.px(crossing_mm) ** 2
    curves = len(prediction.classes)
    parts = [np.zeros((curves, size, 3), np.int64) for size in (2, len(_SLOPES), len(limits) + 1)]
    for k, (slopes, pixels) in enumerate(zip(prediction.truth.slopes, prediction.classes, strict=True)):
        here = pixels.true, pixels.predicted, pixels.to_own, pixels.nearest, pixels.to_others
        call(_count, here, slopes, near, limits, tuple(part[k] for part in parts))
    return ZoneCounts(*parts)


@kernel
def _count(pixels, slopes, near, limits, divisions):  # type: ignore[no-untyped-def]
    """Add each of P pixels to its zone of each division, [Z,3]; `near` and `limits` are squares of lengths in px."""
    true, predicted, to_own, nearest, to_others = pixels
    crossing, slope, distance = divisions
    for p in range(len(true)):
        outcome = (0 if predicted[p] else 2) if true[p] else 1
        crossing[int(to_own[p] > near or to_others[p] > near), outcome] += 1
        zone = 3
        if to_own[p] <= near:
            at = slopes[nearest[p]]
            zone = int(at > 1 / _FLAT) + int(at >= _FLAT)
        slope[zone, outcome] += 1
        zone = 0
        while zone < len(limits) and limits[zone] < to_others[p]:
            zone += 1
        distance[zone, outcome] += 1


def zone_rates(counts: ZoneCounts) -> dict[str, Float64]:
    """`crossing_iou`, ..., `distance_f1` as float64 [K,Z]."""
    rates: dict[str, Float64] = {}
    for division in ZONES:
        tp, fp, misses = np.moveaxis(getattr(counts, division), -1, 0).astype(np.float64)
        predicted, true = tp + fp, tp + misses
        rates |= {
            f"{division}_iou": overlap_of(tp, predicted + misses),
            f"{division}_precision": precision_of(tp, predicted, true),
            f"{division}_recall": recall_of(tp, true),
            f"{division}_f1": overlap_of(2 * tp, predicted + true),
        }
    return rates
