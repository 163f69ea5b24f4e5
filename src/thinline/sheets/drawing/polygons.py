"""Fill convex polygons: the pixels of `cv2.fillConvexPoly`, compiled, so that one call draws all marks of a sheet.

Method
    Corners are fixed point with 4 fractional bits. The border is drawn first, by lines that step one pixel along their
    longer axis from the rounded end. Then each row between the highest and the lowest corner is filled from one side
    to the other. Sides are positions with 16 fractional bits that advance by a constant a row. A test compares the
    pixels with OpenCV's, which the frozen families of sheets were drawn with.
"""

from __future__ import annotations

from typing import Final

from thinline.sheets.drawing.lines import clipped, quotient
from thinline.system.numba_kernels import kernel

SHIFT: Final = 4
"""Fractional bits of corners."""
_FINE: Final = 16  # fractional bits of sides
_FINER: Final = _FINE - SHIFT
_ONE: Final = 1 << _FINE
_HALF: Final = _ONE >> 1


@kernel
def fill_polygon(canvas, corners, ink):  # type: ignore[no-untyped-def]
    """Fill the convex polygon with these corners, [N,2] (x, y), fixed point; the ink replaces what is there."""
    height, width = canvas.shape
    count, top, bottom = len(corners), 0, 0
    for n in range(count):
        before = (n - 1) % count
        _draw_border(canvas, corners[before, 0], corners[before, 1], corners[n, 0], corners[n, 1], ink)
        if corners[n, 1] < corners[top, 1]:
            top = n
        if corners[n, 1] > corners[bottom, 1]:
            bottom = n
    first, last = _row(corners, top), min(_row(corners, bottom), height - 1)
    rest = count  # corners that no side has passed
    side, step = [-_ONE, -_ONE], [0, 0]
    at, end = [top, top], [first, first]  # corner where a side begins, row where it ends
    for row in range(first, last + 1):
        for k, by in enumerate((1, count - 1)):
            while row >= end[k]:
                rest -= 1
                if rest < 0:
                    return
                start = at[k]
                at[k] = (start + by) % count
                below = _row(corners, at[k])
                if below > row:
                    x = corners[start, 0] << _FINER
                    side[k], end[k] = x, below
                    step[k] = quotient(2 * ((corners[at[k], 0] << _FINER) - x) + below - row, 2 * (below - row))
        if row >= 0:
            left, right = (min(side[0], side[1]) + _HALF) >> _FINE, (max(side[0], side[1]) + _HALF) >> _FINE
            for column in range(max(left, 0), min(right, width - 1) + 1):
                canvas[row, column] = ink
        side[0] += step[0]
        side[1] += step[1]


@kernel
def _row(corners, n):  # type: ignore[no-untyped-def]
    """The row of a corner."""
    return (corners[n, 1] + (1 << SHIFT >> 1)) >> SHIFT


@kernel
def _draw_border(canvas, x0, y0, x1, y1, ink):  # type: ignore[no-untyped-def]
    """Draw a side one pixel thick; positions in fixed point."""
    height, width = canvas.shape
    ends = x0 << _FINER, y0 << _FINER, x1 << _FINER, y1 << _FINER
    inside, x0, y0, x1, y1 = clipped(width << _FINE, height << _FINE, *ends)
    if not inside:
        return
    steep = abs(x1 - x0) <= abs(y1 - y0)
    if (y1 < y0) if steep else (x1 < x0):
        x0, y0, x1, y1 = x1, y1, x0, y0
    _dot(canvas, x1, y1, ink)
    right, down = x1 - x0, y1 - y0
    if steep:
        step = quotient(right * _ONE, down | 1)
        for n in range((down >> _FINE) + 1):
            _dot(canvas, x0 + n * step, y0 + n * _ONE, ink)
    else:
        step = quotient(down * _ONE, right | 1)
        for n in range((right >> _FINE) + 1):
            _dot(canvas, x0 + n * _ONE, y0 + n * step, ink)


@kernel
def _dot(canvas, x, y, ink):  # type: ignore[no-untyped-def]
    """Set the pixel at a position with 16 fractional bits, if it is on the canvas."""
    column, row = (x + _HALF) >> _FINE, (y + _HALF) >> _FINE
    if 0 <= column < canvas.shape[1] and 0 <= row < canvas.shape[0]:
        canvas[row, column] = ink
