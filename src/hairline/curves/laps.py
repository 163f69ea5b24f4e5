"""Laps: how often a curve has left its track on one side and come back on the other (backup wrap).

Conventions
    A track runs from its left edge, t = 0, to its right edge, t = 1. A curve that leaves it on the right comes back on
    the left one **lap** later: t + lap is where it would be on an endless scale.

Method
    From one row with a curve to the next, t may jump because the curve wraps or because it jumps. It may have wrapped
    only if it jumps by more than half the track, from the outer third of one side to that of the other (OUTER), and
    leaves the middle between them white: a pen that jumps draws a line across, one that wraps is lifted. Of all ways to
    explain the jumps by laps -MOST_LAPS..MOST_LAPS the cheapest is taken: |u step| for every jump, and for every lap
    away from 0 the length of its stretch over AWAY_MM. So a wrap that never comes back is in the end taken for a jump,
    and one misread row cannot shift the rest of the curve by a whole track. Across a gap longer than GAP_MM a lap may
    be left for BROKEN tracks, which is also the price of beginning on one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from hairline.vocabulary import Bool, Float32, Float64, Int64

MOST_LAPS: Final = 3
AWAY_MM: Final = 150.0
GAP_MM: Final = 5.0
BROKEN: Final = 0.5
OUTER: Final = 0.35
CROSSED: Final = 0.3  # of the middle inked, from which it is crossed; a dashed line leaves half of it white


def laps(position: Float64, crossed: Float32, *, px_per_mm: float) -> Int64:
    """Lap of each row of a curve at `position` [P], t or NaN; 0 where there is none.

    `crossed [P]` is the share of the middle of the track that the curve's ink covers in each row.
    """
    rows = np.flatnonzero(np.isfinite(position))
    found = np.zeros(len(position), np.int64)
    if len(rows) < 2:
        return found
    t = position[rows]
    step, gap = np.diff(t), np.diff(rows) > GAP_MM * px_per_mm
    wraps = _may_wrap(t)
    for n in np.flatnonzero(wraps):
        wraps[n] = crossed[rows[n] : rows[n + 1] + 1].max() < CROSSED
    events = np.flatnonzero(wraps | gap)
    if not len(events):
        return found
    bounds = np.concatenate([[0], events + 1, [len(rows)]])
    stretch = (rows[bounds[1:] - 1] - rows[bounds[:-1]] + 1) / (AWAY_MM * px_per_mm)
    chosen = _cheapest(stretch, step[events], gap[events], wraps[events])
    found[rows] = np.repeat(chosen, np.diff(bounds))
    return found


def _may_wrap(t: Float64) -> Bool:
    """Whether a curve may have left its track between one known row and the next."""
    before, after = t[:-1], t[1:]
    right, left = (before > 1 - OUTER) & (after < OUTER), (before < OUTER) & (after > 1 - OUTER)
    return np.asarray((right | left) & (np.abs(after - before) > 0.5), np.bool_)


def _cheapest(stretch: Float64, step: Float64, gap: Bool, wraps: Bool) -> Int64:
    """The lap of each stretch [N + 1] between events [N]."""
    lap = np.arange(-MOST_LAPS, MOST_LAPS + 1)
    change = lap[:, None] - lap[None]  # to, from
    cost = np.abs(lap) * stretch[0] + np.where(lap == 0, 0, BROKEN)  # a log mostly begins on its scale
    best = np.zeros((len(step), len(lap)), np.int64)
    never = np.full(change.shape, np.inf)
    for n in range(len(step)):
        price = np.where(change == -np.sign(step[n]), np.abs(step[n] + change), np.inf) if wraps[n] else never
        if gap[n]:  # unseen it may have gone anywhere
            price = np.minimum(price, np.where(lap[:, None] == 0, BROKEN, np.inf))
        price = np.where(change == 0, 0 if gap[n] else abs(step[n]), price)
        total = price + cost[None]
        best[n] = total.argmin(axis=1)
        cost = total.min(axis=1) + np.abs(lap) * stretch[n + 1]
    at = int(cost.argmin())
    chosen = [at]
    for n in range(len(step) - 1, -1, -1):
        at = int(best[n, at])
        chosen.append(at)
    return np.asarray(lap[chosen[::-1]], np.int64)
