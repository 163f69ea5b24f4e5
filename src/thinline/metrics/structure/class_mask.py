"""One class on one sheet as a mask, and what measures of outlines and centrelines read of it, each worked out once.

Conventions
-----------
`mask [H,W]` is bool; ignored pixels are to be taken out before.

    edge   pixels with one of the four neighbours outside the mask; beyond the sheet is outside
    band   pixels within d of the outside, d = 2 % of the diagonal of the sheet, at least 1 px: Cheng, Girshick, Dollar,
           Berg and Kirillov, "Boundary IoU", CVPR 2021, equation 3 and its published code
    line   the skeleton by scikit-image's `skeletonize` (Zhang and Suen 1984)
    pieces the number of the 8-connected piece of the line that a pixel is in, 0 beside it
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from skimage.morphology import skeletonize

from thinline.metrics.structure.curve_pixels import Ink, ink_of
from thinline.vocabulary import Bool, Int32, UInt8

BAND: Final = 0.02
"""Width of the band of boundary IoU as a fraction of the diagonal of the sheet, as published."""

_CROSS: Final = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE: Final = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


@dataclass(frozen=True, eq=False)
class Region:
    """A mask, bool [H,W]. TypeError for another dtype or rank."""

    mask: Bool

    def __post_init__(self) -> None:
        if self.mask.dtype != np.bool_ or self.mask.ndim != 2:
            raise TypeError(
                f"a mask must be bool [H,W], got {self.mask.dtype} {list(self.mask.shape)}; use labels == id"
            )

    @cached_property
    def edge(self) -> Bool:
        """The pixels beside the outside."""
        inner = cv2.erode(self.mask.view(np.uint8), _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        return np.asarray(self.mask & (inner == 0), np.bool_)

    @cached_property
    def outline(self) -> Ink:
        """The edge as a list of pixels."""
        return ink_of(self.edge)

    @cached_property
    def band(self) -> Bool:
        """The pixels within the band of boundary IoU."""
        width = max(1, round(BAND * float(np.hypot(*self.mask.shape))))
        padded = cv2.copyMakeBorder(self.mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        inner: UInt8 = cv2.erode(padded, _SQUARE, iterations=width)
        return np.asarray(self.mask & (inner[1:-1, 1:-1] == 0), np.bool_)

    @cached_property
    def line(self) -> Bool:
        """The skeleton."""
        return np.asarray(skeletonize(self.mask), np.bool_)

    @cached_property
    def pieces(self) -> Int32:
        """The pieces of the skeleton."""
        return np.asarray(cv2.connectedComponents(self.line.view(np.uint8), connectivity=8)[1], np.int32)
