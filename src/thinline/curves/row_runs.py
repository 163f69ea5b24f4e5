"""Reduce probabilities to strands: the few runs of ink in each row where a curve may be. They need little memory.

Conventions
    The **ink** of a curve at a pixel is max(0, (p - paper) / (1 - paper)), where p is the probability of the curve at
    this pixel and `paper` its probability on paper. `paper` is one number for each row and curve: the median of p over
    every W/64th column, because most pixels of a row are paper; or 0 if most of these samples are below LEAST_INK. So a
    network that never predicts 0 on paper (label smoothing, focal loss) gives the same ink as another network. A row is
    **full** if `paper` of a curve is above one half: the curve jumps across most of the sheet, or the network predicts
    the curve everywhere, and no position can be found.

    A **strand** is a run of adjacent pixels of one row in which the ink, summed over the curves, is at least LEAST_INK
    and the same curve has the most ink. So two curves side by side are two strands. `x_px` is the centre of mass of the
    ink of the strand. The **evidence** of a strand for a curve is the largest ink of this curve in the strand. In each
    row the MOST strands with the largest evidence for any curve are kept, in the order of columns.

    S strands of H rows; those of row r are `first[r] .. first[r+1]-1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.curve import Curve, check_ink
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float32, Float64, Int64

LEAST_INK: Final = 0.001
"""Low, because faint ink may still be the best position of its row."""

MOST: Final = 4

NONE: Final = -1
"""Marks a row without a strand."""


@dataclass(frozen=True, eq=False)
class Strands:
    """`first [H+1]` int64; `x_px`, `width_px` float32 [S]; `evidence` float32 [S,K]; `full [H]` bool."""

    first: Int64
    x_px: Float32
    width_px: Float32
    evidence: Float32
    full: Bool

    @property
    def rows(self) -> int:
        """Number of rows, H."""
        return len(self.first) - 1

    @property
    def curves(self) -> int:
        """Number of curves, K."""
        return int(self.evidence.shape[1])

    @staticmethod
    def joined(parts: Sequence[Strands]) -> Strands:
        """Bands of one scan, from the top, as one. ValueError for no band and for bands with different curves."""
        if not parts or len({part.curves for part in parts}) != 1:
            raise ValueError(
                f"`parts` must be bands of one scan with the same curves, got {[part.curves for part in parts]}; "
                "read the scan with one network"
            )
        ends = np.cumsum([0] + [len(part.x_px) for part in parts])
        first = [part.first[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
        columns = zip(*((part.x_px, part.width_px, part.evidence, part.full) for part in parts), strict=True)
        return Strands(np.concatenate([*first, ends[-1:]]), *map(np.concatenate, columns))

    def only(self, kept: Int64) -> Strands:
        """The strands with the ascending numbers `kept`, in the same rows."""
        first = np.searchsorted(kept, self.first)
        return Strands(first, self.x_px[kept], self.width_px[kept], self.evidence[kept], self.full)

    def curve(self, taken: Int64, evidence: Float32) -> Curve:
        """The curve through the strands `taken [H]` (or NONE); its confidence is their `evidence [S]`."""
        at = taken != NONE
        x, confidence = np.full(len(taken), np.nan), np.zeros(len(taken))
        x[at], confidence[at] = self.x_px[taken[at]], evidence[taken[at]]
        return Curve.without_laps(x, confidence)


def strands_of(ink: Float32, *, least_ink: float = LEAST_INK, most: int = MOST) -> Strands:
    """The strands of `ink [K,H,W]`, the probabilities of each curve. Raises what `check_ink` raises."""
    check_ink(ink)
    curves, rows, _ = ink.shape
    count = np.zeros(rows, np.int64)
    runs = np.zeros((rows, most, 2), np.float32)
    evidence = np.zeros((rows, most, curves), np.float32)
    paper = _paper(ink, least_ink)
    full: Bool = np.asarray((paper > 0.5).any(axis=0), np.bool_)
    call(_search, np.ascontiguousarray(ink), paper, np.float32(least_ink), count, runs, evidence)
    kept = np.arange(most) < count[:, None]
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    return Strands(first, runs[kept][:, 0], runs[kept][:, 1], evidence[kept], full)


def _paper(ink: Float32, least_ink: float) -> Float64:
    """Background of each row of each curve, [K,H], from samples of its pixels: their median, or 0 if most are faint."""
    samples = ink[:, :, :: max(1, ink.shape[2] // 64)]
    paper = np.zeros(samples.shape[:2])
    if samples.size:
        call(_medians, np.ascontiguousarray(samples), np.float32(least_ink), paper)
    return paper


@kernel
def _medians(samples, least_ink, paper):  # type: ignore[no-untyped-def]
    """Write the median of `samples [K,H,N]` of each row into `paper [K,H]`, but not where most are faint."""
    curves, rows, number = samples.shape
    for k in range(curves):
        for row in range(rows):
            faint = 0
            for value in samples[k, row]:
                faint += value < least_ink
            if 2 * faint > number:
                continue
            line = np.sort(samples[k, row])
            paper[k, row] = line[number // 2]
            if number % 2 == 0:
                paper[k, row] = np.float32(0.5) * (line[number // 2 - 1] + line[number // 2])


@kernel
def _search(ink, papers, least_ink, count, runs, evidence):  # type: ignore[no-untyped-def]
    """Fill `count [H]`, `runs [H,most,2]` (x, width) and `evidence [H,most,K]`; `papers [K,H]`."""
    curves, rows, columns = ink.shape
    peak, strength = np.zeros(curves, np.float32), np.zeros(runs.shape[1], np.float32)
    line = np.zeros((curves, columns), np.float32)
    for row in range(rows):
        for k in range(curves):
            paper = papers[k, row]
            for column in range(columns):
                line[k, column] = max(0.0, (ink[k, row, column] - paper) / (1 - paper)) if paper < 1 else 0.0
        owner, mass, moment, start = -1, 0.0, 0.0, 0
        for column in range(columns + 1):
            total, here = np.float32(0.0), -1
            if column < columns:
                for k in range(curves):
                    total += line[k, column]
                if total >= least_ink:
                    here = 0
                    for k in range(1, curves):
                        if line[k, column] > line[here, column]:
                            here = k
            if here != owner and owner >= 0:
                at = _slot(peak, strength, count[row], runs[row], evidence[row])
                if at >= 0:
                    runs[row, at, 0], runs[row, at, 1] = moment / mass, column - start
                    for k in range(curves):
                        evidence[row, at, k] = peak[k]
                    count[row] = max(count[row], at + 1)
            if here >= 0:
                if here != owner:
                    mass, moment, start = 0.0, 0.0, column
                    for k in range(curves):
                        peak[k] = 0
                mass += float(total)
                moment += float(total) * column
                for k in range(curves):
                    peak[k] = max(peak[k], line[k, column])
            owner = here


@kernel
def _slot(peak, strength, count, runs, evidence):  # type: ignore[no-untyped-def]
    """Index at which a new strand of a row is stored: after the others.

    If the row has no free index, the weakest strand is removed; if the new strand is not stronger, the result is -1.
    """
    strongest = peak[0]
    for k in range(1, len(peak)):
        strongest = max(strongest, peak[k])
    at = count
    if at == len(strength):
        weakest = 0
        for i in range(1, at):
            if strength[i] < strength[weakest]:
                weakest = i
        if strongest <= strength[weakest]:
            return -1
        at -= 1
        for i in range(weakest, at):
            strength[i] = strength[i + 1]
            runs[i, 0], runs[i, 1] = runs[i + 1, 0], runs[i + 1, 1]
            for k in range(len(peak)):
                evidence[i, k] = evidence[i + 1, k]
    strength[at] = strongest
    return at
