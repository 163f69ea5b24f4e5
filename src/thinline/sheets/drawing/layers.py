"""Join the layers of print into one image of ink, and paint strokes over it."""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.system.numba_kernels import kernel
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT

_LEAST_INK: Final = 50  # of a pixel that belongs to a layer


@kernel
def joined(grid, edge, text, stain):  # type: ignore[no-untyped-def]
    """Ink of all layers, the largest of grid, edge and text plus the stain, and the bits of the layers, uint8 [H,W]."""
    height, width = grid.shape
    ink, layers = np.empty((height, width), np.uint8), np.empty((height, width), np.uint8)
    for row in range(height):
        for column in range(width):
            a, b, c, d = grid[row, column], edge[row, column], text[row, column], stain[row, column]
            ink[row, column] = min(max(a, b, c) + d, 255)
            bits = GRID if a > _LEAST_INK else 0
            bits |= EDGE if b > _LEAST_INK else 0
            bits |= TEXT if c > _LEAST_INK else 0
            layers[row, column] = bits | (STAIN if d > _LEAST_INK else 0)
    return ink, layers


@kernel
def paint(ink, labels, pixels, label, full, rings, faint):  # type: ignore[no-untyped-def]
    """Paint a stroke: its `label`, ink `full` on its `pixels` and `rings` around them, `faint` on one more ring.

    `pixels [n]` are indices of the flat image. A ring is the four neighbours of every pixel inside it. The larger ink
    of stroke and print stays.
    """
    height, width = ink.shape
    reach = rings + 1 if faint else rings
    for n in range(len(pixels)):
        row, column = pixels[n] // width, pixels[n] % width
        labels[row, column] = label
        for y in range(max(row - reach, 0), min(row + reach + 1, height)):
            rest = reach - abs(y - row)
            for x in range(max(column - rest, 0), min(column + rest + 1, width)):
                drawn = full if abs(y - row) + abs(x - column) <= rings else faint
                if drawn > ink[y, x]:
                    ink[y, x] = drawn
