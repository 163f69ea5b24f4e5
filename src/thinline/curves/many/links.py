"""Which fragment may follow which on the course of one curve, and at what cost.

Conventions
    A *link* leads from a fragment to a later one that begins below its last row, or at most OVERLAP rows above it.
    Costs are relative to one row of certain ink, which a course collects with -INK (paths.py):

        gap      GAP for each row without a run between the two fragments
        aside    SLOPE for each px between the run that is left and the run that is entered. The first of them may be
                 moved along the slope of its fragment, the second one back along its own; the smallest of the three
                 distances counts, so that a steep flank and a dash each continue straight
        bend     BEND for each px of the same distance measured from x to x, at most BEND_PX of them: of two runs that
                 both touch, the course goes to the one straight ahead
        pen      PEN * |log of the ratio of the pen widths|, at most one factor of e: pens differ
        wrap     WRAP, and `aside` is measured over the edges of the track

    Links lead over at most HOLD_MM of gap (a wrap: WRAP_MM), and cost at most the way through "nowhere" (paths.py). Of
    the links from a fragment the MOST cheapest are kept, and of these the MOST cheapest to each fragment.

    The costs are lengths and rows at 4 px/mm; at a finer scale fixed costs grow in proportion (`fixed`). They were
    chosen on drawn sheets of all families, seeds 1000 to 1029, never on real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.many.fragments import Fragments
from thinline.curves.many.runs import Runs
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64, Int64

OVERLAP: Final = 3
GAP: Final = 4.0
SLOPE: Final = 0.5
BEND: Final = 0.05
BEND_PX: Final = 40.0
PEN: Final = 3.0
WRAP: Final = 6.0
JUMP: Final = 40.0
HOLD_MM: Final = 8.0
WRAP_MM: Final = 1.5
MOST: Final = 6

_REFERENCE_PX_PER_MM: Final = 4.0


@dataclass(frozen=True, eq=False)
class Links:
    """`ends [L,2]` int64, the fragments (from, to); `cost [L]` float64; `lap [L]` int64, the change of the lap."""

    ends: Int64
    cost: Float64
    lap: Int64


def fixed(cost: float, px_per_mm: float) -> float:
    """A cost that does not grow with the number of rows, at this scale."""
    return cost * max(1.0, px_per_mm / _REFERENCE_PX_PER_MM)


def links_of(runs: Runs, fragments: Fragments, edges: Float64, pen_px: Float64, *, px_per_mm: float) -> Links:
    """The links between fragments.

    `edges [F,2,2]` are the columns of the left and right edge of the track at the top and the bottom row of each
    fragment, NaN where no curve wraps; `pen_px [F]` is the width of the pen of each fragment, NaN if unknown.
    """
    ends = fragments.ends
    low, high, x = (np.asarray(field[ends], np.float64) for field in (runs.low, runs.high, runs.x))
    shape = np.stack([low, high, x, fragments.slope], axis=2).reshape(-1, 2, 4)
    numbers = np.array([fixed(WRAP, px_per_mm), fixed(JUMP, px_per_mm), HOLD_MM * px_per_mm, WRAP_MM * px_per_mm])
    pen = np.log(np.maximum(pen_px, 0.25))
    found, cost, lap = call(_linked, fragments.top, fragments.bottom, shape, edges, pen, numbers)
    kept = _cheapest(found[:, 1], cost, lap)
    return Links(found[kept], cost[kept], lap[kept])


def _cheapest(to: Int64, cost: Float64, lap: Int64) -> Int64:
    """Indices of the MOST cheapest links to each fragment; wraps are counted apart."""
    key = 2 * to + (lap != 0)
    order = np.lexsort((cost, key))
    starts = np.searchsorted(key[order], key[order])
    return np.sort(order[np.arange(len(order)) - starts < MOST])


@kernel
def _linked(top, bottom, shape, edges, pen, numbers):  # type: ignore[no-untyped-def]
    """The MOST cheapest links from each fragment, and as many wraps; the fragments are in the order of `top`."""
    wrap, jump, hold, wrap_rows = numbers
    room = 2 * MOST * len(top)
    ends, cost, lap = np.empty((room, 2), np.int64), np.empty(room), np.zeros(room, np.int64)
    count = 0
    for f in range(len(top)):
        first, behind = count, count  # links, then wraps
        for way in range(2):
            first = behind
            if way and np.isnan(edges[f, 1, 0]):
                continue
            for t in range(np.searchsorted(top, bottom[f] - OVERLAP), len(top)):
                rows = top[t] - bottom[f] - 1
                lines = max(rows, 0)
                if rows > hold or (way and rows > wrap_rows):
                    break
                if bottom[t] <= bottom[f] or top[t] < top[f]:
                    continue
                if way:
                    price, change = _around(shape[f, 1], shape[t, 0], edges[f, 1], edges[t, 0])
                    price += wrap + GAP * lines
                else:
                    pens = 0.0 if np.isnan(pen[f] + pen[t]) else PEN * min(abs(pen[f] - pen[t]), 1.0)
                    price, change = GAP * lines + pens + _aside(shape[f, 1], shape[t, 0], rows + 1), 0
                if price >= jump + GAP * lines:
                    continue
                at = behind
                if behind - first == MOST:
                    at = first
                    for i in range(first, behind):
                        if cost[i] > cost[at]:
                            at = i
                    if cost[at] <= price:
                        continue
                else:
                    behind += 1
                ends[at, 0], ends[at, 1], cost[at], lap[at] = f, t, price, change
        count = behind
    return ends[:count], cost[:count], lap[:count]


@kernel
def _around(a, b, edges, other_edges):  # type: ignore[no-untyped-def]
    """Cost of the distance between two runs over the nearer edge of the track, and the change of the lap."""
    over_right = max(edges[1] - a[1], 0.0) + max(b[0] - other_edges[0], 0.0)
    over_left = max(a[0] - edges[0], 0.0) + max(other_edges[1] - b[1], 0.0)
    return SLOPE * min(over_right, over_left), 1 if over_right < over_left else -1


@kernel
def _aside(a, b, rows):  # type: ignore[no-untyped-def]
    """Cost of the distance between two runs (low, high, x, slope) `rows` apart."""
    plain = _between(a[0], a[1], b[0], b[1])
    middles = abs(a[2] - b[2])
    if rows > 0:
        move = a[3] * rows
        plain = min(plain, _between(a[0] + move, a[1] + move, b[0], b[1]))
        middles = min(middles, abs(a[2] + move - b[2]))
        move = b[3] * rows
        plain = min(plain, _between(a[0], a[1], b[0] - move, b[1] - move))
        middles = min(middles, abs(a[2] - b[2] + move))
    return SLOPE * plain + BEND * min(middles, BEND_PX)


@kernel
def _between(low, high, other_low, other_high):  # type: ignore[no-untyped-def]
    """Columns between two runs, 0 if they touch."""
    return max(0.0, other_low - high - 1, low - other_high - 1)
