"""Centreline metrics per class: clDice, with a tolerance, and breaks of the true centreline.

Conventions
-----------
Masks, centrelines and distances are those of distances.py. A pixel is *within t* of a mask if it is at most t px from
one of its pixels.
Integer counts are added over sheets and divided once.

    1. cldice       harmonic mean of two shares: of the predicted centreline inside the true mask, and of the true
                    centreline inside the predicted mask                              Shit et al. 2021, equation 1
    2. cldice_1px   as 1, but "within 1 px of the mask" in place of "inside the mask"; also with other tolerances.
                    Plain clDice tolerates a shift up to the radius of the mask, which is 0 px for a pen 1 px wide
    3. breaks       number of gaps in the true centreline. A pixel of the true centreline is covered if it is within
                    1 px of the predicted mask. The covered pixels form 8-connected pieces. An 8-connected component of
                    the true centreline with n > 0 pieces has n - 1 breaks; a component without a piece has none

If a class is absent, the value of cldice is that of absent.py and `breaks` is 0. `breaks` is also 0 if nothing is
predicted.

References
----------
Shit et al., "clDice - a novel topology-preserving loss function for tubular structure segmentation", CVPR 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts, f_of, precision_of, recall_of
from thinline.metrics.structure.curve_pixels import CurvePixels
from thinline.metrics.structure.distances import Pair, within
from thinline.vocabulary import Bool, Float64, Int64

TOLERANCES_PX: Final = (0.0, 1.0, 2.0, 3.0)
"""The first is plain clDice."""

BREAK_PX: Final = 1.0


@dataclass(frozen=True)
class CentrelineCounts(Counts):
    """Integers of one class, of the predicted centreline (index 0) and the true one (index 1).

    `near [T,2]`: number of centreline pixels that are within each of the T tolerances of the other mask. `all [2]`:
    number of centreline pixels. `breaks`: metric 3.
    """

    near: Int64
    all: Int64
    breaks: int


def centrelines(pair: Pair, *, tolerances_px: Sequence[float] = TOLERANCES_PX) -> CentrelineCounts:
    """Compare the centreline of each mask of `pair` with the other mask."""
    lines = [mask.centreline for mask in pair.masks]
    away = [distances.within_part(line) for distances, line in zip(pair.distances, lines, strict=True)]
    near = np.stack([within(squared, tolerances_px) for squared in away], axis=1)
    breaks = _breaks(pair.masks[1].centreline_pixels, away[1] <= BREAK_PX**2)
    return CentrelineCounts(near, np.array([len(squared) for squared in away]), breaks)


def _breaks(line: CurvePixels, covered: Bool) -> int:
    """Metric 3 of the true centreline `line`; `covered [P]` says which of its P pixels are covered."""
    pieces = CurvePixels(line.positions[covered], line.shape).components
    return int(pieces.max(initial=-1)) + 1 - len(np.unique(line.components[covered]))


def centreline_rates(counts: CentrelineCounts) -> dict[str, Float64]:
    """`cldice` for every tolerance, float64 [T], and `breaks`, float64 []."""
    predicted, true = counts.all.tolist()
    near = counts.near.astype(np.float64)
    cldice = f_of(precision_of(near[:, 0], predicted, true), recall_of(near[:, 1], true))
    return {"cldice": cldice, "breaks": np.asarray(float(counts.breaks))}
