"""Find the rows of a page that hold the log, and the columns in which its grid has horizontal lines.

Conventions
    A column is **gridded** in a block if the rows within AROUND_MM have at least FEWEST horizontal lines there, and at
    least SHARE_OF_LINES of the number that the page has there in its most gridded columns. Horizontal lines of 5 mm and
    more are the surest mark of a track: text has none, a depth column has few, and they end at the edges of a track
    whether or not these are drawn.
    The **pattern** bool [w] holds the gridded columns of the log. Candidates are the columns gridded in most blocks of
    each of some windows along the page; the candidate that most blocks agree with wins (random sample consensus, but
    over all windows). Two sets of columns agree by their intersection over their union.
    A block of the log also has the upright lines of the log (at least UPRIGHT of what its median block has), and no
    lines in the gaps between gridded columns: tables and forms of a header have other upright lines, and their rules
    cross the gap of the depth column.
    The **log** goes from the first to the last long stretch of blocks that agree with the pattern. What lies above is
    the header. Because lines are counted over AROUND_MM, both ends are then moved to where the upright lines begin and
    end: outwards by at most that much, inwards by at most INWARDS_MM, as some rows of a heading do less harm than a
    piece of a curve that is lost. Columns under thick ink (bars, stains) are unknown in that block, and do not count.

References
    Fischler and Bolles, "Random sample consensus", Communications of the ACM 1981.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.digitise.page.block_maps import BLOCK_MM, BlockMaps
from thinline.vocabulary import Bool, Float64

AROUND_MM: Final = 20.0
INWARDS_MM: Final = 12.0
FEWEST: Final = 3
SHARE_OF_LINES: Final = 0.4
LONG_MM: Final = 80.0
"""Least length of a stretch of the log."""

LEAST_WIDTH_MM: Final = 12.0
"""Least width of all gridded columns together."""

AGREES: Final = 0.6
UPRIGHT: Final = 0.5
_FEWEST_UPRIGHT: Final = 4
_UPRIGHT_BLOCK: Final = 0.4 * 255
UPRIGHT_LINE: Final = 0.3
"""Share of the rows in which an upright line is drawn at least, to count as one."""

_GAP_COLUMNS_MM: Final = 4.0
_VOTES: Final = 0.75
_WINDOWS: Final = 12
_GAP_MM: Final = 24.0
_THICK: Final = 0.3 * 255
_KNOWN: Final = 0.02


@dataclass(frozen=True, eq=False)
class Pattern:
    """`level [w]`: share of the log's blocks in which a column is gridded, NaN where thick ink hides it.

    The log lies in the blocks `first`..`last - 1`; `agree [N]` are the blocks that agree with the pattern, and
    `stretches` the long runs of such blocks.
    """

    level: Float64
    first: int
    last: int
    agree: Bool
    stretches: tuple[tuple[int, int], ...]

    @property
    def columns(self) -> Bool:
        """The gridded columns [w]."""
        return np.asarray(np.nan_to_num(self.level) > 0.5, np.bool_)


@dataclass(frozen=True)
class VerticalLine:
    """A long upright line: its page `column`, and the share of the log's rows in which it is drawn."""

    column: float
    presence: float


def vertical_lines(
    maps: BlockMaps, agree: Bool, *, px_per_mm: float, least: float = UPRIGHT_LINE
) -> list[VerticalLine]:
    """Columns with an upright line in a share `least` of the rows of the blocks `agree` or more, 1 mm apart or more."""
    presence = maps.vertical[agree].mean(axis=0) / 255
    reach = max(1, round(px_per_mm))
    highest = cv2.dilate(presence[None], np.ones((1, 2 * reach + 1), np.uint8))[0]
    lines: list[VerticalLine] = []
    for column in np.flatnonzero((presence == highest) & (presence >= least)).tolist():
        level = np.flatnonzero(presence[column : column + reach] == presence[column])
        if not lines or column - lines[-1].column > reach:
            lines.append(VerticalLine(column + float(level.mean()), float(presence[column])))
    return lines


def find_pattern(maps: BlockMaps, *, px_per_mm: float) -> Pattern | None:
    """The pattern of the log on a page, or None where no grid holds for long."""
    if maps.count * BLOCK_MM < LONG_MM:
        return None
    gridded, known = _gridded(maps, px_per_mm), maps.thick < _THICK
    window = max(round(LONG_MM / BLOCK_MM), maps.count // _WINDOWS)
    candidates = [
        _level(gridded[top : top + window], known[top : top + window])
        for top in range(0, maps.count - window + 1, max(1, window // 2))
    ]
    candidates = [level for level in candidates if _wide(level, px_per_mm)]
    if not candidates:
        return None
    level = max(candidates, key=lambda each: _votes(gridded, known, each))
    for _ in range(2):
        agree = _agreement(gridded, known, level) > AGREES
        agree &= _gaps_are_clear(gridded, known, level, px_per_mm) & _has_upright_lines(maps, agree, px_per_mm)
        agree = _smoothed(agree)
        stretches = _stretches(agree)
        if not stretches:
            return None
        inside = np.zeros(maps.count, np.bool_)
        inside[stretches[0][0] : stretches[-1][1]] = True
        level = _level(gridded[agree & inside], known[agree & inside])
    if not _wide(level, px_per_mm):
        return None
    first, last = _ends(_upright_share(maps, agree, px_per_mm), agree, (stretches[0][0], stretches[-1][1]))
    return Pattern(level, first, last, agree, tuple(stretches))


def _ends(share: Float64 | None, agree: Bool, ends: tuple[int, int]) -> tuple[int, int]:
    """The ends of the log, moved to where the upright lines begin and end; `share [N]` of them in each block."""
    first, last = ends
    reach = round(AROUND_MM / BLOCK_MM)
    if share is None:
        return first, last
    drawn = share >= UPRIGHT * np.median(share[agree])
    three = drawn[:-2] & drawn[1:-1] & drawn[2:]  # [n]: in the blocks n, n + 1, n + 2
    begins = np.flatnonzero(three[max(0, first - reach) : first + reach])
    stops = np.flatnonzero(three[max(0, last - reach) : last + reach])
    inwards = round(INWARDS_MM / BLOCK_MM)
    if len(begins):
        first = min(max(0, first - reach) + int(begins[0]), first + inwards)
    if len(stops):
        last = max(max(0, last - reach) + int(stops[-1]) + 3, last - inwards)
    return first, min(last, len(agree))


def covered_end(maps: BlockMaps, pattern: Pattern, *, px_per_mm: float) -> int:
    """The block after the last one that, without a long pause, has most of the gridded columns of the pattern.

    Where a grid has faded, its clear parts have *more* gridded columns than the pattern, and do not agree with it.
    """
    known = maps.thick < _THICK
    columns = pattern.columns & known
    covered = (_gridded(maps, px_per_mm) & columns).sum(axis=1) >= 0.5 * np.maximum(columns.sum(axis=1), 1)
    pauses = np.flatnonzero(~_smoothed(covered)[pattern.last :])
    return pattern.last + int(pauses[0]) if len(pauses) else maps.count


def _gridded(maps: BlockMaps, px_per_mm: float) -> Bool:
    """Whether a column is gridded in a block, [N,w]."""
    reach = round(AROUND_MM / BLOCK_MM)
    lines = cv2.filter2D(
        maps.lines.astype(np.float32), -1, np.ones((2 * reach + 1, 1), np.float32), borderType=cv2.BORDER_CONSTANT
    )
    lines = cv2.blur(lines, (max(3, 2 * round(px_per_mm) + 1), 1))  # over 2 mm, a curve that crosses the lines
    most = np.percentile(lines, 90, axis=1, keepdims=True)
    return np.asarray(lines >= np.maximum(FEWEST, SHARE_OF_LINES * most), np.bool_)


def _level(gridded: Bool, known: Bool) -> Float64:
    """Share of the known blocks in which a column is gridded, [w]; NaN where it is hardly known."""
    seen = known.sum(axis=0)
    share = (gridded & known).sum(axis=0) / np.maximum(seen, 1)
    return np.where(seen > _KNOWN * len(known), share, np.nan)


def _wide(level: Float64, px_per_mm: float) -> bool:
    return bool((np.nan_to_num(level) > 0.5).sum() >= LEAST_WIDTH_MM * px_per_mm)


def _agreement(gridded: Bool, known: Bool, level: Float64) -> Float64:
    """Intersection over union of the known gridded columns of each block and those of `level`, [N]."""
    pattern, known = np.nan_to_num(level) > 0.5, known & np.isfinite(level)
    both = (gridded & pattern & known).sum(axis=1)
    either = ((gridded | pattern) & known).sum(axis=1)
    return np.asarray(both / np.maximum(either, 1), np.float64)


def _gaps_are_clear(gridded: Bool, known: Bool, level: Float64, px_per_mm: float) -> Bool:
    """Whether at most half of the columns between the gridded columns of `level` are gridded, [N]."""
    pattern = np.nan_to_num(level) > 0.5
    reach = round(_GAP_COLUMNS_MM * px_per_mm)
    closed = cv2.morphologyEx(pattern.astype(np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, reach), np.uint8))[0] > 0
    within = np.flatnonzero(pattern)
    gaps = ~closed & (np.arange(len(pattern)) > within[0]) & (np.arange(len(pattern)) < within[-1])
    seen = (known & gaps).sum(axis=1)
    return np.asarray((gridded & known & gaps).sum(axis=1) <= 0.5 * seen, np.bool_)


def _has_upright_lines(maps: BlockMaps, agree: Bool, px_per_mm: float) -> Bool:
    """Whether the blocks have the upright lines of the blocks `agree`, [N]; all have where these have few lines."""
    share = _upright_share(maps, agree, px_per_mm)
    if share is None:
        return np.ones(maps.count, np.bool_)
    smooth = cv2.blur(share[:, None], (1, 2 * round(AROUND_MM / BLOCK_MM) + 1))[:, 0]
    return np.asarray(smooth >= UPRIGHT * np.median(smooth[agree]), np.bool_)


def _upright_share(maps: BlockMaps, agree: Bool, px_per_mm: float) -> Float64 | None:
    """The share [N] of the upright lines of the blocks `agree` that each block has; None where these have few lines."""
    lines = vertical_lines(maps, agree, px_per_mm=px_per_mm) if agree.any() else []
    if len(lines) < _FEWEST_UPRIGHT:
        return None
    there = cv2.dilate((maps.vertical > _UPRIGHT_BLOCK).astype(np.uint8), np.ones((1, 5), np.uint8))
    return np.asarray(there[:, np.rint([line.column for line in lines]).astype(int)].mean(axis=1), np.float64)


def _votes(gridded: Bool, known: Bool, level: Float64) -> float:
    agreement = _agreement(gridded, known, level)
    return float((agreement > _VOTES).sum() + 0.01 * agreement.sum())


def _smoothed(agree: Bool) -> Bool:
    """`agree` with gaps of up to _GAP_MM closed."""
    size = round(_GAP_MM / BLOCK_MM)
    padded = np.pad(agree.astype(np.uint8), size)[:, None]
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((size + 1, 1), np.uint8))
    return np.asarray(closed[size:-size, 0] > 0, np.bool_)


def _stretches(agree: Bool) -> list[tuple[int, int]]:
    """Runs of at least LONG_MM."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], agree.astype(np.int8), [0]]))).reshape(-1, 2)
    return [(int(top), int(bottom)) for top, bottom in edges if (bottom - top) * BLOCK_MM >= LONG_MM]
