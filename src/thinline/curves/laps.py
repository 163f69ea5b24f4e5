"""Laps: how often a curve has left its track on one side and come back on the other (backup wrap).

Conventions
    A track runs from its left edge, t = 0, to its right edge, t = 1. A curve that leaves it on the right comes back on
    the left one **lap** later: t + lap is where it would be on an endless scale. P rows.

Method
    The tracer (viterbi.py) has found a position for each row. The step from each row to the next is explained in one of
    three ways, and of all chains of explanations the cheapest is taken. Costs are lengths of paper in mm:

        on the same lap     what lies between the two runs of ink: a pen that jumps draws a line across
        over the right      what lies between the two runs of ink and the edges, and WRAP_MM: a pen that wraps is lifted
        over the left       the same the other way round
        either, in a row    WRAP_MM and what lies between the next run and that at the other edge of the same row
        either, unseen      WRAP_MM, where the curve is nowhere, and into or out of a row that is full of ink
        to be away          the length of each row, once for every lap from lap 0

    So a curve that is seen to leave and to come back is followed, for as many mm along depth as the paper is wide that
    its two ends leave unexplained otherwise: nearly two widths of the track where it leaves and comes back at the
    edges, less where it is so steep that ink covers more of the way. One that is away for longer, or never seen to come
    back, is taken to have jumped; and where a sheet does not say on which lap it begins, it is on lap 0 for most of its
    length. Laps go from -MOST_LAPS to MOST_LAPS.

    The value of WRAP_MM was chosen by search on drawn archive sheets that are in no split, with two trained networks
    and the true class maps (experiments/LOG.md).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.curves.viterbi_kernel import NOWHERE, Places, across
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64

MOST_LAPS: Final = 3
WRAP_MM: Final = 2.0


def laps(path: Int64, places: Places, count: Int64, track: Float64, full: Bool, *, px_per_mm: float) -> Int64:
    """The lap of each row of a curve at the positions `path [P]`, int64 [P]; all 0 where the `track` [2] is NaN.

    `places` and `count [P]` are the positions of each row and how many they are, `full [P]` bool says which rows are
    full of ink; from the columns of `track` on a strand is at its left and at its right edge.
    """
    if np.isnan(track).any():
        return np.zeros(len(path), np.int64)
    steps = call(_steps, path, places, count, track, full, WRAP_MM * px_per_mm)
    return np.asarray(call(_cheapest, steps), np.int64)


@kernel
def _steps(path, places, count, track, full, wrap):  # type: ignore[no-untyped-def]
    """What the step into each row costs over the left edge, on the same lap and over the right edge, float64 [P,3]."""
    steps = np.zeros((len(path), 3))
    for row in range(1, len(path)):
        b, i = path[row - 1], path[row]
        if places.strand[row - 1, b] == NOWHERE or places.strand[row, i] == NOWHERE or full[row - 1] or full[row]:
            steps[row, 0] = steps[row, 2] = wrap
            continue
        steps[row, 1] = across(places, row - 1, b, row, i)
        over_right, over_left = _round(places, row - 1, b, row, i, track)
        for c in range(count[row - 1]):
            if places.strand[row - 1, c] >= 0 and places.strand[row - 1, b] >= 0:
                right, left = _round(places, row - 1, b, row - 1, c, track)
                rest = across(places, row - 1, c, row, i)
                over_right, over_left = _if_lifted(right, left, rest, over_right, over_left)
        for c in range(count[row]):
            if places.strand[row, c] >= 0 and places.strand[row, i] >= 0:
                right, left = _round(places, row, c, row, i, track)
                rest = across(places, row - 1, b, row, c)
                over_right, over_left = _if_lifted(right, left, rest, over_right, over_left)
        steps[row, 0], steps[row, 2] = wrap + over_left, wrap + over_right
    return steps


@kernel
def _round(places, row, i, other_row, j, track):  # type: ignore[no-untyped-def]
    """Pixels of paper from position i of a row over the right, and over the left edge of the track, to position j of
    another row."""
    low, high = places.x[row, i] - places.half[row, i], places.x[row, i] + places.half[row, i]
    other_low = places.x[other_row, j] - places.half[other_row, j]
    other_high = places.x[other_row, j] + places.half[other_row, j]
    over_right = max(0.0, track[1] - high) + max(0.0, other_low - track[0])
    over_left = max(0.0, low - track[0]) + max(0.0, track[1] - other_high)
    return over_right, over_left


@kernel
def _if_lifted(right, left, rest, over_right, over_left):  # type: ignore[no-untyped-def]
    """The ways over either edge, or `rest` where within a row nothing is short of that edge."""
    if right == 0.0:
        over_right = min(over_right, rest)
    if left == 0.0:
        over_left = min(over_left, rest)
    return over_right, over_left


@kernel
def _cheapest(steps):  # type: ignore[no-untyped-def]
    """The chain of laps, int64 [P], that costs least; a row away from lap 0 costs its height."""
    rows, states = len(steps), 2 * MOST_LAPS + 1
    away = np.abs(np.arange(states) - MOST_LAPS).astype(np.float64)
    total, after = away.copy(), np.empty(states)
    back = np.zeros((rows, states), np.int8)
    for row in range(1, rows):
        for lap in range(states):
            after[lap] = np.inf
            for change in (0, -1, 1):
                before = lap - change
                if 0 <= before < states and total[before] + steps[row, 1 + change] < after[lap]:
                    after[lap], back[row, lap] = total[before] + steps[row, 1 + change], change
        total[:] = after + away
    chosen, at = np.zeros(rows, np.int64), np.argmin(total)
    for row in range(rows - 1, -1, -1):
        chosen[row] = at - MOST_LAPS
        at -= back[row, at]
    return chosen
