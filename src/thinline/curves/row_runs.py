"""Ink as strands: the few places of each row where a curve may be, small enough to keep for a scan of any length.

Conventions
    Ink counts from the background of its row up: (p - paper) / (1 - paper), not below 0, where paper is the median over
    the columns (a row is mostly paper), taken at every W/64th, or 0 where most of these are below FLOOR. So a network
    that is never quite sure of paper, as one trained with smoothed labels or a focal loss, is read like one that is. A
    row whose paper is more likely ink than not is **full**: a curve that jumps across most of the sheet, or a network
    that paints everything. Nobody can say where in it a curve is.

    A strand is a run of neighbouring pixels of one row that hold ink (the sum over the curves is at least FLOOR) and
    of which one curve is the likeliest, so that two curves side by side are two strands. Its `x_px` is the centre of
    mass of the ink in it, hence finer than a pixel; its evidence for a curve is the largest probability in it. Of a row
    the MOST strands with the strongest evidence are kept, in the order of columns.

    S strands of H rows; those of row r are `first[r] .. first[r+1]-1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.curve import Curve, check_ink
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float32, Int64

FLOOR: Final = 0.001
"""Faint ink counts: what is hardly likely anywhere else is still the best place of its row."""

MOST: Final = 4

NONE: Final = -1
"""In place of a strand where a row has none for a curve."""


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
        """H."""
        return len(self.first) - 1

    @property
    def curves(self) -> int:
        """K."""
        return int(self.evidence.shape[1])

    @staticmethod
    def joined(parts: Sequence[Strands]) -> Strands:
        """Bands of one scan, from the top, as one. ValueError for none, or for bands of different curves."""
        if not parts or len({part.curves for part in parts}) != 1:
            raise ValueError(
                f"`parts` must be bands of one scan with the same curves, got {[part.curves for part in parts]}; "
                "read the scan with one network"
            )
        ends = np.cumsum([0] + [len(part.x_px) for part in parts])
        first = [part.first[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
        return Strands(
            np.concatenate([*first, ends[-1:]]),
            np.concatenate([part.x_px for part in parts]),
            np.concatenate([part.width_px for part in parts]),
            np.concatenate([part.evidence for part in parts]),
            np.concatenate([part.full for part in parts]),
        )

    def only(self, kept: Int64) -> Strands:
        """The strands with the ascending numbers `kept`, in the same rows."""
        first = np.searchsorted(kept, self.first)
        return Strands(first, self.x_px[kept], self.width_px[kept], self.evidence[kept], self.full)

    def curve(self, taken: Int64, evidence: Float32) -> Curve:
        """The curve that runs through the strands `taken [H]` or NONE; its confidence is their `evidence [S]`."""
        at = taken != NONE
        x, confidence = np.full(len(taken), np.nan), np.zeros(len(taken))
        x[at], confidence[at] = self.x_px[taken[at]], evidence[taken[at]]
        return Curve.on_paper(x, confidence)


def strands_of(ink: Float32, *, floor: float = FLOOR, most: int = MOST) -> Strands:
    """The strands of `ink [K,H,W]`, probabilities of each curve. TypeError and ValueError as `check_ink`."""
    check_ink(ink)
    curves, rows, _ = ink.shape
    count, full = np.zeros(rows, np.int64), np.zeros(rows, np.bool_)
    places = np.zeros((rows, most, 2), np.float32)
    evidence = np.zeros((rows, most, curves), np.float32)
    call(_search, np.ascontiguousarray(ink), np.float32(floor), count, places, evidence, full)
    kept = np.arange(most) < count[:, None]
    return Strands(
        np.concatenate([np.zeros(1, np.int64), np.cumsum(count)]),
        places[kept][:, 0],
        places[kept][:, 1],
        evidence[kept],
        full,
    )


@kernel
def _search(ink, floor, count, places, evidence, full):  # type: ignore[no-untyped-def]
    """Fill `count [H]`, `places [H,most,2]` (x, width), `evidence [H,most,K]` and `full [H]`."""
    curves, rows, columns = ink.shape
    peak, strength = np.zeros(curves, np.float32), np.zeros(places.shape[1], np.float32)
    line, stride = np.zeros((curves, columns), np.float32), max(1, columns // 64)
    for row in range(rows):
        for k in range(curves):
            paper = _paper(ink[k, row, ::stride], floor)
            full[row] |= paper > 0.5
            for column in range(columns):
                line[k, column] = max(0.0, (ink[k, row, column] - paper) / (1 - paper)) if paper < 1 else 0.0
        owner, mass, moment, start = -1, 0.0, 0.0, 0
        for column in range(columns + 1):
            total, here = np.float32(0.0), -1
            if column < columns:
                for k in range(curves):
                    total += line[k, column]
                if total >= floor:
                    here = 0
                    for k in range(1, curves):
                        if line[k, column] > line[here, column]:
                            here = k
            if here != owner and owner >= 0:
                at = _room(peak, strength, count[row], places[row], evidence[row])
                if at >= 0:
                    places[row, at, 0], places[row, at, 1] = moment / mass, column - start
                    evidence[row, at] = peak
                    count[row] = max(count[row], at + 1)
            if here >= 0:
                if here != owner:
                    mass, moment, start = 0.0, 0.0, column
                    peak[:] = 0
                mass += float(total)
                moment += float(total) * column
                for k in range(curves):
                    peak[k] = max(peak[k], line[k, column])
            owner = here


@kernel
def _paper(line, floor):  # type: ignore[no-untyped-def]
    """The background of a row from some of its pixels: their median, or 0 where most are below the floor."""
    faint = 0
    for value in line:
        faint += value < floor
    return 0.0 if 2 * faint > len(line) else np.median(line)


@kernel
def _room(peak, strength, count, places, evidence):  # type: ignore[no-untyped-def]
    """Where in its row a strand goes, or -1: behind the others, of a full row only if the weakest of them gives way."""
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
            places[i] = places[i + 1]
            evidence[i] = evidence[i + 1]
    strength[at] = strongest
    return at
