"""Fill the gaps of a traced curve, and resample it at a fixed number of points.

Conventions
    `x_px [P]` float64 with NaN in gaps. Only gaps between found rows are bridged; rows before the first and after the
    last found row stay NaN. The cubic spline has continuous second derivatives, and third ones at the second and the
    last but one found row ("not-a-knot"); through three rows it is a parabola.

References
    "VeerNet", J. Imaging 9(7), 136 (2023): cubic spline through the centreline, sampled at 300 points.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64, Int64

WAYS: Final = ("linear", "cubic")
PUBLISHED_POINTS: Final = 300


def bridged(x_px: Float64, *, way: str = "linear", longest: int | None = None) -> Float64:
    """`x_px [P]` with gaps of at most `longest` rows (None: all) filled by straight lines or a cubic spline.

    The spline passes through every found row and may leave the sheet between them. A curve with fewer than two found
    rows is returned unchanged. ValueError for another way.
    """
    if way not in WAYS:
        raise ValueError(f"`way` must be one of {', '.join(WAYS)}, got {way!r}")
    x = np.ascontiguousarray(x_px, np.float64)
    slopes = np.zeros(len(x))
    if way == "cubic":
        rows = np.flatnonzero(np.isfinite(x))
        if len(rows) > 2:
            slopes[rows] = _slopes(rows, x[rows])
        else:
            way = "linear"
    filled = x.copy()
    call(_fill, x, slopes, way == "cubic", len(x) if longest is None else longest, filled)
    return filled


def _slopes(rows: Int64, x: Float64) -> Float64:
    """Derivative of the spline at each of the found `rows [N]`, N >= 3."""
    slopes = np.empty(len(rows))
    call(_spline, rows, x, slopes)
    return slopes


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


@kernel
def _fill(x, slopes, cubic, longest, filled):  # type: ignore[no-untyped-def]
    """Fill the rows of `filled [P]` between found rows of `x [P]`, where the curve has `slopes [P]`."""
    before = -1
    for row in range(len(x)):
        if not np.isfinite(x[row]):
            continue
        height = row - before
        if before >= 0 and 1 < height <= longest + 1:
            mean = (x[row] - x[before]) / height
            twist = (slopes[before] + slopes[row] - 2 * mean) / height
            bend = (mean - slopes[before]) / height - twist
            for at in range(1, height):
                if cubic:
                    filled[before + at] = x[before] + at * (slopes[before] + at * (bend + at * twist / height))
                else:
                    filled[before + at] = mean * at + x[before]
        before = row


@kernel
def _spline(rows, x, slopes):  # type: ignore[no-untyped-def]
    """Write the derivatives at `rows [N]`: a tridiagonal system, by elimination. All of its pivots are positive."""
    last = len(rows) - 1
    if last == 2:  # a parabola
        left, right = (x[1] - x[0]) / (rows[1] - rows[0]), (x[2] - x[1]) / (rows[2] - rows[1])
        curvature = (right - left) / (rows[2] - rows[0])
        slopes[0] = left - curvature * (rows[1] - rows[0])
        slopes[1] = left + curvature * (rows[1] - rows[0])
        slopes[2] = right + curvature * (rows[2] - rows[1])
        return
    above = np.empty(last + 1)
    step, following = float(rows[1] - rows[0]), float(rows[2] - rows[1])
    mean, next_mean = (x[1] - x[0]) / step, (x[2] - x[1]) / following
    both = step + following
    above[0] = both / following
    slopes[0] = ((step + 2 * both) * following * mean + step * step * next_mean) / both / following
    for i in range(1, last):
        step, following = float(rows[i] - rows[i - 1]), float(rows[i + 1] - rows[i])
        mean, next_mean = (x[i] - x[i - 1]) / step, (x[i + 1] - x[i]) / following
        pivot = 2 * (step + following) - following * above[i - 1]
        above[i] = step / pivot
        slopes[i] = (3 * (following * mean + step * next_mean) - following * slopes[i - 1]) / pivot
    both = step + following
    right = (following * following * mean + (2 * both + following) * step * next_mean) / both
    slopes[last] = (right - both * slopes[last - 1]) / (step - both * above[last - 1])
    for i in range(last - 1, -1, -1):
        slopes[i] -= above[i] * slopes[i + 1]
