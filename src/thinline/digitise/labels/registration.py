"""Shift the course of a curve along depth and sideways until it lies on the ink: dynamic time warping in two bounds.

Conventions
    Row v of the paper is matched with row v + s of the course, moved by d columns to the right. s and d are whole
    paper pixels, |s| and |d| at most the two bounds. From one row to the next each changes by at most 1, so rows of the
    course are stretched to two rows or left out one by one, and never change their order.

Method
    The cost of a row is the mean distance of the columns of the course from the nearest ink, at most MOST_MM; of all
    paths (s, d) that with the least sum is chosen (dynamic programming). A change of s costs DEPTH_STEP and one of d
    SIDE_STEP, in mm of distance: less often changing shifts are preferred where the ink allows several. A row without a
    course costs UNKNOWN_MM.

    Ink is of two kinds: ink of curves, and other dark pixels, which count as farther away by OTHER_MM. So a course
    follows the ink of curves, and dark pixels only where there is none, as in worn print.

    A row *fits* if the course is known and SHARE of its columns lie within NEAR_MM of ink of either kind. It is
    *registered* if it fits, and so do AROUND_SHARE of the known rows within AROUND_MM above and below it, and
    CURVES_SHARE of those within FAR_MM fit with the ink of curves alone. A row between registered rows that does not
    fit is *bridged* where at most DASH_MM are so, as between two dashes. All other rows are doubtful. The constants
    were chosen on drawn `field` sheets with planted shifts.

References
    Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word recognition", IEEE Transactions on
    Acoustics, Speech and Signal Processing 26, 1978 (slope constraints, adjustment window).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy.ndimage import uniform_filter1d

from thinline.digitise.labels.las_course import Course, LabelError
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64, UInt8

MOST_MM: Final = 1.0
DEPTH_STEP: Final = 0.2
SIDE_STEP: Final = 0.4
UNKNOWN_MM: Final = 0.3
NEAR_MM: Final = 0.3
SHARE: Final = 0.8
AROUND_MM: Final = 3.0
AROUND_SHARE: Final = 0.6
OTHER_MM: Final = 0.35
FAR_MM: Final = 10.0
CURVES_SHARE: Final = 0.3
DASH_MM: Final = 2.0
_ABSENT: Final = (0, -1)
_LEVELS: Final = 255  # grey levels of the stored distance, of MOST_MM
_ROWS: Final = 4096  # whose distances are computed at once


@dataclass(frozen=True)
class Bounds:
    """The largest shift along depth and sideways, in mm of paper."""

    depth_mm: float = 5.0
    side_mm: float = 1.0

    def __post_init__(self) -> None:
        for option, value, most in (
            ("--depth-tolerance", self.depth_mm, 30.0),
            ("--side-tolerance", self.side_mm, 5.0),
        ):
            if not 0 <= value <= most:
                raise LabelError(
                    f"{option}: expected 0 to {most:g} mm, got {value:g}; for larger shifts correct the depths or the "
                    "tracks in the job file"
                )


@dataclass(frozen=True, eq=False)
class Registration:
    """For each row of the paper: the shifts in px, int64 [H]; is the curve registered, is it bridged, bool [H].

    `ranges [H,2,2]` are the columns (first, last) of the shifted course, (0, -1) where there are none.
    """

    depth_px: Int64
    side_px: Int64
    registered: Bool
    bridged: Bool
    ranges: Int64


def distance_to(ink: Bool, *, px_per_mm: float) -> UInt8:
    """Distance of every pixel [H,W] from the nearest ink, 0..255 for 0 to MOST_MM and more."""
    height, reach = len(ink), int(MOST_MM * px_per_mm) + 2
    distance = np.empty(ink.shape, np.uint8)
    for top in range(0, height, _ROWS):
        first, bottom = max(0, top - reach), min(height, top + _ROWS)
        paper = np.asarray(~ink[first : min(height, bottom + reach)], np.uint8)
        if paper.all():
            distance[top:bottom] = _LEVELS
            continue
        px = cv2.distanceTransform(paper, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[top - first : bottom - first]
        distance[top:bottom] = np.rint(np.minimum(px / (MOST_MM * px_per_mm), 1) * _LEVELS)
    return distance


def register(
    course: Course, of_curves: UInt8, of_other: UInt8 | None, bounds: Bounds, *, px_per_mm: float
) -> Registration:
    """Register a course on paper.

    Args:
        course: of a curve by the LAS file.
        of_curves: distance [H,W] from the ink of curves, by `distance_to`.
        of_other: the same from all dark pixels, or None.
        bounds: the largest shifts.
        px_per_mm: of the paper.
    """
    ranges = course.intervals()
    columns = np.where(np.isfinite(ranges), np.rint(np.nan_to_num(ranges)), _ABSENT).astype(np.int64)
    has = np.isfinite(ranges[:, 0, 0])
    reach = (round(bounds.depth_mm * px_per_mm), round(bounds.side_mm * px_per_mm))
    level = _LEVELS / MOST_MM
    costs = (DEPTH_STEP * level, SIDE_STEP * level, UNKNOWN_MM * level)
    distance = of_curves
    if of_other is not None:
        distance = np.minimum(of_curves, cv2.add(of_other, np.full_like(of_other, round(OTHER_MM * level))))
    depth_px, side_px = call(_cheapest, distance, columns, has, reach, costs)
    source = np.arange(len(has)) + depth_px
    on = (source >= 0) & (source < len(has))
    source = np.clip(source, 0, len(has) - 1)
    known = on & has[source]
    there = known[:, None] & (columns[source, :, 1] >= columns[source, :, 0])
    moved = np.where(there[..., None], columns[source] + side_px[:, None, None], _ABSENT)
    near = round(NEAR_MM * level)
    fits = known & (call(_share_near, of_curves, moved, near) >= SHARE)
    sure = _around(fits, known, CURVES_SHARE, FAR_MM * px_per_mm)
    either = of_curves if of_other is None else np.minimum(of_curves, of_other)
    rows = known & sure & (call(_share_near, either, moved, near) >= SHARE)
    rows &= _around(rows, known, AROUND_SHARE, AROUND_MM * px_per_mm)
    return Registration(depth_px, side_px, rows, _bridged(rows, known, DASH_MM * px_per_mm), moved)


def _bridged(rows: Bool, known: Bool, most_px: float) -> Bool:
    """Runs of at most `most_px` known rows that are none of `rows`, between two of them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[1], rows.astype(np.int8), [1]])))
    bridged = np.zeros(len(rows), np.bool_)
    for first, last in edges.reshape(-1, 2).tolist():
        inner = first > 0 and last < len(rows)
        bridged[first:last] = inner and last - first <= most_px and known[first:last].all()
    return bridged


def _around(fits: Bool, known: Bool, least: float, reach_px: float) -> Bool:
    """Rows in whose surroundings, `reach_px` to each side, `least` of the known rows fit."""
    size = 2 * round(reach_px) + 1
    share = (uniform_filter1d(each.astype(np.float64), size, mode="constant") for each in (fits, known))
    return np.asarray(next(share) >= least * next(share) - 1e-9, np.bool_)


def shifts_mm(registration: Registration, *, px_per_mm: float) -> tuple[Float64, Float64]:
    """Shifts along depth and sideways of the registered rows, in mm, without their signs."""
    rows = registration.registered
    return np.abs(registration.depth_px[rows]) / px_per_mm, np.abs(registration.side_px[rows]) / px_per_mm


@kernel
def _row_cost(total, columns, side, width):  # type: ignore[no-untyped-def]
    """Mean over the columns of a course, moved by `side`, of the values whose running sum is `total` [W+1]."""
    summed, count = 0.0, 0
    for part in range(2):
        first, last = columns[part, 0], columns[part, 1]
        if last < first:
            continue
        count += last - first + 1
        low, high = max(first + side, 0), min(last + side, width - 1)
        inside = max(high - low + 1, 0)
        if inside > 0:
            summed += total[high + 1] - total[low]
        summed += 255.0 * (last - first + 1 - inside)
    return summed / max(count, 1)


@kernel
def _cheapest(distance, columns, has, reach, costs):  # type: ignore[no-untyped-def]
    """The path of least cost: shifts along depth and sideways of every row, int64 [H] each."""
    height, width = distance.shape
    depth_reach, side_reach = reach
    depth_step, side_step, unknown = costs
    depths, sides = 2 * depth_reach + 1, 2 * side_reach + 1
    back = np.zeros((height, depths, sides), np.uint8)
    total, after = np.zeros((depths, sides)), np.zeros((depths, sides))
    running = np.zeros(width + 1)
    for row in range(height):
        for column in range(width):
            running[column + 1] = running[column] + distance[row, column]
        for i in range(depths):
            source = row + i - depth_reach
            known = 0 <= source < height and has[source]
            for j in range(sides):
                least, move = total[i, j], 4
                for di in range(-1, 2):
                    for dj in range(-1, 2):
                        a, b = i - di, j - dj
                        if row == 0 or a < 0 or a >= depths or b < 0 or b >= sides:
                            continue
                        cost = total[a, b] + depth_step * abs(di) + side_step * abs(dj)
                        if cost < least:
                            least, move = cost, 3 * (di + 1) + dj + 1
                own = _row_cost(running, columns[source], j - side_reach, width) if known else unknown
                after[i, j] = least + own
                back[row, i, j] = move
        total, after = after, total
    best = total.argmin()
    i, j = best // sides, best % sides
    depth, side = np.zeros(height, np.int64), np.zeros(height, np.int64)
    for row in range(height - 1, -1, -1):
        depth[row], side[row] = i - depth_reach, j - side_reach
        move = back[row, i, j]
        i, j = i - (move // 3 - 1), j - (move % 3 - 1)
    return depth, side


@kernel
def _share_near(distance, columns, most):  # type: ignore[no-untyped-def]
    """The share of the columns of each row that lie within `most` of ink, float64 [H]; 0 without columns."""
    height, width = distance.shape
    shares = np.zeros(height)
    for row in range(height):
        near, count = 0, 0
        for part in range(2):
            first, last = columns[row, part, 0], columns[row, part, 1]
            for column in range(first, last + 1):
                count += 1
                if 0 <= column < width and distance[row, column] <= most:
                    near += 1
        if count > 0:
            shares[row] = near / count
    return shares
