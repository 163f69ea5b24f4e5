"""The course of each curve: column, confidence, lap, and bridged rows, from its positions and names.

Conventions
    x           in a row with a run the middle of the run (runs.py). Where two curves share a run, the straight line
                between the rows above and below, if it lies on the run; else the middle. A gap of up to the longest
                bridge is filled by the straight line; longer gaps stay NaN. Wraps are not bridged
    confidence  0..1: the highest probability of ink or centre line in the run of the row; half of it where two curves
                share the run; in a bridged gap the lower of those at its ends, times the share of the longest bridge
                that is left: 1 - rows / (longest + 1). It says whether there is a curve, not which one. 0 in gaps
    bridged     rows with x in which the curve has no ink of its own: a centre line between dashes, or a filled gap
    lap         wraps over the right edge so far (laps.py)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from thinline.curves.curve import Curve
from thinline.curves.gaps import bridged
from thinline.curves.laps import WRAP_MM, cheapest_laps
from thinline.curves.many.positions import NONE, Positions
from thinline.curves.many.runs import Runs
from thinline.vocabulary import Bool, Float64, Int64

SHARED_MM: Final = 4.0
"""Longest stretch of a shared run over which a curve is drawn straight."""


@dataclass(frozen=True, eq=False)
class TracedCurve:
    """`curve`: x, confidence, and lap of each row; `bridged` bool [P]. A curve that is not there is NaN in all rows."""

    curve: Curve
    bridged: Bool


def courses_of(
    runs: Runs, positions: Positions, names: Int64, edges: Float64, *, longest_px: int, px_per_mm: float
) -> tuple[TracedCurve, ...]:
    """The curves of the paths in `positions` with `names [N,H]` in a track with `edges [H,2]`."""
    number, height = positions.run.shape
    rows = np.arange(height)
    path_of = np.argsort(names, axis=0, kind="stable") if number else names
    shared = positions.shared
    curves = []
    for curve in range(number):
        path = path_of[curve]
        run, wrap, both = positions.run[path, rows], positions.wrap[path, rows], shared[path, rows]
        curves.append(_course(runs, run, wrap, both, edges, longest_px=longest_px, px_per_mm=px_per_mm))
    return tuple(curves)


def _course(
    runs: Runs, run: Int64, wrap: Int64, shared: Bool, edges: Float64, *, longest_px: int, px_per_mm: float
) -> TracedCurve:
    """The course through one run (or NONE) in each row."""
    on = run != NONE
    x, confidence = np.full(len(run), np.nan), np.zeros(len(run))
    x[on], confidence[on] = runs.x[run[on]], runs.strength[run[on]]
    confidence[shared] *= 0.5
    low, high = np.full(len(run), np.nan), np.full(len(run), np.nan)
    low[on], high[on] = runs.low[run[on]], runs.high[run[on]]
    line = bridged(np.where(shared, np.nan, x), longest=round(SHARED_MM * px_per_mm))
    with np.errstate(invalid="ignore"):
        straight = shared & (line >= low) & (line <= high)
    x[straight] = line[straight]
    filled = _filled(x, wrap, longest_px)
    gap = np.isfinite(filled) & ~on
    bridge = gap.copy()
    bridge[on] |= ~runs.inked[run[on]]
    confidence = np.where(gap, _between(confidence, on, longest_px), confidence)
    lap = _laps(filled, wrap, edges, px_per_mm=px_per_mm)
    return TracedCurve(Curve(filled, confidence, lap), np.asarray(bridge, np.bool_))


def _filled(x: Float64, wrap: Int64, longest: int) -> Float64:
    """Gaps filled by straight lines, except across wraps."""
    filled = x.copy()
    cuts = [0, *np.flatnonzero(wrap).tolist(), len(x)]
    for first, last in pairwise(cuts):
        filled[first:last] = bridged(x[first:last], longest=longest)
    return filled


def _between(confidence: Float64, on: Bool, longest: int) -> Float64:
    """Confidence in the gaps: the lower of both ends, less for a longer gap."""
    result = confidence.copy()
    rows = np.flatnonzero(on)
    for gap in np.flatnonzero(np.diff(rows) > 1):
        above, below = rows[gap], rows[gap + 1]
        left = 1 - (below - above - 1) / (longest + 1)
        result[above + 1 : below] = max(left, 0.0) * min(confidence[above], confidence[below])
    return result


def _laps(x: Float64, wrap: Int64, edges: Float64, *, px_per_mm: float) -> Int64:
    """The lap of each row: a row with a wrap prefers to change it, but pays the way across the track if it does not."""
    if not wrap.any():
        return np.zeros(len(x), np.int64)
    width = np.maximum(edges[:, 1] - edges[:, 0], 1.0)
    steps = np.zeros((len(x), 3))
    steps[:, 0] = steps[:, 2] = WRAP_MM * px_per_mm + width
    known = np.isnan(x)
    steps[known, 0] = steps[known, 2] = WRAP_MM * px_per_mm
    for row in np.flatnonzero(wrap):
        steps[row] = WRAP_MM * px_per_mm + width[row]
        steps[row, 1 + np.sign(wrap[row])] = 0.0
    return np.where(np.isfinite(x), cheapest_laps(steps), 0)
