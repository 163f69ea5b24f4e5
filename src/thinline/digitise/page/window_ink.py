"""The ink of sample windows of a log without its lines: tall pieces (curves), text-like pieces, curves a row.

Conventions
    A window is WINDOW_MM of rows over the whole width. Its **residue** is the thin ink that is on no horizontal run of
    ROW_LINE_MM, and in no column of a long upright line. Gaps of CLOSED_MM are closed, because a curve is cut where a
    line was taken out. So the residue is curves, text and dirt.
    A piece (8-connected) is **tall** if it is at least TALL_MM high. It is **text-like** if its shorter side is within
    LETTER_MM and its longer side at most WORD_MM: a letter, or a word or number whose letters were joined.
    The number of curves is rough; with a network, curve_count.py counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.digitise.page.block_maps import ink_of_rows
from thinline.digitise.page.reduced_page import ReducedPage
from thinline.vocabulary import Bool, Float64

WINDOW_MM: Final = 24.0
MOST_WINDOWS: Final = 40
TALL_MM: Final = 6.0
LETTER_MM: Final = (0.8, 5.0)
WORD_MM: Final = 14.0
BAND_MM: Final = 1.5
"""Ink of one row is one curve where its gaps are narrower."""

MOST_CURVES: Final = 6
_COUNTED: Final = 70  # percentile of the rows: curves that touch, cross or pause are fewer in most rows
ROW_LINE_MM: Final = 10.0
"""A horizontal run of this length is a line of the grid; the flank of a curve is shorter."""

CLOSED_MM: Final = 1.0


@dataclass(frozen=True, eq=False)
class WindowInk:
    """The residue bool [h,w] of one window, from page row `top` on. `px_per_mm` is (across, down)."""

    residue: Bool
    top: int
    px_per_mm: tuple[float, float]


@dataclass(frozen=True)
class ColumnInk:
    """`tall_share`: rows with a tall piece; `pieces_a_mm`: text-like pieces a mm of depth; `curves`: rough count."""

    tall_share: float
    pieces_a_mm: float
    curves: int


def window_ink(
    page: ReducedPage,
    tops: Sequence[int],
    *,
    height_px: int,
    lines: Sequence[float] = (),
) -> list[WindowInk]:
    """The residue of the windows that begin in the page rows `tops`. `lines`: columns of the long upright lines."""
    return [
        WindowInk(_residue(page, top, min(top + height_px, page.shape[0]), lines), top, page.px_per_mm) for top in tops
    ]


def _residue(page: ReducedPage, top: int, bottom: int, lines: Sequence[float]) -> Bool:
    across, down = page.px_per_mm
    ink = ink_of_rows(page, top, bottom)
    length = np.ones((1, max(3, round(ROW_LINE_MM * across))), np.uint8)
    rows = cv2.morphologyEx(ink.horizontal.astype(np.uint8), cv2.MORPH_OPEN, length)
    rows = cv2.dilate(rows, np.ones((3, 1), np.uint8)) > 0
    columns = np.zeros(ink.thin.shape[1], np.uint8)
    columns[np.rint(lines).astype(int)] = 1
    columns = cv2.dilate(columns[None], np.ones((1, 5), np.uint8))[0] > 0
    size = np.ones((max(1, round(CLOSED_MM * down)) + 1, max(1, round(CLOSED_MM * across)) + 1), np.uint8)
    residue = ink.thin & ~rows & ~(columns & ink.vertical)
    return np.asarray(cv2.morphologyEx(residue.astype(np.uint8), cv2.MORPH_CLOSE, size) > 0, np.bool_)


def column_ink(windows: Sequence[WindowInk], left: float, right: float) -> ColumnInk:
    """What the windows hold strictly between two page columns, each window taken by itself."""
    shares, pieces, curves = [], [], []
    for window in windows:
        across, down = window.px_per_mm
        first, last = round(left) + 2, round(right) - 1
        part = window.residue[:, first:last]
        if not part.size:
            continue
        tall, words = _pieces(part, across, down)
        occupied = tall.any(axis=1)
        shares.append(float(occupied.mean()))
        pieces.append(words / (len(part) / down))
        if occupied.mean() > 0.25:
            curves.append(_runs(tall, max(1, round(BAND_MM * across)))[occupied])
    counts = np.concatenate(curves) if curves else np.zeros(0)
    count = int(min(MOST_CURVES, max(1, round(float(np.percentile(counts, _COUNTED)))))) if len(counts) else 0
    share = float(np.median(shares)) if shares else 0.0
    return ColumnInk(share, float(np.mean(pieces)) if pieces else 0.0, count)


def _pieces(part: Bool, across: float, down: float) -> tuple[Bool, int]:
    """The tall pieces of `part`, and the number of text-like ones."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8), connectivity=8)
    wide, high = stats[:, cv2.CC_STAT_WIDTH] / across, stats[:, cv2.CC_STAT_HEIGHT] / down
    is_tall = high >= TALL_MM
    is_tall[0] = False
    shorter, longer = np.minimum(wide, high), np.maximum(wide, high)
    is_text = (shorter >= LETTER_MM[0]) & (shorter <= LETTER_MM[1]) & (longer <= WORD_MM)
    return np.asarray(is_tall[labels], np.bool_), int(is_text[1:].sum())


def _runs(tall: Bool, gap_px: int) -> Float64:
    """Runs of ink in each row, gaps of `gap_px` closed."""
    closed = cv2.morphologyEx(tall.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, gap_px), np.uint8))
    return np.asarray((np.diff(np.pad(closed, ((0, 0), (1, 0))).astype(np.int8), axis=1) == 1).sum(axis=1), np.float64)
