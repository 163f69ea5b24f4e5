"""Count the curves of a track in what a network finds: the ink and the centre lines of any curve.

Conventions
    A **window** is a straightened part of one track, [h,w] at the scale of the network, with CONTEXT_MM on both sides,
    because a network needs both sides of a line on an edge. MOST_WINDOWS windows of a track are read, evenly spread, so
    the time of a page does not depend on its length.
    The maps of a window become runs, a few columns of each row where a curve may be (curves/many/runs.py). A run counts
    if its strength is STRENGTH or more. A row with a run over WIDE of the track shows a level line, and is left out.
    The number of runs of a row is replaced by the median over LONG_MM of rows: letters, dirt and flanks are shorter.
    A straight upright piece over most of a window (curves/many/fragments.py) is a line of the grid if it lies within
    ON_LINE_MM of an upright line of the page or of an edge of the track, or if another window has one there.

    The count of a window is the largest number n such that at least SHARE of its rows with any run have n runs or more:
    curves that touch, cross, or pause are fewer in some rows, dirt adds runs in few. A window with runs in less than
    OCCUPIED of its rows has no curve. The **count** of a track is the largest n that at least WINDOWS of its windows
    with a curve have: most logs have fewer curves in their upper part, and a name without ink costs less than a curve
    without a name.
    LONG_MM, STRENGTH and SHARE were chosen on drawn `field` sheets, 57 tracks of 192 mm read by a network of 700 steps:
    .58 of the tracks get the number that is drawn and .86 a number within one (mean error +.14; most curves there have
    one pen and cross, and a third are jitter so dense that it is a band). WINDOWS was chosen with eight public scans in
    view as well: drawn pages do not change their number of curves along the depth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import median_filter

from thinline.curves.many.fragments import fragments_of
from thinline.curves.many.runs import Runs, runs_of
from thinline.digitise.deskew import Skew
from thinline.digitise.page.columns import Column
from thinline.digitise.page.reduced_page import ReducedPage
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.scan import Scan
from thinline.vocabulary import Bool, Float64, Int64, UInt8

CONTEXT_MM: Final = 4.0
MOST_WINDOWS: Final = 24
MOST_CURVES: Final = 6
STRENGTH: Final = 0.7
WIDE: Final = 0.5
LONG_MM: Final = 6.0
SHARE: Final = 0.4
OCCUPIED: Final = 0.1
WINDOWS: Final = 0.2
ON_LINE_MM: Final = 0.5
STRAIGHT_MM: Final = 0.2
"""Distance from a straight line within which 95 % of the rows of a straight piece lie."""

STEEPEST: Final = 0.02
_HIGH: Final = 0.8  # of the height of a window

CurveMaps = Callable[[UInt8], tuple[UInt8, UInt8]]
"""From grey [h,w] to the ink and the centre lines of any curve, each [h,w], 0..255 for probabilities 0..1."""


@dataclass(frozen=True)
class CurveReader:
    """A network that finds the ink and the centre lines of any curve, and the scale at which it reads.

    `window_px` is the height that it reads at once.
    """

    maps: CurveMaps
    px_per_mm: float
    window_px: int


@dataclass(frozen=True, eq=False)
class TrackWindow:
    """The runs of one window of a track, whose edges are the columns `left` and `right`."""

    runs: Runs
    left: float
    right: float


def count_curves(
    reader: CurveReader,
    scan: Scan,
    page: ReducedPage,
    tracks: Sequence[Column],
    *,
    rows: tuple[int, int],
    lines: Sequence[float],
) -> tuple[int, ...]:
    """The number of curves of each of `tracks`, on windows between two page rows.

    `lines` are page columns of upright lines. The scan is read again, but only in the rows of the windows.
    """
    paper, larger, down = _paper(reader, scan, page)
    height, width = paper.shape
    windows: list[list[TrackWindow]] = [[] for _ in tracks]
    edges = [[(x + 0.5) * larger - 0.5 for x in (track.left, track.right)] for track in tracks]
    beside = CONTEXT_MM * reader.px_per_mm
    first, last = (min(height, round(row * down)) for row in rows)
    tops = np.linspace(first, max(first, last - reader.window_px), MOST_WINDOWS)
    for top in np.unique(np.rint(tops).astype(int)).tolist():
        grey = paper.rows(top, min(top + reader.window_px, height))
        for (left, right), own in zip(edges, windows, strict=True):
            start, stop = max(0, round(left - beside)), min(width, round(right + beside) + 1)
            own.append(track_window(reader, np.ascontiguousarray(grey[:, start:stop]), left - start, right - start))
    return tuple(
        curves_of_track(own, px_per_mm=reader.px_per_mm, lines=[(x - track.left) * larger for x in lines])
        for track, own in zip(tracks, windows, strict=True)
    )


def _paper(reader: CurveReader, scan: Scan, page: ReducedPage) -> tuple[Paper, float, float]:
    """The straightened scan at the scale of the network, and its columns and rows for each of the page."""
    frame = page.frame
    larger = reader.px_per_mm / page.px_per_mm[0]
    down = reader.px_per_mm / page.px_per_mm[1]
    factors = frame.row_factor * down, frame.column_factor * larger
    skew = Skew(page.skew.knots * down, page.skew.shifts * larger, page.skew.slope * down / larger)
    return Paper(scan, Frame.of((0, scan.height), (0, scan.width), factors=factors), skew), larger, down


def track_window(reader: CurveReader, grey: UInt8, left: float, right: float) -> TrackWindow:
    """Read the straightened rows `grey [h,w]` of a track between two of its columns."""
    ink, centre = reader.maps(grey)
    edges = (np.full(len(grey), column) for column in (left, right))
    return TrackWindow(runs_of(ink, centre, None, left=next(edges), right=next(edges)), left, right)


def curves_of_track(windows: Sequence[TrackWindow], *, px_per_mm: float, lines: Sequence[float] = ()) -> int:
    """The number of curves of a track, 0 to MOST_CURVES. `lines` are columns of upright lines, from the left edge."""
    straight = [_straight(window, px_per_mm) for window in windows]
    counts = [
        _row_counts(window, _on_grid(number, straight, window, lines, px_per_mm), px_per_mm)
        for number, window in enumerate(windows)
    ]
    each = np.array([_window_count(rows) for rows in counts], np.int64)
    some = each[each > 0]
    return max((n for n in range(1, MOST_CURVES + 1) if len(some) and (some >= n).mean() >= WINDOWS), default=0)


def _window_count(counts: Int64) -> int:
    """The count of a window from the counts of its rows."""
    some = counts[counts > 0]
    if len(some) < OCCUPIED * len(counts) or not len(some):
        return 0
    return max(1, sum(float((some >= number).mean()) >= SHARE for number in range(1, MOST_CURVES + 1)))


def _row_counts(window: TrackWindow, grid: Bool, px_per_mm: float) -> Int64:
    """The number of runs of each row that shows no level line. `grid [S]` marks runs on lines of the grid."""
    runs = window.runs
    level = (runs.high - runs.low) >= WIDE * (window.right - window.left)
    counted = (runs.strength >= STRENGTH) & ~grid & ~level
    counts = np.bincount(runs.row[counted], minlength=runs.rows)
    smooth = median_filter(counts, size=2 * (round(LONG_MM * px_per_mm) // 2) + 1, mode="nearest")
    seen = np.ones(runs.rows, np.bool_)
    seen[runs.row[level]] = False
    return np.asarray(smooth[seen], np.int64)


@dataclass(frozen=True, eq=False)
class _StraightPieces:
    """Columns `at [N]` from the left edge of straight upright pieces, and for each run its piece, -1 for none [S]."""

    at: Float64
    piece: Int64


def _straight(window: TrackWindow, px_per_mm: float) -> _StraightPieces:
    """The pieces that are straight and upright over most of the window."""
    runs = window.runs
    fragments = fragments_of(runs, np.zeros((len(runs.row), 2), np.bool_), px_per_mm=px_per_mm)
    piece = np.full(len(runs.row), -1, np.int64)
    at: list[float] = []
    for number in np.flatnonzero(fragments.bottom - fragments.top + 1 >= _HIGH * runs.rows).tolist():
        own = fragments.order[fragments.first[number] : fragments.first[number + 1]]
        rows, x = runs.row[own].astype(np.float64), runs.x[own].astype(np.float64)
        slope, start = np.polyfit(rows, x, 1)
        off = np.quantile(np.abs(x - slope * rows - start), 0.95)
        if abs(slope) <= STEEPEST and off <= STRAIGHT_MM * px_per_mm:
            piece[own] = len(at)
            at.append(float(np.median(x)) - window.left)
    return _StraightPieces(np.array(at, np.float64), piece)


def _on_grid(
    number: int, straight: Sequence[_StraightPieces], window: TrackWindow, lines: Sequence[float], px_per_mm: float
) -> Bool:
    """The runs of window `number` on a straight piece that is a line of the grid, bool [S]."""
    others = [each.at for other, each in enumerate(straight) if other != number]
    known = np.concatenate([[0.0, window.right - window.left], np.asarray(lines, np.float64), *others])
    own = straight[number]
    near = np.abs(own.at[:, None] - known[None]).min(axis=1, initial=np.inf) <= ON_LINE_MM * px_per_mm
    return np.asarray(np.append(near, False)[own.piece], np.bool_)
