"""Print: words and numbers as small grey bitmaps, put together from letters that are made once each.

OpenCV's Hershey letters are drawn eight times too large and averaged down, which gives soft strokes at 2 mm of height.
"""

from __future__ import annotations

from functools import cache, lru_cache

import cv2
import numpy as np

from thinline.vocabulary import UInt8

_OVERSIZE = 8
_CAPITAL_PX = 21  # height of a capital of Hershey simplex at scale 1
_FACE = cv2.FONT_HERSHEY_SIMPLEX


@lru_cache(maxsize=4096)
def word(text: str, height_px: int, turned: int) -> UInt8:
    """Ink 0..255 of `text` with capitals `height_px` tall, uint8 [h,w]; `turned` 1 is a quarter turn anticlockwise."""
    flat = np.concatenate([_letter(letter, height_px) for letter in text], axis=1)
    flat.flags.writeable = False
    return flat.T[::-1] if turned else flat


def paste(canvas: UInt8, bitmap: UInt8, left: int, top: int) -> None:
    """Lay ink on the canvas where it is darker than what is there; parts off the canvas are cut."""
    h, w = bitmap.shape
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + h, canvas.shape[0]), min(left + w, canvas.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    under = canvas[y0:y1, x0:x1]
    np.maximum(under, bitmap[y0 - top : y1 - top, x0 - left : x1 - left], out=under)


@cache
def _letter(letter: str, height_px: int) -> UInt8:
    """One letter on a canvas one fifth taller than a capital, so that letters of a word share a base line."""
    big = height_px * _OVERSIZE
    scale = big / _CAPITAL_PX
    pen = max(1, round(big / 8))
    (width, _), _ = cv2.getTextSize(letter, _FACE, scale, pen)
    tall = -(-round(1.3 * big) // _OVERSIZE)
    wide = -(-width // _OVERSIZE)
    canvas = np.zeros((tall * _OVERSIZE, wide * _OVERSIZE), np.uint8)
    cv2.putText(canvas, letter, (0, big + pen // 2), _FACE, scale, 255, pen, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (wide, tall), interpolation=cv2.INTER_AREA), np.uint8)
