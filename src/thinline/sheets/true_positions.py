"""Compute the true position of each curve in every row of the image, to compare a traced curve with.

A `DrawnCurve` has one point per row of the paper before skew; skew moves points by fractions of a row. Between two
consecutive points on one lap the curve is straight, and x is read where it crosses the centre of a row. A row that no
such segment crosses, as between two laps, takes the x of a point at most half a row away, if there is one.
"""

from __future__ import annotations

import numpy as np

from thinline.sheets.drawing.draw import true_curves
from thinline.sheets.drawing.strokes import pixels
from thinline.sheets.sheet import DrawnCurve
from thinline.sheets.spec import SheetSpec
from thinline.vocabulary import Float64, Int64


def true_rows(spec: SheetSpec, *, px_per_mm: float) -> Float64:
    """x in px of every curve of `spec` in every row of its sheet, float64 [K,H], NaN where it has none."""
    return np.stack([x for x, _ in _at_rows(spec, px_per_mm)])


def true_laps(spec: SheetSpec, *, px_per_mm: float) -> Int64:
    """The lap of every curve at the x of `true_rows`, int64 [K,H], 0 where it has none."""
    return np.stack([lap for _, lap in _at_rows(spec, px_per_mm)])


def _at_rows(spec: SheetSpec, px_per_mm: float) -> list[tuple[Float64, Int64]]:
    height, _ = pixels(spec.size_mm, px_per_mm)
    return [at_rows(curve, height) for curve in true_curves(spec, px_per_mm=px_per_mm)]


def at_rows(curve: DrawnCurve, height: int) -> tuple[Float64, Int64]:
    """x and lap, [height] each, of a curve at the centre of each row."""
    x, y = curve.x_px.astype(np.float64), curve.y_px.astype(np.float64)
    at_row, lap = np.full(height, np.nan), np.zeros(height, np.int64)
    with np.errstate(invalid="ignore"):
        joined = (curve.lap[1:] == curve.lap[:-1]) & (y[1:] > y[:-1]) & np.isfinite(x[1:]) & np.isfinite(x[:-1])
    start = np.flatnonzero(joined)
    first = np.ceil(y[start]).astype(np.int64)
    for later in range(2):  # a segment one row high crosses the centre of one row and may end on the next
        row = first + later
        crosses = (row <= y[start + 1]) & (row >= 0) & (row < height)
        at, rows = start[crosses], row[crosses]
        at_row[rows] = x[at] + (rows - y[at]) / (y[at + 1] - y[at]) * (x[at + 1] - x[at])
        lap[rows] = curve.lap[at]
    known = np.isfinite(x)
    nearest = np.round(y[known]).astype(np.int64)
    inside = (nearest >= 0) & (nearest < height)
    rows, x_near, lap_near = nearest[inside], x[known][inside], curve.lap[known][inside]
    empty = np.isnan(at_row[rows])
    at_row[rows[empty]], lap[rows[empty]] = x_near[empty], lap_near[empty]
    return at_row, lap
