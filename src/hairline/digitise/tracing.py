"""STUB, to be swapped for hairline.curves: from probabilities of ink to curves.

When `hairline.curves.trace`, `.strands` and `.viterbi` are there, this file becomes three imports:

    from hairline.curves.strands import Strands, strands_of
    from hairline.curves.trace import Curve
    from hairline.curves.viterbi import viterbi

Method of the stub
    A candidate is a run of pixels in a row where a curve's ink is above one half: its centre of mass and its mean. A
    curve is the path through its own candidates, one in each row that has any, of least cost: |dx|, level beyond
    JUMP_MM, and 1 - ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hairline.vocabulary import Float32, Float64, Int64

JUMP_MM: Final = 4.0


@dataclass(frozen=True, eq=False)
class Curve:
    """Column of the centre in each row `x_px [P]`, NaN in gaps, and `confidence [P]` 0..1, 0 in gaps."""

    x_px: Float64
    confidence: Float64


@dataclass(frozen=True, eq=False)
class Strands:
    """Candidates of all rows: their curve, row, column and mean ink, [N] each."""

    curves: int
    rows: int
    curve: Int64
    row: Int64
    x_px: Float64
    ink: Float64

    @staticmethod
    def joined(parts: Sequence[Strands]) -> Strands:
        """The candidates of parts that follow each other down the depth."""
        tops = np.concatenate([[0], np.cumsum([part.rows for part in parts])])
        return Strands(
            parts[0].curves,
            int(tops[-1]),
            np.concatenate([part.curve for part in parts]),
            np.concatenate([part.row + top for part, top in zip(parts, tops[:-1], strict=True)]),
            np.concatenate([part.x_px for part in parts]),
            np.concatenate([part.ink for part in parts]),
        )


def strands_of(ink: Float32) -> Strands:
    """Candidates in probabilities of ink [K,h,W], background left out."""
    curves, rows, width = ink.shape
    flat = ink.reshape(curves * rows, width)
    edges = np.diff(np.pad(flat > 0.5, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1]
    mass = np.concatenate([np.zeros((len(flat), 1)), np.cumsum(flat, axis=1, dtype=np.float64)], axis=1)
    moment = np.cumsum(flat * np.arange(width), axis=1, dtype=np.float64)
    moment = np.concatenate([np.zeros((len(flat), 1)), moment], axis=1)
    weight = mass[line, last] - mass[line, first]
    x = (moment[line, last] - moment[line, first]) / weight
    return Strands(curves, rows, line // rows, line % rows, x, weight / (last - first))


def viterbi(strands: Strands, *, px_per_mm: float) -> tuple[Curve, ...]:
    """The path of each curve through its candidates."""
    return tuple(_path(strands, k, JUMP_MM * px_per_mm) for k in range(strands.curves))


def _path(strands: Strands, k: int, jump: float) -> Curve:
    mine = strands.curve == k
    order = np.argsort(strands.row[mine], kind="stable")
    row, x, ink = strands.row[mine][order], strands.x_px[mine][order], strands.ink[mine][order]
    cost, before = np.zeros(len(x)), np.full(len(x), -1)
    bounds = np.searchsorted(row, np.arange(strands.rows + 1))
    filled = [r for r in range(strands.rows) if bounds[r] < bounds[r + 1]]
    for n, r in enumerate(filled):
        here = slice(bounds[r], bounds[r + 1])
        cost[here] = 1 - ink[here]
        if n:
            there = slice(bounds[filled[n - 1]], bounds[filled[n - 1] + 1])
            step = cost[there][None] + np.minimum(np.abs(x[here][:, None] - x[there][None]) / jump, 1)
            before[here] = bounds[filled[n - 1]] + step.argmin(axis=1)
            cost[here] += step.min(axis=1)
    found, confidence = np.full(strands.rows, np.nan), np.zeros(strands.rows)
    at = bounds[filled[-1]] + int(cost[bounds[filled[-1]] : bounds[filled[-1] + 1]].argmin()) if filled else -1
    while at >= 0:
        found[row[at]], confidence[row[at]] = x[at], ink[at]
        at = before[at]
    return Curve(found, confidence)
