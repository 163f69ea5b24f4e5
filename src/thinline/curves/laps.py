"""Find the lap of a traced curve in each row: how often it has left its track on one side and continued on the other.

Conventions
    The track runs from its left edge, t = 0, to its right edge, t = 1. A curve that leaves it on the right continues at
    the left edge, one **lap** later (backup wrap): t + lap is its position on an unlimited scale. P rows.

    In each row the tracer (viterbi.py) has put the curve at a position: a strand (a run of ink, row_runs.py), a held
    column (a gap in the curve), or nowhere. Distances below are between strands; a held column counts as a strand of
    one pixel.

Method
    The lap of every row is chosen so that the total cost is least (dynamic programming). Each step between consecutive
    rows stays on its lap, or wraps to the next or the previous one; each row away from lap 0 costs too. Costs are
    lengths in mm:

        same lap            distance between the strands of the two rows: a pen that jumps draws a line across the track
        wrap right          distance from one strand over the right edge to the other strand, plus WRAP_MM
        wrap left           the same over the left edge
        wrap within a row   if one of the two rows has strands at both edges: WRAP_MM, plus the distance from its second
                            strand to the strand of the other row
        unseen wrap         WRAP_MM, into or out of a row where the curve is nowhere or that is full of ink (to stay on
                            the same lap costs nothing there)
        row away            height of the row, times the number of laps between it and lap 0

    An excursion to lap 1 or -1 that wraps out and back saves two jumps across the track, and costs its length along
    depth and two wraps. It is therefore accepted if it is shorter than nearly two track widths, or less if the curve is
    so steep that its ink covers part of the jumps. A longer excursion counts as two jumps. A curve that wraps once and
    does not return saves one jump, and its longer part is on lap 0. Laps lie in -MOST_LAPS..MOST_LAPS.

    WRAP_MM was chosen by search on archive sheets outside all splits (experiments/LOG.md).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.curves.viterbi_kernel import NOWHERE, Positions, across
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64

MOST_LAPS: Final = 3
WRAP_MM: Final = 2.0


def laps(path: Int64, positions: Positions, count: Int64, track: Float64, full: Bool, *, px_per_mm: float) -> Int64:
    """The lap of each row of a curve at the positions `path [P]`, int64 [P]; all 0 if the `track` [2] is NaN.

    `positions` are those of all rows, `count [P]` their number in each row; `full [P]` marks rows full of ink.
    A strand that reaches the columns of `track` is at its left or right edge.
    """
    if np.isnan(track).any():
        return np.zeros(len(path), np.int64)
    steps = call(_steps, path, positions, count, track, full, WRAP_MM * px_per_mm)
    return cheapest_laps(steps)


def cheapest_laps(steps: Float64) -> Int64:
    """The laps int64 [P] of least total cost; each row away from lap 0 costs 1 for each lap.

    `steps [P,3]` is the cost of the step into each row over the left edge, on the same lap, and over the right edge.
    """
    return np.asarray(call(_cheapest, steps), np.int64)


@kernel
def _steps(path, positions, count, track, full, wrap):  # type: ignore[no-untyped-def]
    """Cost of the step into each row over the left edge, on the same lap, and over the right edge, float64 [P,3]."""
    steps = np.zeros((len(path), 3))
    for row in range(1, len(path)):
        b, i = path[row - 1], path[row]
        if positions.strand[row - 1, b] == NOWHERE or positions.strand[row, i] == NOWHERE or full[row - 1] or full[row]:
            steps[row, 0] = steps[row, 2] = wrap
            continue
        steps[row, 1] = across(positions, row - 1, b, row, i)
        over_right, over_left = _around(positions, row - 1, b, row, i, track)
        for c in range(count[row - 1]):
            if positions.strand[row - 1, c] >= 0 and positions.strand[row - 1, b] >= 0:
                right, left = _around(positions, row - 1, b, row - 1, c, track)
                rest = across(positions, row - 1, c, row, i)
                over_right, over_left = _if_lifted(right, left, rest, over_right, over_left)
        for c in range(count[row]):
            if positions.strand[row, c] >= 0 and positions.strand[row, i] >= 0:
                right, left = _around(positions, row, c, row, i, track)
                rest = across(positions, row - 1, b, row, c)
                over_right, over_left = _if_lifted(right, left, rest, over_right, over_left)
        steps[row, 0], steps[row, 2] = wrap + over_left, wrap + over_right
    return steps


@kernel
def _around(positions, row, i, other_row, j, track):  # type: ignore[no-untyped-def]
    """Distances in px from position i of a row to position j of another, over the right and over the left edge."""
    low, high = positions.x[row, i] - positions.half[row, i], positions.x[row, i] + positions.half[row, i]
    other_low = positions.x[other_row, j] - positions.half[other_row, j]
    other_high = positions.x[other_row, j] + positions.half[other_row, j]
    over_right = max(0.0, track[1] - high) + max(0.0, other_low - track[0])
    over_left = max(0.0, low - track[0]) + max(0.0, track[1] - other_high)
    return over_right, over_left


@kernel
def _if_lifted(right, left, rest, over_right, over_left):  # type: ignore[no-untyped-def]
    """The distances over either edge, lowered to `rest` if two strands of one row reach the two edges."""
    if right == 0.0:
        over_right = min(over_right, rest)
    if left == 0.0:
        over_left = min(over_left, rest)
    return over_right, over_left


@kernel
def _cheapest(steps):  # type: ignore[no-untyped-def]
    """The cheapest chain of laps, int64 [P]; each row costs 1 px per lap away from lap 0."""
    rows, states = len(steps), 2 * MOST_LAPS + 1
    total, after = np.empty(states), np.empty(states)
    back = np.zeros((rows, states), np.int8)
    for lap in range(states):
        total[lap] = abs(lap - MOST_LAPS)
    for row in range(1, rows):
        for lap in range(states):
            after[lap] = np.inf
            for change in (0, -1, 1):
                before = lap - change
                if 0 <= before < states and total[before] + steps[row, 1 + change] < after[lap]:
                    after[lap], back[row, lap] = total[before] + steps[row, 1 + change], change
        for lap in range(states):
            total[lap] = after[lap] + abs(lap - MOST_LAPS)
    chosen, at = np.zeros(rows, np.int64), 0
    for lap in range(1, states):
        if total[lap] < total[at]:
            at = lap
    for row in range(rows - 1, -1, -1):
        chosen[row] = at - MOST_LAPS
        at -= back[row, at]
    return chosen
