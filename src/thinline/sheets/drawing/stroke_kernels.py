"""Compiled loops of strokes.py: laps and vertices of a line, dashes, and the pixels under a pen.

Every number is computed by the operations of NumPy's `interp`, `arange`, `cumsum` and `hypot`, in their order: a
position that differed in its last bit could ink another pixel, and the frozen families must keep theirs.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from thinline.sheets.drawing.skew import turned
from thinline.system.numba_kernels import kernel

_STEP_PX: Final = 1 - 1e-9  # a full step could skip a pixel by rounding
_LIFT_MM: Final = 1e-6  # length of a segment with the pen up, so that positions along the line increase strictly


@kernel
def lap_of(value):  # type: ignore[no-untyped-def]
    """Number of wraps of a value, 0 for NaN; a value on the right edge has not wrapped."""
    if np.isnan(value):
        return 0.0
    return math.floor(value) - (1.0 if value == 1.0 else 0.0)


@kernel
def line_through(y_mm, value, left_mm, right_mm):  # type: ignore[no-untyped-def]
    """x_mm, y_mm [V], down, lap [V-1] of `strokes.line`."""
    most = 3 * len(value)
    x, y = np.empty(most), np.empty(most)
    down, laps = np.empty(most, np.bool_), np.empty(most)
    count, before = 0, -1
    for i in range(len(value)):
        if not np.isfinite(value[i]):
            continue
        lap = lap_of(value[i])
        if before >= 0:
            last = lap_of(value[before])
            joined = before == i - 1
            down[count - 1], laps[count - 1] = joined and abs(lap - last) <= 1, last
            if joined and abs(lap - last) == 1:
                rises = 1.0 if lap > last else 0.0
                share = (last + rises - value[before]) / (value[i] - value[before])
                crossing = y_mm[before] + share * (y_mm[i] - y_mm[before])
                x[count], x[count + 1] = rises, 1.0 - rises
                y[count] = y[count + 1] = crossing
                down[count], down[count + 1] = False, True
                laps[count], laps[count + 1] = last, lap
                count += 2
        x[count], y[count] = value[i] - lap, y_mm[i]
        count += 1
        before = i
    for v in range(count):
        x[v] = left_mm + x[v] * (right_mm - left_mm)
    segments = max(0, count - 1)
    return x[:count], y[:count], down[:segments], laps[:segments]


@kernel
def move_line(x_mm, y_mm, swayed, skewed):  # type: ignore[no-untyped-def]
    """The vertices after skew, mm, [V] each."""
    moved_x, moved_y = np.empty(len(x_mm)), np.empty(len(x_mm))
    for v in range(len(x_mm)):
        x, y = turned(x_mm[v], y_mm[v], skewed)
        moved_x[v], moved_y[v] = x + swayed[0][v], y + swayed[1][v]
    return moved_x, moved_y


@kernel
def _slope(values, v, at):  # type: ignore[no-untyped-def]
    """Slope of the values after vertex v, with vertices at positions `at`, as np.interp computes it; 0 at the last."""
    if v >= len(at) - 1 or at[v + 1] <= at[v]:
        return 0.0
    return (values[v + 1] - values[v]) / (at[v + 1] - at[v])


@kernel
def cut_to_dashes(line, pen_dash, lap_dash, cap_mm):  # type: ignore[no-untyped-def]
    """Vertices of the line (x, y, down, lap) with the ends of dashes added, and whether each segment is inked."""
    x, y, down, lap = line
    at = np.zeros(len(x))
    for v in range(len(x) - 1):
        at[v + 1] = at[v] + (math.hypot(x[v + 1] - x[v], y[v + 1] - y[v]) if down[v] else _LIFT_MM)
    pen_cuts, lap_cuts = _cuts(pen_dash, at[-1], cap_mm), _cuts(lap_dash, at[-1], cap_mm)
    position = _merged(at, pen_cuts, lap_cuts)
    new_x, new_y = np.empty(len(position)), np.empty(len(position))
    on = np.empty(len(position) - 1, np.bool_)
    vertex, segment, pen_cut, lap_cut = 0, 0, 0, 0
    slope_x, slope_y = _slope(x, 0, at), _slope(y, 0, at)
    for n in range(len(position)):
        if vertex < len(at) - 1 and at[vertex + 1] <= position[n]:
            while vertex < len(at) - 1 and at[vertex + 1] <= position[n]:
                vertex += 1
            slope_x, slope_y = _slope(x, vertex, at), _slope(y, vertex, at)
        along = position[n] - at[vertex]
        new_x[n], new_y[n] = slope_x * along + x[vertex], slope_y * along + y[vertex]
        if n == len(position) - 1:
            break
        middle = (position[n] + position[n + 1]) / 2
        while segment < len(at) and at[segment] < middle:
            segment += 1
        while pen_cut < len(pen_cuts) and pen_cuts[pen_cut] < middle:
            pen_cut += 1
        while lap_cut < len(lap_cuts) and lap_cuts[lap_cut] < middle:
            lap_cut += 1
        step = segment - 1
        wrapped = len(lap_dash) > 0 and lap[step] != 0  # dashes of the lap replace those of the pen
        on[n] = down[step]
        if wrapped:
            on[n] &= lap_cut % 2 == 1
        elif len(pen_dash) > 0:
            on[n] &= pen_cut % 2 == 1
    return new_x, new_y, on


@kernel
def _cuts(dash_mm, length_mm, cap_mm):  # type: ignore[no-untyped-def]
    """Positions along the line where dashes begin, end, begin, ...; each is shortened by the cap of the pen."""
    if not len(dash_mm):
        return np.empty(0)
    period, begin = np.empty(len(dash_mm)), 0.0
    for n in range(0, len(dash_mm), 2):
        cap = min(cap_mm, 0.9 * dash_mm[n]) / 2
        period[n], period[n + 1] = begin + cap, begin + dash_mm[n] - cap
        begin += dash_mm[n] + dash_mm[n + 1]
    cuts = np.empty((int(length_mm / begin) + 2) * len(period))
    count = 0
    for n in range(len(cuts)):
        cuts[n] = n // len(period) * begin + period[n % len(period)]
        if cuts[n] >= length_mm:
            break
        count += 1
    return cuts[:count]


@kernel
def _merged(a, b, c):  # type: ignore[no-untyped-def]
    """All values of three sorted arrays, sorted."""
    merged = np.empty(len(a) + len(b) + len(c))
    i, j, k = 0, 0, 0
    for n in range(len(merged)):
        first = a[i] if i < len(a) else np.inf
        second = b[j] if j < len(b) else np.inf
        third = c[k] if k < len(c) else np.inf
        if first <= second and first <= third:
            merged[n] = first
            i += 1
        elif second <= third:
            merged[n] = second
            j += 1
        else:
            merged[n] = third
            k += 1
    return merged


@kernel
def trace(line, swayed, skewed, dashes, pen, mask):  # type: ignore[no-untyped-def]
    """`ink_pixels` of a line (x, y, down, lap) after skew, cut to the dashes of the pen and of later laps.

    `pen` is its cap in mm and half a pixel for pens of an even width, else 0.
    """
    x, y, on = line[0], line[1], line[2]
    moved_x, moved_y = move_line(x, y, swayed, skewed)
    if len(dashes[0]) or len(dashes[1]):
        moved_x, moved_y, on = cut_to_dashes((moved_x, moved_y, on, line[3]), dashes[0], dashes[1], pen[0])
    return ink_pixels(moved_x, moved_y, on, pen[1], skewed[5], mask)


@kernel
def ink_pixels(x, y, on, half, px_per_mm, mask):  # type: ignore[no-untyped-def]
    """Set to 1 the pixels of `mask [H,W]` under points one step apart on the segments that are on; their indices."""
    at = np.zeros(len(x))
    for v in range(len(x)):
        x[v], y[v] = x[v] * px_per_mm - half, y[v] * px_per_mm - half
        if v:
            at[v] = at[v - 1] + (max(abs(x[v] - x[v - 1]), abs(y[v] - y[v - 1])) if on[v - 1] else 0.0)
    first = _STEP_PX / 2
    step = (first + _STEP_PX) - first  # the step of np.arange
    (height, width), flat = mask.shape, mask.ravel()
    points = max(0, math.ceil((at[-1] - first) / _STEP_PX))
    pixels, count, n = np.empty(points, np.int64), 0, 0
    for v in range(len(x) - 1):
        if at[v + 1] <= at[v]:
            continue
        slope_x, slope_y = _slope(x, v, at), _slope(y, v, at)
        while n < points and first + n * step < at[v + 1]:
            along = first + n * step - at[v]
            column, row = slope_x * along + x[v], slope_y * along + y[v]
            if 0 <= column < width and 0 <= row < height:
                pixel = int(row) * width + int(column)
                pixels[count] = pixel  # stays if the pixel is new
                count += 1 - flat[pixel]
                flat[pixel] = 1
            n += 1
    return pixels[:count]


@kernel
def course_at_rows(row_mm, nodes_mm, value, swayed, shape, where):  # type: ignore[no-untyped-def]
    """x and y, float32 [H], px, and lap, int16 [H], of a course at the depths `row_mm`; NaN off the sheet.

    `where` is the left and the right of the track in mm, then the `Matrix` of the skew.
    """
    left_mm, right_mm, px_per_mm = where[0], where[1], where[7]
    x_px, y_px = np.empty(len(row_mm), np.float32), np.empty(len(row_mm), np.float32)
    laps, v = np.empty(len(row_mm), np.int16), 0
    for row in range(len(row_mm)):
        while v < len(nodes_mm) - 1 and nodes_mm[v + 1] <= row_mm[row]:
            v += 1
        along, at_row = row_mm[row] - nodes_mm[v], value[v]
        if along > 0:
            at_row += _slope(value, v, nodes_mm) * along
        lap = lap_of(at_row)
        x, y = turned(left_mm + (at_row - lap) * (right_mm - left_mm), row_mm[row], where[2:])
        laps[row] = int(lap)
        x_px[row] = (x + swayed[0][row]) * px_per_mm - 0.5
        y_px[row] = (y + swayed[1][row]) * px_per_mm - 0.5
        if not (-0.5 <= x_px[row] < shape[1] - 0.5 and -0.5 <= y_px[row] < shape[0] - 0.5):
            x_px[row] = y_px[row] = np.nan
    return x_px, y_px, laps
