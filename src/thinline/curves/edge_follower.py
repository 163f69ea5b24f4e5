"""Trace curves by following a line row by row: the sequential tracer that the source argues against, as a baseline.

Method
    The union of all ink is a set of lines without labels. A curve starts at the first row with ink of its own above one
    half. In each following row it continues at the strand nearest to its predicted column, which extrapolates the mean
    slope over the last LOOK_BACK rows, also across as many rows without ink. A strand is within reach if it is REACH_MM
    away or less, and as much again for every row since the last one found. The label of a strand is not looked at
    again, so at a crossing the follower may switch to the other line and keep that error.

References
    The alternative named in the source's primer on dense labelling (text 004); nearest neighbour and mean direction
    stand for the family of such methods.
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
    """The K curves of `ink [K,H,W]`, each followed independently. TypeError and ValueError as `check_ink`."""
    check_ink(ink)
    union = ink.max(axis=0, keepdims=True)
    lines = strands_of(union, least_ink=_CERTAIN)
    certain = ink > _CERTAIN
    curves = []
    for k in range(len(ink)):
        rows = np.flatnonzero(certain[k].any(axis=1))
        taken = np.full(ink.shape[1], NONE)
        if len(rows):
            start = float(np.flatnonzero(certain[k, rows[0]]).mean())
            call(_follow, lines.first, lines.x_px, start, rows[0], REACH_MM * px_per_mm, taken)
        curves.append(lines.curve(taken, lines.evidence[:, 0]))
    return tuple(curves)


@kernel
def _follow(first, at, start, top, reach, taken):  # type: ignore[no-untyped-def]
    """Fill `taken [P]`, the strand of each row, from row `top` on; other elements stay."""
    here, slope, missed = start, 0.0, 0
    x = np.full(len(taken), np.nan)
    for row in range(top, len(taken)):
        heading = here + slope * min(missed + 1, LOOK_BACK) if row > top else start
        nearest, which = reach * (missed + 1), -1
        for s in range(first[row], first[row + 1]):
            if abs(at[s] - heading) <= nearest:
                nearest, which = abs(at[s] - heading), s
        if which < 0:
            missed += 1
            continue
        here, missed = at[which], 0
        x[row], taken[row] = here, which
        back = max(top, row - LOOK_BACK)
        while back < row and np.isnan(x[back]):
            back += 1
        slope = (here - x[back]) / (row - back) if back < row else 0.0
