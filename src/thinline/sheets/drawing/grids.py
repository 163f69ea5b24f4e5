"""Draw the grid: minor and major lines of each track, linear or logarithmic, and the edges of the tracks.

The lines of one style (minor or major, level or upright, of one track) are one row of a table. One kernel computes the
positions of all lines, another draws them after skew. A dotted line is cut by a pattern of rows (upright lines) or
columns (level lines), a broken one by patches of noise.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np

from thinline.sheets.drawing.lines import BROKEN, DOTTED, SOLID, draw_segment
from thinline.sheets.drawing.noise import patches
from thinline.sheets.drawing.skew import MARGIN_MM, Matrix, sway, turned
from thinline.sheets.spec import LineSpec, SheetSpec, TrackSpec
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, UInt8

_BENDS: Final = np.linspace(0.0, 1.0, 9)  # vertices of an upright line of a wavy sheet, as shares of its length
_STRAIGHT: Final = np.array([0.0, 1.0])
_DOT_MM: Final = (0.25, 0.6)  # ink, and ink with the gap after it
_DECADES: Final = np.log10(np.outer(10.0 ** np.arange(8), np.arange(1, 10))).ravel()  # 1, 2, ..., 9, 10, 20, ...
_STYLES: Final = {"solid": SOLID, "dotted": DOTTED, "broken": BROKEN}

# How the position of line i follows from the two numbers a, b of its row, in mm
_LEVEL: Final = 0  # y = a + b * i
_LINEAR: Final = 1  # x = left + wide * (i / a)
_LOGARITHMIC: Final = 2  # x = left + wide * (decades[i] / a)
_SIDES: Final = 3  # x = left, right; drawn into the image of the edges

Which = tuple[float, float, float, float, float, float]
"""Lines of a row: formula, first i, end of i, step of i, a, b."""
_COLUMNS: Final = 11
"""Columns of the table: `Which`, then left and right of the track in mm, ink 0..255, width in px, style."""


def draw_grid(spec: SheetSpec, shape: tuple[int, int], skewed: Matrix) -> tuple[UInt8, UInt8]:
    """Ink 0..255 of the grid and of the edges of the tracks, uint8 [H,W] each."""
    grid, edge = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    px_per_mm = skewed[5]
    top, end = spec.header_mm if spec.header_mm > 0 else -MARGIN_MM, spec.size_mm[0] + MARGIN_MM
    rows: list[float] = []
    for track in spec.tracks:
        _add_level(rows, track, top, end, px_per_mm)
    for track in spec.tracks:
        _add_upright(rows, track, px_per_mm)
    for track in spec.tracks:
        _add(rows, (_SIDES, 0, 2, 1, 0, 0), track, track.edge, px_per_mm)
    if not rows:
        return grid, edge
    table = np.array(rows, np.float64).reshape(-1, _COLUMNS)
    at_mm = call(_positions, table, _DECADES)
    bends = _BENDS if spec.skew.wave_mm or spec.skew.stretch_mm else _STRAIGHT
    along_mm = top + bends * (end - top)
    swayed = *sway(at_mm, spec.skew), *sway(along_mm, spec.skew)
    kept = _dots(shape[0], px_per_mm), _dots(shape[1], px_per_mm)
    holes = patches(spec.seed if BROKEN in rows[_COLUMNS - 1 :: _COLUMNS] else None)
    call(_draw, (grid, edge), table, (at_mm, along_mm), swayed, skewed, kept, holes)
    return grid, edge


def _add_upright(rows: list[float], track: TrackSpec, px_per_mm: float) -> None:
    """All upright lines between the edges in the minor style, then the major ones over them."""
    parts = track.decades or track.divisions
    every: Which = (_LINEAR, 1, parts, 1, parts, 0)
    heavy: Which = (_LINEAR, track.major_every, parts, track.major_every, parts, 0)
    if track.decades:
        every, heavy = (_LOGARITHMIC, 1, min(9 * parts, len(_DECADES)), 1, parts, 0), every
    _add(rows, every, track, track.minor, px_per_mm)
    _add(rows, heavy, track, track.major, px_per_mm)


def _add_level(rows: list[float], track: TrackSpec, top: float, end: float, px_per_mm: float) -> None:
    """All level lines below the header in the minor style, then the major ones over them."""
    step, offset, major = track.depth_step_mm, track.depth_offset_mm, track.depth_major_every
    first, last = math.ceil((top - offset) / step), math.floor((end - offset) / step)
    _add(rows, (_LEVEL, first, last + 1, 1, offset, step), track, track.minor, px_per_mm)
    _add(rows, (_LEVEL, first + -first % major, last + 1, major, offset, step), track, track.major, px_per_mm)


def _add(rows: list[float], which: Which, track: TrackSpec, style: LineSpec, px_per_mm: float) -> None:
    """Add a row to the flat table, unless its ink is invisible. A line thinner than a pixel is paler."""
    if style.darkness > 0:
        width = max(1, round(style.width_mm * px_per_mm))
        ink = round(255 * style.darkness * min(1.0, style.width_mm * px_per_mm / width))
        rows += (*which, track.left_mm, track.right_mm, ink, width, _STYLES[style.style])


@lru_cache(maxsize=64)
def _dots(length: int, px_per_mm: float) -> Bool:
    """The rows or columns that dots cover, bool [length]."""
    covered = np.asarray(np.mod((np.arange(length) + 0.5) / px_per_mm, _DOT_MM[1]) < _DOT_MM[0], np.bool_)
    covered.flags.writeable = False
    return covered


@kernel
def _positions(table, decades):  # type: ignore[no-untyped-def]
    """x (upright) or y (level) of all lines of all rows, one after another, mm."""
    count = 0
    for n in range(len(table)):
        count += len(range(int(table[n, 1]), int(table[n, 2]), int(table[n, 3])))
    at_mm = np.empty(count)
    count = 0
    for n in range(len(table)):
        formula, a, b, left, right = table[n, 0], table[n, 4], table[n, 5], table[n, 6], table[n, 7]
        for i in range(int(table[n, 1]), int(table[n, 2]), int(table[n, 3])):
            if formula == _LEVEL:
                at_mm[count] = a + b * i
            elif formula == _SIDES:
                at_mm[count] = right if i else left
            else:
                at_mm[count] = left + (right - left) * ((decades[i] if formula == _LOGARITHMIC else i) / a)
            count += 1
    return at_mm


@kernel
def _draw(canvases, table, at, swayed, skewed, kept, holes):  # type: ignore[no-untyped-def]
    """Draw all rows; a wide line is several thin ones side by side."""
    at_mm, along_mm = at
    level_x, level_y, upright_x, upright_y = swayed
    kept_rows, kept_columns = kept
    tile, top, left = holes
    scale = skewed[5] * 16
    line = 0
    for n in range(len(table)):
        upright = table[n, 0] != _LEVEL
        canvas = canvases[1] if table[n, 0] == _SIDES else canvases[0]
        kept_here = kept_rows if upright else kept_columns
        pencil = (np.uint8(table[n, 8]), int(table[n, 10]), upright, top, left)
        width = int(table[n, 9])
        for _ in range(int(table[n, 1]), int(table[n, 2]), int(table[n, 3])):
            x0, y0 = 0, 0
            for v in range(len(along_mm) if upright else 2):
                if upright:
                    x, y = turned(at_mm[line], along_mm[v], skewed)
                    x, y = x + upright_x[v], y + upright_y[v]
                else:
                    x, y = turned(table[n, 6 + v], at_mm[line], skewed)
                    x, y = x + level_x[line], y + level_y[line]
                x1, y1 = int(x * scale - 8.0), int(y * scale - 8.0)
                for aside in range(8 - 8 * (width - 1), 8 * width + 8, 16) if v else range(0):
                    right, below = (aside, 8) if upright else (8, aside)
                    ends = ((x0 + right) >> 4, (y0 + below) >> 4, (x1 + right) >> 4, (y1 + below) >> 4)
                    draw_segment(canvas, ends, pencil, kept_here, tile)
                x0, y0 = x1, y1
            line += 1
