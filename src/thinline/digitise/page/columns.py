"""The columns of a page beside each other: tracks, the depth column, text, fills.

Conventions
    Positions are straightened page columns. A **track** is a column with curves. A gridded track comes from the pattern
    (`grid_pattern.py`); each of its edges is moved to the upright line nearest to it, at most EDGE_OUT_MM outwards or
    EDGE_IN_MM inwards, because the ends of horizontal lines are worn and the edge of a track is usually drawn.
    Everything between the gridded tracks, and beside them as far as the outermost upright line, is cut at upright lines
    and at thick fills into cells. A fill that touches a gridded track is a stain or bar on that track and becomes part
    of it. A **depth** column is the cell beside a gridded track, at most DEPTH_MM wide, that holds text but no curve.
    What remains between fills is a track **without grid** if tall ink runs through most of its rows, text if it has
    any, and else nothing.
    Ink is measured on windows of the log (`window_ink.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from thinline.digitise.page.block_maps import BlockMaps
from thinline.digitise.page.grid_pattern import UPRIGHT_LINE, Pattern, VerticalLine
from thinline.digitise.page.window_ink import WindowInk, column_ink
from thinline.vocabulary import Float64

TRACK, DEPTH, TEXT, FILL = "track", "depth", "text", "fill"
EDGE_OUT_MM: Final = 4.0
EDGE_IN_MM: Final = 2.5
TRACK_MM: Final = 10.0
"""Least width of a track."""

DEPTH_MM: Final = 30.0
NARROWEST_MM: Final = 1.5
_HOLE_MM: Final = 5.0
_REST_MM: Final = 3.0
DRAWN: Final = 0.5
WORN: Final = 0.12
"""Shares of the rows in which an upright line is drawn: one that divides columns, and a worn edge of a track."""

_FILLED: Final = 0.5
_TALL: Final = 0.6  # more is a curve, not a number of the depth column
_CURVE: Final = 0.3  # less is no curve
_TEXT: Final = 0.008  # small pieces of ink a mm of depth


@dataclass(frozen=True)
class Column:
    """Page columns `left`..`right` of one `kind` (TRACK, DEPTH, TEXT, FILL); `gridded`: it has horizontal lines."""

    left: float
    right: float
    kind: str
    gridded: bool = False

    @property
    def width(self) -> float:
        """Width in page pixels."""
        return self.right - self.left


def find_columns(
    maps: BlockMaps, pattern: Pattern, lines: Sequence[VerticalLine], windows: Sequence[WindowInk], *, px_per_mm: float
) -> tuple[Column, ...]:
    """The columns of the log from left to right; empty without a track. `lines`: presence WORN or more."""
    gridded = _gridded_tracks(pattern, lines, px_per_mm)  # their edges may be worn more than other lines
    if not gridded:
        return ()
    drawn = [line.column for line in lines if line.presence >= DRAWN]
    left, right = min([gridded[0].left, *drawn]), max([gridded[-1].right, *drawn])
    edges = [left, *(edge for track in gridded for edge in (track.left, track.right)), right]
    thick = maps.thick[pattern.agree].mean(axis=0) / 255
    columns: list[Column] = []
    for number, (start, stop) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        if stop - start < NARROWEST_MM * px_per_mm:
            continue
        cells = _cells(start, stop, drawn, thick, px_per_mm)
        before, after = number > 0, number < len(gridded)  # a gridded track lies on that side
        if before:
            taken = _stained(cells, px_per_mm)
            gridded[number - 1] = replace(gridded[number - 1], right=cells[taken - 1].right if taken else start)
            cells = cells[taken:]
        if after:
            taken = _stained(cells[::-1], px_per_mm)
            gridded[number] = replace(gridded[number], left=cells[-taken].left if taken else stop)
            cells = cells[: len(cells) - taken]
        columns += _between(cells, (before, after), windows, px_per_mm)
    return tuple(sorted([*gridded, *columns], key=lambda column: column.left))


def _stained(cells: Sequence[Column], px_per_mm: float) -> int:
    """The number of cells, from a gridded track outwards, that are a stain or bar on it, with a narrow rest."""
    if not cells or cells[0].kind != FILL:
        return 0
    return 2 if len(cells) > 1 and cells[1].width < _REST_MM * px_per_mm else 1


def _gridded_tracks(pattern: Pattern, lines: Sequence[VerticalLine], px_per_mm: float) -> list[Column]:
    """The gridded intervals of the pattern, with their edges at upright lines."""
    level = np.where(np.isnan(pattern.level), 1.0, pattern.level)  # hidden between gridded columns: taken as gridded
    known = np.flatnonzero(np.nan_to_num(pattern.level) > 0.5)
    inside = (level > 0.5) & (np.arange(len(level)) >= known[0]) & (np.arange(len(level)) <= known[-1])
    hole = max(1, round(_HOLE_MM * px_per_mm))
    closed = cv2.morphologyEx(
        np.pad(inside.astype(np.uint8), hole)[None], cv2.MORPH_CLOSE, np.ones((1, hole), np.uint8)
    )
    runs = np.flatnonzero(np.diff(np.concatenate([[0], closed[0, hole:-hole].astype(np.int8), [0]]))).reshape(-1, 2)
    tracks: list[Column] = []
    for first, last in runs.tolist():
        if last - first < TRACK_MM * px_per_mm:
            continue
        left = _edge(first, -1, lines, px_per_mm)
        right = _edge(last - 1, 1, lines, px_per_mm)
        if tracks and left < tracks[-1].right:
            left = tracks[-1].right
        tracks.append(Column(left, right, TRACK, gridded=True))
    return tracks


def _edge(end: float, outwards: int, lines: Sequence[VerticalLine], px_per_mm: float) -> float:
    """The upright line nearest to the end of the horizontal lines, or that end."""
    near = [
        line for line in lines if -EDGE_IN_MM * px_per_mm <= (line.column - end) * outwards <= EDGE_OUT_MM * px_per_mm
    ]
    firm = [line for line in near if line.presence >= UPRIGHT_LINE]
    return min((line.column for line in firm or near), key=lambda column: abs(column - end), default=float(end))


def _cells(start: float, stop: float, drawn: Sequence[float], thick: Float64, px_per_mm: float) -> list[Column]:
    """The interval cut at upright lines and at the ends of fills; fills have their kind, the others are TEXT so far."""
    first, last = round(start), round(stop)
    filled = thick[first:last] > _FILLED
    ends = np.flatnonzero(np.diff(np.concatenate([[0], filled.astype(np.int8), [0]]))) + first
    cuts = sorted({start, stop, *(x for x in drawn if start < x < stop), *(float(x) for x in ends if start < x < stop)})
    cells: list[Column] = []
    for left, right in pairwise(cuts):
        kind = FILL if thick[round(left) : max(round(right), round(left) + 1)].mean() > _FILLED else TEXT
        narrow = right - left < NARROWEST_MM * px_per_mm
        if cells and (narrow or (kind == FILL == cells[-1].kind)):
            cells[-1] = Column(cells[-1].left, right, cells[-1].kind)
        else:
            cells.append(Column(left, right, kind))
    return cells


def _between(
    cells: list[Column], beside: tuple[bool, bool], windows: Sequence[WindowInk], px_per_mm: float
) -> list[Column]:
    """The columns of one gap: a depth column, and for what remains a track without grid, or text, or fills."""
    near_left, near_right = beside
    order = list(range(len(cells))) if near_left else list(reversed(range(len(cells))))
    depth = next((n for n in order if _is_depth(cells[n], windows, px_per_mm)), None)
    if depth is not None and not (near_left and near_right):
        outside = [n for n in order[: order.index(depth)] if cells[n].kind != FILL]
        depth = None if outside else depth  # a curve or other text lies between the track and this cell
    columns: list[Column] = []
    parts = [cells] if depth is None else [cells[:depth], cells[depth + 1 :]]
    if depth is not None:
        columns.append(Column(cells[depth].left, cells[depth].right, DEPTH))
    for part in parts:
        fills = [-1, *(n for n, cell in enumerate(part) if cell.kind == FILL), len(part)]
        columns += [cell for cell in part if cell.kind == FILL]
        for before, after in pairwise(fills):
            columns += _remainder(part[before + 1 : after], windows, px_per_mm)
    return columns


def _is_depth(cell: Column, windows: Sequence[WindowInk], px_per_mm: float) -> bool:
    if cell.kind == FILL or cell.width > DEPTH_MM * px_per_mm:
        return False
    ink = column_ink(windows, cell.left, cell.right)
    return ink.tall_share < _TALL and ink.pieces_a_mm >= _TEXT


def _remainder(part: list[Column], windows: Sequence[WindowInk], px_per_mm: float) -> list[Column]:
    """A track without grid, or text, or nothing."""
    if not part:
        return []
    left, right = part[0].left, part[-1].right
    ink = column_ink(windows, left, right)
    if right - left >= TRACK_MM * px_per_mm and ink.tall_share >= _CURVE:
        return [Column(left, right, TRACK)]
    return [Column(left, right, TEXT)] if ink.pieces_a_mm >= _TEXT else []
