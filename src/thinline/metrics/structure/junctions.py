"""Junctions of the centreline per class: how many of the true ones the prediction has, one to one.

Conventions
-----------
Centrelines are those of distances.py, junctions those of curve_pixels.py. A predicted and a true junction can be a pair
if they are at most `tolerance_px` apart; each is in one pair at most, and the number of pairs is the largest possible
(a maximum matching, so the order of junctions has no effect). The numbers of pairs, predicted and true junctions are
added over sheets and divided once.

    1. junction_f1_3px    2 pairs / (predicted + true junctions), with the tolerance in the name

NaN with a support of 0 if the truth of the split has no junction, also where the prediction has some: spurs of the
centreline of a thick prediction are junctions too. The support is the number of true junctions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from thinline.metrics.absent import Counts
from thinline.metrics.structure.distances import Pair
from thinline.vocabulary import Float64

TOLERANCE_PX: Final = 3.0


@dataclass(frozen=True)
class JunctionCounts(Counts):
    """Junctions of one class: `pairs`, all `predicted` and all `true` ones."""

    pairs: int
    predicted: int
    true: int


def junctions(pair: Pair, *, tolerance_px: float = TOLERANCE_PX) -> JunctionCounts:
    """Count and match the junctions of the two masks of `pair`."""
    predicted, true = (mask.centreline_pixels.junctions for mask in pair.masks)
    return JunctionCounts(matched(predicted, true, tolerance_px=tolerance_px), len(predicted), len(true))


def matched(first: Float64, second: Float64, *, tolerance_px: float) -> int:
    """The largest number of pairs between points `[P,2]` and `[Q,2]` at most `tolerance_px` apart, one to one."""
    if not len(first) or not len(second):
        return 0
    squared = np.square(first[:, None] - second[None]).sum(axis=2)
    near = squared <= tolerance_px * tolerance_px
    if near.sum(axis=0).max() <= 1 and near.sum(axis=1).max() <= 1:  # no point has a choice
        return int(np.count_nonzero(near))
    return int(np.count_nonzero(maximum_bipartite_matching(csr_array(near), perm_type="column") >= 0))


def junction_f1(counts: JunctionCounts) -> float:
    """Metric 1 of the module."""
    return 2 * counts.pairs / (counts.predicted + counts.true) if counts.true else float("nan")
