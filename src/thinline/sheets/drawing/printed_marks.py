"""Draw printed text, rules and ticks, and stains (flags and folds), as ink on a sheet.

Letters are OpenCV's Hershey letters, drawn eight times too large and averaged down, which gives soft strokes at a
height of 2 mm. Each letter and each word is drawn once and kept; all words of a sheet are copied by one call.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from thinline.sheets.drawing.polygons import SHIFT, fill_polygon
from thinline.sheets.drawing.skew import Matrix, sway, turned
from thinline.sheets.spec import SheetSpec
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import UInt8

_OVERSIZE = 8
_CAPITAL_PX = 21  # height of a capital of Hershey simplex at scale 1
FACES = (
    (cv2.FONT_HERSHEY_SIMPLEX, 8),
    (cv2.FONT_HERSHEY_SIMPLEX, 13),
    (cv2.FONT_HERSHEY_DUPLEX, 14),
    (cv2.FONT_HERSHEY_COMPLEX, 13),
    (cv2.FONT_HERSHEY_SIMPLEX, 6),
    (cv2.FONT_HERSHEY_TRIPLEX, 16),
)
"""Letter forms, and how many pens fit into the height of a capital; all families but `field` use the first."""
_PRINTED = ("rule", "tick")
_AROUND = 5  # rows around stains that the blur of a fold may change


def draw_marks(spec: SheetSpec, shape: tuple[int, int], skewed: Matrix) -> tuple[UInt8, UInt8]:
    """Ink 0..255 of printed marks and of stains, uint8 [H,W] each."""
    printed, stain = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    if not spec.marks:
        return printed, stain
    rows: list[float] = []
    for mark in spec.marks:
        rows += (mark.x_mm, mark.y_mm, mark.width_mm, mark.height_mm, mark.darkness, mark.kind in _PRINTED)
    table = np.array(rows, np.float64).reshape(-1, 6)
    x_mm, y_mm = call(_sides, table, 1 / skewed[5])
    top, end = call(_fill, (printed, stain), table, (x_mm, y_mm), sway(y_mm, spec.skew), skewed)
    if top < end and any(mark.kind == "fold" for mark in spec.marks):
        inked = stain[top:end]
        cv2.blur(inked, (5, 5), dst=inked)
    return printed, stain


@kernel
def _sides(table, border_mm):  # type: ignore[no-untyped-def]
    """Sides x and y of boxes, mm, [N,2] each; a polygon covers its border, hence one pixel less."""
    x_mm, y_mm = np.empty((len(table), 2)), np.empty((len(table), 2))
    for n in range(len(table)):
        x_mm[n, 0], x_mm[n, 1] = table[n, 0], table[n, 0] + max(table[n, 2] - border_mm, 0.0)
        y_mm[n, 0], y_mm[n, 1] = table[n, 1], table[n, 1] + max(table[n, 3] - border_mm, 0.0)
    return x_mm, y_mm


@kernel
def _fill(canvases, table, sides_mm, swayed, skewed):  # type: ignore[no-untyped-def]
    """Fill boxes after skew, printed ones on the first canvas, stains on the second; rows that a blur of stains reads.

    The columns of `table [N,6]` are x, y, width, height, darkness, and whether the box is printed.
    """
    corners, scale = np.empty((4, 2), np.int64), skewed[5] * (1 << SHIFT)
    height = len(canvases[0])
    top, end = height, 0
    for n in range(len(table)):
        for corner in range(4):
            right, lower = int(corner in (1, 2)), int(corner > 1)
            x, y = turned(sides_mm[0][n, right], sides_mm[1][n, lower], skewed)
            corners[corner, 0] = int((x + swayed[0][n, lower]) * scale)
            corners[corner, 1] = int((y + swayed[1][n, lower]) * scale)
        ink = np.uint8(round(255 * table[n, 4]))
        fill_polygon(canvases[0] if table[n, 5] else canvases[1], corners, ink)
        if not table[n, 5]:
            for corner in range(4):
                row = corners[corner, 1] >> SHIFT
                top, end = min(top, row - _AROUND), max(end, row + _AROUND)
    return max(top, 0), min(end, height)


class _Word(NamedTuple):
    """Ink 0..255 of a word row by row, and its size in px."""

    pixels: bytes
    height: int
    width: int


def draw_texts(canvas: UInt8, spec: SheetSpec, skewed: Matrix) -> None:
    """Draw the texts of `spec` into `canvas`, ink 0..255."""
    if not spec.texts:
        return
    face = 0 if spec.field is None else spec.field.face
    words = [_word(text.text, max(4, round(text.height_mm * skewed[5])), text.turned, face) for text in spec.texts]
    ink = np.frombuffer(b"".join([word.pixels for word in words]), np.uint8)
    rows: list[float] = []
    for text, word in zip(spec.texts, words, strict=True):
        rows += (text.x_mm, text.y_mm, word.height, word.width)
    table = np.array(rows, np.float64).reshape(-1, 4)
    call(_paste, canvas, ink, table, sway(table[:, 1], spec.skew), skewed)


@lru_cache(maxsize=4096)
def _word(text: str, height_px: int, turned: int, face: int) -> _Word:
    """`text` with capitals `height_px` tall in a form of FACES; `turned` 1 is a quarter turn anticlockwise."""
    word = np.concatenate([_letter(letter, height_px, face) for letter in text], axis=1)
    if turned:
        word = word.T[::-1]
    return _Word(word.tobytes(), *word.shape)


@kernel
def _paste(canvas, ink, table, swayed, skewed):  # type: ignore[no-untyped-def]
    """Draw words: the larger ink stays, and parts off the canvas are cut.

    The columns of `table [N,4]` are x and y of the corner before skew, mm, and height and width, px.
    """
    first = 0
    for n in range(len(table)):
        height, width = int(table[n, 2]), int(table[n, 3])
        x, y = turned(table[n, 0], table[n, 1], skewed)
        left, top = int((x + swayed[0][n]) * skewed[5]), int((y + swayed[1][n]) * skewed[5])
        for row in range(max(0, -top), min(height, canvas.shape[0] - top)):
            for column in range(max(0, -left), min(width, canvas.shape[1] - left)):
                pixel = ink[first + row * width + column]
                canvas[top + row, left + column] = max(canvas[top + row, left + column], pixel)
        first += height * width


@cache
def _letter(letter: str, height_px: int, face: int) -> UInt8:
    """One letter on a canvas taller than a capital, so that the letters of a word share a base line."""
    big = height_px * _OVERSIZE
    scale = big / _CAPITAL_PX
    form, pens = FACES[face]
    pen = max(1, round(big / pens))
    (width, _), _ = cv2.getTextSize(letter, form, scale, pen)
    tall = -(-round(1.3 * big) // _OVERSIZE)
    wide = -(-width // _OVERSIZE)
    canvas = np.zeros((tall * _OVERSIZE, wide * _OVERSIZE), np.uint8)
    cv2.putText(canvas, letter, (0, big + pen // 2), form, scale, 255, pen, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (wide, tall), interpolation=cv2.INTER_AREA), np.uint8)
