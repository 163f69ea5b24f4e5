"""The course of each curve: column, confidence, lap, and bridged rows, from its positions and names.

Conventions
    x           in a row with ink that no other curve touches the middle of all that ink, as far as it is joined in the
                row: a steep or jittery curve covers many pixels of a row, and the middle is what the row says about
                its value. Where other curves are on the same ink, the x of its run (runs.py); where two curves share a
                run, the straight line between the rows above and below, if it lies on the run; else the middle. A gap
                of up to the longest bridge is filled by the straight line; longer gaps stay NaN. Wraps are not bridged
    confidence  0..1: the highest probability of ink or centre line in the run of the row; half of it where two curves
                share the run; in a bridged gap the lower of those at its ends, times the share of the longest bridge
                that is left: 1 - rows / (longest + 1). It says whether there is a curve, not which one. 0 in gaps
    bridged     rows with x in which the curve has no ink of its own: a centre line between dashes, or a filled gap
    lap         wraps over the right edge so far (laps.py)
    name        confidence of the name, 0..1 (naming.py): whether the ink is of this curve, or of another one of the
                track. `confidence` does not say that
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from thinline.curves.curve import Curve
from thinline.curves.gaps import bridged
from thinline.curves.laps import WRAP_MM, cheapest_laps
from thinline.curves.many.naming import Names
from thinline.curves.many.positions import NONE, Meeting, Positions
from thinline.curves.many.runs import Runs
from thinline.vocabulary import Bool, Float64, Int64

SHARED_MM: Final = 4.0
"""Longest stretch of a shared run over which a curve is drawn straight."""


class _Rows(NamedTuple):
    """A curve in all rows [H]: run or NONE, change of lap, whether the run is shared, x, confidence of the name."""

    run: Int64
    wrap: Int64
    shared: Bool
    x: Float64
    sure: Float64


@dataclass(frozen=True, eq=False)
class TracedCurve:
    """`curve`: x, confidence, and lap of each row; `bridged` bool [P]; `name_confidence` float64 [P].

    A curve that is not there is NaN in all rows.
    """

    curve: Curve
    bridged: Bool
    name_confidence: Float64


def courses_of(
    runs: Runs,
    positions: Positions,
    names: Names,
    meetings: list[Meeting],
    edges: Float64,
    *,
    longest_px: int,
    px_per_mm: float,
) -> tuple[TracedCurve, ...]:
    """The curves of the paths in `positions` with their `names` in a track with `edges [H,2]`."""
    path_of = np.argsort(names.curve, axis=0, kind="stable")
    run, wrap = (np.take_along_axis(each, path_of, axis=0) for each in (positions.run, positions.wrap))
    shared = np.take_along_axis(positions.shared, path_of, axis=0)
    longest = round(SHARED_MM * px_per_mm)
    for meeting in meetings:
        if meeting.last - meeting.first < longest and meeting.first > 0:
            pair = names.curve[list(meeting.pair), meeting.first - 1]
            _exchange(runs, run[:, meeting.first - 1 : meeting.last + 2], pair)
    x = _columns(runs, run)
    sure = np.take_along_axis(names.confidence, path_of, axis=0)
    return tuple(
        _course(runs, _Rows(*each), edges, longest_px=longest_px, px_per_mm=px_per_mm)
        for each in zip(run, wrap, shared, x, sure, strict=True)
    )


def _columns(runs: Runs, run: Int64) -> Float64:
    """The column of each curve [N,H]: of its run, or the middle of the joined runs that no other curve is on."""
    joined = (runs.row[1:] == runs.row[:-1]) & (runs.low[1:] <= runs.high[:-1] + 1)
    group = np.cumsum(np.r_[0, ~joined])[: len(runs.row)]
    first, last = np.searchsorted(group, group), np.searchsorted(group, group, side="right") - 1
    middle = 0.5 * (runs.low[first] + runs.high[last]).astype(np.float64)
    on = run != NONE
    curves_on = np.bincount(group[run[on]], minlength=len(group) + 1)
    x = np.full(run.shape, np.nan)
    x[on] = np.where(curves_on[group[run[on]]] == 1, middle[run[on]], runs.x[run[on]])
    return x


def _exchange(runs: Runs, run: Int64, pair: Int64) -> None:
    """Let a pair of curves change their runs in single rows of a meeting, where both so come closer to straight lines.

    `run [N,h]` are the rows of the meeting, one row above, and one below.
    """
    one, two = run[pair[0]], run[pair[1]]
    if min(one[0], one[-1], two[0], two[-1]) == NONE or len(one) < 3:
        return
    way = np.linspace(0, 1, len(one))
    lines = [runs.x[each[0]] * (1 - way) + runs.x[each[-1]] * way for each in (one, two)]
    rows = np.flatnonzero((one != NONE) & (two != NONE) & (one != two))
    x = [runs.x[each[rows]] for each in (one, two)]

    def away(first: int, second: int) -> Float64:
        errors = np.abs(x[first] - lines[0][rows]), np.abs(x[second] - lines[1][rows])
        return np.asarray(np.log1p(errors[0]) + np.log1p(errors[1]), np.float64)

    change = rows[away(1, 0) < away(0, 1)]
    one[change], two[change] = two[change], one[change].copy()


def _course(runs: Runs, rows: _Rows, edges: Float64, *, longest_px: int, px_per_mm: float) -> TracedCurve:
    """The course through one run (or NONE) in each row."""
    run, wrap, shared, x = rows.run, rows.wrap, rows.shared, rows.x.copy()
    on = run != NONE
    confidence = np.zeros(len(run))
    confidence[on] = runs.strength[run[on]]
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
    return TracedCurve(Curve(filled, confidence, lap), np.asarray(bridge, np.bool_), rows.sure)


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
