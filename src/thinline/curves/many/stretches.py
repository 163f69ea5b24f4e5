"""Stretches of paths between meetings, and what tells one pen from another along them.

Conventions
    A *stretch* is a path from the middle row of one of its meetings to the middle row of the next. Its features are
    those of the rows outside of meetings, with a run that no other path shares:

        width       log of the median pen width across the course: the darkness of the image in px of black, or the ink,
                    of a row, divided by the length of the course in it
        ink         share of the rows that have ink (a solid pen: 1)
        roughness   log of (.25 px + median |second difference of x|)

    The cost of a stretch with the name of a curve is the sum over the features of the squared difference from the curve
    in units of SPREADS, at most MOST_PEN each, times rows / ENOUGH_MM if the stretch is shorter. The features of a
    curve are the weighted medians of those of its stretches.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from thinline.curves.many.positions import NONE, Meeting, Positions
from thinline.curves.many.runs import Runs
from thinline.vocabulary import Bool, Float64, Int64

SPREADS: Final = (0.18, 0.09, 0.35)
MOST_PEN: Final = 9.0
ENOUGH_MM: Final = 6.0


@dataclass(frozen=True, eq=False)
class Stretches:
    """Stretches of all paths: `path [n]`, `first`, `last` rows [n], `features [n,3]` (NaN: unknown), `weight [n]` 0..1.

    `of [N]` are the indices of the stretches of each path, from the top.
    """

    path: Int64
    first: Int64
    last: Int64
    features: Float64
    weight: Float64
    of: list[list[int]]


def stretches_of(runs: Runs, positions: Positions, meetings: list[Meeting], *, px_per_mm: float) -> Stretches:
    """The paths cut at the middle rows of their meetings, with the features of each stretch."""
    number, height = positions.run.shape
    clear = (positions.run != NONE) & ~positions.shared
    cuts: list[list[int]] = [[0] for _ in range(number)]
    for meeting in meetings:
        for path in meeting.pair:
            clear[path, meeting.first : meeting.last + 1] = False
            cuts[path].append((meeting.first + meeting.last) // 2)
    spans = [(path, *span) for path in range(number) for span in pairwise([*cuts[path], height])]
    of: list[list[int]] = [[] for _ in range(number)]
    features, weight = np.full((len(spans), 3), np.nan), np.zeros(len(spans))
    rows_of = [_row_features(runs, positions, clear, path) for path in range(number)]
    for n, (path, first, last) in enumerate(spans):
        of[path].append(n)
        width, second, present = (each[first:last] for each in rows_of[path])
        weight[n] = min(1.0, np.isfinite(width).sum() / (ENOUGH_MM * px_per_mm))
        if weight[n]:
            features[n] = np.log(np.nanmedian(width)), np.nanmean(present), np.nan
        if np.isfinite(second).any():
            features[n, 2] = np.log(np.nanmedian(second) + 0.25)
    paths, firsts, lasts = np.array(spans, np.int64).reshape(-1, 3).T
    return Stretches(paths, firsts, lasts, features, weight, of)


def _row_features(runs: Runs, positions: Positions, clear: Bool, path: int) -> tuple[Float64, Float64, Float64]:
    """Pen width across the course, |second difference of x|, and ink (1 or 0), each [H], NaN where unknown."""
    x, run = positions.x[path], positions.run[path]
    width = np.full(len(x), np.nan)
    width[run != NONE] = runs.pen[run[run != NONE]]
    ink = np.where(run == NONE, 0.0, width > 0)
    ink[np.isnan(x) | (~clear[path] & (run != NONE))] = np.nan
    slope, second = np.full(len(x), np.nan), np.full(len(x), np.nan)
    slope[1:-1] = 0.5 * (x[2:] - x[:-2])
    near = clear[path, 1:-1] & clear[path, 2:] & clear[path, :-2]
    second[1:-1] = np.where(near, np.abs(x[2:] - 2 * x[1:-1] + x[:-2]), np.nan)
    across = width / np.sqrt(1 + np.nan_to_num(slope) ** 2)
    return np.where(clear[path] & (width > 0), np.maximum(across, 0.25), np.nan), second, ink


def starts_of(stretches: Stretches, continued: Int64, number: int) -> list[Int64]:
    """Names to start a search from: those by continuity, and for each feature N groups of ascending feature."""
    starts = [continued]
    for feature in range(3):
        values = stretches.features[:, feature]
        known = np.isfinite(values) & (stretches.weight > 0)
        if known.sum() < number:
            continue
        order = np.argsort(values[known], kind="stable")
        share = np.cumsum(stretches.weight[known][order])
        group = np.minimum((share - 1e-9) / share[-1] * number, number - 1).astype(np.int64)
        curve_of = continued.copy()
        curve_of[np.flatnonzero(known)[order]] = group
        starts.append(curve_of)
    return starts


def pen_costs(stretches: Stretches, curve_of: Int64, number: int) -> Float64:
    """Cost of each stretch with each name, [n,N], for the features that the curves have with the names `curve_of`."""
    cost = np.zeros((len(curve_of), number))
    for feature, spread in enumerate(SPREADS):
        values = stretches.features[:, feature]
        known = np.isfinite(values)
        for curve in range(number):
            own = known & (curve_of == curve)
            if not own.any():
                continue
            typical = _median(values[own], stretches.weight[own])
            squared = np.minimum(((values - typical) / spread) ** 2, MOST_PEN)
            cost[:, curve] += np.where(known, squared, 0.0) * stretches.weight
    return cost


def _median(values: Float64, weight: Float64) -> float:
    """Weighted median."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(share, 0.5 * share[-1])])
