"""Draw printed text, rules and ticks, and stains (flags and folds), as ink on a sheet.

Letters are OpenCV's Hershey letters, drawn eight times too large and averaged down, which gives soft strokes at a
height of 2 mm. Each letter and each word is drawn once and kept.
"""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.sheets.drawing.skew import Matrix, sway, turned
from thinline.sheets.spec import SheetSpec
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import UInt8

_OVERSIZE = 8
_CAPITAL_PX = 21  # height of a capital of Hershey simplex at scale 1
_FACE = cv2.FONT_HERSHEY_SIMPLEX
_PRINTED = ("rule", "tick")
_SHIFT = 4  # fractional bits of the corners handed to OpenCV


def draw_marks(spec: SheetSpec, shape: tuple[int, int], skewed: Matrix) -> tuple[UInt8, UInt8]:
    """Ink 0..255 of printed marks and of stains, uint8 [H,W] each."""
    printed, stain = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    if not spec.marks:
        return printed, stain
    for mark, corners in zip(spec.marks, _corners(spec, skewed), strict=True):
        canvas = printed if mark.kind in _PRINTED else stain
        cv2.fillConvexPoly(canvas, corners, round(255 * mark.darkness), cv2.LINE_8, _SHIFT)
    if any(mark.kind == "fold" for mark in spec.marks):
        stain = cv2.blur(stain, (5, 5))
    return printed, np.asarray(stain, np.uint8)


def _corners(spec: SheetSpec, skewed: Matrix) -> NDArray[np.int32]:
    """Corners of every mark after skew, fixed point [N,4,2]; a polygon covers its border, hence one pixel less."""
    left_mm, top_mm, wide_mm = np.array([(mark.x_mm, mark.y_mm, mark.width_mm) for mark in spec.marks]).T.copy()
    end_mm = np.array([mark.y_mm + max(mark.height_mm - 1 / skewed[5], 0.0) for mark in spec.marks])
    swayed = *sway(top_mm, spec.skew), *sway(end_mm, spec.skew)
    corners = call(_box_corners, (left_mm, top_mm, wide_mm, end_mm), swayed, skewed)
    return np.asarray(corners, np.int32)


@kernel
def _box_corners(boxes, swayed, skewed):  # type: ignore[no-untyped-def]
    """Corners of N boxes (left, top, width and end, [N] each, mm), fixed point, int32 [N,4,2]."""
    left_mm, top_mm, wide_mm, end_mm = boxes
    corners = np.empty((len(left_mm), 4, 2), np.int32)
    scale = skewed[5] * (1 << _SHIFT)
    for n in range(len(left_mm)):
        wide = max(wide_mm[n] - 1 / skewed[5], 0.0)
        for corner in range(4):
            lower = corner > 1
            x_mm = left_mm[n] + wide * (1.0 if corner in (1, 2) else 0.0)
            x, y = turned(x_mm, end_mm[n] if lower else top_mm[n], skewed)
            corners[n, corner, 0] = int((x + swayed[2 if lower else 0][n]) * scale)
            corners[n, corner, 1] = int((y + swayed[3 if lower else 1][n]) * scale)
    return corners


def draw_texts(canvas: UInt8, spec: SheetSpec, skewed: Matrix) -> None:
    """Draw the texts of `spec` into `canvas`, ink 0..255."""
    if not spec.texts:
        return
    tops_mm = np.array([text.y_mm for text in spec.texts])
    waves, stretches = (by.tolist() for by in sway(tops_mm, spec.skew))
    for text, wave, stretch in zip(spec.texts, waves, stretches, strict=True):
        word = _word(text.text, max(4, round(text.height_mm * skewed[5])), text.turned)
        call(_paste, canvas, word, (text.x_mm, text.y_mm), (wave, stretch), skewed)


@lru_cache(maxsize=4096)
def _word(text: str, height_px: int, turned: int) -> UInt8:
    """Ink 0..255 of `text`, uint8 [h,w], capitals `height_px` tall; `turned` 1 is a quarter turn anticlockwise."""
    word = np.concatenate([_letter(letter, height_px) for letter in text], axis=1)
    if turned:
        word = np.ascontiguousarray(word.T[::-1])
    word.flags.writeable = False
    return word


@kernel
def _paste(canvas, word, at_mm, swayed, skewed):  # type: ignore[no-untyped-def]
    """Draw a word at a corner, before skew: the larger ink stays, and parts off the canvas are cut."""
    x, y = turned(at_mm[0], at_mm[1], skewed)
    left, top = int((x + swayed[0]) * skewed[5]), int((y + swayed[1]) * skewed[5])
    for row in range(max(0, -top), min(word.shape[0], canvas.shape[0] - top)):
        for column in range(max(0, -left), min(word.shape[1], canvas.shape[1] - left)):
            canvas[top + row, left + column] = max(canvas[top + row, left + column], word[row, column])


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
