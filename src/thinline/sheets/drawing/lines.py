"""Draw straight lines one pixel thick into an image: the pixels of `cv2.polylines`, several styles in one pass.

Method
    The ends are rounded to pixels and the line is clipped to the image. Then it steps along its longer axis, from left
    to right, and moves along the shorter one where the error of the position passes half a pixel (Bresenham). Lines of
    a grid are nearly upright or level, so the run of pixels up to the next such move is drawn at once. The pixels are
    those of OpenCV's LINE_8 lines, which the frozen families of sheets were drawn with; a test compares the two. Dots
    and gaps are cut while a line is drawn, so no style needs an image of its own.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from thinline.system.numba_kernels import kernel

SOLID: Final = 0
"""The ink replaces what is on the pixel."""
DOTTED: Final = 1
"""The larger ink stays, on the rows (upright lines) or columns (level lines) that are kept."""
BROKEN: Final = 2
"""The larger ink stays, where the patches are 1."""


@kernel
def draw_segment(canvas, ends, pencil, kept, tile):  # type: ignore[no-untyped-def]
    """Draw from pixel (x0, y0) to (x1, y1), both included; `ends` is (x0, y0, x1, y1).

    pencil  ink 0..255, style, whether the line is upright, row and column of the tile where the image begins
    kept    bool [H] for upright lines, [W] for level ones
    tile    patches, one bit each, uint8 [512,64], repeated
    """
    ink, style = pencil[0], pencil[1]
    height, width = canvas.shape
    inside, x, y, x1, y1 = clipped(width, height, *ends)
    if not inside:
        return
    if x1 < x:
        x, y, x1, y1 = x1, y1, x, y
    wide, high = x1 - x, abs(y1 - y)
    down = 1 if y1 >= y else -1
    long, short = max(wide, high), min(wide, high)
    steep = high > wide
    error, rest = long - 2 * short, long + 1
    while rest > 0:
        run = 1 if error < 0 else min(rest, error // (2 * short) + 2) if short else rest
        right, below = (0, down) if steep else (1, 0)
        if style != SOLID:
            _draw_run(canvas, (x, y, right, below, run), pencil, kept, tile)
        elif steep:
            for row in range(y, y + down * run, down):
                canvas[row, x] = ink
        else:
            for column in range(x, x + run):
                canvas[y, column] = ink
        x, y = x + right * run + 1 - right, y + below * run + down * right
        rest -= run
        error += 2 * (long - short * run)


@kernel
def _draw_run(canvas, run, pencil, kept, tile):  # type: ignore[no-untyped-def]
    """Draw dots or pieces of a run: its first pixel (x, y), the step to the next one (x, y), number of pixels.

    Every pixel is written, if only with its own ink: a branch on the noise of the patches would cost more.
    """
    x, y, right, below, count = run
    ink, style, upright, top, left = pencil
    for n in range(count):
        row, column = y + below * n, x + right * n
        if style == DOTTED:
            stays = kept[row if upright else column]
        else:
            at = (left + column) & 511
            stays = (tile[(top + row) & 511, at >> 3] >> (at & 7)) & 1 > 0
        canvas[row, column] = max(canvas[row, column], ink if stays else np.uint8(0))


@kernel
def quotient(a, b):  # type: ignore[no-untyped-def]
    """a / b rounded towards 0, as in C."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


@kernel
def _side(x, y, width, height):  # type: ignore[no-untyped-def]
    """Where a point lies: 1 left, 2 right, 4 above, 8 below the image, and sums of them; 0 inside."""
    return (x < 0) * 1 + (x >= width) * 2 + (y < 0) * 4 + (y >= height) * 8


@kernel
def clipped(width, height, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    """Whether the line crosses an image of this size, and the ends of the part inside the image."""
    a, b = _side(x0, y0, width, height), _side(x1, y1, width, height)
    if a & b == 0 and a & 12:
        edge = 0 if a < 8 else height - 1
        x0, y0 = x0 + quotient((edge - y0) * (x1 - x0), y1 - y0), edge
        a = _side(x0, y0, width, height)
    if a & b == 0 and b & 12:
        edge = 0 if b < 8 else height - 1
        x1, y1 = x1 + quotient((edge - y1) * (x1 - x0), y1 - y0), edge
        b = _side(x1, y1, width, height)
    if a & b == 0 and a:
        edge = 0 if a == 1 else width - 1
        x0, y0 = edge, y0 + quotient((edge - x0) * (y1 - y0), x1 - x0)
        a = 0
    if a & b == 0 and b:
        edge = 0 if b == 1 else width - 1
        x1, y1 = edge, y1 + quotient((edge - x1) * (y1 - y0), x1 - x0)
        b = 0
    return a | b == 0, x0, y0, x1, y1
