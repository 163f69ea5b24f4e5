"""Scores of outlines, per class: how far what was found lies from the truth, and how far the truth from it.

Conventions
-----------
Masks are bool `[H,W]`, one class of one sheet. The *surface* of a mask is its pixels with one of the four neighbours
outside it; beyond the sheet is outside. Distances are Euclidean, in pixels, between centres of pixels, and squares of
them are exact integers: a distance is *within t* when its square is at most t squared. Ignored pixels are to be taken
out of both masks before.

Counts come first, as integers, and may be added over sheets; rates divide once.

    1. nsd          surface pixels within t of the other surface / all surface pixels, of both     Nikolov et al. 2021
    2. tol_precision  found pixels within t of the truth / found pixels              "relaxed", Mnih and Hinton 2010
    3. tol_recall     true pixels within t of what was found / true pixels
    4. tol_f1         their harmonic mean
    5. boundary_iou   IoU of the bands of two masks: pixels within d of the outside, d = 2 % of the diagonal of the
                      sheet                                                                       Cheng et al. 2021
    6. hd95           the larger of the 95th percentiles of surface distances in either direction, px; no count, of a
                      sheet alone, and of several sheets the mean over those where both masks have pixels

On a mask thinner than twice the band every pixel is in the band, and boundary IoU *is* IoU: `band_is_all` says so.

What 0/0 means is what pixels.py says: absent from both is NaN, silence about a class that is there is 0, and so are
false alarms alone (tol_recall NaN). hd95 is NaN unless both masks have pixels, because no number of pixels is the
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

import cv2
import numpy as np
from scipy.spatial import cKDTree

from hairline.measures.masks import demand_masks
from hairline.vocabulary import Bool, Float64, Int64, UInt8

TOLERANCES_PX: Final = (1.0, 2.0, 3.0)
BAND: Final = 0.02
"""Width of the band of boundary IoU as a fraction of the diagonal of the sheet, as published."""

_CROSS: Final = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


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
    """One class of one sheet: its counts, its hd95 in px, and whether the bands are the whole masks."""

    counts: SurfaceCounts
    hd95: float
    band_is_all: bool


def surfaces(found: Bool, true: Bool, *, tolerances_px: Sequence[float] = TOLERANCES_PX) -> Surfaces:
    """Compare two masks `[H,W]`. Raises ValueError for masks of two shapes, TypeError for other dtypes than bool."""
    demand_masks(found, true)
    masks = (found, true)
    edges = [surface(mask) for mask in masks]
    bands = [band(mask) for mask in masks]
    outward = _Outward(found, true, edges[0], edges[1]), _Outward(true, found, edges[1], edges[0])
    limits = np.square(np.asarray(tolerances_px, dtype=np.float64))
    near = np.stack([_within(part, limits) for part in (*(o.edge2 for o in outward), *(o.mask2 for o in outward))], 1)
    both = np.array([np.count_nonzero(bands[0] & bands[1]), np.count_nonzero(bands[0] | bands[1])])
    total = np.array([len(o.edge2) for o in outward] + [len(o.mask2) for o in outward])
    return Surfaces(
        SurfaceCounts(near, total, both),
        hd95=_hd95(outward[0].edge2, outward[1].edge2),
        band_is_all=all(np.array_equal(band, mask) for band, mask in zip(bands, masks, strict=True)),
    )


def surface(mask: Bool) -> Bool:
    """The pixels of `mask [H,W]` beside its outside."""
    inner = cv2.erode(mask.view(np.uint8), _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return mask & (inner == 0)


def band(mask: Bool) -> Bool:
    """The pixels of `mask [H,W]` within the band of boundary IoU, at least 1 px of its outside."""
    width = max(1, round(BAND * float(np.hypot(*mask.shape))))
    padded = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inner: UInt8 = cv2.erode(padded, _SQUARE, iterations=width)
    return mask & (inner[1:-1, 1:-1] == 0)


class _Outward:
    """Squared distances from one mask to another, of its surface and of all its pixels.

    `edge2` are to the surface of the other, `mask2` to the other itself, and so 0 where both are; infinite where the
    other is empty. A pixel outside a mask is as far from its surface as from the mask: one search answers both.
    """

    def __init__(self, mask: Bool, other: Bool, edge: Bool, other_edge: Bool):
        rows, columns = np.nonzero(mask)
        distance2 = _squared_distances(np.stack([rows, columns], axis=1), other_edge)
        self.edge2 = distance2[edge[rows, columns]]
        self.mask2 = np.where(other[rows, columns], 0.0, distance2)


def _squared_distances(points: Int64, edge: Bool) -> Float64:
    """From `points [P,2]` to the nearest pixel of `edge`, exact."""
    targets = np.argwhere(edge)
    if not len(targets) or not len(points):
        return np.full(len(points), np.inf)
    _, nearest = cKDTree(targets, balanced_tree=False, compact_nodes=False).query(points)
    found: Float64 = np.square(points - targets[nearest]).sum(axis=1).astype(np.float64)
    return found


def _within(distances2: Float64, limits: Float64) -> Int64:
    return np.count_nonzero(distances2 <= limits[:, None], axis=1)


def _hd95(outward: Float64, back: Float64) -> float:
    if not len(outward) or not len(back):
        return float("nan")
    return float(max(np.percentile(np.sqrt(outward), 95), np.percentile(np.sqrt(back), 95)))


def surface_rates(counts: SurfaceCounts) -> dict[str, Float64]:
    """`nsd`, `tol_precision`, `tol_recall`, `tol_f1` as float64 [T], `boundary_iou` as float64 []; see the module."""
    found_edge, true_edge, found, true = counts.all.tolist()
    with np.errstate(invalid="ignore", divide="ignore"):
        near = counts.near.astype(np.float64)
        precision = near[:, 2] / found if found else np.full(len(near), 0.0 if true else np.nan)
        recall = near[:, 3] / true if true else np.full(len(near), np.nan)
        whole = np.where(np.isnan(recall) & bool(found), 0.0, recall)
        f1 = np.where(precision + whole > 0, 2 * precision * whole / (precision + whole), precision + whole)
        return {
            "nsd": (near[:, 0] + near[:, 1]) / np.float64(found_edge + true_edge),
            "tol_precision": precision,
            "tol_recall": recall,
            "tol_f1": f1,
            "boundary_iou": np.float64(counts.band[0]) / np.float64(counts.band[1]),
        }
