"""The rows of each path: its run, its column, and where paths come together.

Conventions
    N paths over H rows. `run [N,H]` int64 is the run of each path, or NONE. Where two fragments of a path have runs in
    one row, as at a wrap, the path is on the longer run. `x [N,H]` is the column of the run, and between two runs at
    most HOLD_MM apart that of the straight line; NaN elsewhere. `wrap [N,H]` is 1 in the row in which a path has come
    in from the left edge after it left over the right one, -1 the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.gaps import bridged
from thinline.curves.many.fragments import Fragments
from thinline.curves.many.links import HOLD_MM, Links
from thinline.curves.many.paths import NOWHERE
from thinline.curves.many.runs import Runs
from thinline.vocabulary import Bool, Float64, Int64

NONE: Final = -1


@dataclass(frozen=True, eq=False)
class Positions:
    """`run`, `x`, `wrap` of the module; `begins` bool [N,H], rows where a path comes from nowhere."""

    run: Int64
    x: Float64
    wrap: Int64
    begins: Bool

    @property
    def shared(self) -> Bool:
        """Rows in which another path is on the same run, bool [N,H]."""
        same = (self.run[:, None] == self.run[None]) & (self.run[:, None] != NONE)
        return np.asarray(same.sum(axis=1) > 1, np.bool_)

    def padded(self, number: int) -> Positions:
        """The same with further paths that are nowhere, `number` in all."""
        more = ((0, number - len(self.run)), (0, 0))
        run, wrap = np.pad(self.run, more, constant_values=NONE), np.pad(self.wrap, more)
        return Positions(run, np.pad(self.x, more, constant_values=np.nan), wrap, np.pad(self.begins, more))


def positions_of(runs: Runs, fragments: Fragments, links: Links, paths: list[Int64], *, px_per_mm: float) -> Positions:
    """The rows of `paths`, each a list of steps [n,2]."""
    shape = (len(paths), runs.rows)
    run, wrap, begins = np.full(shape, NONE), np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
    length = (runs.high - runs.low).astype(np.float64)
    for path, steps in enumerate(paths):
        for fragment, link in steps:
            own = fragments.order[fragments.first[fragment] : fragments.first[fragment + 1]]
            rows = runs.row[own]
            earlier = run[path, rows]
            better = (earlier == NONE) | (length[own] > length[earlier])
            run[path, rows[better]] = own[better]
            if link == NOWHERE:
                begins[path, rows[0]] = True
            elif links.lap[link]:
                wrap[path, rows[better][0] if better.any() else rows[-1]] += links.lap[link]
    x = np.full(shape, np.nan)
    x[run != NONE] = runs.x[run[run != NONE]]
    longest = round(HOLD_MM * px_per_mm)
    return Positions(run, np.array([bridged(line, longest=longest) for line in x]).reshape(shape), wrap, begins)


@dataclass(frozen=True)
class Meeting:
    """Rows `first..last` in which the paths `pair` may have changed places."""

    pair: tuple[int, int]
    first: int
    last: int


def meetings_of(
    runs: Runs, fragments: Fragments, positions: Positions, *, touch_px: float, join_px: int
) -> list[Meeting]:
    """Where the ink of two paths comes closer than `touch_px`, where they cross, or begin again from nowhere.

    Where both paths stay on their fragments there is no choice, and no meeting. Meetings of one pair that are at most
    `join_px` rows apart are one. In the order of their middle rows.
    """
    number, _ = positions.run.shape
    on = positions.run != NONE
    half = np.zeros(positions.run.shape)
    half[on] = 0.5 * (runs.high - runs.low)[positions.run[on]]
    fragment = np.full(positions.run.shape, NONE)
    fragment[on] = fragments.number[positions.run[on]]
    meetings = []
    for p in range(number):
        for q in range(p + 1, number):
            apart = positions.x[p] - positions.x[q]
            same = (positions.run[p] == positions.run[q]) & on[p]
            wrapped = (positions.wrap[p] != 0) | (positions.wrap[q] != 0)
            with np.errstate(invalid="ignore"):
                close = same | (np.abs(apart) - half[p] - half[q] <= touch_px)
                crossed = np.flatnonzero((apart[1:] * apart[:-1] < 0) & ~wrapped[1:])
            close[crossed] = close[crossed + 1] = True
            close |= _begin_again(positions, p, q)
            for first, last in _spans(close, join_px):
                span = slice(max(first - 1, 0), last + 2)
                alone = [on[k, span].all() and np.ptp(fragment[k, span]) == 0 for k in (p, q)]
                if not all(alone) or same[span].any():
                    meetings.append(Meeting((p, q), first, last))
    return sorted(meetings, key=lambda each: (each.first + each.last, each.pair))


def _spans(marked: Bool, join: int) -> list[tuple[int, int]]:
    """First and last row of each run of marked rows; unmarked rows between two runs are marked if at most `join`."""
    rows = np.flatnonzero(marked)
    if not len(rows):
        return []
    cuts = np.flatnonzero(np.diff(rows) > join + 1)
    ends = zip(rows[np.r_[0, cuts + 1]].tolist(), rows[np.r_[cuts, len(rows) - 1]].tolist(), strict=True)
    return list(ends)


def _begin_again(positions: Positions, p: int, q: int) -> Bool:
    """Rows in which one path begins while the other is nowhere or has just begun, bool [H]."""
    begin = np.zeros(positions.run.shape[1], np.bool_)
    for one, other in ((p, q), (q, p)):
        for row in np.flatnonzero(positions.begins[one]).tolist():
            if np.isnan(positions.x[other, max(row - 1, 0)]):
                begin[row] = True
    return begin
