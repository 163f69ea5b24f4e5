"""Filling the gaps of a traced curve, and thinning it to a fixed number of points: both are choices, and are named.

Conventions
    `x_px [P]` float64 with NaN in gaps. Only gaps between found rows are bridged: beyond the first and the last one
    nothing is known. A bridged row is as good as found to everything that follows, so a curve says how it was bridged.

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

    The spline goes through every found row and may leave the sheet between them. A curve of fewer than two found rows
    is returned as it is. ValueError for another way.
    """
    if way not in WAYS:
        raise ValueError(f"`way` must be one of {', '.join(WAYS)}, got {way!r}")
    rows = np.flatnonzero(np.isfinite(x_px))
    if len(rows) < 2:
        return x_px.copy()
    asked = np.arange(rows[0], rows[-1] + 1)
    if longest is not None:
        after = np.searchsorted(rows, asked)
        gap = rows[after] - rows[np.maximum(after - 1, 0)] - 1
        asked = asked[(rows[after] == asked) | (gap <= longest)]
    filled = x_px.copy()
    through = CubicSpline(rows, x_px[rows]) if way == "cubic" else None
    filled[asked] = np.interp(asked, rows, x_px[rows]) if through is None else through(asked)
    filled[rows] = x_px[rows]
    return filled


def resampled(x_px: Float64, *, points: int = PUBLISHED_POINTS) -> Float64:
    """What is left of `x_px [P]` when it is read at `points` rows, evenly spaced from the first found row to the last,
    and drawn again by straight lines between them; rows outside stay gaps. ValueError for fewer than two points.
    """
    if points < 2:
        raise ValueError(f"`points` must be 2 or more, got {points}")
    rows = np.flatnonzero(np.isfinite(x_px))
    if len(rows) < 2:
        return x_px.copy()
    kept = np.linspace(rows[0], rows[-1], points)
    at_kept = np.interp(kept, rows, x_px[rows])
    span = np.arange(rows[0], rows[-1] + 1)
    again = np.full(len(x_px), np.nan)
    again[span] = np.interp(span, kept, at_kept)
    return again
