"""The ink of a curve as a list of pixels: how far it is from a place, and how steep the curve is there.

Conventions
-----------
A *place* is the index of a pixel in the flat sheet, row * W + column. Distances are Euclidean, in pixels, between
centres, and kept as squares, as in distances.py; what is farther than asked for is infinitely far.

Of the ink pixels nearest to a place the first in the order of rows is taken, so that the answer is no accident.

    1. slope    |dx/dy| of a curve at a pixel of its ink: the length of the horizontal run of ink through the pixel over
                that of the vertical run. For a straight line both grow alike with the pen, so the pen does not matter,
                and neither do dashes longer than the pen, pieces, or wraps. A dot has no direction: its slope is 1

Method
------
Only what lies near is searched, row by row away from the place: a distance map of the whole sheet takes longer than all
else, and a tree several times as long. The kernel lets go of the interpreter lock and starts no threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from hairline.vocabulary import Bool, Float64, Int64


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

    @cached_property
    def slopes(self) -> Float64:
        """Number 1 of the module for each place, float64 [P]."""
        height, width = self.shape
        row, column = np.divmod(self.places, width)
        turned = column * height + row
        order = np.argsort(turned)
        down = np.empty(len(order))
        down[order] = _runs(turned[order], height)
        return np.asarray(_runs(self.places, width) / down, np.float64)

    def nearest(self, places: Int64, *, within_px: float) -> tuple[Float64, Int64]:
        """Squared distances [Q] from `places` int64 [Q], inf beyond `within_px`, and which ink that is, [Q], or -1."""
        height, width = self.shape
        limit = int(min(within_px * within_px, height * height + width * width))
        squared, which = np.empty(len(places)), np.empty(len(places), np.int64)
        arguments = (np.asarray(places, np.int64), self.places, self.rows, width, limit, squared, which)
        try:
            _search(*arguments)
        except OSError:  # numba compiled it but could not keep it, as on a full disk; now it is in memory
            _search(*arguments)
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


def _runs(places: Int64, length: int) -> Int64:
    """How long the unbroken run is that each of ascending `places` lies in; lines are `length` long."""
    begins = np.ones(len(places), np.bool_)
    begins[1:] = (np.diff(places) != 1) | (places[1:] % length == 0)
    number = np.cumsum(begins) - 1
    runs: Int64 = np.bincount(number, minlength=1)[number]
    return runs


def _on_disk() -> bool:
    """Whether numba finds a folder for compiled code that it may write; if not it raises as early as this."""
    try:
        njit(cache=True)(_on_disk)
    except RuntimeError:
        return False
    return True


@njit(nogil=True, cache=_on_disk())
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
                low, high, target = rows[line], rows[line + 1], line * width + x
                first, behind = low, high
                while low < high:  # to the first ink of the row that is not left of x
                    middle = (low + high) // 2
                    if ink[middle] < target:
                        low = middle + 1
                    else:
                        high = middle
                for i in range(max(first, low - 1), min(behind, low + 1)):
                    away = step * step + (ink[i] - target) ** 2
                    if away < best or (away == best and (nearest < 0 or i < nearest)):
                        best, nearest = away, i
            step += 1
        if nearest >= 0:
            squared[q], which[q] = best, nearest
