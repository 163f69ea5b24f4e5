"""Following a line from where it starts: the sequential tracer that the source argues against, here to be measured.

Method
    The union of all ink is one drawing of lines without names. A curve starts at the first row with certain ink of its
    own (above one half). From there, at each row, the strand nearest to where the line is heading (its mean course over
    the last LOOK_BACK rows, kept up for as many rows without ink) is its continuation, if it is within reach: REACH_MM,
    and as much again for every row since the last one that was found. Which curve a strand belongs to is never asked
    again, so at a crossing the follower may hop onto the other line and carry that mistake on.

References
    The alternative named in the source's primer on dense labelling (text 004); continuation by nearest neighbour and
    mean direction stands for the family.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.curves.curve import Curve, check_ink
from thinline.curves.row_runs import NONE, strands_of
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float32

REACH_MM: Final = 1.0
LOOK_BACK: Final = 6
_CERTAIN: Final = 0.5


def edge_follower(ink: Float32, *, px_per_mm: float) -> tuple[Curve, ...]:
    """The K curves of `ink [K,H,W]`, each followed by itself. TypeError and ValueError as `check_ink`."""
    check_ink(ink)
    union = ink.max(axis=0, keepdims=True)
    lines = strands_of(union, floor=_CERTAIN)
    certain = ink > _CERTAIN
    found = []
    for k in range(len(ink)):
        rows = np.flatnonzero(certain[k].any(axis=1))
        taken = np.full(ink.shape[1], NONE)
        if len(rows):
            start = float(np.flatnonzero(certain[k, rows[0]]).mean())
            call(_follow, lines.first, lines.x_px, start, rows[0], REACH_MM * px_per_mm, taken)
        found.append(lines.curve(taken, lines.evidence[:, 0]))
    return tuple(found)


@kernel
def _follow(first, at, start, top, reach, taken):  # type: ignore[no-untyped-def]
    """Fill `taken [P]`, the strand of each row, from row `top` on; the rest is left."""
    here, slope, missed = start, 0.0, 0
    x = np.full(len(taken), np.nan)
    for row in range(top, len(taken)):
        heading = here + slope * min(missed + 1, LOOK_BACK) if row > top else start
        best, which = reach * (missed + 1), -1
        for s in range(first[row], first[row + 1]):
            if abs(at[s] - heading) <= best:
                best, which = abs(at[s] - heading), s
        if which < 0:
            missed += 1
            continue
        here, missed = at[which], 0
        x[row], taken[row] = here, which
        back = max(top, row - LOOK_BACK)
        while back < row and np.isnan(x[back]):
            back += 1
        slope = (here - x[back]) / (row - back) if back < row else 0.0
