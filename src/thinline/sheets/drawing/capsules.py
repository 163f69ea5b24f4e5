"""The exact ink of a round pen, and the true course of the line that it was led along.

Method
    A pen of `pen_px` that is led along a segment covers all points at most half its width from the segment (a capsule).
    The truth of a stroke is the pixels whose centre is covered, with a pen of at least one pixel, so that the stroke is
    8-connected. Its ink is antialiased: a pixel at distance d of the centre line has the share pen_px / 2 + 0.5 - d of
    the full ink, at most 1 and at most pen_px. Where segments overlap, the larger ink stays.

    The true course is the same polyline, dashes ignored: cut at the borders of the sheet, with added points, so that no
    step between two points is taller than a row. Two consecutive points are joined if both are finite and on one lap.
"""

from __future__ import annotations

import math

import numpy as np

from thinline.system.numba_kernels import kernel


@kernel
def draw_pen(canvases, line, pen, label):  # type: ignore[no-untyped-def]
    """Draw the segments of a line that are on.

    canvases  ink, strokes of this curve, labels, uint8 [H,W] each; pixels of the truth get 1 and `label`
    line      x_px, y_px [V] and on [V-1]
    pen       width in px, ink 0..255
    """
    x, y, on = line
    half, ink = pen[0] / 2, pen[1]
    least = max(half, 0.5)
    radii = (half, least * least, min(1.0, pen[0]), half + 0.5 if half > 0.5 else 1.0)
    for v in range(len(x) - 1):
        if on[v]:
            _draw_capsule(canvases, (x[v], y[v], x[v + 1], y[v + 1]), radii, ink, label)


@kernel
def _draw_capsule(canvases, ends, radii, ink, label):  # type: ignore[no-untyped-def]
    """`radii` is half the pen, square of the radius of the truth, most ink of a pixel, and reach of any change."""
    canvas, stroke, labels = canvases
    ax, ay, bx, by = ends
    half, least2, most, reach = radii
    height, width = canvas.shape
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    inverse = 1.0 / length2 if length2 > 0 else 0.0
    left, right = min(ax, bx) - reach, max(ax, bx) + reach
    spread = reach * math.sqrt(length2) / abs(dy) if abs(dy) > 1e-9 else np.inf
    for row in range(max(0, math.ceil(min(ay, by) - reach)), min(height - 1, math.floor(max(ay, by) + reach)) + 1):
        py = row - ay
        first, last = left, right
        if spread < np.inf:
            middle = ax + py * dx / dy
            first, last = max(left, middle - spread), min(right, middle + spread)
        for column in range(max(0, math.ceil(first)), min(width - 1, math.floor(last)) + 1):
            px = column - ax
            along = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
            ex, ey = px - along * dx, py - along * dy
            square = ex * ex + ey * ey
            if square <= least2:
                stroke[row, column] = 1
                labels[row, column] = label
            share = min(most, half + 0.5 - math.sqrt(square))
            if share > 0:
                canvas[row, column] = max(canvas[row, column], np.uint8(ink * share + 0.5))


@kernel
def to_pixels(x_mm, y_mm, px_per_mm):  # type: ignore[no-untyped-def]
    """Positions in px, where pixel centres are whole numbers."""
    x, y = np.empty(len(x_mm)), np.empty(len(x_mm))
    for v in range(len(x_mm)):
        x[v], y[v] = x_mm[v] * px_per_mm - 0.5, y_mm[v] * px_per_mm - 0.5
    return x, y


@kernel
def true_course(x, y, down, lap, shape):  # type: ignore[no-untyped-def]
    """x_px, y_px float32 [P] and lap int16 [P] of the course of a line, [V] and [V-1]; NaN parts what is not joined."""
    borders = (-0.5, shape[1] - 0.5001, -0.5, shape[0] - 0.5001)
    most = 2
    for v in range(len(x) - 1):
        most += 4 + int(min(abs(y[v + 1] - y[v]), shape[0] + 2.0))
    px, py, laps = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(most, np.int16)
    count, open_end = 0, False
    for v in range(len(x) - 1):
        begin, end = _inside((x[v], y[v], x[v + 1], y[v + 1]), borders) if down[v] else (1.0, 0.0)
        if begin >= end:
            open_end = False
            continue
        dx, dy = x[v + 1] - x[v], y[v + 1] - y[v]
        joined = open_end and begin == 0.0 and laps[count - 1] == int(lap[v])
        if count and not joined:
            px[count], py[count], laps[count] = np.nan, np.nan, laps[count - 1]
            count += 1
        pieces = max(1, math.ceil(abs(dy) * (end - begin)))
        for piece in range(1 if joined else 0, pieces + 1):
            at = begin + (end - begin) * piece / pieces
            px[count], py[count], laps[count] = x[v] + at * dx, y[v] + at * dy, int(lap[v])
            count += 1
        open_end = end == 1.0
    return px[:count], py[:count], laps[:count]


@kernel
def _inside(ends, borders):  # type: ignore[no-untyped-def]
    """The shares of a segment between which it lies inside left, right, top, bottom; (1, 0) if nowhere."""
    x0, y0, x1, y1 = ends
    begin, end = 0.0, 1.0
    for start, step, low, high in ((x0, x1 - x0, borders[0], borders[1]), (y0, y1 - y0, borders[2], borders[3])):
        if step == 0.0:
            if not low <= start <= high:
                return 1.0, 0.0
        else:
            a, b = (low - start) / step, (high - start) / step
            begin, end = max(begin, min(a, b)), min(end, max(a, b))
    return begin, end
