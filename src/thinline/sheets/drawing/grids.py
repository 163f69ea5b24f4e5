"""Draw the grid: minor and major lines of each track, linear or logarithmic, and the edges of the tracks.

The lines of one style (minor or major, level or upright, of one track) are one row of a table. One kernel fills the
table and computes the positions of all lines, another draws them after skew. A dotted line is cut by a pattern of rows
(upright lines) or columns (level lines), a broken one by patches of noise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from thinline.sheets.drawing.lines import BROKEN, DOTTED, SOLID, draw_segment
from thinline.sheets.drawing.noise import patches
from thinline.sheets.drawing.skew import Matrix, margin_mm, sway, turned
from thinline.sheets.spec import SheetSpec, TrackSpec
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, UInt8

_BENDS: Final = np.linspace(0.0, 1.0, 9)  # vertices of an upright line of a wavy sheet, as shares of its length
_STRAIGHT: Final = np.array([0.0, 1.0])
_DOT_MM: Final = (0.25, 0.6)  # ink, and ink with the gap after it
_DECADES: Final = np.log10(np.outer(10.0 ** np.arange(8), np.arange(1, 10))).ravel()  # 1, 2, ..., 9, 10, 20, ...
_STYLES: Final = {"solid": SOLID, "dotted": DOTTED, "broken": BROKEN}

# How the position of line i follows from the two numbers a, b of its row, in mm
_LEVEL: Final = 0.0  # y = a + b * i
_LINEAR: Final = 1.0  # x = left + wide * (i / a)
_LOGARITHMIC: Final = 2.0  # x = left + wide * (decades[i] / a)
_SIDES: Final = 3.0  # x = left, right; drawn into the image of the edges

_COLUMNS: Final = 11
"""Columns of a row of the table: formula; first i, end of i, step of i; a, b; left and right of the track in mm; ink
0..255, width in px, style."""


def draw_grid(spec: SheetSpec, shape: tuple[int, int], skewed: Matrix) -> tuple[UInt8, UInt8]:
    """Ink 0..255 of the grid and of the edges of the tracks, uint8 [H,W] each."""
    grid, edge = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    px_per_mm = skewed[5]
    margin = margin_mm(spec.skew, spec.size_mm, wide=spec.field is not None)
    top, end = spec.header_mm if spec.header_mm > 0 else -margin, spec.size_mm[0] + margin
    if not spec.tracks:
        return grid, edge
    tracks = _described(spec.tracks)
    bends = _BENDS if spec.skew.wave_mm or spec.skew.stretch_mm else _STRAIGHT
    table, at_mm, along_mm = call(_lines, tracks, (float(top), float(end)), bends, px_per_mm, _DECADES)
    swayed = *sway(at_mm, spec.skew), *sway(along_mm, spec.skew)
    dot_mm = _DOT_MM if spec.field is None else spec.field.dot_mm
    kept = _dots(shape[0], px_per_mm, dot_mm), _dots(shape[1], px_per_mm, dot_mm)
    holes = patches(spec.seed if _is_broken(spec.tracks) else None)
    call(_draw, (grid, edge), table, (at_mm, along_mm), swayed, skewed, kept, holes)
    return grid, edge


def _is_broken(tracks: tuple[TrackSpec, ...]) -> bool:
    return any("broken" in (track.minor.style, track.major.style, track.edge.style) for track in tracks)


def _described(tracks: tuple[TrackSpec, ...]) -> Float64:
    """The numbers of the tracks, [T,17]: their grids, then width in mm, darkness and style of three kinds of lines."""
    rows: list[float] = []
    for track in tracks:
        rows += (track.left_mm, track.right_mm, track.divisions, track.major_every, track.decades)
        rows += (track.depth_step_mm, track.depth_major_every, track.depth_offset_mm)
        for line in (track.minor, track.major, track.edge):
            rows += (line.width_mm, line.darkness, _STYLES[line.style])
    return np.array(rows, np.float64).reshape(len(tracks), -1)


@lru_cache(maxsize=64)
def _dots(length: int, px_per_mm: float, dot_mm: tuple[float, float]) -> Bool:
    """The rows or columns that dots cover, bool [length]; `dot_mm` is ink, and ink with the gap after it."""
    covered = np.asarray(np.mod((np.arange(length) + 0.5) / px_per_mm, dot_mm[1]) < dot_mm[0], np.bool_)
    covered.flags.writeable = False
    return covered


@kernel
def _lines(tracks, between_mm, bends, px_per_mm, decades):  # type: ignore[no-untyped-def]
    """The table, [n,11], x (upright) or y (level) of all lines of all its rows, and y of the bends of upright lines.

    Level lines of all tracks come first, then upright ones between the edges, then the edges; of each, all lines in
    the minor style, then the major ones over them.
    """
    table, count = np.empty((5 * len(tracks), _COLUMNS)), 0
    for track in tracks:
        step, major, offset = track[5], track[6], track[7]
        first, end = np.ceil((between_mm[0] - offset) / step), np.floor((between_mm[1] - offset) / step) + 1.0
        heavy = np.ceil(first / major) * major
        count = _add(table, count, (_LEVEL, first, end, 1.0, offset, step), track, 8, px_per_mm)
        count = _add(table, count, (_LEVEL, heavy, end, major, offset, step), track, 11, px_per_mm)
    for track in tracks:
        every, parts = (track[3], track[2]) if track[4] == 0 else (1.0, track[4])
        minor = (_LINEAR, 1.0, parts, 1.0, parts, 0.0)
        if track[4] > 0:
            minor = (_LOGARITHMIC, 1.0, min(9.0 * parts, float(len(decades))), 1.0, parts, 0.0)
        count = _add(table, count, minor, track, 8, px_per_mm)
        count = _add(table, count, (_LINEAR, every, parts, every, parts, 0.0), track, 11, px_per_mm)
    for track in tracks:
        count = _add(table, count, (_SIDES, 0.0, 2.0, 1.0, 0.0, 0.0), track, 14, px_per_mm)
    along_mm = between_mm[0] + bends * (between_mm[1] - between_mm[0])
    return table[:count], _positions(table[:count], decades), along_mm


@kernel
def _add(table, count, which, track, line, px_per_mm):  # type: ignore[no-untyped-def]
    """Fill row `count` of the table, unless its ink is invisible; the number of rows. A thin line is paler.

    `which` is formula, first i, end of i, step of i, a, b; `line` is the column of `track` where its style begins.
    """
    width_mm, darkness = track[line], track[line + 1]
    if darkness <= 0:
        return count
    width = max(1, round(width_mm * px_per_mm))
    row = table[count]
    row[0], row[1], row[2], row[3], row[4], row[5] = which
    row[6], row[7] = track[0], track[1]
    row[8] = round(255 * darkness * min(1.0, width_mm * px_per_mm / width))
    row[9], row[10] = width, track[line + 2]
    return count + 1


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
