"""The skew of a print on a page with streaks, and the ink and level lines that it is checked by.

Conventions
    **Ink** is darker than the paper around it, the brightest grey within AROUND_MM, by more than INK_SHARE of the range
    from paper to black.

Streaks
    A scanner draws dust as a vertical line in one column over the whole length. Such lines stay upright where the print
    is tilted or bent, so the skew is estimated twice (deskew.py), with and without the columns that are dark over most
    of the length. The second estimate is used if it makes the ends of the *horizontal* lines CLEARER times as sharp:
    the scanner draws none of these.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from thinline.digitise.deskew import Skew, estimate
from thinline.vocabulary import Bool, Float64, UInt8

INK_SHARE: Final = 0.2
AROUND_MM: Final = 8.0
LINE_MM: Final = 5.0
WINDOW_MM: Final = 100.0
DARK: Final = 0.7
WINDOWS: Final = 0.55
"""A streak is dark in more than DARK of the rows of more than WINDOWS of the windows of WINDOW_MM."""

CLEARER: Final = 1.05

_ROWS_AT_ONCE: Final = 4096

Rows = Callable[[int, int], UInt8]
"""Grey levels [stop - start, W] of rows start..stop-1."""


def print_skew(rows: Rows, straight: Callable[[Skew], Rows], shape: tuple[int, int], *, px_per_mm: float) -> Skew:
    """The skew of the print whose rows are `rows`, not that of streaks on it.

    `straight` gives the rows straightened by a skew. `shape` is (H, W).
    """
    plain = estimate(rows, shape, px_per_mm=px_per_mm)
    streaks = _streaks(rows, shape, px_per_mm)
    if not streaks.any() or streaks.mean() > 0.5:
        return plain

    def cleared(start: int, stop: int) -> UInt8:
        return np.where(streaks, np.uint8(255), rows(start, stop))

    without = estimate(cleared, shape, px_per_mm=px_per_mm)
    if _same(without, plain, shape):
        return plain
    before, after = (_sharpness(straight(skew), shape, px_per_mm) for skew in (plain, without))
    return without if after >= CLEARER * before else plain


def _same(one: Skew, other: Skew, shape: tuple[int, int]) -> bool:
    """Whether two skews move all rows and columns by the same number of pixels."""
    height, width = shape
    rows = np.arange(height)
    return np.array_equal(one.across(rows), other.across(rows)) and np.array_equal(one.down(width), other.down(width))


def ink_of(grey: UInt8, *, px_per_mm: float) -> Bool:
    """Ink [h,w]."""
    reach = 2 * max(1, round(AROUND_MM / 2 * px_per_mm)) + 1
    around = cv2.dilate(grey, np.ones((reach, reach), np.uint8))
    paper = np.maximum(around, np.uint8(np.percentile(grey, 90) * 0.7))
    return np.asarray(grey < paper * np.float32(1 - INK_SHARE), np.bool_)


def horizontal_lines(ink: Bool, *, length_px: int) -> Bool:
    """The pixels of `ink` on horizontal runs of at least `length_px`; gaps of 2 px are bridged."""
    closed = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((1, max(3, length_px)), np.uint8))
    return np.asarray(opened > 0, np.bool_)


def _streaks(rows: Rows, shape: tuple[int, int], px_per_mm: float) -> Bool:
    """Columns [W] that are dark in most rows of most windows along the length, and the columns beside them."""
    height, _ = shape
    bounds = np.linspace(0, height, max(1, height // max(1, round(WINDOW_MM * px_per_mm))) + 1).astype(int).tolist()
    shares = [(rows(top, bottom) < 255 * (1 - INK_SHARE)).mean(axis=0) for top, bottom in pairwise(bounds)]
    columns = (np.stack(shares) > DARK).mean(axis=0) > WINDOWS
    return np.asarray(np.convolve(columns, np.ones(3), mode="same") > 0, np.bool_)


def _sharpness(rows: Rows, shape: tuple[int, int], px_per_mm: float) -> float:
    """Sum of squared steps of the share of rows with a horizontal line, over the columns."""
    height, width = shape
    share: Float64 = np.zeros(width)
    for top in range(0, height, _ROWS_AT_ONCE):
        grey = np.ascontiguousarray(rows(top, min(top + _ROWS_AT_ONCE, height)))
        lines = horizontal_lines(ink_of(grey, px_per_mm=px_per_mm), length_px=round(LINE_MM * px_per_mm))
        share += lines.sum(axis=0) / height
    return float(np.square(np.diff(share)).sum())
