"""What lies in each column of each block of rows of a page: horizontal lines, vertical lines, thick ink.

Conventions
    A block is BLOCK_MM of rows; the maps are [N,w], N blocks and w page columns. Rows after the last are left out.
    **thick** ink is wider than THICK_MM both ways: bars, stains, fills. The rest is thin, and only thin ink has lines.
    A **horizontal line** is thin ink on a run of at least LINE_MM; `lines` counts those that begin in the block (are
    absent one row above), so a line of any weight counts once.
    `vertical` is the share of rows of the block with thin ink on an upright run of at least LINE_MM, here or in the
    columns next to it.

Memory
    The page is read in parts of ROWS_AT_ONCE rows. The maps need 3 bytes for each column and block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.digitise.page.reduced_page import ReducedPage
from thinline.digitise.print_skew import horizontal_lines, ink_of
from thinline.vocabulary import Bool, Float32, UInt8

BLOCK_MM: Final = 4.0
LINE_MM: Final = 5.0
THICK_MM: Final = 1.75
ROWS_AT_ONCE: Final = 4096
_MARGIN: Final = 64  # rows read beyond a part, more than any filter reaches


@dataclass(frozen=True, eq=False)
class BlockMaps:
    """`lines`, `vertical`, `thick` [N,w]: a count, and two shares in 1/255. A block has `block_px` page rows."""

    lines: UInt8
    vertical: UInt8
    thick: UInt8
    block_px: int

    @property
    def count(self) -> int:
        """The number of blocks."""
        return len(self.lines)


@dataclass(frozen=True, eq=False)
class Ink:
    """The ink of some rows of a page, all bool [h,w]: `thin`, `thick`, and the `horizontal` and `vertical` lines."""

    thin: Bool
    thick: Bool
    horizontal: Bool
    vertical: Bool


def ink_of_rows(page: ReducedPage, start: int, stop: int) -> Ink:
    """The ink of the straightened rows start..stop-1; rows around them are read too, so no line is cut at their end."""
    height, _ = page.shape
    top, bottom = max(0, start - _MARGIN), min(height, stop + _MARGIN)
    inside = slice(start - top, stop - top)
    across, down = page.px_per_mm
    ink = ink_of(page.rows(top, bottom), px_per_mm=down)
    thick_px = max(3, round(THICK_MM * down))
    thick = _opened(ink, (thick_px, thick_px)) > 0
    thick = cv2.dilate(thick.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    thin = ink & ~thick
    horizontal = horizontal_lines(thin, length_px=round(LINE_MM * across))
    upright = cv2.morphologyEx(thin.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8)) > 0
    vertical = _opened(upright, (max(3, round(LINE_MM * down)), 1)) > 0
    return Ink(*(mask[inside] for mask in (thin, thick, horizontal, vertical)))


def block_maps(page: ReducedPage) -> BlockMaps:
    """The maps of a whole page."""
    height, width = page.shape
    block_px = max(1, round(BLOCK_MM * page.px_per_mm[1]))
    count = height // block_px
    maps = [np.zeros((count, width), np.uint8) for _ in range(3)]
    step = max(1, ROWS_AT_ONCE // block_px)
    above = np.zeros((1, width), np.bool_)
    for first in range(0, count, step):
        last = min(first + step, count)
        ink = ink_of_rows(page, first * block_px, last * block_px)
        begun = ink.horizontal & ~np.concatenate([above, ink.horizontal[:-1]])
        above = ink.horizontal[-1:]
        vertical = cv2.dilate(ink.vertical.astype(np.uint8), np.ones((1, 3), np.uint8))
        maps[0][first:last] = np.minimum(_sums(begun, block_px), 255)
        for number, mask in ((1, vertical), (2, ink.thick)):
            maps[number][first:last] = np.rint(_sums(mask, block_px) * (255 / block_px))
    return BlockMaps(maps[0], maps[1], maps[2], block_px)


def _sums(mask: Bool | UInt8, block_px: int) -> Float32:
    """Sums [n,w] of blocks of rows."""
    return np.asarray(mask.reshape(-1, block_px, mask.shape[1]).sum(axis=1), np.float32)


def _opened(mask: Bool, size: tuple[int, int]) -> UInt8:
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones(size, np.uint8)), np.uint8)
