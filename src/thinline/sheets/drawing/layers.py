"""Join the layers of print into one image of ink, and paint strokes over it."""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.system.numba_kernels import kernel
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT

_LEAST_INK: Final = np.uint8(50)  # of a pixel that belongs to a layer
_BITS: Final = (np.uint8(GRID), np.uint8(EDGE), np.uint8(TEXT), np.uint8(STAIN))


@kernel
def joined(grid, edge, text, stain):  # type: ignore[no-untyped-def]
    """Ink of all layers, the largest of grid, edge and text plus the stain, and the bits of the layers, uint8 [H,W].

    Every number stays in uint8, so that the loop handles many pixels at once.
    """
    ink, layers = np.empty_like(grid), np.empty_like(grid)
    flat = grid.ravel(), edge.ravel(), text.ravel(), stain.ravel(), ink.ravel(), layers.ravel()
    none = np.uint8(0)
    for n in range(grid.size):
        a, b, c, d = flat[0][n], flat[1][n], flat[2][n], flat[3][n]
        most = a if a > b else b
        most = most if most > c else c
        total = np.uint8(most + d)
        flat[4][n] = total if total >= most else np.uint8(255)  # a sum above 255 has wrapped
        left = np.uint8((_BITS[0] if a > _LEAST_INK else none) | (_BITS[1] if b > _LEAST_INK else none))
        right = np.uint8((_BITS[2] if c > _LEAST_INK else none) | (_BITS[3] if d > _LEAST_INK else none))
        flat[5][n] = np.uint8(left | right)
    return ink, layers


@kernel
def paint(ink, labels, pixels, label, shades):  # type: ignore[no-untyped-def]
    """Paint a stroke: its `label` on its `pixels`, and its ink, where it is larger than that of the image.

    pixels  indices of the flat image, int64 [n]
    shades  ink of the stroke, number of rings around it of that ink, and ink of one more ring; a ring is the four
            neighbours of every pixel inside it
    """
    full, rings, faint = shades
    height, width = ink.shape
    reach = rings + 1 if faint else rings
    side = 2 * reach + 1
    row_by, column_by, drawn = np.empty(side**2, np.int64), np.empty(side**2, np.int64), np.empty(side**2, np.uint8)
    count = 0
    for y in range(-reach, reach + 1):
        for x in range(abs(y) - reach, reach - abs(y) + 1):
            row_by[count], column_by[count] = y, x
            drawn[count] = full if abs(y) + abs(x) <= rings else faint
            count += 1
    for n in range(len(pixels)):
        row, column = pixels[n] // width, pixels[n] % width
        labels[row, column] = label
        inside = reach <= row < height - reach and reach <= column < width - reach
        for near in range(count):
            y, x = row + row_by[near], column + column_by[near]
            if inside or (0 <= y < height and 0 <= x < width):
                ink[y, x] = max(ink[y, x], drawn[near])
