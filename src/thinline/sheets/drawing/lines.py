"""Draw straight lines one pixel thick into an image: the pixels of `cv2.polylines`, several styles in one pass.

Method
    The ends are rounded to pixels and the line is clipped to the image. Then it steps along its longer axis, from left
    to right, and moves along the shorter one where the error of the position passes half a pixel (Bresenham). The
    pixels are those of OpenCV's LINE_8 lines, which the frozen families of sheets were drawn with; a test compares the
    two. Dots and gaps are cut while a line is drawn, so no style needs an image of its own.
"""

from __future__ import annotations

from typing import Final

from thinline.system.numba_kernels import kernel

SOLID: Final = 0
"""The ink replaces what is on the pixel."""
DOTTED: Final = 1
"""The larger ink stays, on the rows (upright lines) or columns (level lines) that are kept."""
BROKEN: Final = 2
"""The larger ink stays, where the patches are not 0."""


@kernel
def draw_segment(canvas, ends, pencil, kept, tile):  # type: ignore[no-untyped-def]
    """Draw from pixel (x0, y0) to (x1, y1), both included; `ends` is (x0, y0, x1, y1).

    pencil  ink 0..255, style, whether the line is upright, row and column of the tile where the image begins
    kept    bool [H] for upright lines, [W] for level ones
    tile    patches, uint8 [512,512], repeated
    """
    ink, style, upright, top, left = pencil
    height, width = canvas.shape
    inside, x, y, x1, y1 = _clipped(width, height, *ends)
    if not inside:
        return
    if x1 < x:
        x, y, x1, y1 = x1, y1, x, y
    wide, high = x1 - x, abs(y1 - y)
    down = 1 if y1 >= y else -1
    steep = high > wide
    long, short = max(wide, high), min(wide, high)
    error = long - 2 * short
    for _ in range(long + 1):
        if style == SOLID or (
            ink > canvas[y, x]
            and (kept[y if upright else x] if style == DOTTED else tile[(top + y) & 511, (left + x) & 511] > 0)
        ):
            canvas[y, x] = ink
        if error < 0:
            error += 2 * long
            x, y = x + 1, y + down
        elif steep:
            y += down
        else:
            x += 1
        error -= 2 * short


@kernel
def _quotient(a, b):  # type: ignore[no-untyped-def]
    """a / b rounded towards 0, as in C."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


@kernel
def _side(x, y, width, height):  # type: ignore[no-untyped-def]
    """Where a point lies: 1 left, 2 right, 4 above, 8 below the image, and sums of them; 0 inside."""
    return (x < 0) * 1 + (x >= width) * 2 + (y < 0) * 4 + (y >= height) * 8


@kernel
def _clipped(width, height, x0, y0, x1, y1):  # type: ignore[no-untyped-def]
    """Whether the line crosses an image of this size, and the ends of the part inside the image."""
    a, b = _side(x0, y0, width, height), _side(x1, y1, width, height)
    if a & b == 0 and a & 12:
        edge = 0 if a < 8 else height - 1
        x0, y0 = x0 + _quotient((edge - y0) * (x1 - x0), y1 - y0), edge
        a = _side(x0, y0, width, height)
    if a & b == 0 and b & 12:
        edge = 0 if b < 8 else height - 1
        x1, y1 = x1 + _quotient((edge - y1) * (x1 - x0), y1 - y0), edge
        b = _side(x1, y1, width, height)
    if a & b == 0 and a:
        edge = 0 if a == 1 else width - 1
        x0, y0 = edge, y0 + _quotient((edge - x0) * (y1 - y0), x1 - x0)
        a = 0
    if a & b == 0 and b:
        edge = 0 if b == 1 else width - 1
        x1, y1 = edge, y1 + _quotient((edge - x1) * (y1 - y0), x1 - x0)
        b = 0
    return a | b == 0, x0, y0, x1, y1
