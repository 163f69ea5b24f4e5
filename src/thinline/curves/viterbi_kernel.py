"""Compiled search for the cheapest pair of courses (viterbi.py): positions of every row, costs forward, path backward.

R rows with up to POSITIONS positions each, shared by both curves; the last position of a row is "nowhere". A state is
the pair of positions (i, j). The steps of the two curves have independent costs, so the minimum over pairs is taken for
one curve after the other: POSITIONS^3 operations twice instead of POSITIONS^4 once.

Parts of arrays are filled by loops: an assignment to a slice takes numba seconds to compile.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from thinline.system.numba_kernels import kernel
from thinline.vocabulary import Float64, Int64

POSITIONS: Final = 14
_HELD: Final = -1
NOWHERE: Final = -2
_NEVER: Final = 1e18


class Problem(NamedTuple):
    """`first [R+1]`, `x [S]` and `width [S]` as in Strands; `price [S,2]` of each strand for either curve.

    A strand that reaches the columns `tracks [2,2]` is at the left or right edge of its track; NaN: no track.
    """

    first: Int64
    x: Float64
    width: Float64
    price: Float64
    tracks: Float64


class Positions(NamedTuple):
    """Positions of all rows, [R,POSITIONS] each: strand (or held, nowhere), x, half of the width, rows it was held."""

    strand: Int64
    x: Float64
    half: Float64
    age: Int64


@kernel
def follow(problem, costs, alone):  # type: ignore[no-untyped-def]
    """The position of each curve in every row, int64 [2,R], the positions of all rows, and their number, [R].

    `costs`: gap, slope, jump, share, rows a position is held, wrap. With `alone` the second curve stays nowhere.
    """
    rows = len(problem.first) - 1
    gap, slope, jump, share, hold, wrap = costs
    shape = (rows, POSITIONS)
    positions = Positions(
        np.full(shape, NOWHERE, np.int64), np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64)
    )
    count = np.zeros(rows, np.int64)
    back = np.zeros((2, rows, POSITIONS, POSITIONS), np.uint8)
    square = (POSITIONS, POSITIONS)
    total, middle, plain, step = np.zeros(square), np.zeros(square), np.zeros(square), np.zeros((2, *square))
    own, short, was_short = np.zeros((POSITIONS, 2)), np.zeros((2, 2, POSITIONS)), np.zeros((2, 2, POSITIONS))
    one_track = problem.tracks[0, 0] == problem.tracks[1, 0] and problem.tracks[0, 1] == problem.tracks[1, 1]
    for row in range(rows):
        before = count[row - 1] if row else 0
        here = _fill(row, before, problem, positions, hold)
        count[row] = here
        _price(row, here, positions, problem.price, gap, own)
        if alone:
            for i in range(here):
                own[i, 1] = 0.0 if positions.strand[row, i] == NOWHERE else _NEVER
        was_short, short = short, was_short
        for k in range(2):
            _ends(row, here, positions, problem.tracks[k], short[k])
        if row:
            _measure(row, here, before, positions, slope, jump, plain)
            for k in range(1 if one_track else 2):
                was = positions.strand[row - 1, :before], was_short[k]
                now = positions.strand[row, :here], short[k]
                _wrap(was, now, plain, (slope, wrap), step[k])
            _first_steps(here, before, total, step[0], middle, back[0, row])
            _second_steps(here, before, middle, step[0 if one_track else 1], total, back[0, row], back[1, row])
        for i in range(here):
            for j in range(here):
                together = share if i == j and i < here - 1 else 0.0  # nowhere is not a shared position
                total[i, j] += own[i, 0] + own[j, 1] + together
    return _walked_back(total, count, back), positions, count


@kernel
def _first_steps(here, before, total, step, out, back):  # type: ignore[no-untyped-def]
    """Step of the first curve: `out [i,j]` is the minimum over b of `total [b,j] + step [b,i]`."""
    for i in range(here):
        for j in range(before):
            out[i, j] = _NEVER * 4
        for b in range(before):
            more = step[b, i]
            for j in range(before):
                value = total[b, j] + more
                if value < out[i, j]:
                    out[i, j], back[i, j] = value, b


@kernel
def _second_steps(here, before, middle, step, out, back, back_other):  # type: ignore[no-untyped-def]
    """Step of the second curve: `out [i,j]` is the minimum over b of `middle [i,b] + step [b,j]`.

    `back [i,b]`, the origin of the first curve if the second was at b, becomes that of the pair (i, j).
    """
    came = np.empty(before, np.uint8)
    for i in range(here):
        for b in range(before):
            came[b] = back[i, b]
        for j in range(here):
            out[i, j] = _NEVER * 4
        for b in range(before):
            so_far = middle[i, b]
            for j in range(here):
                value = so_far + step[b, j]
                if value < out[i, j]:
                    out[i, j], back_other[i, j] = value, b
        for j in range(here):
            back[i, j] = came[back_other[i, j]]


@kernel
def _fill(row, before, problem, positions, hold):  # type: ignore[no-untyped-def]
    """Fill the positions of a row (its strands, positions held from the row before, nowhere); returns their number."""
    here = 0
    for s in range(problem.first[row], problem.first[row + 1]):
        if here < POSITIONS - 1:
            positions.strand[row, here], positions.x[row, here] = s, problem.x[s]
            positions.half[row, here] = 0.5 * (problem.width[s] - 1)
            here += 1
    strands = here
    for i in range(before):
        old, x = positions.age[row - 1, i], positions.x[row - 1, i]
        if positions.strand[row - 1, i] == NOWHERE or old >= hold or here == POSITIONS - 1:
            continue
        covered = False
        for j in range(strands):
            if abs(positions.x[row, j] - x) <= positions.half[row, j] + 1.5:
                covered = True
        if not covered:
            positions.strand[row, here], positions.x[row, here], positions.age[row, here] = _HELD, x, old + 1
            here += 1
    return here + 1  # the last one is nowhere, the initial value of all


@kernel
def _price(row, here, positions, price, gap, own):  # type: ignore[no-untyped-def]
    """Cost of each position for either curve, `own [i,2]`."""
    for i in range(here):
        for k in range(2):
            strand = positions.strand[row, i]
            own[i, k] = price[strand, k] if strand >= 0 else gap


@kernel
def _ends(row, here, positions, track, short):  # type: ignore[no-untyped-def]
    """Pixels by which the ink at each position ends short of the left and the right edge, `short [2,i]`, or 0."""
    left, right = (-np.inf, np.inf) if np.isnan(track[0]) else (track[0], track[1])
    for i in range(here):
        x, half = positions.x[row, i], positions.half[row, i]
        short[0, i], short[1, i] = max(0.0, (x - half) - left), max(0.0, right - (x + half))


@kernel
def _measure(row, here, before, positions, slope, jump, step):  # type: ignore[no-untyped-def]
    """Cost of the step from position b of the row before to position i of this row, `step [b,i]`."""
    for b in range(before - 1):
        for i in range(here - 1):
            step[b, i] = min(slope * across(positions, row - 1, b, row, i), jump)
        step[b, here - 1] = jump
    for i in range(here - 1):
        step[before - 1, i] = jump
    step[before - 1, here - 1] = 0.0


@kernel
def across(positions, row, i, other_row, j):  # type: ignore[no-untyped-def]
    """Horizontal distance in px between the ink at position i of a row and that at position j of another."""
    apart = abs(positions.x[row, i] - positions.x[other_row, j])
    return max(apart - positions.half[row, i] - positions.half[other_row, j], 0.0)


@kernel
def _wrap(was, now, plain, costs, step):  # type: ignore[no-untyped-def]
    """`step [b,i]`: the smaller of `plain` and the cost of leaving the track at one edge and entering at the other.

    `was` and `now` hold the strands of two rows and by how much they end short of the edges. A steep curve wraps within
    a row: it then has one strand at either edge and continues in the next row from the second one.
    """
    slope, wrap = costs
    before, here = len(was[0]), len(now[0])
    for b in range(before):
        for i in range(here):
            step[b, i] = plain[b, i]
    for b in range(before - 1):
        left, right = was[1][0, b], was[1][1, b]
        for i in range(here - 1):
            step[b, i] = min(step[b, i], wrap + slope * min(right + now[1][0, i], left + now[1][1, i]))
    if _spans(was):
        for b in range(before):
            for c in range(before):
                if _lifted(was, b, c):
                    for i in range(here):
                        step[b, i] = min(step[b, i], wrap + plain[c, i])
    if _spans(now):
        for c in range(here):
            for i in range(here):
                if _lifted(now, c, i):
                    for b in range(before):
                        step[b, i] = min(step[b, i], plain[b, c] + wrap)


@kernel
def _spans(line):  # type: ignore[no-untyped-def]
    """Whether a row has strands at both edges of the track."""
    strand, short = line
    left, right = False, False
    for i in range(len(strand)):
        if strand[i] >= 0:
            left |= short[0, i] == 0.0
            right |= short[1, i] == 0.0
    return left and right


@kernel
def _lifted(line, i, j):  # type: ignore[no-untyped-def]
    """Whether strands i and j of a row lie at opposite edges of the track."""
    strand, short = line
    if strand[i] < 0 or strand[j] < 0:
        return False
    return min(short[1, i] + short[0, j], short[0, i] + short[1, j]) == 0.0


@kernel
def _walked_back(total, count, back):  # type: ignore[no-untyped-def]
    """Positions of both curves, int64 [2,R], traced back from the cheapest final pair."""
    rows = len(count)
    path = np.zeros((2, rows), np.int64)
    best, i, j = _NEVER * 4, 0, 0
    for a in range(count[rows - 1] if rows else 0):
        for b in range(count[rows - 1]):
            if total[a, b] < best:
                best, i, j = total[a, b], a, b
    for row in range(rows - 1, -1, -1):
        path[0, row], path[1, row] = i, j
        i, j = back[0, row, i, j], back[1, row, i, j]
    return path
