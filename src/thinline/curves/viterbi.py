"""Trace the K curves of a sheet by dynamic programming, two curves at a time, through the strands of its rows.

Method (Viterbi 1967)
    A *course* is one position of a curve in every row. Of all pairs of courses, the pair with the least total cost is
    found exactly. A *strand* is a run of ink in one row (row_runs.py). The positions of a row are

        strand    a strand of the row
        held      the column of the row above, where no strand of this row covers that column (a gap: dashes, faded
                  ink)
        nowhere   the curve is absent from the row

    In a *wrap* the curve leaves its track at one edge and continues at the other. Costs, summed over rows and curves:

        strand          -log(max(evidence for the curve, `blind`))
                        - `ink` * (largest evidence for a curve of the pair) - `long` * (width of the strand in px)
        held, nowhere   `gap`
        step            `slope` * (horizontal distance in px between the strands of consecutive rows), at most `jump`
        wrap            `wrap` + `slope` * (px from the first strand to an edge of the track + px from the opposite edge
                        to the second strand), in place of the step; the last `edge_mm` before each edge count as 0 px
        wrap within     `wrap` + the step. The row has a strand at each edge of the track; the curve comes to the row at
        a row           one of them and goes on from the other, so it has both positions in this row
        to or from nowhere          `jump`
        both curves at one strand or held column        `share`, once

    The names in backticks are the parameters, the fields of `Costs`:

        blind   bounds the cost of a wrong label: the path still follows a strand that the network assigns to the other
                curve for a few rows
        ink     makes a strand cheaper for both curves, so that few strands stay unused: if both strands of a sheet are
                labelled curve 1 and curve 1 takes one, curve 2 takes the other
        share   keeps the curves apart except in the few rows of a crossing: to follow the strand of the other curve
                without evidence costs more than a gap. With a little evidence it costs less; then a curve that is not
                on the sheet may follow the other one, with a low confidence
        long    prefers the longer of the two strands in a row with a wrap, because the curve is on the longer strand at
                half the height of the row

    Laps are computed from the course afterwards (laps.py). A held position ends after `hold_mm`, or at the first row
    with a strand that covers its column. Only a curve with a known track can wrap. Without a track a wrap is traced as
    a jump, so a jump costs less then (`jump_off_track`).

    The parameters were chosen by random search on 224 archive sheets outside all splits, with two trained networks and
    with the true label maps (experiments/LOG.md). `slope` multiplies px per row, which do not depend on the resolution.
    `jump` and `jump_off_track` are the costs at 4 px per mm or less. At a finer resolution they grow in proportion,
    because a curve of the same length in mm then has more rows, and so more evidence.

Curves 1 and 2 are a pair, then 3 and 4, and so on; the last one of an odd number is traced alone. Each strand belongs
to the pair of the curve that it has the largest evidence for, and the other pairs do not use it.

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
from thinline.curves.viterbi_kernel import Positions, Problem, follow
from thinline.system.numba_kernels import call
from thinline.vocabulary import Float32, Float64, Int64

_REFERENCE_PX_PER_MM = 4.0


@dataclass(frozen=True)
class Costs:
    """Parameters of the cost of a pair of courses; the docstring of the module explains each."""

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
    """The K curves of `strands`, one x per row. ValueError for a scale that is not above 0.

    `tracks [K,2]` are the columns of the left and right edge of the track of each curve; without them no curve wraps.
    """
    if not px_per_mm > 0:
        raise ValueError(f"`px_per_mm` must be above 0, got {px_per_mm}; take the scale of the sheet")
    jump = costs.jump_off_track if tracks is None else costs.jump
    scaled = replace(costs, jump=jump * max(1.0, px_per_mm / _REFERENCE_PX_PER_MM))
    pair_of = strands.evidence.argmax(axis=1) // 2 if len(strands.x_px) else np.zeros(0, np.int64)
    curves: list[Curve] = []
    for first in range(0, strands.curves, 2):
        pair = strands.only(np.flatnonzero(pair_of == first // 2))
        evidence = pair.evidence[:, first : first + 2]
        edges = np.full((2, 2), np.nan) if tracks is None else np.resize(tracks[first : first + 2], (2, 2))
        at_edges = edges + np.array([1, -1]) * costs.edge_mm * px_per_mm
        path, positions, count = _followed(pair, evidence, at_edges, px_per_mm, scaled)
        for k in range(evidence.shape[1]):
            taken = np.maximum(positions.strand[np.arange(pair.rows), path[k]], NONE)
            lap = laps(path[k], positions, count, at_edges[k], pair.full, px_per_mm=px_per_mm)
            curves.append(replace(pair.curve(taken, evidence[:, k]), lap=np.where(taken == NONE, 0, lap)))
    return tuple(curves)


def _followed(
    strands: Strands, evidence: Float32, at_edges: Float64, px_per_mm: float, costs: Costs
) -> tuple[Int64, Positions, Int64]:
    """Position of each of two curves in every row, [2,H]; the positions, and their number in each row, [H]."""
    strength = evidence.max(axis=1, initial=0)
    price = -np.log(np.maximum(evidence, costs.blind)) - (costs.ink * strength + costs.long * strands.width_px)[:, None]
    alone = evidence.shape[1] == 1
    problem = Problem(
        strands.first,
        strands.x_px.astype(np.float64),
        strands.width_px.astype(np.float64),
        np.repeat(price, 2, axis=1).astype(np.float64) if alone else price.astype(np.float64),
        at_edges,
    )
    held = round(costs.hold_mm * px_per_mm)
    numbers = np.array([costs.gap, costs.slope, costs.jump, costs.share, held, costs.wrap])
    path, positions, count = call(follow, problem, numbers, alone)
    return path, Positions(*positions), count
