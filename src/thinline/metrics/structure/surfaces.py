"""Scores of outlines, per class: how far what was found lies from the truth, and how far the truth from it.

Conventions
-----------
Masks, bands, surfaces and distances are those of class_mask.py and distances.py.

Counts come first, as integers, and may be added over sheets; rates divide once.

    1. nsd          surface pixels within t of the other surface / all surface pixels, of both     Nikolov et al. 2021
    2. tol_precision  found pixels within t of the truth / found pixels              "relaxed", Mnih and Hinton 2010
    3. tol_recall     true pixels within t of what was found / true pixels
    4. tol_f1         their harmonic mean
    5. boundary_iou   IoU of the bands of two masks: pixels within d of the outside, d = 2 % of the diagonal of the
                      sheet                                                                       Cheng et al. 2021
    6. hd95           the larger of the 95th percentiles of surface distances in either direction, px; no count, of a
                      sheet alone, and of several sheets the mean over those where both masks have pixels

On a mask thinner than twice the band every pixel is in the band, and boundary IoU *is* IoU.

Absent classes are as absent.py says. hd95 is NaN unless both masks have pixels, because no number of pixels is the
distance to nothing.

References
----------
Nikolov et al., "Clinically applicable segmentation of head and neck anatomy for radiotherapy", J Med Internet Res 2021.
Mnih and Hinton, "Learning to detect roads in high-resolution aerial images", ECCV 2010.
Cheng, Girshick, Dollar, Berg and Kirillov, "Boundary IoU", CVPR 2021, equation 3 and its published code.
Huttenlocher, Klanderman and Rucklidge, "Comparing images using the Hausdorff distance", TPAMI 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import f_of, overlap_of, precision_of, recall_of
from thinline.metrics.structure.distances import Pair, within
from thinline.vocabulary import Float64, Int64

TOLERANCES_PX: Final = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class SurfaceCounts:
    """Integers of one class over one or more sheets; `a + b` is the count of both.

    `near [T,4]`: for each tolerance the found surface, true surface, found and true pixels that are within it of the
    other. `all [4]`: how many there are. `band [2]`: pixels in both bands, and in either.
    """

    near: Int64
    all: Int64
    band: Int64

    def __add__(self, other: SurfaceCounts) -> SurfaceCounts:
        return SurfaceCounts(self.near + other.near, self.all + other.all, self.band + other.band)


@dataclass(frozen=True)
class Surfaces:
    """One class of one sheet: its counts and its hd95 in px."""

    counts: SurfaceCounts
    hd95: float


def surfaces(pair: Pair, *, tolerances_px: Sequence[float] = TOLERANCES_PX) -> Surfaces:
    """Compare the outlines of two masks."""
    bands = [region.band for region in pair.regions]
    edges = [way.to_surface[way.on_surface] for way in pair.ways]
    parts = [*edges, *(way.to_mask for way in pair.ways)]
    near = np.stack([within(part, tolerances_px) for part in parts], axis=1)
    both = np.array([np.count_nonzero(bands[0] & bands[1]), np.count_nonzero(bands[0] | bands[1])])
    return Surfaces(
        SurfaceCounts(near, np.array([len(part) for part in parts]), both),
        hd95=_hd95(*edges),
    )


def _hd95(outward: Float64, back: Float64) -> float:
    if not len(outward) or not len(back):
        return float("nan")
    return max(_percentile_95(outward), _percentile_95(back))


def _percentile_95(squared: Float64) -> float:
    """The 95th percentile of distances, by linear interpolation; several times as fast as numpy's for a few hundred."""
    place = 0.95 * (len(squared) - 1)
    low = int(place)
    near, far = np.sqrt(np.sort(squared)[[low, min(low + 1, len(squared) - 1)]]).tolist()
    return float(near + (place - low) * (far - near) if far > near else near)


def surface_rates(counts: SurfaceCounts) -> dict[str, Float64]:
    """`nsd`, `tol_precision`, `tol_recall`, `tol_f1` as float64 [T], `boundary_iou` as float64 []; see the module."""
    found_edge, true_edge, found, true = counts.all.tolist()
    near = counts.near.astype(np.float64)
    precision, recall = precision_of(near[:, 2], found, true), recall_of(near[:, 3], true)
    return {
        "nsd": overlap_of(near[:, 0] + near[:, 1], found_edge + true_edge),
        "tol_precision": precision,
        "tol_recall": recall,
        "tol_f1": f_of(precision, recall),
        "boundary_iou": overlap_of(*counts.band),
    }
