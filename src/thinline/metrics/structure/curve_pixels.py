"""The ink of a curve as a list of pixels: how far it is from a place, and how steep the curve is there.

Conventions
-----------
A *place* is the index of a pixel in the flat sheet, row * W + column. Distances are Euclidean, in pixels, between
centres, and kept as squares, as in distances.py; what is farther than asked for is infinitely far.

Of the ink pixels nearest to a place the first in the order of rows is taken, so that the answer is no accident.

    1. slope    |dx/dy| of a curve at a pixel of its ink: that of the longer principal axis of the ink at most so many
                rows and columns away. The width of the pen does not turn the axis, a dash has one too, and the other
                end of a wrap is out of sight. Ink that is as long as wide, as a dot, has no direction: its slope is 1

Method
------
Only what lies near is searched, row by row away from the place: a distance map of the whole sheet takes longer than all
else, and a tree several times as long. Kernels let go of the interpreter lock and start no threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64


@dataclass(frozen=True, eq=False)
class Ink:
    """Ink at `places` int64 [P], ascending and all different, on a sheet of `shape` (H,W)."""

    places: Int64
    shape: tuple[int, int]

    @cached_property
    def rows(self) -> Int64:
        """Where in `places` each row begins, int64 [H+1]."""
        height, width = self.shape
        return np.asarray(np.searchsorted(self.places, np.arange(height + 1) * width), np.int64)

    def slopes(self, *, within_px: float) -> Float64:
        """Number 1 of the module for each place, float64 [P], from the ink `within_px` rows and columns of it."""
        slopes = np.empty(len(self.places))
        call(_axes, self.places, self.rows, self.shape[1], int(within_px), slopes)
        return slopes

    def nearest(self, places: Int64, *, within_px: float) -> tuple[Float64, Int64]:
        """Squared distances [Q] from `places` int64 [Q], inf beyond `within_px`, and which ink that is, [Q], or -1."""
        height, width = self.shape
        limit = int(min(within_px * within_px, height * height + width * width))
        squared, which = np.empty(len(places)), np.empty(len(places), np.int64)
        asked = np.asarray(places, np.int64)
        call(_search, asked, self.places, self.rows, width, limit, squared, which)
        return squared, which


def ink_of(mask: Bool) -> Ink:
    """The ink of a mask `[H,W]`."""
    return Ink(np.flatnonzero(mask), (mask.shape[0], mask.shape[1]))


def union(inks: list[Ink], shape: tuple[int, int]) -> Ink:
    """Where any of them is."""
    if len(inks) == 1:
        return inks[0]
    places = np.concatenate([np.empty(0, np.int64), *(ink.places for ink in inks)])
    return Ink(np.unique(places), shape)


@kernel
def _first_from(ink, low, high, target):  # type: ignore[no-untyped-def]
    """The first of ascending `ink[low:high]` that is at least `target`, or `high`."""
    while low < high:
        middle = (low + high) // 2
        if ink[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _search(places, ink, rows, width, limit, squared, which):  # type: ignore[no-untyped-def]
    """Write the squared distance and the number of the nearest ink at most `limit` away, or inf and -1."""
    reach = int(np.sqrt(limit)) + 1
    y, left, right = -1, 0, 0
    for q in range(len(places)):
        squared[q], which[q] = np.inf, -1
        row = places[q] // width
        x = places[q] - row * width
        best, nearest, step = limit, -1, 0
        while step * step <= best and step < len(rows):
            if step == 2 and nearest < 0:  # not at hand: most of what is far is beyond the columns ink spans around
                if row != y:
                    y, left, right = row, width, -1
                    for near in range(max(0, y - reach), min(len(rows) - 1, y + reach + 1)):
                        if rows[near] < rows[near + 1]:
                            left = min(left, ink[rows[near]] - near * width)
                            right = max(right, ink[rows[near + 1] - 1] - near * width)
                if x < left - reach or x > right + reach:
                    break
            for side in range(1 if step == 0 else 2):
                line = row + step if side else row - step
                if line < 0 or line + 1 >= len(rows) or rows[line] == rows[line + 1]:
                    continue
                target = line * width + x
                right_of = _first_from(ink, rows[line], rows[line + 1], target)
                for i in range(max(rows[line], right_of - 1), min(rows[line + 1], right_of + 1)):
                    away = step * step + (ink[i] - target) ** 2
                    if away < best or (away == best and (nearest < 0 or i < nearest)):
                        best, nearest = away, i
            step += 1
        if nearest >= 0:
            squared[q], which[q] = best, nearest


@kernel
def _axes(ink, rows, width, reach, slopes):  # type: ignore[no-untyped-def]
    """Write the slope of the longer principal axis of the ink around each ink pixel, from sums that are integers."""
    for p in range(len(ink)):
        y = ink[p] // width
        x = ink[p] - y * width
        count = sum_x = sum_y = sum_xx = sum_yy = sum_xy = 0
        for row in range(max(0, y - reach), min(len(rows) - 1, y + reach + 1)):
            start, dy = row * width, row - y
            i = _first_from(ink, rows[row], rows[row + 1], start + x - reach)
            while i < rows[row + 1] and ink[i] - start <= x + reach:
                dx = ink[i] - start - x
                count += 1
                sum_x += dx
                sum_y += dy
                sum_xx += dx * dx
                sum_yy += dy * dy
                sum_xy += dx * dy
                i += 1
        along = count * (sum_yy - sum_xx) - (sum_y * sum_y - sum_x * sum_x)
        aslant = 2 * abs(count * sum_xy - sum_x * sum_y)
        slopes[p] = np.tan(0.5 * np.arctan2(aslant, along)) if along or aslant else 1.0
