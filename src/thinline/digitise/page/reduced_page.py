"""A whole scan at a low resolution, straightened, for finding its layout.

Conventions
    **scan** pixels are those of the file; **page** pixels are those of the reduced page, at REDUCED_PX_PER_MM or less.
    Coordinates are those of pixel centres, as in `paper.py`. Page columns are those of the first row: the straightened
    page reads row y from column x + across(y) (see `deskew.py`).
    The resolution of the file is a prior. A file without a resolution is taken to be PAGE_MM wide.
    A page of 1 bit becomes grey when it is reduced (mean over the area); ink is found by print_skew.py, which also
    estimates the skew.

Memory
    One byte for each page pixel, at most MOST_PIXELS, and twice that for a moment while the skew is estimated: a scan
    of 241,008 x 2,400 px at 400 dpi has 37 million.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.digitise.deskew import STRAIGHT, Skew
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.print_skew import Rows, print_skew
from thinline.digitise.scan import Scan
from thinline.vocabulary import Float64, UInt8

REDUCED_PX_PER_MM: Final = 4.0
PAGE_MM: Final = 216.0
"""Width of letter paper, for files without a resolution."""

MOST_PIXELS: Final = 96_000_000
_MM_PER_INCH: Final = 25.4
_ROWS_AT_ONCE: Final = 1024

Progress = Callable[[int, int], None]
"""Called with (rows done, all rows)."""


@dataclass(frozen=True, eq=False)
class ReducedPage:
    """`grey [h,w]` not straightened, its `skew`, and `px_per_mm` (across, down) as the resolution of the file says.

    `frame` converts page coordinates to those of the scan. `dpi_known`: whether the file has a resolution.
    """

    grey: UInt8
    frame: Frame
    skew: Skew
    px_per_mm: tuple[float, float]
    dpi_known: bool

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return self.grey.shape[0], self.grey.shape[1]

    def rows(self, start: int, stop: int) -> UInt8:
        """Straightened grey levels of rows start..stop-1; white beyond the page."""
        return straight_rows(self.grey, self.skew, start, stop)

    def scan_columns(self, columns: Float64, row: float = 0.0) -> Float64:
        """Columns of the scan, in page row `row`, of straightened page columns."""
        across = float(self.skew.across(np.array([round(row)]))[0])
        return self.frame.scan_x(np.asarray(columns, np.float64) + across)

    def scan_rows(self, rows: Float64) -> Float64:
        """Rows of the scan of page rows."""
        return self.frame.scan_y(np.asarray(rows, np.float64))

    def tilt_degrees(self) -> float:
        """Mean tilt of the vertical lines over the length; positive where they lean to the right going down."""
        if not len(self.skew.knots):
            return 0.0
        run = float(self.skew.knots[-1] - self.skew.knots[0])
        return math.degrees(math.atan2(float(self.skew.shifts[-1] - self.skew.shifts[0]), max(run, 1.0)))

    def wander_mm(self) -> float:
        """Distance across between the leftmost and the rightmost place of a straight printed line, in mm."""
        return float(np.ptp(self.skew.shifts)) / self.px_per_mm[0] if len(self.skew.shifts) else 0.0


def reduced_page(
    scan: Scan, *, dpi: tuple[float, float] | None = None, deskew: bool = True, report: Progress | None = None
) -> ReducedPage:
    """Read a whole scan once, reduce it, and estimate its skew. `dpi` (across, down) replaces that of the file."""
    resolution = dpi or scan.dpi
    known = min(resolution) > 0
    if not known:
        resolution = (scan.width * _MM_PER_INCH / PAGE_MM,) * 2
    scan_px_per_mm = [value / _MM_PER_INCH for value in resolution]
    across, down = (min(1.0, REDUCED_PX_PER_MM / value) for value in scan_px_per_mm)
    smaller = min(1.0, math.sqrt(MOST_PIXELS / (scan.height * down * scan.width * across)))
    across, down = across * smaller, down * smaller
    frame = Frame.of((0, scan.height), (0, scan.width), factors=(down, across))
    grey = _read(Paper(scan, frame), report)
    px_per_mm = (scan_px_per_mm[0] * frame.column_factor, scan_px_per_mm[1] * frame.row_factor)
    skew = _skew(grey, px_per_mm[1]) if deskew else STRAIGHT
    return ReducedPage(grey, frame, skew, px_per_mm, known)


def _read(paper: Paper, report: Progress | None) -> UInt8:
    height, width = paper.shape
    grey = np.empty((height, width), np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, height)
        grey[top:bottom] = paper.rows(top, bottom)
        if report is not None:
            report(bottom, height)
    return grey


def straight_rows(grey: UInt8, skew: Skew, start: int, stop: int) -> UInt8:
    """Rows start..stop-1 of `grey [h,w]`, straightened; white beyond its edges."""
    height, width = grey.shape
    across, down = skew.across(np.arange(start, stop)), skew.down(width)
    if not across.any() and not down.any():
        return grey[start:stop]
    rows = np.arange(start, stop)[:, None] + down[None]
    columns = np.arange(width)[None] + across[:, None]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    straight = grey[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    straight[~inside] = 255
    return np.asarray(straight, np.uint8)


def _skew(grey: UInt8, px_per_mm: float) -> Skew:
    def straight(skew: Skew) -> Rows:
        return lambda start, stop: straight_rows(grey, skew, start, stop)

    return print_skew(lambda start, stop: grey[start:stop], straight, grey.shape, px_per_mm=px_per_mm)
