"""The cheapest pair of courses, compiled: positions of every row, costs forward, choices back. See viterbi.py.

R rows with up to POSITIONS positions each, shared by both curves; the last position of a row is "nowhere". A state is
the pair of positions (i, j). The steps of the two curves cost independently, so the least over pairs is taken one curve
after the other: POSITIONS^3 twice instead of POSITIONS^4 once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from hairline.compiled import kernel
from hairline.vocabulary import Float64, Int64

POSITIONS: Final = 14
_HELD: Final = -1
_NOWHERE: Final = -2
_NEVER: Final = 1e18


class Given(NamedTuple):
    """`first [R+1]`, `x [S]` and `width [S]` as in Strands; `price [S,2]` of each strand for either curve.

    `tracks [2,2]` are the columns from which on a strand is at the left and at the right edge of the track of either
    curve, NaN where there is none to wrap round.
    """

    first: Int64
    x: Float64
    width: Float64
    price: Float64
    tracks: Float64


class Places(NamedTuple):
    """Of every position of a row [R,POSITIONS]: its strand, held or nowhere; x; half its width; rows it was held."""

    strand: Int64
    x: Float64
    half: Float64
    age: Int64


@kernel
def follow(given, costs, alone):  # type: ignore[no-untyped-def]
    """The strand of each curve in every row, int64 [2,R], or -1.

    `costs` are gap, slope, jump, share, the rows a place is held, wrap. With `alone` the second curve stays nowhere.
    """
    rows = len(given.first) - 1
    gap, slope, jump, share, hold, wrap = costs
    shape = (rows, POSITIONS)
    places = Places(np.full(shape, _NOWHERE, np.int64), np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64))
    count = np.zeros(rows, np.int64)
    back = np.zeros((2, rows, POSITIONS, POSITIONS), np.uint8)
    square = (POSITIONS, POSITIONS)
    total, middle, step = np.zeros(square), np.zeros(square), np.zeros((2, POSITIONS, POSITIONS))
    own = np.zeros((POSITIONS, 2))
    for row in range(rows):
        before = count[row - 1] if row else 0
        here = _fill(row, before, given, places, hold)
        count[row] = here
        _price(row, here, places, given.price, gap, own)
        if alone:
            for i in range(here):
                own[i, 1] = 0.0 if places.strand[row, i] == _NOWHERE else _NEVER
        if row:
            _measure(row, here, before, places, slope, jump, step[0])
            step[1] = step[0]
            for k in range(2):
                _wrap(row, places, given.tracks[k], slope, wrap, step[k, :before, :here])
            _first_steps(here, before, total, step[0], middle, back[0, row])
            _second_steps(here, before, middle, step[1], total, back[0, row], back[1, row])
        else:
            total[:here, :here] = 0.0
        for i in range(here):
            for j in range(here):
                together = share if i == j and places.strand[row, i] != _NOWHERE else 0.0
                total[i, j] += own[i, 0] + own[j, 1] + together
    return _walked_back(total, count, places.strand, back)


@kernel
def _first_steps(here, before, total, step, out, back):  # type: ignore[no-untyped-def]
    """The first curve steps, the second stays: `out [i,j]` is the least of `total [b,j] + step [b,i]` over b."""
    for i in range(here):
        out[i, :before] = _NEVER * 4
        for b in range(before):
            more = step[b, i]
            for j in range(before):
                value = total[b, j] + more
                if value < out[i, j]:
                    out[i, j], back[i, j] = value, b


@kernel
def _second_steps(here, before, middle, step, out, back, back_other):  # type: ignore[no-untyped-def]
    """Then the second steps: `out [i,j]` is the least of `middle [i,b] + step [b,j]` over b.

    `back [i,b]` says where the first curve came from if the second was at b; it becomes that of the pair (i, j).
    """
    came = np.empty(before, np.uint8)
    for i in range(here):
        came[:] = back[i, :before]
        out[i, :here] = _NEVER * 4
        for b in range(before):
            so_far = middle[i, b]
            for j in range(here):
                value = so_far + step[b, j]
                if value < out[i, j]:
                    out[i, j], back_other[i, j] = value, b
        for j in range(here):
            back[i, j] = came[back_other[i, j]]


@kernel
def _fill(row, before, given, places, hold):  # type: ignore[no-untyped-def]
    """The positions of a row: its strands, places held from the row before, nowhere; how many they are."""
    here = 0
    for s in range(given.first[row], given.first[row + 1]):
        if here < POSITIONS - 1:
            places.strand[row, here], places.x[row, here] = s, given.x[s]
            places.half[row, here] = 0.5 * (given.width[s] - 1)
            here += 1
    strands = here
    for i in range(before):
        old, x = places.age[row - 1, i], places.x[row - 1, i]
        if places.strand[row - 1, i] == _NOWHERE or old >= hold or here == POSITIONS - 1:
            continue
        covered = False
        for j in range(strands):
            if abs(places.x[row, j] - x) <= places.half[row, j] + 1.5:
                covered = True
        if not covered:
            places.strand[row, here], places.x[row, here], places.age[row, here] = _HELD, x, old + 1
            here += 1
    return here + 1  # the last one is nowhere, as all are to begin with


@kernel
def _price(row, here, places, price, gap, own):  # type: ignore[no-untyped-def]
    """What being at each position costs either curve, `own [i,2]`."""
    for i in range(here):
        for k in range(2):
            strand = places.strand[row, i]
            own[i, k] = price[strand, k] if strand >= 0 else gap


@kernel
def _measure(row, here, before, places, slope, jump, step):  # type: ignore[no-untyped-def]
    """What the step from position b of the row before to position i of this one costs, `step [b,i]`."""
    for i in range(here):
        for b in range(before):
            off, was_off = places.strand[row, i] == _NOWHERE, places.strand[row - 1, b] == _NOWHERE
            if off or was_off:
                step[b, i] = 0.0 if off and was_off else jump
            else:
                apart = abs(places.x[row, i] - places.x[row - 1, b])
                apart -= places.half[row, i] + places.half[row - 1, b]
                step[b, i] = min(slope * max(apart, 0.0), jump)


@kernel
def _wrap(row, places, track, slope, wrap, step):  # type: ignore[no-untyped-def]
    """Lower `step [b,i]` to what it costs to leave the track at one edge and come back at the other.

    The pen is lifted at one edge and set down at the other, in the same row: a steep curve then has one strand at
    either edge there, and goes on in the row below from where the second one ends, and not from the first.
    """
    if np.isnan(track[0]):
        return
    plain, (before, here) = step.copy(), step.shape
    for b in range(before):
        for i in range(here):
            if places.strand[row - 1, b] != _NOWHERE and places.strand[row, i] != _NOWHERE:
                step[b, i] = min(step[b, i], wrap + slope * _round(places, row - 1, b, row, i, track))
    for b in range(before):
        for c in range(before):
            if _lifted(places, row - 1, b, c, track):
                for i in range(here):
                    step[b, i] = min(step[b, i], wrap + plain[c, i])
    for c in range(here):
        for i in range(here):
            if _lifted(places, row, c, i, track):
                for b in range(before):
                    step[b, i] = min(step[b, i], plain[b, c] + wrap)


@kernel
def _lifted(places, row, i, j, track):  # type: ignore[no-untyped-def]
    """Whether a pen may have been lifted at the end of strand i and set down at that of strand j of the same row."""
    if places.strand[row, i] < 0 or places.strand[row, j] < 0:
        return False
    return _round(places, row, i, row, j, track) == 0.0


@kernel
def _round(places, row, i, other_row, j, track):  # type: ignore[no-untyped-def]
    """Pixels of paper from position i of a row round the track to position j of another, whichever edge is nearer."""
    low, high = places.x[row, i] - places.half[row, i], places.x[row, i] + places.half[row, i]
    other_low = places.x[other_row, j] - places.half[other_row, j]
    other_high = places.x[other_row, j] + places.half[other_row, j]
    right_to_left = max(0.0, track[1] - high) + max(0.0, other_low - track[0])
    left_to_right = max(0.0, low - track[0]) + max(0.0, track[1] - other_high)
    return min(right_to_left, left_to_right)


@kernel
def _walked_back(total, count, strand, back):  # type: ignore[no-untyped-def]
    """From the cheapest end to the top."""
    rows = len(count)
    chosen = np.full((2, rows), _HELD, np.int64)
    best, i, j = _NEVER * 4, 0, 0
    for a in range(count[rows - 1] if rows else 0):
        for b in range(count[rows - 1]):
            if total[a, b] < best:
                best, i, j = total[a, b], a, b
    for row in range(rows - 1, -1, -1):
        chosen[0, row], chosen[1, row] = max(strand[row, i], _HELD), max(strand[row, j], _HELD)
        i, j = back[0, row, i, j], back[1, row, i, j]
    return chosen
