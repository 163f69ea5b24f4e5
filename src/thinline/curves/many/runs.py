"""Reduce the rows of two probability maps to runs: the few columns of each row where a curve may be.

Conventions
    Both maps are uint8 [h,W], 0..255 for probabilities 0..1: `ink` of any curve, and the `centre` line of any curve,
    which goes on between dashes. A network without centre lines gives ink alone.

    An *ink run* is a run of pixels of one row with ink of SURE or more; where no pixel of a stretch reaches SURE, the
    pixels of FAINT or more. A hole of one pixel is closed. A *centre run* is one ridge of the centre map: the pixels of
    FAINT or more, cut at each valley of at most VALLEY of the ridges on both sides, and of these pixels those that
    reach half of the height of the ridge.

    Ink runs and centre runs that touch are one group, and a group gives the runs of the result:

        no centre run       one run for each ink run; where there is a centre map, its strength is halved
        one centre run      one run over all of the group. x is the middle of the centre run if the ink reaches beyond
                            it on both sides, on one side LOPSIDED times as far as on the other or more; else the
                            middle of both: a steep or jittery curve covers many pixels of a row, and its course is the
                            middle of them
        more centre runs    one run for each; x is the middle of the centre run, and the ink is divided halfway between
                            neighbours

    The result does not depend on other rows, so that strips give what the whole map gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float32, Float64, Int32, UInt8

SURE: Final = 128
FAINT: Final = 64
VALLEY: Final = 0.6
LOPSIDED: Final = 0.25
MOST: Final = 12
"""Runs of a row that are kept: the strongest. A curve on clean paper has one."""

_PARTS: Final = 64  # ink runs and centre runs of one row that are looked at


@dataclass(frozen=True, eq=False)
class Runs:
    """S runs of consecutive rows from the top, in the order of columns within a row.

    `row` int32 [S]; `low`, `high` first and last column; `x` the column of the course; `width` the ink in px, 0 without
    ink; `strength` 0..1, the highest probability of ink or centre line in the run; `pen` the darkness of the paper in
    px of black, or `width` where there is no image; all float32 [S]. `rows` is H.
    """

    row: Int32
    low: Float32
    high: Float32
    x: Float32
    width: Float32
    strength: Float32
    pen: Float32
    rows: int

    @property
    def inked(self) -> Bool:
        """Runs with ink, bool [S]."""
        return self.width > 0

    @staticmethod
    def joined(parts: Sequence[Runs]) -> Runs:
        """The runs of strips that follow each other from the top."""
        if not parts:
            none = np.zeros(0, np.float32)
            return Runs(np.zeros(0, np.int32), none, none, none, none, none, none, 0)
        tops = np.cumsum([0] + [part.rows for part in parts])
        row = np.concatenate([part.row + np.int32(top) for part, top in zip(parts, tops[:-1], strict=True)])
        columns = ([getattr(part, name) for part in parts] for name in ("low", "high", "x", "width", "strength", "pen"))
        low, high, x, width, strength, pen = map(np.concatenate, columns)
        return Runs(row, low, high, x, width, strength, pen, int(tops[-1]))


def runs_of(ink: UInt8, centre: UInt8 | None, grey: UInt8 | None, *, left: Float64, right: Float64) -> Runs:
    """The runs of maps [h,W] between the columns `left [h]` and `right [h]`, inclusive.

    `grey` is the image, 0 black; the median of a row counts as paper. `centre` and `grey` may be None.
    """
    height, width = ink.shape
    columns = np.stack([np.ceil(np.maximum(left, 0)), np.floor(np.minimum(right, width - 1))], axis=1).astype(np.int64)
    count = np.zeros(height, np.int64)
    table = np.zeros((height, MOST, 5), np.float32)
    given = np.ascontiguousarray(ink if centre is None else centre)
    call(_rows, np.ascontiguousarray(ink), given, centre is not None, columns, count, table)
    kept = np.arange(MOST) < count[:, None]
    row = np.repeat(np.arange(height, dtype=np.int32), count)
    low, high, x, width_px, strength = (np.ascontiguousarray(table[kept][:, field]) for field in range(5))
    pen = width_px
    if grey is not None and width:
        pen = np.zeros(len(row), np.float32)
        paper = np.median(grey[:, :: max(1, width // 64)], axis=1)
        call(_darkness, np.ascontiguousarray(grey), paper, row, low, high, pen)
        pen[width_px == 0] = 0
    return Runs(row, low, high, x, width_px, strength, pen, height)


@kernel
def _darkness(grey, paper, row, low, high, pen):  # type: ignore[no-untyped-def]
    """Write the darkness of each run and one pixel on both sides, in px of black."""
    for run in range(len(row)):
        line, white = grey[row[run]], max(paper[row[run]], 1.0)
        total = 0.0
        for column in range(max(0, int(low[run]) - 1), min(len(line), int(high[run]) + 2)):
            total += max(0.0, 1 - line[column] / white)
        pen[run] = total


@kernel
def _rows(ink, centre, has_centre, columns, count, table):  # type: ignore[no-untyped-def]
    """Fill `count [h]` and `table [h,MOST,5]` (low, high, x, width, strength)."""
    inks, ridges = np.zeros((_PARTS, 3), np.int64), np.zeros((_PARTS, 3), np.int64)
    for row in range(len(ink)):
        first, last = columns[row, 0], columns[row, 1]
        number = _ink_runs(ink[row], first, last, inks)
        others = _ridges(centre[row], first, last, ridges) if has_centre else 0
        i, j, here = 0, 0, 0
        while i < number or j < others:
            begin_i, begin_j = i, j
            end = -10
            while True:  # the group: runs that touch each other
                if (
                    i < number
                    and (end == -10 or inks[i, 0] <= end + 1)
                    and not (end == -10 and j < others and ridges[j, 0] < inks[i, 0])
                ):
                    end = max(end, inks[i, 1])
                    i += 1
                elif j < others and (end == -10 or ridges[j, 0] <= end + 1):
                    end = max(end, ridges[j, 1])
                    j += 1
                else:
                    break
            here = _group(ink[row], inks[begin_i:i], ridges[begin_j:j], has_centre, table[row], here)
        count[row] = here


@kernel
def _ink_runs(line, first, last, found):  # type: ignore[no-untyped-def]
    """Write first column, last column and peak of the ink runs of a row; returns their number."""
    count, start, peak = 0, -1, 0
    for column in range(first, last + 2):
        value = line[column] if column <= last else 0
        if value >= FAINT:
            if start < 0:
                start, peak = column, 0
            peak = max(peak, value)
        elif start >= 0:
            least = SURE if peak >= SURE else FAINT
            begin, end = -1, -3
            for c in range(start, column):
                if line[c] < least:
                    continue
                if begin >= 0 and c - end > 2 and count < _PARTS:
                    found[count, 0], found[count, 1], found[count, 2] = begin, end, peak
                    count += 1
                    begin = -1
                if begin < 0:
                    begin = c
                end = c
            if count < _PARTS:
                found[count, 0], found[count, 1], found[count, 2] = begin, end, peak
                count += 1
            start = -1
    kept = 0
    for i in range(count):  # holes of one pixel between stretches of FAINT
        if kept and found[i, 0] - found[kept - 1, 1] <= 2:
            found[kept - 1, 1] = found[i, 1]
            found[kept - 1, 2] = max(found[kept - 1, 2], found[i, 2])
        else:
            found[kept, 0], found[kept, 1], found[kept, 2] = found[i, 0], found[i, 1], found[i, 2]
            kept += 1
    return kept


@kernel
def _ridges(line, first, last, found):  # type: ignore[no-untyped-def]
    """Write first column, last column and peak of the centre runs of a row; returns their number."""
    count, start, peak, valley, valley_at = 0, -1, 0, 255, 0
    for column in range(first, last + 2):
        value = int(line[column]) if column <= last else 0
        if start >= 0 and value < FAINT:
            count = _ridge(line, start, column, peak, found, count)
            start = -1
        elif start >= 0:
            if value < valley:
                valley, valley_at = value, column
            if valley <= VALLEY * min(peak, value):
                count = _ridge(line, start, valley_at, peak, found, count)
                start, peak, valley = valley_at, value, value
            elif value > peak:
                peak, valley = value, value
        elif value >= FAINT:
            start, peak, valley, valley_at = column, value, value, column
    return count


@kernel
def _ridge(line, start, stop, peak, found, count):  # type: ignore[no-untyped-def]
    """Add the part of `line[start:stop]` from the first to the last pixel of half the `peak`; the new number."""
    if count == len(found):
        return count
    low, high = stop, start
    for column in range(start, stop):
        if 2 * line[column] >= peak:
            low, high = min(low, column), max(high, column)
    found[count, 0], found[count, 1], found[count, 2] = low, high, peak
    return count + 1


@kernel
def _group(line, inks, ridges, has_centre, table, here):  # type: ignore[no-untyped-def]
    """Add the runs of one group of ink runs and centre runs to the `table` of a row; returns their new number."""
    if len(ridges) == 0:
        for i in range(len(inks)):
            strength = inks[i, 2] / 255 * (0.5 if has_centre else 1.0)
            middle = 0.5 * (inks[i, 0] + inks[i, 1])
            here = _put(table, here, inks[i, 0], inks[i, 1], middle, _mass(line, inks[i, 0], inks[i, 1]), strength)
        return here
    low, high = ridges[0, 0], ridges[len(ridges) - 1, 1]
    if len(inks):
        low, high = min(low, inks[0, 0]), max(high, inks[len(inks) - 1, 1])
    peak = 0
    for i in range(len(inks)):
        peak = max(peak, inks[i, 2])
    for j in range(len(ridges)):
        x = 0.5 * (ridges[j, 0] + ridges[j, 1])
        if len(ridges) == 1:
            before, behind = ridges[j, 0] - low, high - ridges[j, 1]
            if min(before, behind) < LOPSIDED * max(before, behind):
                x = 0.5 * (low + high)
        begin, end = low, high
        if j:
            begin = (ridges[j - 1, 1] + ridges[j, 0] + 1) // 2
        if j + 1 < len(ridges):
            end = (ridges[j, 1] + ridges[j + 1, 0]) // 2
        mass = 0.0
        for i in range(len(inks)):
            mass += _mass(line, max(begin, inks[i, 0]), min(end, inks[i, 1]))
        strength = max(ridges[j, 2], peak if mass > 0 else 0) / 255
        here = _put(table, here, begin, end, x, mass, strength)
    return here


@kernel
def _mass(line, first, last):  # type: ignore[no-untyped-def]
    """Ink of the pixels `first..last` of a row, in px."""
    mass = 0.0
    for column in range(first, last + 1):
        mass += line[column]
    return mass / 255


@kernel
def _put(table, here, low, high, x, width, strength):  # type: ignore[no-untyped-def]
    """Add a run behind the others; in a full row the weakest is left out. Returns the new number."""
    if here == len(table):
        weakest = 0
        for i in range(1, here):
            if table[i, 4] < table[weakest, 4]:
                weakest = i
        if strength <= table[weakest, 4]:
            return here
        for i in range(weakest, here - 1):
            for field in range(5):
                table[i, field] = table[i + 1, field]
        here -= 1
    table[here, 0], table[here, 1], table[here, 2] = low, high, x
    table[here, 3], table[here, 4] = width, strength
    return here + 1
