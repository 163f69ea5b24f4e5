"""Other ink on a sheet: rules and correlation ticks (print), shaded flags and folds (darkened paper)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.sheets.drawing.skew import move
from thinline.sheets.spec import SheetSpec
from thinline.vocabulary import UInt8

_PRINTED = ("rule", "tick")
_SHIFT = 4  # fractional bits of the corners handed to OpenCV


def draw_marks(spec: SheetSpec, shape: tuple[int, int], *, px_per_mm: float) -> tuple[UInt8, UInt8]:
    """Ink 0..255 of printed marks and of stains, uint8 [H,W] each."""
    printed, stain = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    if not spec.marks:
        return printed, stain
    for mark, corners in zip(spec.marks, _corners(spec, px_per_mm), strict=True):
        canvas = printed if mark.kind in _PRINTED else stain
        cv2.fillConvexPoly(canvas, corners, round(255 * mark.darkness), cv2.LINE_8, _SHIFT)
    if any(mark.kind == "fold" for mark in spec.marks):
        stain = cv2.blur(stain, (5, 5))
    return printed, np.asarray(stain, np.uint8)


def _corners(spec: SheetSpec, px_per_mm: float) -> NDArray[np.int32]:
    """Corners of every mark after skew, fixed point [N,4,2]; a polygon covers its border, hence one pixel less."""
    boxes = np.array([(mark.x_mm, mark.y_mm, mark.width_mm, mark.height_mm) for mark in spec.marks])
    boxes[:, 2:] = np.maximum(boxes[:, 2:] - 1 / px_per_mm, 0.0)
    x = boxes[:, :1] + boxes[:, 2:3] * np.array([0.0, 1.0, 1.0, 0.0])
    y = boxes[:, 1:2] + boxes[:, 3:] * np.array([0.0, 0.0, 1.0, 1.0])
    return (np.stack(move(x, y, spec.skew, spec.size_mm), -1) * (px_per_mm * (1 << _SHIFT))).astype(np.int32)
