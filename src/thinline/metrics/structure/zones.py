"""Where on a sheet the scores are, per class: at crossings, on steep and flat runs, near to and far from other curves.

Conventions
-----------
Truth, ink and scale are those of truth.py, ignored pixels those of prediction.py, distances and slopes those of
curve_pixels.py.
Every hit, false alarm and miss of a class is in one zone of each of three divisions of the sheet, so that the zones of
a division add up to the counts of the whole sheet. A pixel is in the zone of its own place, whatever it was found as:

    1. crossing   inside    at most `crossing_mm` from ink of its class and from ink of another curve
                  outside
    2. slope      vertical, sloped, horizontal   up to 30 degrees from vertical, to 60, and more: of the ink of its
                            class that is nearest to it, which for hits and misses is their own
                  away      farther than `crossing_mm` from ink of its class, where it has no slope: false alarms only
    3. distance   from ink of the nearest other curve: at most the first of `apart_mm`, at most the second, ..., more
                  than the last or no other curve on the sheet

A false alarm on another curve far from a crossing is therefore outside of crossings, at distance 0 and away. Slopes are
read from the ink, so that no truth but the masks is needed, and dashes and wraps do no harm.

Counts come first, as integers, and may be added over sheets; rates divide once: `iou`, `precision`, `recall` and `f1`
of the pixels of a zone; where a class is absent from a zone they are as absent.py says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import overlap_of, precision_of, recall_of
from thinline.metrics.structure.error_types import CROSSING_MM
from thinline.metrics.structure.prediction import Answer
from thinline.vocabulary import Float64, Int64

CROSSINGS: Final = ("inside", "outside")
SLOPES: Final = ("vertical", "sloped", "horizontal", "away")
APART_MM: Final = (0.5, 1.0, 2.0, 4.0)

FLAT: Final = 3**0.5
"""|dx/dy| at 60 degrees from vertical. As no axis of pixels has just this slope, no rounding decides about a zone."""


@dataclass(frozen=True)
class PlaceCounts:
    """Pixels of each class by zone over one or more sheets; `a + b` is the count of both.

    int64 [K,Z,3]: hits, false alarms, misses in the Z zones of a division, in the order of CROSSINGS, of SLOPES, and of
    the distances, of which there is one zone more than limits.
    """

    crossing: Int64
    slope: Int64
    distance: Int64

    def __add__(self, other: PlaceCounts) -> PlaceCounts:
        return PlaceCounts(self.crossing + other.crossing, self.slope + other.slope, self.distance + other.distance)


def places(answer: Answer, *, crossing_mm: float = CROSSING_MM, apart_mm: Sequence[float] = APART_MM) -> PlaceCounts:
    """Count zone by zone; `apart_mm` ascends. ValueError for lengths beyond the reach of the answer."""
    limits = np.square([answer.px(limit) for limit in apart_mm])
    near = answer.px(crossing_mm) ** 2
    divisions: tuple[list[Int64], list[Int64], list[Int64]] = ([], [], [])
    for slopes, marks in zip(answer.truth.slopes, answer.marks, strict=True):
        outcome = np.where(marks.true, np.where(marks.found, 0, 2), 1)
        outside = (marks.to_own > near) | (marks.to_others > near)
        ink = np.where(marks.to_own <= near, marks.ink, -1)
        zones = (outside.astype(np.int64), slope_zones(slopes, ink), np.searchsorted(limits, marks.to_others))
        for division, zone, count in zip(divisions, zones, (2, len(SLOPES), len(limits) + 1), strict=True):
            division.append(np.bincount(zone * 3 + outcome, minlength=count * 3).reshape(count, 3))
    return PlaceCounts(*(np.stack(division) for division in divisions))


def slope_zones(slopes: Float64, ink: Int64) -> Int64:
    """Index into SLOPES for pixels whose nearest ink is `ink` [Q], an index into `slopes` [P], or -1."""
    zones = np.append((slopes > 1 / FLAT).astype(np.int64) + (slopes >= FLAT), len(SLOPES) - 1)
    return zones[ink]


def place_rates(counts: PlaceCounts) -> dict[str, Float64]:
    """`crossing_iou`, ..., `distance_f1` as float64 [K,Z]."""
    rates: dict[str, Float64] = {}
    for division, pixels in (("crossing", counts.crossing), ("slope", counts.slope), ("distance", counts.distance)):
        hits, alarms, misses = np.moveaxis(pixels, -1, 0).astype(np.float64)
        found, true = hits + alarms, hits + misses
        rates |= {
            f"{division}_iou": overlap_of(hits, found + misses),
            f"{division}_precision": precision_of(hits, found, true),
            f"{division}_recall": recall_of(hits, true),
            f"{division}_f1": overlap_of(2 * hits, found + true),
        }
    return rates
