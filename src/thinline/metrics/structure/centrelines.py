"""Scores of centrelines, per class: is the line where it should be, and in one piece?

Conventions
-----------
Masks and distances are those of distances.py. A *centreline* is the `line` of class_mask.py, which the published clDice
takes as well. *Within t* of a mask is at most t pixels from one of its pixels. Pieces are 8-connected.

Counts come first, as integers, and may be added over sheets; rates divide once.

    1. cldice       harmonic mean of the share of the found centreline in the true mask and of the true centreline in
                    the found mask                                                    Shit et al. 2021, equation 1
    2. tol_cldice   the same, within t of the masks: plain clDice tolerates the radius of the mask and no more, which
                    for a pen of 1 px is nothing
    3. breaks       how often a piece of the true centreline is interrupted: pieces of it within 1 px of what was
                    found, less one, summed over the pieces that were found at all

Absent classes are as absent.py says.
`breaks` is a number of the truth: 0 where the truth has nothing, and where nothing was found (recall tells that).

References
----------
Shit et al., "clDice - a novel topology-preserving loss function for tubular structure segmentation", CVPR 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.metrics.absent import f_of, precision_of, recall_of
from thinline.metrics.structure.distances import Pair, within
from thinline.vocabulary import Bool, Float64, Int32, Int64

TOLERANCES_PX: Final = (0.0, 1.0, 2.0, 3.0)
"""The first is plain clDice."""

BREAK_PX: Final = 1.0


@dataclass(frozen=True)
class CentrelineCounts:
    """Integers of one class over one or more sheets; `a + b` is the count of both.

    `near [T,2]`: for each tolerance the pixels of the found and of the true centreline within it of the other mask.
    `all [2]`: how many there are. `breaks`.
    """

    near: Int64
    all: Int64
    breaks: int

    def __add__(self, other: CentrelineCounts) -> CentrelineCounts:
        return CentrelineCounts(self.near + other.near, self.all + other.all, self.breaks + other.breaks)


def centrelines(pair: Pair, *, tolerances_px: Sequence[float] = TOLERANCES_PX) -> CentrelineCounts:
    """Compare the centrelines of two masks."""
    lines = [region.line for region in pair.regions]
    away = [way.of(line) for way, line in zip(pair.ways, lines, strict=True)]
    near = np.stack([within(part, tolerances_px) for part in away], axis=1)
    breaks = _breaks(lines[1], pair.regions[1].pieces, away[1] <= BREAK_PX**2)
    return CentrelineCounts(near, np.array([len(part) for part in away]), breaks)


def _breaks(line: Bool, whole: Int32, covered: Bool) -> int:
    """Interruptions of the pieces `whole [H,W]` of `line [H,W]`, of whose pixels `covered [P]` were found."""
    kept = np.zeros_like(line)
    kept[line] = covered
    pieces, parts = cv2.connectedComponents(kept.view(np.uint8), connectivity=8)
    belongs = np.zeros(pieces, dtype=np.int64)
    belongs[parts[kept]] = whole[kept]
    return pieces - 1 - len(np.unique(belongs[1:]))


def centreline_rates(counts: CentrelineCounts) -> dict[str, Float64]:
    """`cldice` for every tolerance, float64 [T], and `breaks`, float64 []; see the module for 0/0."""
    found, true = counts.all.tolist()
    near = counts.near.astype(np.float64)
    cldice = f_of(precision_of(near[:, 0], found, true), recall_of(near[:, 1], true))
    return {"cldice": cldice, "breaks": np.asarray(float(counts.breaks))}
