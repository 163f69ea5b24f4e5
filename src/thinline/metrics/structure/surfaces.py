"""Surface metrics per class: distances between the predicted and the true surface, with a tolerance.

Conventions
-----------
Masks, surfaces, bands and distances are those of distances.py. Integer counts are added over sheets and divided once.

    1. nsd            surface pixels of both masks that lie within t of the other surface / all surface pixels of both
                      masks                                                                        Nikolov et al. 2021
    2. tol_precision  predicted pixels within t of the truth / predicted pixels   "relaxed", Mnih and Hinton 2010
    3. tol_recall     true pixels within t of the prediction / true pixels
    4. tol_f1         harmonic mean of 2 and 3
    5. boundary_iou   IoU of the bands of both masks                                               Cheng et al. 2021
    6. hd95           the larger of the 95th percentiles of surface distances in either direction, px. Of several
                      sheets: the mean over those where both masks have pixels; NaN where there is none

On a mask thinner than twice the band every pixel is in the band, and boundary IoU equals IoU. Where a class is absent
absent.py gives the value.

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

from thinline.metrics.absent import Counts, f_of, overlap_of, precision_of, recall_of
from thinline.metrics.structure.distances import Pair, within
from thinline.vocabulary import Float64, Int64

TOLERANCES_PX: Final = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class SurfaceCounts(Counts):
    """Numbers of pixels of one class, as integers.

    `near [T,4]`: for each of T tolerances the pixels within it, in four columns: predicted surface from the true
    surface, true surface from the predicted surface, predicted mask from the true mask, true mask from the predicted
    mask. `all [4]`: all pixels of these surfaces and masks. `band [2]`: pixels in both bands, and in at least one.
    """

    near: Int64
    all: Int64
    band: Int64


@dataclass(frozen=True)
class Surfaces:
    """One class of one sheet: its counts and its hd95 in px."""

    counts: SurfaceCounts
    hd95: float


def surfaces(pair: Pair, *, tolerances_px: Sequence[float] = TOLERANCES_PX) -> Surfaces:
    """Compare the surfaces of two masks."""
    bands = [mask.band for mask in pair.masks]
    edges = [distances.to_surface[distances.on_surface] for distances in pair.distances]
    parts = [*edges, *(distances.to_mask for distances in pair.distances)]
    near = np.stack([within(part, tolerances_px) for part in parts], axis=1)
    both = np.array([np.count_nonzero(bands[0] & bands[1]), np.count_nonzero(bands[0] | bands[1])])
    return Surfaces(SurfaceCounts(near, np.array([len(part) for part in parts]), both), _hd95(*edges))


def _hd95(outward: Float64, back: Float64) -> float:
    if not len(outward) or not len(back):
        return float("nan")
    return max(_percentile_95(outward), _percentile_95(back))


def _percentile_95(squared: Float64) -> float:
    """95th percentile, linearly interpolated, of the distances with these squares; faster than numpy's for few."""
    position = 0.95 * (len(squared) - 1)
    low = int(position)
    near, far = np.sqrt(np.sort(squared)[[low, min(low + 1, len(squared) - 1)]]).tolist()
    return float(near + (position - low) * (far - near) if far > near else near)


def surface_rates(counts: SurfaceCounts) -> dict[str, Float64]:
    """`nsd`, `tol_precision`, `tol_recall`, `tol_f1` as float64 [T], `boundary_iou` as float64 []."""
    predicted_surface, true_surface, predicted, true = counts.all.tolist()
    near = counts.near.astype(np.float64)
    precision, recall = precision_of(near[:, 2], predicted, true), recall_of(near[:, 3], true)
    return {
        "nsd": overlap_of(near[:, 0] + near[:, 1], predicted_surface + true_surface),
        "tol_precision": precision,
        "tol_recall": recall,
        "tol_f1": f_of(precision, recall),
        "boundary_iou": overlap_of(*counts.band),
    }
