"""Curves by dynamic programming: the courses of two curves that explain the ink of all rows best, found together.

Method (Viterbi 1967, on the strands of row_runs.py)
    In every row each curve is at one of a few positions: a strand of the row, a place held from a row before (a gap:
    dashes, faded ink), or nowhere. A pair of courses costs the sum over rows of

        at a strand     -log(max(evidence for the curve, blind)) - ink * (largest evidence of the strand) - long * width
        held, nowhere   gap
        a step          slope * (pixels sideways between the two runs of ink), at most jump
        a wrap          wrap + slope * (pixels by which the two runs of ink end short of the two edges of the curve's
                        track, edge_mm of each free): the way round the track instead of across
        a wrap within   wrap, and the step from there on: in a row with a strand at either edge the pen was lifted at
        a row           one of them and set down at the other, and both are places of the curve in that row
        in and out of nowhere   jump
        both curves at one position      share

    and the cheapest pair of courses is found exactly. `blind` bounds what a wrong label can cost: a strand that the
    network gives to the other curve for a few rows is still followed. `ink` rewards using ink at all: a strand that
    nobody follows has to be explained too, so when both strands of a sheet are called curve 1 and one of them is taken,
    curve 2 takes the other. `share` is what keeps the two apart, except over the few rows of a crossing: to follow a
    strand that the other curve has, without evidence of one's own, costs more than a gap. (With a little evidence it
    does not: a curve that is not on the sheet may follow the other one, with a confidence that says so.) `long` decides
    between the two strands of a row with a wrap: the curve crosses the middle of the row on the longer one.

    On which lap a curve then is, is told from its course afterwards (laps.py).

    Held places are dropped after `hold_mm`; one that a strand of the row covers is that strand. A curve can only wrap
    where its track is known, and where it is not, it pays less to jump (`jump_off_track`): a lap is then a jump.

    The values were chosen by random search on 224 archive sheets that are in no split, with two trained networks and
    the true class maps (experiments/LOG.md). `slope` compares pixels with rows and needs no scale; jumps are for 4 rows
    a mm and grow with the rows, because a strand of the same length then has more evidence.

Curves beyond two are traced in pairs, each pair on the strands that are likeliest one of its own: a strand that bears
the name of a curve of another pair is never followed.

References
    Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE Trans.
    Inform. Theory 13 (1967).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from thinline.curves.curve import Curve
from thinline.curves.laps import laps
from thinline.curves.row_runs import NONE, Strands
from thinline.curves.viterbi_kernel import Given, Places, follow
from thinline.system.numba_kernels import call
from thinline.vocabulary import Float32, Float64, Int64

_REFERENCE_PX_PER_MM = 4.0


@dataclass(frozen=True)
class Costs:
    """What a pair of courses costs; see the module."""

    blind: float = 0.01
    ink: float = 3.0
    long: float = 0.005
    gap: float = 5.2
    slope: float = 0.28
    jump: float = 78.0
    jump_off_track: float = 15.0
    share: float = 4.5
    hold_mm: float = 13.0
    wrap: float = 3.4
    edge_mm: float = 0.6


COSTS = Costs()


def viterbi(
    strands: Strands, *, px_per_mm: float, tracks: Float64 | None = None, costs: Costs = COSTS
) -> tuple[Curve, ...]:
    """The K curves of `strands`, one x for each of its rows. ValueError for a scale that is not above 0.

    `tracks [K,2]` are the columns of the left and the right edge of the track of each curve; None where they are not
    known: only a curve whose track is known can wrap round it.
    """
    if not px_per_mm > 0:
        raise ValueError(f"`px_per_mm` must be above 0, got {px_per_mm}; take the scale of the sheet")
    jump = costs.jump_off_track if tracks is None else costs.jump
    scaled = replace(costs, jump=jump * max(1.0, px_per_mm / _REFERENCE_PX_PER_MM))
    pair_of = strands.evidence.argmax(axis=1) // 2 if len(strands.x_px) else np.zeros(0, np.int64)
    found: list[Curve] = []
    for first in range(0, strands.curves, 2):
        mine = strands.only(np.flatnonzero(pair_of == first // 2))
        evidence = mine.evidence[:, first : first + 2]
        edges = np.full((2, 2), np.nan) if tracks is None else np.resize(tracks[first : first + 2], (2, 2))
        at_edges = edges + np.array([1, -1]) * costs.edge_mm * px_per_mm
        path, places, count = _followed(mine, evidence, at_edges, px_per_mm, scaled)
        for k in range(evidence.shape[1]):
            taken = np.maximum(places.strand[np.arange(mine.rows), path[k]], NONE)
            lap = laps(path[k], places, count, at_edges[k], mine.full, px_per_mm=px_per_mm)
            found.append(replace(mine.curve(taken, evidence[:, k]), lap=np.where(taken == NONE, 0, lap)))
    return tuple(found)


def _followed(
    strands: Strands, evidence: Float32, at_edges: Float64, px_per_mm: float, costs: Costs
) -> tuple[Int64, Places, Int64]:
    """For each of two curves its position in every row, [2,H]; the positions, and how many there are in each row."""
    strength = evidence.max(axis=1, initial=0)
    price = -np.log(np.maximum(evidence, costs.blind)) - (costs.ink * strength + costs.long * strands.width_px)[:, None]
    alone = evidence.shape[1] == 1
    given = Given(
        strands.first,
        strands.x_px.astype(np.float64),
        strands.width_px.astype(np.float64),
        np.repeat(price, 2, axis=1).astype(np.float64) if alone else price.astype(np.float64),
        at_edges,
    )
    held = round(costs.hold_mm * px_per_mm)
    numbers = np.array([costs.gap, costs.slope, costs.jump, costs.share, held, costs.wrap])
    path, places, count = call(follow, given, numbers, alone)
    return path, Places(*places), count
