"""Draw the grid: minor and major lines of each track, linear or logarithmic, and the edges of the tracks.

Vertices of lines are skewed, then the lines of one style are drawn together. A dotted line is cut by a pattern of rows
(vertical lines) or columns (horizontal lines), a broken one by blotches.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.sheets.drawing.noise import blotches
from thinline.sheets.drawing.skew import MARGIN_MM, move
from thinline.sheets.spec import LineSpec, SheetSpec, TrackSpec
from thinline.vocabulary import UInt8

_SHIFT: Final = 4  # fractional bits of the vertices handed to OpenCV
_BENDS: Final = np.linspace(0.0, 1.0, 9)  # vertices of an upright line of a wavy sheet, as shares of its length
_STRAIGHT: Final = np.array([0.0, 1.0])
_DOT_MM: Final = (0.25, 0.6)  # ink, and ink with the gap after it
_DECADES: Final = np.log10(np.outer(10.0 ** np.arange(8), np.arange(1, 10))).ravel()  # 1, 2, ..., 9, 10, 20, ...

Group = tuple[LineSpec, TrackSpec, NDArray[np.floating[Any]]]
"""Line style, track, and positions in mm: x of upright lines, y of level lines."""


def draw_grid(spec: SheetSpec, shape: tuple[int, int], *, px_per_mm: float) -> tuple[UInt8, UInt8]:
    """Ink 0..255 of the grid and of the edges of the tracks, uint8 [H,W] each."""
    grid, edge = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    level = [group for track in spec.tracks for group in _level(track, spec)]
    upright = [group for track in spec.tracks for group in _upright(track)]
    sides = [(track.edge, track, np.array([track.left_mm, track.right_mm])) for track in spec.tracks]
    for (style, _, _), part in zip(level, _vertices(level, spec, px_per_mm, upright=False), strict=True):
        _draw(grid, part, style, spec.seed, upright=False, px_per_mm=px_per_mm)
    for n, part in enumerate(_vertices(upright + sides, spec, px_per_mm, upright=True)):
        canvas, style = (grid, upright[n][0]) if n < len(upright) else (edge, sides[n - len(upright)][0])
        _draw(canvas, part, style, spec.seed, upright=True, px_per_mm=px_per_mm)
    return grid, edge


def _upright(track: TrackSpec) -> list[Group]:
    """All upright lines between the edges in the minor style, then the major ones over them."""
    wide = track.right_mm - track.left_mm
    if track.decades:
        every, heavy = _DECADES[1 : 9 * track.decades] / track.decades, np.arange(1, track.decades) / track.decades
    else:
        every = np.arange(1, track.divisions) / track.divisions
        heavy = every[track.major_every - 1 :: track.major_every]
    return [(track.minor, track, track.left_mm + wide * every), (track.major, track, track.left_mm + wide * heavy)]


def _level(track: TrackSpec, spec: SheetSpec) -> list[Group]:
    """All level lines below the header in the minor style, then the major ones over them."""
    step, offset = track.depth_step_mm, track.depth_offset_mm
    first = math.ceil((_top(spec) - offset) / step)
    last = math.floor((spec.size_mm[0] + MARGIN_MM - offset) / step)
    every = offset + step * np.arange(first, last + 1)
    return [
        (track.minor, track, every),
        (track.major, track, every[-first % track.depth_major_every :: track.depth_major_every]),
    ]


def _top(spec: SheetSpec) -> float:
    return spec.header_mm if spec.header_mm > 0 else -MARGIN_MM


def _vertices(groups: list[Group], spec: SheetSpec, px_per_mm: float, *, upright: bool) -> list[NDArray[np.int32]]:
    """Fixed-point vertices of each group after skew, [N,V,2]; one call of `move` for all groups, for speed."""
    number = [len(lines) for _, _, lines in groups]
    lines_mm = np.concatenate([lines for _, _, lines in groups])[:, None]
    if upright:
        bends = _BENDS if spec.skew.wave_mm or spec.skew.stretch_mm else _STRAIGHT
        x, y = move(lines_mm, _top(spec) + bends * (spec.size_mm[0] + MARGIN_MM - _top(spec)), spec.skew, spec.size_mm)
    else:
        ends = np.array([(track.left_mm, track.right_mm) for _, track, _ in groups])
        x, y = move(np.repeat(ends, number, 0), lines_mm, spec.skew, spec.size_mm)
    scale = px_per_mm * (1 << _SHIFT)
    vertices = np.empty((*x.shape, 2), np.int32)
    vertices[..., 0] = x * scale - (1 << _SHIFT) / 2
    vertices[..., 1] = y * scale - (1 << _SHIFT) / 2
    ends_at = list(itertools.accumulate(number))
    return [vertices[end - count : end] for end, count in zip(ends_at, number, strict=True)]


def _draw(
    canvas: UInt8, vertices: NDArray[np.int32], style: LineSpec, seed: int, *, upright: bool, px_per_mm: float
) -> None:
    """Draw lines of one style; a wide line is several thin ones side by side, as OpenCV draws wide lines too wide."""
    if not len(vertices) or style.darkness <= 0:
        return
    target = canvas if style.style == "solid" else np.zeros_like(canvas)
    width = max(1, round(style.width_mm * px_per_mm))
    covered = min(1.0, style.width_mm * px_per_mm / width)  # a thin line covers a part of its pixel
    ink = round(255 * style.darkness * covered)
    across = vertices[..., 0 if upright else 1]
    across -= (width - 1) << (_SHIFT - 1)
    for _ in range(width):
        cv2.polylines(target, list(vertices), False, ink, 1, cv2.LINE_8, _SHIFT)
        across += 1 << _SHIFT
    if style.style == "dotted":
        _cut_to_dots(target, upright=upright, px_per_mm=px_per_mm)
    elif style.style == "broken":
        cv2.bitwise_and(target, blotches(target.shape, seed), target)
    if target is not canvas:
        cv2.max(canvas, target, canvas)


def _cut_to_dots(canvas: UInt8, *, upright: bool, px_per_mm: float) -> None:
    length = canvas.shape[0 if upright else 1]
    off = np.mod((np.arange(length) + 0.5) / px_per_mm, _DOT_MM[1]) >= _DOT_MM[0]
    if upright:
        canvas[off] = 0
    else:
        canvas[:, off] = 0
