"""Draw printed text, rules and ticks, and stains (flags and folds), as ink on a sheet.

Letters are OpenCV's Hershey letters, drawn eight times too large and averaged down, which gives soft strokes at a
height of 2 mm. Each letter and each word is drawn once and kept.
"""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.sheets.drawing.skew import move
from thinline.sheets.spec import SheetSpec
from thinline.vocabulary import UInt8

_OVERSIZE = 8
_CAPITAL_PX = 21  # height of a capital of Hershey simplex at scale 1
_FACE = cv2.FONT_HERSHEY_SIMPLEX
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


def draw_texts(canvas: UInt8, spec: SheetSpec, *, px_per_mm: float) -> None:
    """Draw the texts of `spec` into `canvas`, ink 0..255."""
    if not spec.texts:
        return
    corners_mm = np.array([(text.x_mm, text.y_mm) for text in spec.texts])
    x, y = move(corners_mm[:, 0], corners_mm[:, 1], spec.skew, spec.size_mm)
    corners = (np.stack([x, y], 1) * px_per_mm).astype(int).tolist()
    for text, (left, top) in zip(spec.texts, corners, strict=True):
        _paste(canvas, _word(text.text, max(4, round(text.height_mm * px_per_mm)), text.turned), left, top)


@lru_cache(maxsize=4096)
def _word(text: str, height_px: int, turned: int) -> UInt8:
    """Ink 0..255 of `text`, uint8 [h,w], capitals `height_px` tall; `turned` 1 is a quarter turn anticlockwise."""
    flat = np.concatenate([_letter(letter, height_px) for letter in text], axis=1)
    flat.flags.writeable = False
    return flat.T[::-1] if turned else flat


def _paste(canvas: UInt8, bitmap: UInt8, left: int, top: int) -> None:
    """Draw a bitmap into the canvas: the larger ink wins, and parts off the canvas are cut."""
    h, w = bitmap.shape
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + h, canvas.shape[0]), min(left + w, canvas.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    under = canvas[y0:y1, x0:x1]
    np.maximum(under, bitmap[y0 - top : y1 - top, x0 - left : x1 - left], out=under)


@cache
def _letter(letter: str, height_px: int) -> UInt8:
    """One letter on a canvas taller than a capital, so that the letters of a word share a base line."""
    big = height_px * _OVERSIZE
    scale = big / _CAPITAL_PX
    pen = max(1, round(big / 8))
    (width, _), _ = cv2.getTextSize(letter, _FACE, scale, pen)
    tall = -(-round(1.3 * big) // _OVERSIZE)
    wide = -(-width // _OVERSIZE)
    canvas = np.zeros((tall * _OVERSIZE, wide * _OVERSIZE), np.uint8)
    cv2.putText(canvas, letter, (0, big + pen // 2), _FACE, scale, 255, pen, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (wide, tall), interpolation=cv2.INTER_AREA), np.uint8)
