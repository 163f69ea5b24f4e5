"""The layout of a scan drawn over the straightened page, with numbers: a picture to check a proposal by.

Conventions
    On the left the whole page, squeezed to the height of the excerpts. On the right excerpts of EXCERPT_MM of depth
    at the scale of the reduced page: around the first row of the log, from its middle, and around its last row. At
    the top one line for each column of the log. Tracks are blue and vermilion in turn and numbered from the left,
    depth columns are green and carry a D, text and fills are grey. The header and what follows the log are shaded.
    Rows and columns are those of the scan. The picture has at most MOST_WIDE x MOST_HIGH px.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from thinline.digitise.overlays import COLOURS
from thinline.digitise.page.columns import DEPTH, TRACK, Column
from thinline.digitise.page.layout import Layout
from thinline.vocabulary import UInt8

EXCERPT_MM: Final = 150.0
MOST_WIDE: Final = 2000
MOST_HIGH: Final = 4000
_OVERVIEW_WIDE: Final = 420
_GREEN: Final = (0, 120, 90)
_GREY: Final = (120, 120, 120)
_INK: Final = (30, 30, 30)
_HEADER: Final = (200, 0, 0)
_TINT: Final = 0.15
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_LINE_PX: Final = 22
_GAP_PX: Final = 12


def layout_png(layout: Layout) -> bytes:
    """The picture as the bytes of a PNG."""
    first, last = layout.page_rows
    height = layout.page.shape[0]
    rows = min(round(EXCERPT_MM * layout.page.px_per_mm[1]), height)
    tops = [first - rows // 3, (first + last - rows) // 2, last - rows * 2 // 3]
    tops = sorted({min(max(top, 0), height - rows) for top in tops})
    excerpts = [_excerpt(layout, top, top + rows) for top in tops]
    overview = _overview(layout, sum(len(part) for part in excerpts) + _GAP_PX * (len(excerpts) - 1))
    gap = np.full((_GAP_PX, excerpts[0].shape[1], 3), 255, np.uint8)
    stacked = [part for excerpt in excerpts for part in (excerpt, gap)][:-1]
    right = np.vstack(stacked)
    between = np.full((len(right), _GAP_PX, 3), 255, np.uint8)
    picture = np.hstack([overview, between, right])
    picture = np.vstack([_legend(layout, picture.shape[1]), picture])
    scale = min(1.0, MOST_WIDE / picture.shape[1], MOST_HIGH / len(picture))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    encoded, png = cv2.imencode(".png", picture[..., ::-1])
    if not encoded:
        raise ValueError(f"the layout of {layout.scan.path} could not be coded as PNG")
    return bytes(png.tobytes())


def _excerpt(layout: Layout, top: int, bottom: int) -> UInt8:
    """Rows of the page with its columns, and a margin with rows of the scan."""
    canvas = cv2.cvtColor(layout.page.rows(top, bottom), cv2.COLOR_GRAY2RGB)
    _mark(canvas, layout, top, 1.0, 1.0)
    margin = np.full((len(canvas), 70, 3), 255, np.uint8)
    for row in range(0, len(canvas), 100):
        number = round(float(layout.page.scan_rows(np.array([top + row]))[0]))
        cv2.line(margin, (62, row), (70, row), _INK, 1)
        cv2.putText(margin, str(max(number, 0)), (2, max(row + 4, 10)), _FONT, 0.38, _INK, 1, cv2.LINE_AA)
    return np.hstack([margin, canvas])


def _overview(layout: Layout, height: int) -> UInt8:
    """The whole page squeezed to `height` rows, dark where a row of the page is."""
    rows, columns = layout.page.shape
    wide = min(columns, _OVERVIEW_WIDE)
    canvas = np.full((height, wide, 3), 255, np.uint8)
    high = min(height, rows)
    bounds = np.linspace(0, rows, high + 1).astype(int).tolist()
    for row, (top, bottom) in enumerate(pairwise(bounds)):
        mean = layout.page.rows(top, bottom).mean(axis=0, keepdims=True).astype(np.uint8)
        canvas[row] = cv2.resize(mean, (wide, 1), interpolation=cv2.INTER_AREA)[0, :, None]
    _mark(canvas[:high], layout, 0, wide / columns, high / rows)
    return canvas


def _mark(canvas: UInt8, layout: Layout, top: int, across: float, down: float) -> None:
    """Draw columns, header and end on the page rows from `top` on, at the scale (across, down)."""
    first, last = (round((row - top) * down) for row in layout.page_rows)
    begin, end = min(max(first, 0), len(canvas)), min(max(last, 0), len(canvas))
    for outside in (canvas[:begin], canvas[end:]):
        outside[...] = np.rint(outside * (1 - _TINT) + np.array(_GREY) * _TINT)
    number = 0
    for column in layout.columns:
        number += column.kind == TRACK
        colour, name = _look(column, number)
        left, right = round(column.left * across), round(column.right * across)
        inside = canvas[begin:end, max(left, 0) : right]
        inside[...] = np.rint(inside * (1 - _TINT) + np.array(colour) * _TINT)
        for x in (left, right):
            cv2.line(canvas, (x, begin), (x, max(end - 1, begin)), colour, 2)
        if name and end > begin:
            _badge(canvas, name, ((left + right) // 2, begin + 24), colour)
    for row, text in ((first, f"log from row {layout.first_row}"), (last, f"log to row {layout.last_row}")):
        if 0 <= row < len(canvas):
            cv2.line(canvas, (0, row), (canvas.shape[1], row), _HEADER, 2)
            cv2.putText(canvas, text, (6, max(row - 5, 12)), _FONT, 0.45, _HEADER, 1, cv2.LINE_AA)


def _look(column: Column, number: int) -> tuple[tuple[int, int, int], str]:
    """Colour and label of a column."""
    if column.kind == TRACK:
        return COLOURS[(number - 1) % 2], str(number)
    return (_GREEN, "D") if column.kind == DEPTH else (_GREY, "")


def _badge(canvas: UInt8, text: str, centre: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.circle(canvas, centre, 14, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(canvas, centre, 14, colour, 2, cv2.LINE_AA)
    wide = cv2.getTextSize(text, _FONT, 0.6, 2)[0][0]
    cv2.putText(canvas, text, (centre[0] - wide // 2, centre[1] + 7), _FONT, 0.6, colour, 2, cv2.LINE_AA)


def _legend(layout: Layout, width: int) -> UInt8:
    """One line for the scan, and one for each track and depth column."""
    name = layout.scan.path.name.encode("utf-8", "replace").decode()
    lines = [(f"{name}: rows and columns are those of the scan; columns in row {layout.first_row}", _INK)]
    for number, track in enumerate(layout.tracks, start=1):
        text = f"track {number}: columns {track.left_px:.0f} to {track.right_px:.0f}, about {track.curves} curves, "
        lines.append((text + track.scale + ("" if track.gridded else ", no grid lines"), COLOURS[(number - 1) % 2]))
    lines += [(f"D depth column: columns {left:.0f} to {right:.0f}", _GREEN) for left, right in layout.depth_px]
    canvas = np.full((_LINE_PX * len(lines) + 8, width, 3), 255, np.uint8)
    for number, (text, colour) in enumerate(lines):
        cv2.putText(canvas, text, (6, _LINE_PX * (number + 1) - 6), _FONT, 0.5, colour, 1, cv2.LINE_AA)
    return canvas
