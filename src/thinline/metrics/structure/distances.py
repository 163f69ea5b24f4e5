"""Masks of one class on one sheet, and the distances between a predicted and a true mask.

The parts of a mask and the distances of a pair are computed when they are first used, and then kept.

Conventions
-----------
Masks are bool `[H,W]` without the ignored pixels. Beyond the sheet is outside of the mask. Distances are Euclidean, in
px, between pixel centres. They are kept as squares, which are exact integers: a distance is *within t* when its square
is at most t squared. The distance to an empty mask is infinite.

    surface           mask pixels with one of the four neighbours outside
    band              mask pixels within d of the outside, d = 2 % of the diagonal of the sheet, at least 1 px:
                      Cheng, Girshick, Dollar, Berg and Kirillov, "Boundary IoU", CVPR 2021, equation 3 and its code
    centreline        skeleton by scikit-image's `skeletonize` (Zhang and Suen 1984)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from skimage.morphology import skeletonize

from thinline.metrics.structure.curve_pixels import CurvePixels, curve_pixels
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64, UInt8

BAND: Final = 0.02
"""Width of the band of boundary IoU as a fraction of the diagonal of the sheet, as published."""

_CROSS: Final = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


@dataclass(frozen=True, eq=False)
class ClassMask:
    """A mask, bool [H,W], with its surface, band and centreline. TypeError for another dtype or rank."""

    mask: Bool

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.ndim != 2:
            raise TypeError(
                f"a mask must be bool [H,W], got {self.mask.dtype} {list(self.mask.shape)}; use labels == id"
            )

    @cached_property
    def pixels(self) -> CurvePixels:
        """The mask as a list of pixels."""
        return curve_pixels(self.mask)

    @cached_property
    def surface(self) -> Bool:
        """The surface, bool [H,W]."""
        inner = cv2.erode(self.mask.view(np.uint8), _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        return np.asarray(self.mask & (inner == 0), np.bool_)

    @cached_property
    def surface_pixels(self) -> CurvePixels:
        """The surface as a list of pixels."""
        return curve_pixels(self.surface)

    @cached_property
    def band(self) -> Bool:
        """The band of boundary IoU, bool [H,W]."""
        width = max(1, round(BAND * float(np.hypot(*self.mask.shape))))
        padded = cv2.copyMakeBorder(self.mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        inner: UInt8 = cv2.erode(padded, _SQUARE, iterations=width)
        return np.asarray(self.mask & (inner[1:-1, 1:-1] == 0), np.bool_)

    @cached_property
    def centreline(self) -> Bool:
        """The centreline, bool [H,W]. Only the rectangle around the mask is thinned."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        line = np.zeros_like(self.mask)
        if len(rows):
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            line[box] = skeletonize(self.mask[box])
        return line

    @cached_property
    def centreline_pixels(self) -> CurvePixels:
        """The centreline as a list of pixels."""
        return curve_pixels(self.centreline)


class Pair:
    """A predicted and a true mask, bool `[H,W]` each, or a ClassMask whose parts are computed already.

    Raises ValueError for masks of two shapes, TypeError for another dtype or rank.
    """

    def __init__(self, predicted: Bool | ClassMask, true: Bool | ClassMask) -> None:
        self.masks = tuple(mask if isinstance(mask, ClassMask) else ClassMask(mask) for mask in (predicted, true))
        shapes = [mask.mask.shape for mask in self.masks]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"`predicted` and `true` must have one shape, got {shapes[0]} and {shapes[1]}; cut them alike"
            )

    @cached_property
    def distances(self) -> tuple[Distances, Distances]:
        """From the predicted to the true mask, and back."""
        predicted, true = self.masks
        return _distances(predicted, true), _distances(true, predicted)


@dataclass(frozen=True, eq=False)
class Distances:
    """Squared distances from the P pixels of one mask, in the order of rows, to another mask.

    `positions [P]` are the indices of the pixels in the flattened sheet. `to_surface [P]` are the squared distances to
    the surface of the other mask, `to_mask [P]` those to the other mask itself: 0 for a pixel inside the other mask.
    For a pixel outside of the other mask both distances are equal, so each pixel is searched once. `on_surface [P]`
    marks the pixels on the surface of their own mask.
    """

    positions: Int64
    to_surface: Float64
    to_mask: Float64
    on_surface: Bool

    def within_part(self, part: Bool) -> Float64:
        """`to_mask` of those pixels that are also in `part [H,W]`, a subset of the mask."""
        chosen: Float64 = self.to_mask[part.reshape(-1)[self.positions]]
        return chosen


def _distances(mask: ClassMask, other: ClassMask) -> Distances:
    positions = np.flatnonzero(mask.mask)
    to_surface = np.zeros(len(positions))
    apart = ~other.surface.reshape(-1)[positions]  # a good prediction has few of them
    whole_sheet = float(sum(mask.mask.shape))
    to_surface[apart], _ = other.surface_pixels.nearest(positions[apart], within_px=whole_sheet)
    to_mask = np.where(other.mask.reshape(-1)[positions], 0.0, to_surface)
    return Distances(positions, to_surface, to_mask, mask.surface.reshape(-1)[positions])


def within(squared: Float64, tolerances_px: Sequence[float]) -> Int64:
    """How many squared distances `[P]` are within each tolerance, int64 [T]."""
    counts = np.zeros(len(tolerances_px), np.int64)
    call(_count_within, squared, np.square(np.asarray(tolerances_px, np.float64)), counts)
    return counts


@kernel
def _count_within(squared, limits, counts):  # type: ignore[no-untyped-def]
    """Add to `counts [T]` how many of `squared [P]` are at most each of `limits [T]`."""
    for value in squared:
        for t in range(len(limits)):
            counts[t] += value <= limits[t]
