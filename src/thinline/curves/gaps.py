"""Fill the gaps of a traced curve, and resample it at a fixed number of points.

Conventions
    `x_px [P]` float64 with NaN in gaps. Only gaps between found rows are bridged; rows before the first and after the
    last found row stay NaN.

References
    "VeerNet", J. Imaging 9(7), 136 (2023): cubic spline through the centreline, sampled at 300 points.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline

from thinline.vocabulary import Float64

WAYS: Final = ("linear", "cubic")
PUBLISHED_POINTS: Final = 300


def bridged(x_px: Float64, *, way: str = "linear", longest: int | None = None) -> Float64:
    """`x_px [P]` with gaps of at most `longest` rows (None: all) filled by straight lines or a cubic spline.

    The spline passes through every found row and may leave the sheet between them. A curve with fewer than two found
    rows is returned unchanged. ValueError for another way.
    """
    if way not in WAYS:
        raise ValueError(f"`way` must be one of {', '.join(WAYS)}, got {way!r}")
    rows = np.flatnonzero(np.isfinite(x_px))
    if len(rows) < 2:
        return x_px.copy()
    filling = np.arange(rows[0], rows[-1] + 1)
    if longest is not None:
        after = np.searchsorted(rows, filling)
        gap = rows[after] - rows[np.maximum(after - 1, 0)] - 1
        filling = filling[(rows[after] == filling) | (gap <= longest)]
    filled = x_px.copy()
    linear = way == "linear"
    filled[filling] = np.interp(filling, rows, x_px[rows]) if linear else CubicSpline(rows, x_px[rows])(filling)
    filled[rows] = x_px[rows]
    return filled


def resampled(x_px: Float64, *, points: int = PUBLISHED_POINTS) -> Float64:
    """`x_px [P]` reduced to `points` evenly spaced points from the first to the last found row, joined linearly.

    Rows outside stay gaps. ValueError for fewer than two points.
    """
    if points < 2:
        raise ValueError(f"`points` must be 2 or more, got {points}")
    rows = np.flatnonzero(np.isfinite(x_px))
    if len(rows) < 2:
        return x_px.copy()
    kept = np.linspace(rows[0], rows[-1], points)
    at_kept = np.interp(kept, rows, x_px[rows])
    span = np.arange(rows[0], rows[-1] + 1)
    reduced = np.full(len(x_px), np.nan)
    reduced[span] = np.interp(span, kept, at_kept)
    return reduced
