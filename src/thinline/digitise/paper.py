"""Rescale the digitised part of a scan to the scale of a run, and straighten it.

Conventions
    **scan** pixels are those of the file; **paper** pixels are those of the network, at `px_per_mm` of the run. The
    part of the scan in `rows` and `columns` becomes H x W paper pixels, where H and W are rounded. The factors of the
    axes are H / (number of rows) and W / (number of columns). The coordinates of a pixel are those of its centre:
    column 3 is at 3.0. Hence paper column u is at scan column  first + (u + 1/2) / factor - 1/2.
    A factor below 1 takes the mean over the area of each paper pixel; a factor above 1 interpolates linearly.
    Every paper row is computed separately, so there are no seams between bands of any height.
    Then the paper is straightened by whole paper pixels (see `deskew.py`), so that ink is not blurred.

Memory
    Decoding and rescaling a scan take longer than anything else but the network. So the rows of a paper of at most
    MOST_KEPT bytes are kept once they were computed (`KeptRows`), 1 byte for each paper pixel; a larger paper is
    computed from the scan again where it is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
from scipy import sparse

from thinline.digitise.deskew import STRAIGHT, Skew
from thinline.digitise.scan import MOST_COLUMNS, MOST_ROWS, Scan, ScanError
from thinline.vocabulary import Bool, Float64, UInt8

MOST_KEPT: Final = 256_000_000
"""Largest paper, in bytes, whose rows are kept in memory: 250,000 rows of 1,000 px."""

_SMALLEST_PX = 8
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Frame:
    """The digitised part of a scan (half-open ranges of scan pixels) and the shape of its paper."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int
    height: int
    width: int

    @classmethod
    def of(cls, rows: tuple[int, int], columns: tuple[int, int], *, factors: tuple[float, float]) -> Frame:
        """The frame whose paper is `factors` (down, across) times as large as the part of the scan.

        Raises ScanError if the paper is too small, or larger than the limits of a scan.
        """
        height = round((rows[1] - rows[0]) * factors[0])
        width = round((columns[1] - columns[0]) * factors[1])
        if min(height, width) < _SMALLEST_PX:
            raise ScanError(
                f"the part to digitise must be at least {_SMALLEST_PX} px each way at the run's scale, got "
                f"{height} rows and {width} columns from scan rows {rows}, columns {columns}; check --rows, --track "
                "and --dpi"
            )
        if height > MOST_ROWS or width > MOST_COLUMNS:
            raise ScanError(
                f"the part to digitise must be at most {MOST_ROWS:,} rows and {MOST_COLUMNS:,} columns at the run's "
                f"scale, got {height:,} x {width:,} px from scan rows {rows}, columns {columns}; check --dpi, or take "
                "parts with --rows and --track"
            )
        return cls(*rows, *columns, height, width)

    @property
    def row_factor(self) -> float:
        """Paper pixels per scan pixel along the depth."""
        return self.height / (self.last_row - self.first_row)

    @property
    def column_factor(self) -> float:
        """Paper pixels per scan pixel across."""
        return self.width / (self.last_column - self.first_column)

    def scan_x(self, u: Float64) -> Float64:
        """Scan columns of paper columns."""
        return np.asarray(self.first_column + (u + 0.5) / self.column_factor - 0.5, np.float64)

    def scan_y(self, v: Float64) -> Float64:
        """Scan rows of paper rows."""
        return np.asarray(self.first_row + (v + 0.5) / self.row_factor - 0.5, np.float64)

    def paper_x(self, x: float) -> float:
        """Paper column of a scan column."""
        return (x - self.first_column + 0.5) * self.column_factor - 0.5


class KeptRows:
    """The grey levels [H,W] of a paper before straightening, each row from its first use on."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._grey = np.empty(shape, np.uint8)
        self._known = np.zeros(shape[0], np.bool_)

    @property
    def complete(self) -> bool:
        """Whether all rows are known."""
        return bool(self._known.all())

    def rows(self, start: int, stop: int, make: Callable[[int, int], UInt8]) -> UInt8:
        """Rows start..stop-1; `make(first, last)` computes those that are not known."""
        missing = np.flatnonzero(~self._known[start:stop]) + start
        if len(missing):
            first, last = int(missing[0]), int(missing[-1]) + 1
            self._grey[first:last] = make(first, last)
            self._known[first:last] = True
        return self._grey[start:stop]


@dataclass(frozen=True, eq=False)
class Paper:
    """The straightened rows of a frame, the input of the network. Papers that differ in skew may share `kept` rows."""

    scan: Scan
    frame: Frame
    skew: Skew = field(default=STRAIGHT)
    kept: KeptRows | None = None

    @classmethod
    def keeping(cls, scan: Scan, frame: Frame) -> Paper:
        """A paper that keeps its rows, if they take at most MOST_KEPT bytes."""
        small = frame.height * frame.width <= MOST_KEPT
        return cls(scan, frame, kept=KeptRows((frame.height, frame.width)) if small else None)

    def of_whole_width(self) -> Paper | None:
        """The paper of the same rows with all columns of the scan; None for this one, and for one beyond the limits."""
        frame = self.frame
        ends = 0, self.scan.width
        if ends == (frame.first_column, frame.last_column) or ends[1] * frame.column_factor > MOST_COLUMNS:
            return None
        rows = frame.first_row, frame.last_row
        return Paper.keeping(self.scan, Frame.of(rows, ends, factors=(frame.row_factor, frame.column_factor)))

    def straightened(self, skew: Skew) -> Paper:
        """The paper with another skew, and the same kept rows."""
        return replace(self, skew=skew)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.frame.height, self.frame.width

    def rows(self, start: int, stop: int) -> UInt8:
        """Straightened grey levels [stop - start, W]; white beyond the edges of the paper."""
        across, down = self.skew.across(np.arange(start, stop)), self.skew.down(self.frame.width)
        if not across.any() and not down.any():
            return self.skewed(start, stop)
        first, last = start + int(down.min()), stop + int(down.max())
        top, bottom = max(first, 0), min(last, self.frame.height)
        reach = int(np.abs(across).max())
        around = np.full((last - first, self.frame.width + 2 * reach), 255, np.uint8)
        if top < bottom:
            around[top - first : bottom - first, reach : reach + self.frame.width] = self.skewed(top, bottom)
        columns = np.arange(self.frame.width)
        rows = np.arange(start - first, stop - first)
        straight = around[rows[:, None] + down[None], columns[None] + across[:, None] + reach]
        return np.asarray(straight, np.uint8)

    def skewed(self, start: int, stop: int) -> UInt8:
        """Grey levels [stop - start, W] before straightening."""
        return self._computed(start, stop) if self.kept is None else self.kept.rows(start, stop, self._computed)

    def _computed(self, start: int, stop: int) -> UInt8:
        part = self.frame
        down = _taps(start, stop, part.row_factor, part.last_row - part.first_row)
        columns = slice(part.first_column, part.last_column)
        if down is None:
            grey = self.scan.rows(part.first_row + start, part.first_row + stop)[:, columns]
        else:
            first, last, weights = down
            source = self.scan.rows(part.first_row + first, part.first_row + last)[:, columns]
            grey = weights @ source.astype(np.float32)
        if self._across is not None:
            grey = (self._across @ grey.astype(np.float32).T).T
        return np.ascontiguousarray(grey if grey.dtype == np.uint8 else np.rint(grey), np.uint8)

    def made_of(self, scan_rows: Bool) -> Bool:
        """The rows of the paper, bool [H], that are computed from any of the marked `scan_rows` (bool, all rows)."""
        part = self.frame
        marked = scan_rows[part.first_row : part.last_row]
        skewed = marked
        if part.row_factor != 1:
            skewed = np.zeros(part.height, np.bool_)
            for start in range(0, part.height, _ROWS_AT_ONCE):
                stop = min(start + _ROWS_AT_ONCE, part.height)
                taps = _taps(start, stop, part.row_factor, len(marked))
                assert taps is not None
                first, last, weights = taps
                skewed[start:stop] = weights @ marked[first:last].astype(np.float32) > 0
        straight = np.zeros(part.height, np.bool_)
        for shift in np.unique(self.skew.down(part.width)).tolist():
            source = np.arange(part.height) + shift
            on_paper = (source >= 0) & (source < part.height)
            straight[on_paper] |= skewed[source[on_paper]]
        return straight

    @cached_property
    def _across(self) -> sparse.csr_matrix | None:
        part = self.frame
        taps = _taps(0, part.width, part.column_factor, part.last_column - part.first_column)
        return None if taps is None else taps[2]


def _taps(start: int, stop: int, factor: float, size: int) -> tuple[int, int, sparse.csr_matrix] | None:
    """The source pixels (first, last) of the pixels start..stop-1, and their weights; None for a factor of 1.

    The weights of a pixel do not depend on the other pixels.
    """
    if factor == 1:
        return None
    pixels = np.arange(start, stop)
    if factor < 1:
        low, high = pixels / factor, np.minimum((pixels + 1) / factor, size)
        nearest = np.floor(low).astype(np.int64)
        reach = math.ceil(1 / factor) + 1
        index = nearest[:, None] + np.arange(reach)
        weight = np.minimum(index + 1, high[:, None]) - np.maximum(index, low[:, None])
    else:
        centre = np.clip((pixels + 0.5) / factor - 0.5, 0, size - 1)
        nearest = np.floor(centre).astype(np.int64)
        index = nearest[:, None] + np.arange(2)
        weight = 1 - np.abs(centre[:, None] - index)
    weight = np.maximum(weight, 0) * (index < size)
    weight /= weight.sum(axis=1, keepdims=True)
    first = int(nearest[0])
    last = int(min(nearest[-1] + index.shape[1], size))
    row = np.repeat(np.arange(len(pixels)), index.shape[1])
    column = np.minimum(index.ravel(), last - 1) - first
    matrix = sparse.csr_matrix((weight.ravel().astype(np.float32), (row, column)), shape=(len(pixels), last - first))
    return first, last, matrix
