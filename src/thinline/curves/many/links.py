"""Which fragment may follow which on the course of one curve, and at what cost.

Conventions
    A *link* leads from a fragment to a later one that begins below its last row, or at most OVERLAP rows above it. Costs
    are relative to one row of certain ink, which a course collects with -INK (paths.py):

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
    chosen on drawn sheets.
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
GAP: Final = 2.5
SLOPE: Final = 0.28
BEND: Final = 0.05
BEND_PX: Final = 40.0
PEN: Final = 3.0
WRAP: Final = 6.0
JUMP: Final = 40.0
HOLD_MM: Final = 8.0
WRAP_MM: Final = 1.5
MOST: Final = 6

_REFERENCE_PX_PER_MM: Final = 4.0
_AT_ONCE: Final = 16384  # fragments whose links are in memory before the cheapest are kept


@dataclass(frozen=True, eq=False)
class Links:
    """`ends [L,2]` int64, the fragments (from, to); `cost [L]` float64; `lap [L]` int64, the change of the lap."""

    ends: Int64
    cost: Float64
    lap: Int64


def fixed(cost: float, px_per_mm: float) -> float:
    """A cost that does not grow with the number of rows, at this scale."""
    return cost * max(1.0, px_per_mm / _REFERENCE_PX_PER_MM)


def links_of(
    runs: Runs, fragments: Fragments, edges: Float64, pen_px: Float64, *, px_per_mm: float
) -> Links:
    """The links between fragments.

    `edges [F,2,2]` are the columns of the left and right edge of the track at the top and the bottom row of each
    fragment, NaN where no curve wraps; `pen_px [F]` is the width of the pen of each fragment, NaN if unknown.
    """
    ends = fragments.ends
    low, high, x = (np.asarray(field[ends], np.float64) for field in (runs.low, runs.high, runs.x))
    shape = np.stack([low, high, x, fragments.slope], axis=2).reshape(-1, 2, 4)
    numbers = np.array([fixed(WRAP, px_per_mm), fixed(JUMP, px_per_mm), HOLD_MM * px_per_mm, WRAP_MM * px_per_mm])
    pen = np.log(np.maximum(pen_px, 0.25))
    parts = []
    for start in range(0, max(1, len(fragments)), _AT_ONCE):
        span = (start, min(start + _AT_ONCE, len(fragments)))
        found, cost, lap = call(_linked, span, fragments.top, fragments.bottom, shape, edges, pen, numbers)
        kept = _cheapest(found, cost, lap, side=0)
        parts.append((found[kept], cost[kept], lap[kept]))
    found, cost, lap = (np.concatenate(field) for field in zip(*parts, strict=True))
    kept = _cheapest(found, cost, lap, side=1)
    return Links(found[kept], cost[kept], lap[kept])


def _cheapest(ends: Int64, cost: Float64, lap: Int64, *, side: int) -> Int64:
    """Indices of the MOST cheapest links from (side 0) or to (side 1) each fragment; wraps are counted apart."""
    key = 2 * ends[:, side] + (lap != 0)
    order = np.lexsort((cost, key))
    starts = np.searchsorted(key[order], key[order])
    return np.sort(order[np.arange(len(order)) - starts < MOST])


@kernel
def _linked(span, top, bottom, shape, edges, pen, numbers):  # type: ignore[no-untyped-def]
    """The links from the fragments of a `span`, their costs and laps; fragments are in the order of `top`."""
    wrap, jump, hold, wrap_rows = numbers
    room = 64 * (span[1] - span[0]) + 64
    ends, cost, lap = np.empty((room, 2), np.int64), np.empty(room), np.empty(room, np.int64)
    count = 0
    for f in range(span[0], span[1]):
        begin = np.searchsorted(top, bottom[f] - OVERLAP)
        for t in range(begin, len(top)):
            rows = top[t] - bottom[f] - 1
            if rows > hold:
                break
            if t == f or bottom[t] <= bottom[f] or top[t] < top[f] or count + 2 >= room:
                continue
            lines = max(rows, 0)
            pens = 0.0 if np.isnan(pen[f] + pen[t]) else PEN * min(abs(pen[f] - pen[t]), 1.0)
            price = GAP * lines + pens + _aside(shape[f, 1], shape[t, 0], rows + 1)
            if price < jump + GAP * lines:
                ends[count, 0], ends[count, 1], cost[count], lap[count] = f, t, price, 0
                count += 1
            if lines > wrap_rows or np.isnan(edges[f, 1, 0]):
                continue
            over_right = max(edges[f, 1, 1] - shape[f, 1, 1], 0.0) + max(shape[t, 0, 0] - edges[t, 0, 0], 0.0)
            over_left = max(shape[f, 1, 0] - edges[f, 1, 0], 0.0) + max(edges[t, 0, 1] - shape[t, 0, 1], 0.0)
            price = wrap + GAP * lines + SLOPE * min(over_right, over_left)
            if price < jump + GAP * lines:
                ends[count, 0], ends[count, 1], cost[count] = f, t, price
                lap[count] = 1 if over_right < over_left else -1
                count += 1
    return ends[:count], cost[:count], lap[:count]


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
