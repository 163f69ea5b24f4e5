"""What a scan of a log shows: its header, tracks, depth column, curves a track, tilt, and scale.

Conventions
    Positions in a `Layout` are pixels of the scan: rows of the file, and columns in the first row of the log, where
    `thinline digitise` takes the edges of a track. The orientation is not detected.
    Nothing is invented: a page without a grid of level and upright lines that holds for LONG_MM has no layout
    (`LayoutError`).

Steps
    1. Read the scan once, reduced to 4 px/mm or less, and straighten it          reduced_page
    2. Mark horizontal and upright lines and thick ink in blocks of 4 mm          block_maps
    3. Find the rows of the log and the columns of its grid                       grid_pattern
    4. Name what lies beside each other: tracks, depth column, text, fills        columns, heading
    5. Count the curves of each track: what a network finds, or ink on no line    curve_count, window_ink
    6. Measure the grid and compare it with usual ones                            grid_pitch
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from thinline.digitise.page.block_maps import LINE_MM, BlockMaps, block_maps, ink_of_rows
from thinline.digitise.page.columns import DEPTH, EDGE_OUT_MM, TRACK, WORN, Column, find_columns
from thinline.digitise.page.curve_count import CurveReader, count_curves
from thinline.digitise.page.grid_pattern import (
    LONG_MM,
    UPRIGHT_LINE,
    Pattern,
    VerticalLine,
    covered_end,
    find_pattern,
    vertical_lines,
)
from thinline.digitise.page.grid_pitch import Pitch, pitch_across, pitch_down, scale_kind
from thinline.digitise.page.heading import LEAST_SHARE, heading_columns
from thinline.digitise.page.reduced_page import Progress, ReducedPage, reduced_page
from thinline.digitise.page.window_ink import MOST_WINDOWS, WINDOW_MM, column_ink, window_ink
from thinline.digitise.scan import Scan, ScanError
from thinline.vocabulary import Bool, Float64, Int64

_PITCH_WINDOWS: Final = 12
_PITCH_ROWS_MM: Final = 80.0
FEWEST_UPRIGHT: Final = 2
LONG_RUNS: Final = 0.4
"""Least share of the pixels on horizontal runs of LINE_MM that are on runs of twice that length: .5 and more on grids
that were seen, .32 and less on noise."""

MOST_LINES: Final = 0.5
"""Largest share of the page on horizontal lines; a page with more is dark, not ruled."""


class LayoutError(ScanError):
    """A page on which no track was found."""


@dataclass(frozen=True)
class TrackLayout:
    """A track from column `left_px` to `right_px` of the scan. `curves`: a rough count, 0 where none was seen.

    `scale`: linear or log, a guess from its upright lines; `gridded`: it has horizontal grid lines; `pitch` in mm.
    """

    left_px: float
    right_px: float
    curves: int
    scale: str
    gridded: bool
    pitch: Pitch


@dataclass(frozen=True, eq=False)
class Layout:
    """The layout of a scan. `columns` are all columns of the log, in page pixels of `page`, from left to right.

    The log lies in the rows `first_row`..`last_row` of the scan; `pattern_share` of its blocks hold the pattern of the
    grid. `depth_px`: the edges of each depth column.
    """

    scan: Scan
    page: ReducedPage
    columns: tuple[Column, ...]
    tracks: tuple[TrackLayout, ...]
    depth_px: tuple[tuple[float, float], ...]
    first_row: int
    last_row: int
    page_rows: tuple[int, int]
    pattern_share: float

    @property
    def scan_px_per_mm(self) -> float:
        """Scan columns a mm, as the resolution of the file says."""
        return self.page.px_per_mm[0] / self.page.frame.column_factor


def find_layout(
    scan: Scan,
    *,
    dpi: tuple[float, float] | None = None,
    deskew: bool = True,
    reader: CurveReader | None = None,
    report: Progress | None = None,
) -> Layout:
    """The layout of a scan. The `reader` finds the curves that are counted; without it, ink on no line is counted.

    Raises LayoutError where no track is found.
    """
    page = reduced_page(scan, dpi=dpi, deskew=deskew, report=report)
    px_per_mm = page.px_per_mm[0]
    maps = block_maps(page)
    pattern = find_pattern(maps, px_per_mm=px_per_mm)
    if pattern is None:
        raise _no_track(scan)
    agree = pattern.agree & (np.arange(maps.count) >= pattern.first) & (np.arange(maps.count) < pattern.last)
    lines = vertical_lines(maps, agree, px_per_mm=px_per_mm, least=WORN)
    tops = _spread(np.flatnonzero(agree), MOST_WINDOWS) * maps.block_px
    height_px = round(WINDOW_MM * page.px_per_mm[1])
    upright = [line.column for line in lines if line.presence >= UPRIGHT_LINE]
    windows = window_ink(page, tops.tolist(), height_px=height_px, lines=upright)
    columns = find_columns(maps, pattern, lines, windows, px_per_mm=px_per_mm)
    if not _by_grid(columns, maps):
        by_heading = heading_columns(maps, pattern, windows, px_per_mm=px_per_mm)
        if by_heading:
            columns, pattern = by_heading, replace(pattern, last=covered_end(maps, pattern, px_per_mm=px_per_mm))
    stretches = _stretches(page, _spread(np.flatnonzero(agree), _PITCH_WINDOWS) * maps.block_px)
    if not columns or not _is_grid(columns, lines, stretches, px_per_mm):
        raise _no_track(scan)
    tracks = [column for column in columns if column.kind == TRACK]
    counts = [column_ink(windows, track.left, track.right).curves for track in tracks]
    if reader is not None:
        rows = pattern.first * maps.block_px, pattern.last * maps.block_px
        counts = list(count_curves(reader, scan, page, tracks, rows=rows, lines=upright))
    found = tuple(
        _track(track, page, pattern.first * maps.block_px, count, upright, stretches)
        for track, count in zip(tracks, counts, strict=True)
    )
    return _layout(scan, page, maps, pattern, columns, found, agree)


def _no_track(scan: Scan) -> LayoutError:
    return LayoutError(
        f"{scan.path}: expected the tracks of a log, found no grid of horizontal lines that holds for {LONG_MM:g} mm; "
        "is it a scan of a log, upright, and with the right --dpi? If it is, give the edges with --track"
    )


def _by_grid(columns: Sequence[Column], maps: BlockMaps) -> bool:
    """Whether the grid shows the columns well: it shows a depth column, or covers LEAST_SHARE of the width."""
    gridded = sum(column.width for column in columns if column.gridded)
    return gridded >= LEAST_SHARE * maps.lines.shape[1] or any(column.kind == DEPTH for column in columns)


def _is_grid(
    columns: Sequence[Column], lines: Sequence[VerticalLine], stretches: Sequence[Bool], px_per_mm: float
) -> bool:
    """Whether the tracks have upright lines too, and long horizontal ones: text lacks the first, noise the second."""
    tracks = [column for column in columns if column.kind == TRACK]
    left, right = tracks[0].left - EDGE_OUT_MM * px_per_mm, tracks[-1].right + EDGE_OUT_MM * px_per_mm
    upright = [line for line in lines if left <= line.column <= right]
    length = np.ones((1, round(2 * LINE_MM * px_per_mm)), np.uint8)
    shares = [
        float(cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_OPEN, length).sum() / max(1, part.sum()))
        for part in stretches
    ]
    dense = float(np.median([part.mean() for part in stretches])) > MOST_LINES
    return len(upright) >= FEWEST_UPRIGHT and float(np.median(shares)) >= LONG_RUNS and not dense


def _spread(blocks: Int64, most: int) -> Int64:
    """At most `most` of the blocks, evenly spread."""
    chosen = np.unique(np.linspace(0, len(blocks) - 1, min(most, len(blocks))).astype(int))
    return np.asarray(blocks[chosen], np.int64)


def _stretches(page: ReducedPage, tops: Int64) -> list[Bool]:
    """The horizontal lines of some stretches of rows, [h,w] each."""
    high = round(_PITCH_ROWS_MM * page.px_per_mm[1])
    return [ink_of_rows(page, top, min(top + high, page.shape[0])).horizontal for top in tops.tolist()]


def _layout(
    scan: Scan,
    page: ReducedPage,
    maps: BlockMaps,
    pattern: Pattern,
    columns: tuple[Column, ...],
    tracks: tuple[TrackLayout, ...],
    agree: Bool,
) -> Layout:
    first, last = pattern.first * maps.block_px, pattern.last * maps.block_px
    ends = page.scan_rows(np.array([first, last - 1]))
    return Layout(
        scan=scan,
        page=page,
        columns=columns,
        tracks=tracks,
        depth_px=tuple(_on_scan(column, page, first) for column in columns if column.kind == DEPTH),
        first_row=max(0, round(float(ends[0]))),
        last_row=min(scan.height - 1, round(float(ends[1]))),
        page_rows=(first, last),
        pattern_share=float(agree[pattern.first : pattern.last].mean()),
    )


def _on_scan(column: Column, page: ReducedPage, row: int) -> tuple[float, float]:
    """The edges of a column in page row `row`, in columns of the scan."""
    left, right = page.scan_columns(np.array([column.left, column.right]), row).tolist()
    return max(left, -0.5), min(right, page.frame.last_column - 0.5)


def _begun(lines: Bool) -> Float64:
    """The number of columns [h] in which a horizontal line begins in each row (has none above)."""
    return np.asarray((lines[1:] & ~lines[:-1]).sum(axis=1), np.float64)


def _track(
    column: Column,
    page: ReducedPage,
    first_row: int,
    curves: int,
    upright: Sequence[float],
    stretches: Sequence[Bool],
) -> TrackLayout:
    edges = _on_scan(column, page, first_row)
    inside = [x for x in upright if column.left - 1 <= x <= column.right + 1]
    kind, _ = scale_kind(inside, column.left, column.right)
    first, last = round(column.left), round(column.right)
    rows: list[Float64] = [_begun(part[:, first:last]) for part in stretches]
    across, down = page.px_per_mm
    return TrackLayout(
        left_px=edges[0],
        right_px=edges[1],
        curves=curves,
        scale=kind,
        gridded=column.gridded,
        pitch=Pitch(
            pitch_down(rows, px_per_mm=down),
            pitch_across(inside, px_per_mm=across) if kind == "linear" else float("nan"),
        ),
    )
