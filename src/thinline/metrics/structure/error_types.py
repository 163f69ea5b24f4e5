"""What errors are made of, per class: each false alarm and each missed pixel has one reason.

Conventions
-----------
Truth, ink and scale are those of truth.py, ignored pixels and distances those of prediction.py. A false alarm of class
k is
a pixel found as k whose label is another (background or curve), a miss is a pixel of label k found as another. Reasons
are asked in the order of the list, the first that holds is the pixel's, and the last takes what is left: the sums of a
class are its false positives and false negatives to the pixel.

A false alarm of class k
    1. hidden       on ink of curve k itself, which another curve was drawn over: right about the ink, wrong about
                    the label, as at crossings
    2. other_curve  on ink of another curve
    3. thickness    at most `thickness_mm` from ink of curve k: drawn too thick, or beside it
    4. text         on the layer TEXT; before the grid, because letters are printed across its lines
    5. grid         on the layer GRID or EDGE
    6. stain        on the layer STAIN; after print, because print on a stain is still seen
    7. stray        on paper

A miss of class k
    1. crossing     at most `crossing_mm` from ink of another curve, whatever was found there
    2. other_curve  found as another curve
    3. beside       class k was found, at most `thickness_mm` away: a line that is off by a pen is not broken
    4. lost         curve k was found nowhere on the sheet
    5. end          above the first row or below the last row in which curve k was found
    6. gap          between them

Curve k *was found* in a row where a pixel found as k lies at most `thickness_mm` from its ink; alarms elsewhere do not
make a gap of an end. What interrupts a trace is 1, 5 with 4, and 6; pixels of 2 and 3 are not blank, but wrong.

Counts come first, as integers, and may be added over sheets; rates divide once. A rate is the share of a reason in the
false alarms (`fp_...`) or misses (`fn_...`) of a class, NaN where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.structure.prediction import Answer
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT, Bool, Float64, Int64

ALARMS: Final = ("hidden", "other_curve", "thickness", "text", "grid", "stain", "stray")
MISSES: Final = ("crossing", "other_curve", "beside", "lost", "end", "gap")

THICKNESS_MM: Final = 0.5
"""Two nominal pens: a curve of one pen drawn five pens thick is all `thickness`."""

CROSSING_MM: Final = 1.0


@dataclass(frozen=True)
class AnatomyCounts:
    """Pixels by reason over one or more sheets; `a + b` is the count of both.

    `alarms` int64 [K,7] in the order of ALARMS, `misses` int64 [K,6] in the order of MISSES.
    """

    alarms: Int64
    misses: Int64

    def __add__(self, other: AnatomyCounts) -> AnatomyCounts:
        return AnatomyCounts(self.alarms + other.alarms, self.misses + other.misses)


def anatomy(answer: Answer, *, thickness_mm: float = THICKNESS_MM, crossing_mm: float = CROSSING_MM) -> AnatomyCounts:
    """Give each error its reason. ValueError for lengths beyond the reach of the answer."""
    thickness_px, crossing_px = answer.px(thickness_mm), answer.px(crossing_mm)
    alarms, misses = [], []
    for k, marks in enumerate(answer.marks):
        near = marks.to_own <= thickness_px * thickness_px
        wrong, missed = np.flatnonzero(~marks.true), np.flatnonzero(~marks.found)
        layer = answer.truth.layers.reshape(-1)[marks.places[wrong]]
        printed = [(layer & bits) != 0 for bits in (TEXT, GRID | EDGE, STAIN)]
        alarms.append(_first([marks.to_own[wrong] == 0, marks.to_others[wrong] == 0, near[wrong], *printed]))
        crossing = marks.to_others[missed] <= crossing_px * crossing_px
        beside, _ = answer.traced(k).nearest(marks.places[missed], within_px=thickness_px)
        rows = marks.places // answer.found.shape[1]
        where = _where_missed(rows[missed], rows[marks.found & near])
        misses.append(_first([crossing, marks.as_curve[missed], np.isfinite(beside), *where]))
    return AnatomyCounts(np.array(alarms).reshape(-1, len(ALARMS)), np.array(misses).reshape(-1, len(MISSES)))


def _where_missed(missed: Int64, found: Int64) -> list[Bool]:
    """Whether misses in these rows are of a lost curve, and whether beyond an end of the rows it was found in."""
    if not len(found):
        return [np.ones(len(missed), np.bool_), np.zeros(len(missed), np.bool_)]
    return [np.zeros(len(missed), np.bool_), (missed < found[0]) | (missed > found[-1])]


def _first(reasons: Sequence[Bool]) -> Int64:
    """How many of P pixels each of the reasons [P] is the first to hold for, and how many are left: int64 [R+1]."""
    table = np.stack([*reasons, np.ones_like(reasons[0])])
    return np.bincount(table.argmax(axis=0), minlength=len(table))


def anatomy_rates(counts: AnatomyCounts) -> dict[str, Float64]:
    """`fp_...` and `fn_...` for each reason, float64 [K]."""
    rates = {}
    for sign, names, pixels in (("fp", ALARMS, counts.alarms), ("fn", MISSES, counts.misses)):
        total = pixels.sum(axis=1, dtype=np.float64)
        for name, part in zip(names, pixels.T, strict=True):
            rates[f"{sign}_{name}"] = np.divide(part, total, out=np.full(len(total), np.nan), where=total > 0)
    return rates
