"""The pixels of a curve as a list: distance to the nearest one, slope of the curve at each, components, junctions.

Conventions
-----------
A *position* is the index of a pixel in the flat sheet, row * W + column. Distances are Euclidean, in px, between pixel
centres, kept as squares as in distances.py, and infinite beyond the search radius. Of several nearest pixels the first
in the order of rows is taken.

    1. slope    |dx/dy| at a pixel: that of the longer principal axis of the curve's pixels within a number of rows and
                columns. It does not depend on the width of the pen, is defined for dashes, and ignores the other end
                of a wrap. Where both axes are equally long, as for a dot, the slope is 1
    2. junction of a centreline: an 8-connected group of pixels with three or more neighbours on the line, from which
                three or more arms leave, at the mean of its pixels. Pixels that follow the group and touch each other
                are one arm, so that the corner of a staircase is no junction

Method
------
The search goes row by row away from the position and reads near rows only: a distance map of the whole sheet takes
longer than all other metrics together, and a k-d tree several times as long. Kernels release the interpreter lock and
start no threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64


@dataclass(frozen=True, eq=False)
class CurvePixels:
    """Pixels at `positions` int64 [P], ascending and all different, on a sheet of `shape` (H,W)."""

    positions: Int64
    shape: tuple[int, int]

    @cached_property
    def rows(self) -> Int64:
        """Where in `positions` each row begins, int64 [H+1]."""
        height, width = self.shape
        return np.asarray(np.searchsorted(self.positions, np.arange(height + 1) * width), np.int64)

    @cached_property
    def components(self) -> Int64:
        """For each pixel the number (0, 1, ...) of its 8-connected component, int64 [P]."""
        numbers = np.empty(len(self.positions), np.int64)
        call(_connect, np.ascontiguousarray(self.positions), self.shape[1], numbers)
        return numbers

    @cached_property
    def junctions(self) -> Float64:
        """Row and column of each junction (number 2 of the module) of these pixels of a centreline, float64 [J,2]."""
        height, width = self.shape
        centres = np.empty((len(self.positions), 2))
        grid = np.full((height + 2) * (width + 2), -1, np.int32)
        count = call(_find_junctions, self.positions, width, grid, centres)
        return centres[:count].copy()

    def slopes(self, *, within_px: float) -> Float64:
        """Slope (number 1 of the module) at each pixel, float64 [P], from the pixels `within_px` rows and columns."""
        slopes = np.empty(len(self.positions))
        call(_axes, self.positions, self.rows, self.shape[1], int(within_px), slopes)
        return slopes

    def nearest(self, positions: Int64, *, within_px: float) -> tuple[Float64, Int64]:
        """Nearest pixel to each of `positions` int64 [Q], at most `within_px` away.

        Returns squared distances [Q], inf where there is none, and indices into the pixels [Q], -1 where there is none.
        """
        height, width = self.shape
        limit = int(min(within_px * within_px, height * height + width * width))
        squared, which = np.empty(len(positions)), np.empty(len(positions), np.int64)
        call(_search, np.asarray(positions, np.int64), self.positions, self.rows, width, limit, squared, which)
        return squared, which


def curve_pixels(mask: Bool) -> CurvePixels:
    """The pixels of a mask `[H,W]`."""
    return CurvePixels(np.flatnonzero(mask), (mask.shape[0], mask.shape[1]))


def union(curves: list[CurvePixels], shape: tuple[int, int]) -> CurvePixels:
    """The pixels of all `curves` on a sheet of `shape`, each once."""
    if len(curves) == 1:
        return curves[0]
    positions = np.concatenate([np.empty(0, np.int64), *(curve.positions for curve in curves)])
    return CurvePixels(np.unique(positions), shape)


@kernel
def first_from(pixels, low, high, target):  # type: ignore[no-untyped-def]
    """The first of ascending `pixels[low:high]` that is at least `target`, or `high`."""
    while low < high:
        middle = (low + high) // 2
        if pixels[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _search(positions, pixels, rows, width, limit, squared, which):  # type: ignore[no-untyped-def]
    """Write the squared distance, at most `limit`, and the index of the nearest pixel, or inf and -1."""
    reach = int(np.sqrt(limit)) + 1
    y, left, right = -1, 0, 0
    for q in range(len(positions)):
        squared[q], which[q] = np.inf, -1
        row = positions[q] // width
        x = positions[q] - row * width
        best, nearest, step = limit, -1, 0
        while step * step <= best and step < len(rows):
            if step == 2 and nearest < 0:  # most far positions lie beside the columns that the near rows span
                if row != y:
                    y, left, right = row, width, -1
                    for near in range(max(0, y - reach), min(len(rows) - 1, y + reach + 1)):
                        if rows[near] < rows[near + 1]:
                            left = min(left, pixels[rows[near]] - near * width)
                            right = max(right, pixels[rows[near + 1] - 1] - near * width)
                if x < left - reach or x > right + reach:
                    break
            for side in range(1 if step == 0 else 2):
                line = row + step if side else row - step
                if line < 0 or line + 1 >= len(rows) or rows[line] == rows[line + 1]:
                    continue
                target = line * width + x
                right_of = first_from(pixels, rows[line], rows[line + 1], target)
                for i in range(max(rows[line], right_of - 1), min(rows[line + 1], right_of + 1)):
                    away = step * step + (pixels[i] - target) ** 2
                    if away < best or (away == best and (nearest < 0 or i < nearest)):
                        best, nearest = away, i
            step += 1
        if nearest >= 0:
            squared[q], which[q] = best, nearest


@kernel
def _axes(pixels, rows, width, reach, slopes):  # type: ignore[no-untyped-def]
    """Write the slope of the longer principal axis of the pixels around each pixel, from integer sums."""
    for p in range(len(pixels)):
        y = pixels[p] // width
        x = pixels[p] - y * width
        count = sum_x = sum_y = sum_xx = sum_yy = sum_xy = 0
        for row in range(max(0, y - reach), min(len(rows) - 1, y + reach + 1)):
            start, dy = row * width, row - y
            i = first_from(pixels, rows[row], rows[row + 1], start + x - reach)
            while i < rows[row + 1] and pixels[i] - start <= x + reach:
                dx = pixels[i] - start - x
                count += 1
                sum_x += dx
                sum_y += dy
                sum_xx += dx * dx
                sum_yy += dy * dy
                sum_xy += dx * dy
                i += 1
        along = count * (sum_yy - sum_xx) - (sum_y * sum_y - sum_x * sum_x)
        aslant = 2 * abs(count * sum_xy - sum_x * sum_y)
        slopes[p] = np.tan(0.5 * np.arctan2(aslant, along)) if along or aslant else 1.0


@kernel
def _find_junctions(positions, width, grid, centres):  # type: ignore[no-untyped-def]
    """Write row and column of each junction (number 2 of the module) into `centres [P,2]`; returns their number.

    `grid` is a flat sheet of -1 in a frame of one pixel, and gets the index of each of the P pixels.
    """
    wide = width + 2
    steps = np.array([-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1])
    framed = np.empty(len(positions), np.int64)
    for p in range(len(positions)):
        framed[p] = positions[p] + wide + 1 + 2 * (positions[p] // width)
        grid[framed[p]] = p
    node = np.zeros(len(positions), np.bool_)
    for p in range(len(positions)):
        degree = 0
        for step in steps:
            degree += grid[framed[p] + step] >= 0
        node[p] = degree >= 3
    count = 0
    done = np.zeros(len(positions), np.bool_)
    group = np.empty(len(positions), np.int64)
    firsts = np.empty(len(positions), np.int64)
    for start in range(len(positions)):
        if not node[start] or done[start]:
            continue
        group[0], done[start] = start, True
        size, read, ends = 1, 0, 0
        while read < size:
            for step in steps:
                near = grid[framed[group[read]] + step]
                if near < 0:
                    continue
                if node[near]:
                    if not done[near]:
                        done[near] = True
                        group[size] = near
                        size += 1
                elif not _among(firsts, ends, near):
                    firsts[ends] = near
                    ends += 1
            read += 1
        if _arms(framed[firsts[:ends]], wide) >= 3:
            centres[count, 0] = (positions[group[:size]] // width).sum() / size
            centres[count, 1] = (positions[group[:size]] % width).sum() / size
            count += 1
    return count


@kernel
def _among(values, count, value):  # type: ignore[no-untyped-def]
    """Whether `value` is one of the first `count` of `values`."""
    return value in values[:count]


@kernel
def _arms(framed, wide):  # type: ignore[no-untyped-def]
    """Number of arms whose first pixels are `framed`: pixels that touch each other are of one arm."""
    parent = np.arange(len(framed))
    arms = len(framed)
    for q in range(len(framed)):
        for p in range(q):
            rows = abs(framed[q] // wide - framed[p] // wide)
            columns = abs(framed[q] % wide - framed[p] % wide)
            if rows <= 1 and columns <= 1 and _root(parent, p) != _root(parent, q):
                _join(parent, p, q)
                arms -= 1
    return arms


@kernel
def _connect(positions, width, numbers):  # type: ignore[no-untyped-def]
    """Write the number of the component of each pixel into `numbers`: each pixel joins those before it."""
    parent = np.arange(len(positions))
    above = 0
    for p in range(len(positions)):
        column = positions[p] % width
        if p and column and positions[p - 1] == positions[p] - 1:
            _join(parent, p - 1, p)
        first = positions[p] - width - (1 if column else 0)
        last = positions[p] - width + (1 if column + 1 < width else 0)
        while above < p and positions[above] < first:
            above += 1
        near = above
        while near < p and positions[near] <= last:
            _join(parent, near, p)
            near += 1
    count = 0
    for p in range(len(positions)):
        root = _root(parent, p)
        if root == p:
            numbers[p] = count
            count += 1
        else:
            numbers[p] = numbers[root]


@kernel
def _root(parent, p):  # type: ignore[no-untyped-def]
    """The first pixel of the component of p."""
    while parent[p] != p:
        parent[p] = parent[parent[p]]
        p = parent[p]
    return p


@kernel
def _join(parent, p, q):  # type: ignore[no-untyped-def]
    """Unite the components of two pixels; the earlier root stays a root."""
    first, second = _root(parent, p), _root(parent, q)
    parent[max(first, second)] = min(first, second)
