"""Where the curves of a sheet truly are in each row of its pixels: what a traced curve is compared with.

A course is known at the rows of the paper before it was skewed (`DrawnCurve`); skew moves its points up and down by
fractions of a row. Between two neighbouring points of one lap the curve runs straight, and x is read where it crosses
the middle of a row. A row that no such step crosses, as between two laps, has the x of a point at most half a row away;
where there is no data there is none.
"""

from __future__ import annotations

import numpy as np

from thinline.sheets.drawing.draw import followed
from thinline.sheets.drawing.strokes import pixels
from thinline.sheets.sheet import DrawnCurve
from thinline.sheets.spec import SheetSpec
from thinline.vocabulary import Float64, Int64


def true_rows(spec: SheetSpec, *, px_per_mm: float) -> Float64:
    """x in pixels of every curve of `spec` in every row of its sheet, float64 [K,H], NaN where there is none."""
    return np.stack([x for x, _ in _at_rows(spec, px_per_mm)])


def true_laps(spec: SheetSpec, *, px_per_mm: float) -> Int64:
    """The lap on which every curve is at the x of `true_rows`, int64 [K,H], 0 where there is none."""
    return np.stack([lap for _, lap in _at_rows(spec, px_per_mm)])


def _at_rows(spec: SheetSpec, px_per_mm: float) -> list[tuple[Float64, Int64]]:
    height, _ = pixels(spec.size_mm, px_per_mm)
    return [at_rows(curve, height) for curve in followed(spec, px_per_mm=px_per_mm)]


def at_rows(curve: DrawnCurve, height: int) -> tuple[Float64, Int64]:
    """x and lap [height] of a course where it crosses the middle of each row; see the module."""
    x, y = curve.x_px.astype(np.float64), curve.y_px.astype(np.float64)
    found, lap = np.full(height, np.nan), np.zeros(height, np.int64)
    with np.errstate(invalid="ignore"):
        joined = (curve.lap[1:] == curve.lap[:-1]) & (y[1:] > y[:-1]) & np.isfinite(x[1:]) & np.isfinite(x[:-1])
    start = np.flatnonzero(joined)
    first = np.ceil(y[start]).astype(np.int64)
    for later in range(2):  # a step of a row's height crosses the middle of one row, and may end on another
        row = first + later
        crosses = (row <= y[start + 1]) & (row >= 0) & (row < height)
        at, rows = start[crosses], row[crosses]
        found[rows] = x[at] + (rows - y[at]) / (y[at + 1] - y[at]) * (x[at + 1] - x[at])
        lap[rows] = curve.lap[at]
    known = np.isfinite(x)
    nearest = np.round(y[known]).astype(np.int64)
    inside = (nearest >= 0) & (nearest < height)
    rows, places, theirs = nearest[inside], x[known][inside], curve.lap[known][inside]
    alone = np.isnan(found[rows])
    found[rows[alone]], lap[rows[alone]] = places[alone], theirs[alone]
    return found, lap
