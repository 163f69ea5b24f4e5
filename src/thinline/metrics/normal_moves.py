"""Move the pixels of a curve along its normal: the direction across the line, whichever way the line runs.

Conventions
-----------
A mask is bool `[H,W]`. Its *centreline* is the skeleton of scikit-image, P pixels. Vectors are (x, y) in px, y down.

    1. tangent  the longer principal axis of the pixels of the centreline within `REACH_PX` rows and columns of a
                pixel. Where both axes are equally long, as for a single pixel, it is vertical
    2. normal   the unit vector across the tangent. Adjacent pixels have normals to the same side of the line. Each
                8-connected component has one side: the one for which its normals point to the right on average, or
                down if they point neither right nor left
    3. offset   how far the mean of those pixels lies from the pixel, along the normal: the position of the line in
                fractions of a pixel
    4. move     by `a` px: a pixel of the centreline moves along the rows if its normal is nearer to the rows, else
                along the columns, by round((offset + a) / n) - round(offset / n), where n is that component of the
                normal. So the pixels are those that a line shifted by `a` would have: straight lines move by `a` on
                average, vertical ones by exactly `a` along the rows, horizontal ones along the columns. (A diagonal
                has no pixels between .71 and 1.41 px from its own: for a = 1 it moves by .71.) A pixel of the mask
                beside the centreline moves with the nearest pixel of the centreline
    5. join     pixels that touched, at a side or a corner, are joined by a straight line where the move parts them:
                what was 8-connected stays so. Pixels that leave the sheet are lost

Turning or transposing the mask turns or transposes the moved mask, but for the side that is taken, for ties of the
rounding and for the skeleton of a thick mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from skimage.morphology import skeletonize

from thinline.metrics.structure.curve_pixels import CurvePixels, curve_pixels, first_from
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64

REACH_PX: Final = 4

_TOUCHING: Final = ((1, 0), (0, 1), (1, 1), (-1, 1))
"""Steps (x, y) to half of the eight neighbours, the others being their opposites."""


@dataclass(frozen=True, eq=False)
class Centreline:
    """P pixels in the order of rows, with `normals` float64 [P,2] and `off_px` [P], the offset of number 3."""

    pixels: CurvePixels
    normals: Float64
    off_px: Float64


def centreline(mask: Bool) -> Centreline:
    """The centreline of a mask `[H,W]`, of as many 8-connected components as the mask has."""
    line = skeletonize(mask)
    pixels = curve_pixels(line)
    count, x, y, xx, yy, xy = (moment.flat[pixels.positions] for moment in _moments(line))
    across, along = count * xx - x * x, count * yy - y * y
    aslant = count * xy - x * y
    angle = np.where((across == along) & (aslant == 0), np.pi / 2, 0.5 * np.arctan2(2 * aslant, across - along))
    normals = np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    call(_to_one_side, np.ascontiguousarray(pixels.positions), pixels.rows, pixels.shape[1], normals)
    off = (np.stack([x, y], axis=1) * normals).sum(1) / count
    return Centreline(pixels, normals, off)


def _moments(line: Bool) -> list[Float64]:
    """Around each pixel: number of pixels of the line, sums of x, y, x * x, y * y, x * y from it, [H,W] each."""
    ink = line.astype(np.float64)
    steps = np.arange(-REACH_PX, REACH_PX + 1, dtype=np.float64)
    powers = steps**0, steps, steps**2
    orders = ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
    return [
        np.asarray(cv2.sepFilter2D(ink, -1, powers[x], powers[y], borderType=cv2.BORDER_CONSTANT), np.float64)
        for x, y in orders
    ]


def _columns_and_rows(pixels: CurvePixels) -> Float64:
    rows, columns = np.divmod(pixels.positions, pixels.shape[1])
    return np.stack([columns, rows], axis=1).astype(np.float64)


def moved_along_normal(mask: Bool, line: Centreline, by_px: Float64) -> Bool:
    """A mask `[H,W]` with the pixels of its centreline `line` moved by `by_px` [P], and all others with the nearest."""
    height, width = mask.shape
    whole = curve_pixels(mask)
    if not len(whole.positions):
        return mask.copy()
    offsets = _whole(line, by_px)
    _, nearest = line.pixels.nearest(whole.positions, within_px=float(height + width))
    start = _columns_and_rows(whole).astype(np.int64)
    ends = start + offsets[nearest]
    number = np.full((height + 2, width + 2), -1, np.int64)  # of each pixel of the mask, with a margin
    number[1:-1, 1:-1].flat[whole.positions] = np.arange(len(ends))
    points = [ends]
    for right, down in _TOUCHING:
        other = number[start[:, 1] + 1 + down, start[:, 0] + 1 + right]
        if right and down:  # joined round the corner
            corners = number[start[:, 1] + 1, start[:, 0] + 1 + right], number[start[:, 1] + 1 + down, start[:, 0] + 1]
            other = np.where((corners[0] < 0) & (corners[1] < 0), other, -1)
        points.append(_between(ends[other >= 0], ends[other[other >= 0]]))
    x, y = np.concatenate(points).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    moved = np.zeros_like(mask)
    moved[y[inside], x[inside]] = True
    return moved


def _whole(line: Centreline, px: Float64) -> Int64:
    """Number 4 of the module: whole pixels (x, y) by which each pixel of the centreline moves, [P,2]."""
    offsets = np.zeros_like(line.normals)
    axis = np.abs(line.normals).argmax(axis=1)[:, None]
    steep = np.take_along_axis(line.normals, axis, axis=1)[:, 0]
    steps = np.rint((line.off_px + px) / steep) - np.rint(line.off_px / steep)
    np.put_along_axis(offsets, axis, steps[:, None], axis=1)
    return np.asarray(offsets, np.int64)


def _between(start: Int64, end: Int64) -> Int64:
    """The pixels between `start` and `end` [N,2], on a straight line, [M,2]; none where these touch."""
    length = np.abs(end - start).max(axis=1, initial=0)
    steps = np.arange(1, max(2, int(length.max(initial=0))))
    which, step = np.nonzero(steps[None] < length[:, None])
    share = (steps[step] / length[which])[:, None]
    return np.asarray(np.floor(start[which] + share * (end - start)[which] + 0.5), np.int64)


@kernel
def _to_one_side(pixels, rows, width, normals):  # type: ignore[no-untyped-def]
    """Turn `normals` [P,2] to one side of each component, the one of number 2 of the module."""
    waiting = np.empty(len(pixels), np.int64)
    known = np.zeros(len(pixels), np.bool_)
    for first in range(len(pixels)):
        if known[first]:
            continue
        known[first], waiting[0] = True, first
        end, x, y = 1, 0.0, 0.0
        at = 0
        while at < end:  # the component in the order of distance from its first pixel
            p = waiting[at]
            at += 1
            x += normals[p, 0]
            y += normals[p, 1]
            row = pixels[p] // width
            column = pixels[p] - row * width
            for near in range(max(0, row - 1), min(len(rows) - 1, row + 2)):
                start = near * width
                i = first_from(pixels, rows[near], rows[near + 1], start + max(0, column - 1))
                while i < rows[near + 1] and pixels[i] - start <= column + 1:
                    if not known[i]:
                        if normals[i, 0] * normals[p, 0] + normals[i, 1] * normals[p, 1] < 0:
                            normals[i] *= -1
                        known[i], waiting[end] = True, i
                        end += 1
                    i += 1
        neither = abs(x) <= 1e-9 * end
        if (y < 0) if neither else (x < 0):
            for i in range(end):
                normals[waiting[i]] *= -1
