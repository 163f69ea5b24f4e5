"""Compare a traced curve with the true one: sums over rows first, rates last.

Conventions
    P rows of one sheet; x in pixels, NaN = no curve. Rows of the true curve count. `track_px` is the width of the
    track, the unit of the published errors. The error of a row is |found - true|, at most one track. **A true row that
    was not found has the error of one track**, so leaving rows out never improves a score. To score a curve with its
    gaps bridged, bridge it first (gaps.py); the name of the score then says so. Found rows without truth are `extra`.

    One track is the least cost of a missing row with that property: a row that was found can be wrong by as much. With
    less, half a track (the error of a guess at the middle of the track, at most) or the error of the best constant, a
    curve gains by leaving out its rows that are wrong by more. Means over the found rows alone, as of exported curves,
    gain by leaving out all but the easiest rows; the published error (References) is that of a curve that was bridged
    by a spline, where a gap costs what the spline is off. So a bridged error says how good the curve is that is handed
    on, and the unbridged one how much of it was read; `coverage` is the share of rows, which the unbridged error
    contains: it is at least 1 - coverage.

Measures, of the sums over one or more sheets
    1. mae_track   mean error, in tracks; mae_px, mae_mm: in the unit of each sheet
    2. rmse_track  root of the mean squared error
    3. p95_track   95th percentile of a sheet, max_track its largest error; over sheets: mean of p95, largest of max
    4. r2          1 - sum of squared errors / sum of squares of the truth about its mean on its sheet (in tracks);
                   NaN for a constant truth
    5. coverage    found true rows / true rows
    6. gap_mm      longest run of true rows that were not found, over all sheets
    7. extra       found rows without truth / found rows; extra_rows: their number

    Without true rows all but `extra` and `extra_rows` are NaN. Extra rows have no error that could be averaged.

References
    "VeerNet", J. Imaging 9(7), 136 (2023) reports MAE of the curve normalised by its track, and R2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64


@dataclass(frozen=True)
class CurveError:
    """Errors of one curve on one sheet, in tracks.

    `rows`: true rows; `traced`: those of them with an estimate; `extra`: rows with an estimate and without truth;
    `error`, `square`: sums of errors and of squared errors; `spread`: sum of squares of the truth about its mean;
    `p95`, `worst`: 95th percentile and maximum of the errors; `gap`: longest run of rows not found; `track_px`: width
    of the track.
    """

    rows: int
    traced: int
    extra: int
    error: float
    square: float
    spread: float
    p95: float
    worst: float
    gap: int
    track_px: float


def compare(found_px: Float64, true_px: Float64, *, track_px: float) -> CurveError:
    """Compare x per row, both float64 [P]. ValueError for different shapes and for a track that is not wider than 0."""
    if found_px.shape != true_px.shape or found_px.ndim != 1:
        raise ValueError(
            f"`found_px` and `true_px` must be [P] of the same rows, got {found_px.shape} and {true_px.shape}"
        )
    if not track_px > 0:
        raise ValueError(f"`track_px` must be above 0, got {track_px}; it is the width of the track in pixels")
    errors = np.empty(len(true_px))
    rows, traced, extra, gap, spread = call(_compared, found_px, true_px, float(track_px), errors)
    errors = np.sort(errors[:rows])
    error, square, p95, worst = call(_summed, errors)
    return CurveError(rows, traced, extra, error, square, spread, p95, worst, gap, float(track_px))


@kernel
def _compared(found_px, true_px, track, error):  # type: ignore[no-untyped-def]
    """True rows, traced, extra, longest gap and spread; the errors of true rows are written to the head of `error`."""
    rows, traced, extra, gap, longest, mean = 0, 0, 0, 0, 0, 0.0
    for row in range(len(true_px)):
        known = np.isfinite(found_px[row])
        if not np.isfinite(true_px[row]):
            extra += known
            continue
        error[rows] = min(abs(found_px[row] - true_px[row]) / track, 1.0) if known else 1.0
        traced += known
        gap = 0 if known else gap + 1
        longest = max(longest, gap)
        mean += true_px[row] / track
        rows += 1
    spread, least, most = 0.0, np.inf, -np.inf
    if rows:
        mean /= rows
        for row in range(len(true_px)):
            if np.isfinite(true_px[row]):
                spread += (true_px[row] / track - mean) ** 2
                least, most = min(least, true_px[row]), max(most, true_px[row])
        if least == most:  # a rounded mean would give a constant truth some spread
            spread = 0.0
    return rows, traced, extra, longest, spread


@kernel
def _summed(error):  # type: ignore[no-untyped-def]
    """Sum, sum of squares, 95th percentile and largest of ascending errors; added one by one, as published."""
    total, square = 0.0, 0.0
    for value in error:
        total += value
        square += value * value
    if not len(error):
        return total, square, np.nan, np.nan
    index = 0.95 * (len(error) - 1)
    low = int(index)
    p95 = error[low] + (index - low) * (error[min(low + 1, len(error) - 1)] - error[low])
    return total, square, p95, error[-1]


def curve_rates(errors: Sequence[CurveError], *, px_per_mm: float) -> dict[str, float]:
    """The measures of the module over all sheets of `errors`, by name."""
    scored = [each for each in errors if each.rows]
    traced = sum(each.traced for each in errors)
    extra = sum(each.extra for each in errors)
    rates = {"extra": extra / (traced + extra) if traced + extra else np.nan, "extra_rows": float(extra)}
    if not scored:
        names = ("mae_track", "mae_px", "mae_mm", "rmse_track", "p95_track", "max_track", "r2", "coverage", "gap_mm")
        return dict.fromkeys(names, np.nan) | rates
    rows = sum(each.rows for each in scored)
    square, spread = sum(each.square for each in scored), sum(each.spread for each in scored)
    mae_px = sum(each.error * each.track_px for each in scored) / rows
    return {
        "mae_track": sum(each.error for each in scored) / rows,
        "mae_px": mae_px,
        "mae_mm": mae_px / px_per_mm,
        "rmse_track": float(np.sqrt(square / rows)),
        "p95_track": float(np.mean([each.p95 for each in scored])),
        "max_track": max(each.worst for each in scored),
        "r2": 1 - square / spread if spread > 0 else np.nan,
        "coverage": traced / rows,
        "gap_mm": max(each.gap for each in scored) / px_per_mm,
    } | rates
