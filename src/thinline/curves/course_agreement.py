"""Compare traced curves with true ones by the measures that other digitisers publish.

Conventions
    x of found and of true curves in px, float64 [K,P] of the same rows, NaN where there is none. Correlations and
    errors are over rows with both; therefore `coverage` belongs beside them, and `rows_right` counts a row that was not
    found as wrong. Errors per track, where leaving rows out never helps, are in compare.py.

Measures of a pair of curves
    1. pearson_r    correlation of found and true x; NaN if either is constant or has fewer than two rows
    2. snr_db       10 log10(variance of the truth / mean squared error); infinite for no error
    3. depth_error  |shift| along depth at which the correlation of found and true x is largest, of at most `reach`
                    rows, times the depth of a row (in feet, if that is in feet); of equal ones the smallest shift;
                    only shifts that leave half of the compared rows or more
    4. rows_right   true rows found within `tolerance_px` / true rows
    5. coverage     true rows that were found / true rows
    Over several curves, `strong_matches` is the share with pearson_r of STRONG or more.

    Two curves over depth, of any sampling, are first brought to common depths (`on_common_depths`), where both are
    interpolated linearly between neighbours without a gap; then x is a value, in any unit.

    The names of found curves are free: `best_names` assigns them so that the most rows are right.

References
    1 to 3 and STRONG: as reported for scanned logs by LogLift (r .51, 25 % strong matches, depth error .82 ft); SNR as
    for digitised ECGs (19.65 dB).
    Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2 (1955).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from thinline.curves.las.curve import missing_samples
from thinline.vocabulary import Float64, Int64

STRONG: Final = 0.9
ROUNDING: Final = 1e-7
"""That of a number of seven digits in a file, as a share of the largest value of a curve. A curve that varies by less
is constant, and an error below it is none."""
TOLERANCE_PX: Final = 2.0


@dataclass(frozen=True)
class Agreement:
    """The measures of the module of one pair of curves, NaN where they are not defined; `rows` true rows."""

    rows: int
    rows_right: float
    coverage: float
    pearson_r: float
    snr_db: float
    depth_error: float


def best_names(found_px: Float64, true_px: Float64, *, tolerance_px: float = TOLERANCE_PX) -> Int64:
    """For each true curve the found curve, int64 [K], so that the most rows are right. ValueError for other shapes."""
    _check(found_px, true_px)
    with np.errstate(invalid="ignore"):
        right = (np.abs(found_px[None] - true_px[:, None]) <= tolerance_px).sum(axis=2)
    return np.asarray(linear_sum_assignment(right, maximize=True)[1], np.int64)


def agreement(
    found_px: Float64,
    true_px: Float64,
    *,
    depth_per_row: float,
    reach: int = 50,
    tolerance_px: float = TOLERANCE_PX,
) -> Agreement:
    """Compare one curve [P] with the truth [P]; `reach` is the largest shift in rows that is tried."""
    _check(found_px[None], true_px[None])
    true_rows = np.isfinite(true_px)
    both = true_rows & np.isfinite(found_px)
    rows = int(true_rows.sum())
    found, true = found_px[both], true_px[both]
    error = found - true
    return Agreement(
        rows=rows,
        rows_right=float((np.abs(error) <= tolerance_px).sum() / rows) if rows else np.nan,
        coverage=float(both.sum() / rows) if rows else np.nan,
        pearson_r=_correlation(found, true),
        snr_db=_snr_db(error, true),
        depth_error=_shift(found_px, true_px, reach) * depth_per_row,
    )


def on_common_depths(found: tuple[Float64, Float64], true: tuple[Float64, Float64]) -> tuple[Float64, Float64, float]:
    """Found and true values [P] at common depths, and their step; both are (depth [N], values [N]), NaN in gaps.

    The depths are those that both cover, from end to end, with the finer of the two median steps (a LAS file may be
    deeper than the scan). Depths may rise or fall. ValueError for less than two depths, and for no common depth.
    """
    sides = []
    for name, (depth, values) in (("found", found), ("true", true)):
        if len(depth) < 2 or len(depth) != len(values):
            raise ValueError(f"`{name}` must have two depths or more, and a value at each, got {len(depth)} depths")
        order = np.argsort(depth, kind="stable")
        sides.append((depth[order], values[order]))
    first, last = max(depth[0] for depth, _ in sides), min(depth[-1] for depth, _ in sides)
    step = min(float(np.median(np.diff(depth))) for depth, _ in sides)
    if not (first < last and step > 0):
        ranges = " and ".join(f"{depth[0]:g} to {depth[-1]:g}" for depth, _ in sides)
        raise ValueError(f"found and true values must have common depths, got {ranges}; are the units the same?")
    at = first + step * np.arange(int((last - first) / step + 1e-9) + 1)
    return _interpolated(*sides[0], at), _interpolated(*sides[1], at), step


def _interpolated(depth: Float64, values: Float64, at: Float64) -> Float64:
    """Values at other depths; NaN beside a value that is NaN and between depths of which some are absent."""
    after = np.clip(np.searchsorted(depth, at), 1, len(depth) - 1)
    before = after - 1
    share = np.clip((at - depth[before]) / np.maximum(depth[after] - depth[before], np.finfo(float).tiny), 0, 1)
    between = np.where(share < 1, values[before], 0) * (1 - share) + np.where(share > 0, values[after], 0) * share
    absent = (missing_samples(depth)[before] > 0) & (share > 0) & (share < 1)
    return np.asarray(np.where(absent, np.nan, between), np.float64)


def strong_matches(agreements: Sequence[Agreement]) -> float:
    """The share of curves with a correlation of STRONG or more; a curve without a correlation is no match."""
    if not agreements:
        return np.nan
    return sum(each.pearson_r >= STRONG for each in agreements) / len(agreements)


def _check(found_px: Float64, true_px: Float64) -> None:
    if found_px.shape != true_px.shape or found_px.ndim != 2:
        raise ValueError(
            f"`found_px` and `true_px` must be [K,P] of the same curves and rows, got {found_px.shape} and "
            f"{true_px.shape}; put curves that were not found in as NaN"
        )


def _correlation(found: Float64, true: Float64) -> float:
    """Pearson correlation of two series without NaN."""
    if len(true) < 2 or np.ptp(found) <= _rounding(found) or np.ptp(true) <= _rounding(true):
        return np.nan
    return float(np.corrcoef(found, true)[0, 1])


def _snr_db(error: Float64, true: Float64) -> float:
    if len(true) < 2 or np.ptp(true) <= _rounding(true):
        return np.nan
    square = float(np.mean(error**2))
    return float(10 * np.log10(np.var(true) / square)) if square > _rounding(true) ** 2 else np.inf


def _rounding(values: Float64) -> float:
    return max(ROUNDING * float(np.abs(values).max()), 1e-100)  # whose square is a number yet


def _shift(found_px: Float64, true_px: Float64, reach: int) -> float:
    """|Shift| in rows of the largest correlation; NaN if there is none.

    A shift that leaves fewer than half of the rows that are compared without it is not tried: few rows correlate by
    chance, and two always do.
    """
    best, at, reach = -np.inf, np.nan, min(reach, len(true_px) - 1)
    least = (np.isfinite(found_px) & np.isfinite(true_px)).sum() / 2
    for shift in sorted(range(-reach, reach + 1), key=abs):
        found = found_px[max(shift, 0) : len(found_px) + min(shift, 0)]
        true = true_px[max(-shift, 0) : len(true_px) + min(-shift, 0)]
        both = np.isfinite(found) & np.isfinite(true)
        value = _correlation(found[both], true[both]) if both.sum() >= least else np.nan
        if value > best + 1e-12:
            best, at = value, abs(shift)
    return float(at)
