"""Estimate the skew of a scan from the long straight lines of its print, and correct it by whole pixels.

Conventions
    Coordinates are paper pixels (see `paper.py`). The print is processed in strips of STRIP_MM, of which only sums of
    darkness are stored.
    `across [H]` is the shift of each row to the right, in columns: 0 in the first row, linear between strips. So a user
    gives the track edges in the first digitised row; they are the same in all rows above the first printed lines.
    `down(W)` is the shift of each column downwards, in rows: 0 in the middle.
    A print whose lines deviate by at most STRAIGHT_PX over its whole length and width is not changed.

Method
    slope of a strip   The strip is sheared by every slope up to STEEPEST; from one slope to the next its first and last
                       row move by half a pixel. The sharpness of a slope is the sum of squared differences of adjacent
                       column sums. It is largest for the slope that makes vertical lines upright; curves and text are
                       blurred at every slope. A strip has no usable lines if its largest sharpness is below PROMINENCE
                       times the median sharpness, or if fewer than EDGES edges make up this sharpness (inverse
                       participation ratio): these are the edges of a straight part of a curve, while a grid has two
                       edges for each of its lines. A strip without usable lines gets the slope of its neighbours.
    shift of a strip   The column sums of the strip are matched to those of the strips before it, within SEARCH_PX of
                       the shift that the slopes predict. From slopes alone, errors would add up over a long scan.
    waves              Blocks of BLOCK_MM are matched to the mean of the straightened blocks around them (AROUND blocks
                       above and below) by dynamic programming. The shift changes by at most 1 px from block to block,
                       and a change costs STIFF times the mean similarity, which is more than a curve that is upright in
                       one block gains. A header has no lines. So the shift is constant above the first block whose
                       similarity is above SEEN times the mean, and below the last such block.
    down               The slope of the horizontal lines, median over strips. A rotation turns vertical and horizontal
                       lines by the same angle. So the slope of the vertical lines, with the opposite sign, is used if
                       the two slopes differ by more than APART, or if there are no horizontal lines. Without vertical
                       lines nothing is corrected.

    Waves of the paper across the scan are corrected; stretching along the depth does not show in straight lines, and is
    not corrected. The sums of every block are stored for the whole scan, 4 bytes a column: 25 MB for 100,000 rows of
    1,000 px at 4 px/mm, and for a short time twice as much.

References
    Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986 (the criterion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float32, Float64, Int64, UInt8

STRIP_MM: Final = 64.0
STEEPEST: Final = 0.05  # 2.9 degrees
PROMINENCE: Final = 1.5
EDGES: Final = 7.0
APART: Final = 0.01
SEARCH_PX: Final = 3
WAVE_PX: Final = 6
STRAIGHT_PX: Final = 1.5
BLOCK_MM: Final = 4.0
AROUND: Final = 40
STIFF: Final = 0.5
SEEN: Final = 0.3
_BLOCK: Final = 4  # rows summed before shearing
_ROUNDS: Final = 3
_PART: Final = 200  # blocks compared at once
_KEPT: Final = 0.8  # weight of the earlier strips in the sums that a strip is matched to


@dataclass(frozen=True, eq=False)
class Skew:
    """`across` is `shifts [N]` (columns) at the rows `knots [N]`, both empty for straight paper; `down` has `slope`.

    `known` is false where no usable lines were found; then nothing is shifted.
    """

    knots: Float64
    shifts: Float64
    slope: float
    known: bool = True

    def across(self, rows: Int64) -> Int64:
        """Shift of `rows` to the right, in whole columns."""
        if not len(self.knots):
            return np.zeros(len(rows), np.int64)
        return np.asarray(np.rint(np.interp(rows, self.knots, self.shifts)), np.int64)

    def down(self, width: int) -> Int64:
        """Shift of each of `width` columns downwards, in whole rows."""
        return np.asarray(np.rint(self.slope * (np.arange(width) - (width - 1) / 2)), np.int64)

    def text(self) -> str:
        """A phrase for the terminal and the LAS header."""
        if not self.known:
            return "not known, as no straight lines were found; nothing is corrected"
        if not len(self.knots) and not self.slope:
            return "straight"
        reach = float(np.ptp(self.shifts)) if len(self.shifts) else 0.0
        return f"rows shifted by up to {reach:.0f} px, horizontal lines slope {100 * self.slope:+.2f} %; corrected"


STRAIGHT: Final = Skew(np.zeros(0), np.zeros(0), 0.0)
UNKNOWN: Final = Skew(np.zeros(0), np.zeros(0), 0.0, known=False)


def estimate(rows: Callable[[int, int], UInt8], shape: tuple[int, int], *, px_per_mm: float) -> Skew:
    """The skew of a print of `shape` (H, W) whose grey levels `rows(start, stop)` returns."""
    height, width = shape
    count = max(1, round(height / (STRIP_MM * px_per_mm)))
    bounds = np.linspace(0, height, count + 1).astype(int)
    block = max(1, round(BLOCK_MM * px_per_mm))
    vertical, horizontal, sums, blocks, middles = [], [], [], [], []
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        dark = np.asarray(255.0 - rows(start, stop), np.float64)
        slope = _slope(dark)
        vertical.append(slope)
        horizontal.append(_slope(dark.T))
        sums.append(_sheared(dark, 0.0 if np.isnan(slope) else slope))
        tops = np.arange(0, len(dark), block)
        blocks.append(_edges(np.add.reduceat(dark, tops, axis=0)).astype(np.float32))
        middles.append(start + (tops + np.append(tops[1:], len(dark)) - 1) / 2)
    knots, shifts = _strips(bounds, np.array(vertical), sums)
    if not len(knots):
        return UNKNOWN
    rows_of_blocks = np.concatenate(middles)
    shifts = _waves(np.concatenate(blocks), np.interp(rows_of_blocks, knots, shifts))
    shifts = shifts - shifts[0]
    rotation = -shifts[-1] / height
    slopes = np.array(horizontal)[np.isfinite(horizontal)]
    slope = float(np.median(slopes)) if len(slopes) else rotation
    slope = slope if abs(slope - rotation) <= APART else rotation
    straight = np.ptp(shifts) < STRAIGHT_PX
    level = abs(slope) * width < STRAIGHT_PX
    none = np.zeros(0)
    return Skew(none if straight else rows_of_blocks, none if straight else shifts, 0.0 if level else float(slope))


def _strips(bounds: NDArray[Any], vertical: Float64, sums: list[Float64]) -> tuple[Float64, Float64]:
    """Knots and their shifts from strips; empty without a usable slope."""
    usable = np.flatnonzero(np.isfinite(vertical))
    if not len(usable):
        return np.zeros(0), np.zeros(0)
    centres = (bounds[1:] + bounds[:-1] - 1) / 2
    slopes = np.interp(centres, centres[usable], vertical[usable])
    offsets = _strip_shifts(centres, slopes, sums)
    half = np.diff(bounds)[[0, -1]] / 2
    knots = np.concatenate([[0.0], centres, [float(bounds[-1] - 1)]])
    shifts = np.concatenate([[offsets[0] - slopes[0] * half[0]], offsets, [offsets[-1] + slopes[-1] * half[1]]])
    return knots, shifts


def _waves(blocks: Float32, initial: Float64) -> Float64:
    """Shifts [N] of blocks [N,w] (edges of their sums), starting from the shifts `initial [N]` of the strips."""
    shifts = np.rint(initial).astype(np.int64)
    tries = np.arange(-WAVE_PX, WAVE_PX + 1)
    similarity = np.zeros((len(blocks), len(tries)))
    for _ in range(_ROUNDS):
        similarity = _similarity(blocks, shifts, tries)
        if not similarity[:, WAVE_PX].mean() > 0:
            return initial
        steps = tries[_smoothest(similarity / similarity[:, WAVE_PX].mean())]
        shifts = shifts + steps
        if not steps.any():
            break
    best = similarity.max(axis=1)
    lined = np.flatnonzero(best > SEEN * best.mean())
    shifts[: lined[0]], shifts[lined[-1] + 1 :] = shifts[lined[0]], shifts[lined[-1]]
    return np.asarray(shifts, np.float64)


def _similarity(blocks: Float32, shifts: Int64, tries: Int64) -> Float64:
    """Similarity [N,T] of each block, moved by its shift and each of `tries`, to the blocks around it."""
    count = len(blocks)
    similarity = np.zeros((count, len(tries)))
    for first in range(0, count, _PART):
        last = min(first + _PART, count)
        top, bottom = max(first - AROUND, 0), min(last + AROUND, count)
        straight = np.stack([_moved(blocks[n], int(shifts[n])) for n in range(top, bottom)])
        total = np.concatenate([np.zeros((1, straight.shape[1])), np.cumsum(straight, axis=0)])
        index = np.arange(first, last)
        low, high = np.maximum(index - AROUND, 0), np.minimum(index + AROUND + 1, count)
        own = straight[first - top : last - top]
        around = total[high - top] - total[low - top] - own  # without the block itself
        for n, step in enumerate(tries.tolist()):
            similarity[first:last, n] = (around * np.roll(own, -step, axis=1)).sum(axis=1)
    return similarity


def _smoothest(similarity: Float64) -> Int64:
    """The path [N] with the largest sum in similarity [N,T]. A step of 1 costs STIFF; larger steps are forbidden."""
    count, tries = similarity.shape
    best = np.zeros((count, tries), np.int64)
    score = similarity[0].copy()
    for n in range(1, count):
        padded = np.pad(score, 1, constant_values=-np.inf)
        options = np.stack([padded[1:-1], padded[:-2] - STIFF, padded[2:] - STIFF])
        choice = options.argmax(axis=0)
        best[n] = np.arange(tries) + np.array([0, -1, 1])[choice]
        score = options.max(axis=0) + similarity[n]
    path = [int(score.argmax())]
    for n in range(count - 1, 0, -1):
        path.append(int(best[n, path[-1]]))
    return np.array(path[::-1], np.int64)


def _slope(dark: Float64) -> float:
    """Slope of the vertical lines of `dark` float64 [h,w], in columns a row; NaN without usable lines."""
    height = len(dark)
    steps = int(2 * STEEPEST * height / 2)
    if steps < 1 or dark.shape[1] < 4 * steps:
        return np.nan
    slopes = np.arange(-steps, steps + 1) / height
    blocks = _blocks(dark)
    edges = np.square(np.diff(_shifted_sums(blocks, slopes, height), axis=1))
    sharpness = edges.sum(axis=1)
    best = int(sharpness.argmax())
    if sharpness[best] < PROMINENCE * np.median(sharpness) or sharpness[best] == 0:
        return np.nan
    if sharpness[best] ** 2 < EDGES * np.square(edges[best]).sum():
        return np.nan
    level = np.flatnonzero(sharpness >= 0.999 * sharpness[best])
    return float(slopes[level[np.abs(level - steps).argmin()]])  # of equally sharp slopes the smallest


def _blocks(dark: Float64) -> Float64:
    """Sums of _BLOCK rows each, [n,w]."""
    return np.add.reduceat(dark, np.arange(0, len(dark), _BLOCK), axis=0)


def _sheared(dark: Float64, slope: float) -> Float64:
    """Column sums [w] of a strip sheared by `slope` about its middle row."""
    return np.asarray(_shifted_sums(_blocks(dark), np.array([slope]), len(dark))[0], np.float64)


def _shifted_sums(blocks: Float64, slopes: Float64, height: int) -> Float64:
    """Column sums [S,w] of a strip, given as sums of its `blocks`, sheared by each of `slopes [S]`."""
    middle = np.arange(len(blocks)) * _BLOCK + (_BLOCK - 1) / 2 - (height - 1) / 2
    shifts = np.rint(slopes[:, None] * middle).astype(np.int64)
    total = np.zeros((len(slopes), blocks.shape[1]))
    call(_add_shifted, np.ascontiguousarray(blocks), shifts, total)
    return total


@kernel
def _add_shifted(blocks, shifts, total):  # type: ignore[no-untyped-def]
    """Add to each row of `total [S,w]` the rows of `blocks [n,w]` read `shifts [S,n]` columns further right."""
    width = blocks.shape[1]
    for s in range(len(total)):
        for n in range(len(blocks)):
            shift = shifts[s, n]
            first, last = max(0, -shift), min(width, width - shift)
            for column in range(min(first, width)):
                total[s, column] += blocks[n, 0]
            for column in range(first, last):
                total[s, column] += blocks[n, column + shift]
            for column in range(max(last, 0), width):
                total[s, column] += blocks[n, width - 1]


def _moved(sums: Float64, shift: int) -> Float64:
    """`sums` read `shift` columns further right, with the ends repeated."""
    return np.asarray(sums[np.clip(np.arange(len(sums)) + shift, 0, len(sums) - 1)], np.float64)


def _strip_shifts(centres: Float64, slopes: Float64, sums: list[Float64]) -> Float64:
    """Shift of the middle of each strip to the right, the first at 0."""
    offsets = np.zeros(len(centres))
    before = _edges(sums[0])
    for n in range(1, len(centres)):
        predicted = offsets[n - 1] + (slopes[n - 1] + slopes[n]) / 2 * (centres[n] - centres[n - 1])
        tries = np.rint(predicted).astype(int) + np.arange(-SEARCH_PX, SEARCH_PX + 1)
        fits = np.array([before @ _edges(_moved(sums[n], int(shift))) for shift in tries])
        level = np.flatnonzero(fits == fits.max())
        offsets[n] = tries[level[np.abs(level - SEARCH_PX).argmin()]]
        before = _KEPT * before + (1 - _KEPT) * _edges(_moved(sums[n], int(offsets[n])))
    return offsets


def _edges(sums: Float64) -> Float64:
    """Differences of the sums, which remove slow stains."""
    return np.asarray(np.diff(sums, axis=-1), np.float64)
