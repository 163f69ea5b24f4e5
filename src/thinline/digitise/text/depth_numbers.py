"""Read the numbers of a column of a log, in pieces along the depth.

Conventions
    Rows and columns are pixels of the scan. The row of a number is that of its middle, straightened: the level line
    through the number is followed, by the skew of the page, to the column in the middle of the tracks, where
    `thinline digitise` counts rows.
    A piece is PIECE_MM of the column, at TEXT_PX_PER_MM. Neighbouring pieces overlap by OVERLAP_MM; a text that touches
    an end of its piece is left out, because it may be cut. Pieces side by side, in order, make one image of SIDE_PX for
    the reader. A log of more than MOST_IMAGES images is read in pieces evenly spread over it.
    A number has 2 to 5 digits, with or without decimals and a thousands separator; a unit may follow. The letters O and
    l among digits are taken as 0 and 1. No depth begins with 0: "0069" is 6900, read upside down. Other texts are no
    numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.digitise.deskew import Skew
from thinline.digitise.page.columns import TRACK, Column
from thinline.digitise.page.layout import Layout
from thinline.digitise.page.reduced_page import Progress
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.print_skew import ink_of
from thinline.digitise.text.depth_line import DepthReading
from thinline.digitise.text.recogniser import TextReader
from thinline.vocabulary import UInt8

TEXT_PX_PER_MM: Final = 8.0
PIECE_MM: Final = 100.0
OVERLAP_MM: Final = 14.0
SIDE_PX: Final = 960
MOST_IMAGES: Final = 16
BESIDE_MM: Final = 1.0
"""Width read on either side of the column: digits may touch its edges."""

SAME_MM: Final = 2.0
"""Equal numbers nearer than this are one number, read in two pieces."""

UPRIGHT_MM: Final = 15.0
"""Length from which an upright stroke is a line: turned numbers are up to 10 mm long."""

_GAP_PX: Final = 32
_TOUCHES_PX: Final = 3
_KNOTS: Final = 11
_NUMBER: Final = re.compile(r"(\d{1,2}[, ']\d{3}|\d{2,5})(\.\d{1,2})?\s*(m|ft|feet|'|\.|-)?", re.IGNORECASE)
_UPSIDE_DOWN: Final = str.maketrans("6923457", "96xxxxx")
_LOOK_ALIKE: Final = str.maketrans("OoQDlI|", "0000111")


@dataclass(frozen=True, eq=False)
class _Piece:
    """Straightened grey levels of a part of the column. `to_middle`: rows from its middle to that of the tracks."""

    grey: UInt8
    frame: Frame
    to_middle: float


def number_of(text: str) -> float | None:
    """The number that a text is, None for other texts."""
    plain = text.strip().translate(_LOOK_ALIKE)
    found = _NUMBER.fullmatch(plain)
    if found is None or sum(letter.isdigit() for letter in text) < 0.5 * len(text.strip()):
        return None
    whole, decimals = re.sub(r"[, ']", "", found.group(1)), found.group(2) or ""
    if whole.startswith("0"):
        whole, decimals = whole[::-1].translate(_UPSIDE_DOWN), ""
    return float(whole + decimals) if whole.isdecimal() and not whole.startswith("0") else None


def read_numbers(
    layout: Layout, column: Column, reader: TextReader, *, report: Progress | None = None
) -> tuple[DepthReading, ...]:
    """The numbers printed in a column of the log, from the top down; `column` is in page pixels, as in `layout`."""
    starts = _starts(layout, column)
    readings: list[tuple[float, DepthReading]] = []
    pieces: list[_Piece] = []
    for done, piece in enumerate(_pieces(layout, column, starts), start=1):
        pieces.append(piece)
        if len(pieces) == _a_image(piece.grey.shape[1]) or done == len(starts):
            readings += _read_image(pieces, reader)
            pieces = []
        if report is not None:
            report(done, len(starts))
    return _without_repeats(readings, SAME_MM * rows_per_mm(layout))


def rows_per_mm(layout: Layout) -> float:
    """Scan rows a mm, as the resolution of the file says."""
    return layout.page.px_per_mm[1] / layout.page.frame.row_factor


def _a_image(width: int) -> int:
    """The number of pieces of a width side by side on one image."""
    return max(1, (SIDE_PX + _GAP_PX) // (width + _GAP_PX))


def _starts(layout: Layout, column: Column) -> list[float]:
    """The first page row of each piece."""
    first, last = layout.page_rows
    down = layout.page.px_per_mm[1]
    high, stride = PIECE_MM * down, (PIECE_MM - OVERLAP_MM) * down
    count = max(1, math.ceil((last - first - high) / stride) + 1)
    starts = first + stride * np.arange(count)
    width = (column.width / layout.page.px_per_mm[0] + 2 * BESIDE_MM) * TEXT_PX_PER_MM
    most = MOST_IMAGES * _a_image(round(width))
    if count > most:
        starts = starts[np.unique(np.linspace(0, count - 1, most).astype(int))]
    return [float(start) for start in starts]


def _pieces(layout: Layout, column: Column, starts: Sequence[float]) -> Iterator[_Piece]:
    """The pieces of the column that lie on the scan."""
    page, scan = layout.page, layout.scan
    across_mm, down_mm = page.px_per_mm
    factors = TEXT_PX_PER_MM / down_mm * page.frame.row_factor, TEXT_PX_PER_MM / across_mm * page.frame.column_factor
    tracks = [each for each in layout.columns if each.kind == TRACK]
    middle = (tracks[0].left + tracks[-1].right) / 2
    for start in starts:
        stop = min(start + PIECE_MM * down_mm, page.shape[0])
        top, bottom = np.clip(np.rint(page.scan_rows(np.array([start - 0.5, stop - 0.5])) + 0.5), 0, scan.height)
        half = round((start + stop) / 2)
        knots = np.linspace(start, stop, _KNOTS)
        shifts = (page.skew.across(knots.astype(np.int64)) - page.skew.across(np.array([half]))[0]).astype(np.float64)
        beside = BESIDE_MM * across_mm
        reach = float(np.abs(shifts).max()) + beside
        left, right = page.scan_columns(np.array([column.left - reach, column.right + reach]), half)
        columns = max(0, math.floor(left)), min(scan.width, math.ceil(right))
        frame = Frame.of((int(top), int(bottom)), columns, factors=factors)
        scale = TEXT_PX_PER_MM / across_mm
        skew = Skew((knots - start) * TEXT_PX_PER_MM / down_mm, shifts * scale, page.skew.slope * across_mm / down_mm)
        grey = _without_upright_lines(Paper(scan, frame, skew).rows(0, frame.height))
        to_middle = page.skew.slope * (middle - (column.left + column.right) / 2) / page.frame.row_factor
        yield _Piece(grey, frame, to_middle)


def _without_upright_lines(grey: UInt8) -> UInt8:
    """The piece without upright lines and black bars, beside which numbers are not detected."""
    ink = ink_of(grey, px_per_mm=TEXT_PX_PER_MM).astype(np.uint8)
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8))
    length = np.ones((round(UPRIGHT_MM * TEXT_PX_PER_MM), 1), np.uint8)
    lines = cv2.dilate(cv2.morphologyEx(joined, cv2.MORPH_OPEN, length), np.ones((1, 3), np.uint8))
    return np.asarray(np.where(lines > 0, np.uint8(255), grey), np.uint8)


def _read_image(pieces: Sequence[_Piece], reader: TextReader) -> list[tuple[float, DepthReading]]:
    """The scores and readings of pieces that are read as one image."""
    height = max(SIDE_PX, max(len(piece.grey) for piece in pieces) + 2 * _GAP_PX)
    lefts = np.cumsum([_GAP_PX, *(piece.grey.shape[1] + _GAP_PX for piece in pieces)]).tolist()
    image = np.full((height, max(SIDE_PX, lefts[-1])), 255, np.uint8)
    for left, piece in zip(lefts, pieces, strict=False):
        image[_GAP_PX : _GAP_PX + len(piece.grey), left : left + piece.grey.shape[1]] = piece.grey
    readings = []
    for text in reader(image):
        number = number_of(text.text)
        owner = int(np.searchsorted(lefts, (text.left + text.right) / 2 + _GAP_PX / 2, side="right")) - 1
        if number is None or not 0 <= owner < len(pieces):
            continue
        piece = pieces[owner]
        if text.top - _GAP_PX < _TOUCHES_PX or text.bottom - _GAP_PX > len(piece.grey) - _TOUCHES_PX:
            continue
        row = piece.frame.scan_y(np.array([(text.top + text.bottom) / 2 - _GAP_PX]))
        readings.append((text.score, DepthReading(float(row[0]) + piece.to_middle, number)))
    return readings


def _without_repeats(scored: Sequence[tuple[float, DepthReading]], near: float) -> tuple[DepthReading, ...]:
    """The readings in the order of rows; of equal numbers nearer than `near` rows the one with the best score."""
    kept: list[DepthReading] = []
    for _, reading in sorted(scored, key=lambda each: -each[0]):
        if not any(other.number == reading.number and abs(other.row - reading.row) < near for other in kept):
            kept.append(reading)
    return tuple(sorted(kept, key=lambda reading: reading.row))
