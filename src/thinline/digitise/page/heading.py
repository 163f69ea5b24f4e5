"""The columns of a log whose grid has faded, from the heading printed above it.

Conventions
    Above most logs stands a box with the names of the curves and their scales, whose upright lines continue the edges
    of the tracks: "SELF-POTENTIAL | DEPTHS | RESISTIVITY". This module is used where the grid shows no depth column and
    covers less than LEAST_SHARE of the width (`layout.py`).
    An upright line of the heading is drawn through at least HIGH_MM without a gap, within ABOVE_MM above the log.
    A cell between two such lines is a depth column if it is narrow, lies between two others, and has no curve; it is a
    track if tall ink runs through part of its rows in the log (`window_ink.py`), or if part of it is gridded.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from thinline.digitise.page.block_maps import BLOCK_MM, BlockMaps
from thinline.digitise.page.columns import DEPTH, DEPTH_MM, TRACK, TRACK_MM, Column
from thinline.digitise.page.grid_pattern import Pattern
from thinline.digitise.page.window_ink import WindowInk, column_ink
from thinline.vocabulary import Float64, Int64

LEAST_SHARE: Final = 0.4
ABOVE_MM: Final = 100.0
HIGH_MM: Final = 12.0
_DRAWN: Final = 0.85 * 255
_CURVE: Final = 0.1
_LINED: Final = 0.2


def heading_columns(
    maps: BlockMaps, pattern: Pattern, windows: Sequence[WindowInk], *, px_per_mm: float
) -> tuple[Column, ...]:
    """The columns under the heading above the log of `pattern`; empty without two tracks."""
    edges = _edges(maps, pattern.first, px_per_mm)
    cells = [Column(left, right, TRACK) for left, right in pairwise(edges.tolist()) if right - left >= 2.0 * px_per_mm]
    columns = []
    for number, cell in enumerate(cells):
        lined = bool(pattern.columns[round(cell.left) : round(cell.right)].mean() >= _LINED)
        curve = lined or column_ink(windows, cell.left, cell.right).tall_share >= _CURVE
        between = 0 < number < len(cells) - 1
        if between and cell.width <= DEPTH_MM / 2 * px_per_mm:
            columns.append(Column(cell.left, cell.right, DEPTH))
        elif curve and cell.width >= TRACK_MM * px_per_mm:
            columns.append(Column(cell.left, cell.right, TRACK, gridded=lined))
    return tuple(columns) if sum(column.kind == TRACK for column in columns) >= 2 else ()


def _edges(maps: BlockMaps, first_block: int, px_per_mm: float) -> Float64:
    """Columns of the upright lines of the lowest heading above a block."""
    high = max(1, round(HIGH_MM / BLOCK_MM))
    top = max(0, first_block - round(ABOVE_MM / BLOCK_MM))
    for bottom in range(first_block + high, top + high, -1):
        drawn = (maps.vertical[bottom - high : bottom] > _DRAWN).all(axis=0)
        middles = _middles(np.flatnonzero(drawn), px_per_mm)
        if len(middles) >= 4:
            return middles
    return np.zeros(0)


def _middles(columns: Int64, px_per_mm: float) -> Float64:
    """Middles of groups of columns that lie less than 1.5 mm apart."""
    if not len(columns):
        return np.zeros(0)
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 1.5 * px_per_mm) + 1)
    return np.array([group.mean() for group in groups])
