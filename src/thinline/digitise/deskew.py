"""De-skew: how the print lies askew on the scan, found from its long straight lines, and undone by whole pixels.

Conventions
    Paper pixels (see `paper.py`). The print is looked at in strips of STRIP_MM; only sums of darkness are kept.
    `across [H]` how many columns to the right of its place each row lies, 0 in the first row, linear between strips.
    So columns given by the user (the edges of a track) hold in the first row that is digitised, and down to where the
    lines begin.
    `down(W)` how many rows below its place each column lies, 0 in the middle.
    A print that is straight within STRAIGHT_PX over its whole length and width is left alone, bit for bit.

Method
    slope of a strip   the strip is sheared by every slope up to STEEPEST in steps of half a pixel at its ends; upright
                       lines are sharpest, as the sum of squared differences of the column sums, where they stand
                       upright. Curves and print blur at every slope. A strip whose best slope is not PROMINENCE times
                       as sharp as the median slope has no lines to go by, and takes the slope of its neighbours.
                       Nor has one whose sharpness lies in fewer than EDGES edges (its inverse participation ratio):
                       that is a curve that runs straight for a while, and not a grid, which has two edges a line.
    place of a strip   its sums of columns against those of the strips before it, moved by what the slopes foretell
                       and up to SEARCH_PX more. Slopes alone would add up their errors over a long scan.
    waves              blocks of BLOCK_MM against the mean of the straightened blocks around them (AROUND each way), by
                       dynamic programming: from one block to the next the place moves by 1 px at most, which has to
                       gain STIFF blocks' worth of likeness: a curve that stands upright for a block does not. Above
                       the first block that is SEEN times as like the others as all are, and below the last, nothing
                       moves: a header has no lines to go by.
    down               the same slope of the lying lines, median over strips. A sheet that was turned turns both kinds,
                       so where it is more than APART from minus the way the upright ones go, or there are no lying
                       lines, it is that; and where there are no upright lines there is nothing to undo.

    Waves of the paper are followed across; stretching along the depth cannot be known from straight lines. Sums are
    kept of every block for the whole scan, 4 bytes a column: 25 MB for 100,000 rows of 1,000 px at 4 px/mm (held
    twice for a moment).

References
    Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR 1986 (the criterion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
_KEPT: Final = 0.8  # share of the strips before in the sums a strip is compared with


@dataclass(frozen=True, eq=False)
class Skew:
    """Knots of `across`: paper rows and columns, float64 [N] each (none: straight); `slope` of lying lines."""

    knots: Float64
    moved: Float64
    slope: float

    def across(self, rows: Int64) -> Int64:
        """Whole columns that each row lies too far right."""
        if not len(self.knots):
            return np.zeros(len(rows), np.int64)
        return np.asarray(np.rint(np.interp(rows, self.knots, self.moved)), np.int64)

    def down(self, width: int) -> Int64:
        """Whole rows that each of `width` columns lies too low."""
        return np.asarray(np.rint(self.slope * (np.arange(width) - (width - 1) / 2)), np.int64)

    def told(self) -> str:
        """In words, for the terminal."""
        if not len(self.knots) and not self.slope:
            return "straight"
        reach = float(np.ptp(self.moved)) if len(self.moved) else 0.0
        return f"rows up to {reach:.0f} px aside, lying lines rise by {100 * self.slope:+.2f} %; undone"


STRAIGHT: Final = Skew(np.zeros(0), np.zeros(0), 0.0)


def estimate(rows: Callable[[int, int], UInt8], shape: tuple[int, int], *, px_per_mm: float) -> Skew:
    """The skew of a print of `shape` (H, W) whose grey levels `rows(start, stop)` gives."""
    height, width = shape
    count = max(1, round(height / (STRIP_MM * px_per_mm)))
    bounds = np.linspace(0, height, count + 1).astype(int)
    block = max(1, round(BLOCK_MM * px_per_mm))
    upright, lying, sums, blocks, middles = [], [], [], [], []
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        dark = np.asarray(255.0 - rows(start, stop), np.float64)
        slope = _slope(dark)
        upright.append(slope)
        lying.append(_slope(dark.T))
        sums.append(_sheared(dark, 0.0 if np.isnan(slope) else slope))
        tops = np.arange(0, len(dark), block)
        blocks.append(_edges(np.add.reduceat(dark, tops, axis=0)).astype(np.float32))
        middles.append(start + (tops + np.append(tops[1:], len(dark)) - 1) / 2)
    knots, moved = _strips(bounds, np.array(upright), sums)
    if len(knots):
        places = np.concatenate(middles)
        moved = _waves(np.concatenate(blocks), np.interp(places, knots, moved))
        knots = places
        moved = moved - moved[0]
    turned = -(moved[-1] - moved[0]) / height if len(knots) else 0.0
    seen = np.array(lying)[np.isfinite(lying)] if len(knots) else np.zeros(0)
    slope = float(np.median(seen)) if len(seen) else turned
    slope = slope if abs(slope - turned) <= APART else turned
    crooked = len(moved) and np.ptp(moved) >= STRAIGHT_PX
    sloping = abs(slope) * width >= STRAIGHT_PX
    return Skew(*(knots, moved) if crooked else (np.zeros(0), np.zeros(0)), float(slope) if sloping else 0.0)


def _strips(bounds: NDArray[Any], upright: Float64, sums: list[Float64]) -> tuple[Float64, Float64]:
    """Knots and how far right they lie, by strips."""
    known = np.flatnonzero(np.isfinite(upright))
    if not len(known):
        return np.zeros(0), np.zeros(0)
    centres = (bounds[1:] + bounds[:-1] - 1) / 2
    slopes = np.interp(centres, centres[known], upright[known])
    place = _places(centres, slopes, sums)
    half = np.diff(bounds)[[0, -1]] / 2
    knots = np.concatenate([[0.0], centres, [float(bounds[-1] - 1)]])
    moved = np.concatenate([[place[0] - slopes[0] * half[0]], place, [place[-1] + slopes[-1] * half[1]]])
    return knots, moved


def _waves(blocks: Float32, place: Float64) -> Float64:
    """Where blocks [N,w] (edges of their sums) lie that by strips lie at `place [N]`."""
    shifts = np.rint(place).astype(np.int64)
    tries = np.arange(-WAVE_PX, WAVE_PX + 1)
    likeness = np.zeros((len(blocks), len(tries)))
    for _ in range(_ROUNDS):
        likeness = _likeness(blocks, shifts, tries)
        if not likeness[:, WAVE_PX].mean() > 0:
            return place
        steps = tries[_smoothest(likeness / likeness[:, WAVE_PX].mean())]
        shifts = shifts + steps
        if not steps.any():
            break
    seen = np.flatnonzero(likeness.max(axis=1) > SEEN * likeness.max(axis=1).mean())
    shifts[: seen[0]], shifts[seen[-1] + 1 :] = shifts[seen[0]], shifts[seen[-1]]
    return np.asarray(shifts, np.float64)


def _likeness(blocks: Float32, shifts: Int64, tries: Int64) -> Float64:
    """How like those around it each block moved by its shift and each of `tries` is, [N,T]; a part at a time."""
    count = len(blocks)
    found = np.zeros((count, len(tries)))
    for first in range(0, count, _PART):
        last = min(first + _PART, count)
        top, bottom = max(first - AROUND, 0), min(last + AROUND, count)
        straight = np.stack([_moved(blocks[n], int(shifts[n])) for n in range(top, bottom)])
        total = np.concatenate([np.zeros((1, straight.shape[1])), np.cumsum(straight, axis=0)])
        place = np.arange(first, last)
        low, high = np.maximum(place - AROUND, 0), np.minimum(place + AROUND + 1, count)
        own = straight[first - top : last - top]
        around = total[high - top] - total[low - top] - own  # what a block says of itself is no evidence
        for n, step in enumerate(tries.tolist()):
            found[first:last, n] = (around * np.roll(own, -step, axis=1)).sum(axis=1)
    return found


def _smoothest(likeness: Float64) -> Int64:
    """Of likeness [N,T] the path [N] of the largest sum, a step to the side costing STIFF, none going further."""
    count, tries = likeness.shape
    best = np.zeros((count, tries), np.int64)
    score = likeness[0].copy()
    for n in range(1, count):
        padded = np.pad(score, 1, constant_values=-np.inf)
        options = np.stack([padded[1:-1], padded[:-2] - STIFF, padded[2:] - STIFF])
        choice = options.argmax(axis=0)
        best[n] = np.arange(tries) + np.array([0, -1, 1])[choice]
        score = options.max(axis=0) + likeness[n]
    path = [int(score.argmax())]
    for n in range(count - 1, 0, -1):
        path.append(int(best[n, path[-1]]))
    return np.array(path[::-1], np.int64)


def _slope(dark: Float64) -> float:
    """Columns a row by which upright lines lean; NaN where there are none to go by. `dark` float64 [h,w]."""
    height = len(dark)
    steps = int(2 * STEEPEST * height / 2)
    if steps < 1 or dark.shape[1] < 4 * steps:
        return np.nan
    slopes = np.arange(-steps, steps + 1) / height
    blocks = _blocks(dark)
    edges = np.array([np.square(np.diff(_shifted_sum(blocks, slope, height))) for slope in slopes])
    sharpness = edges.sum(axis=1)
    best = int(sharpness.argmax())
    if sharpness[best] < PROMINENCE * np.median(sharpness) or sharpness[best] == 0:
        return np.nan
    if sharpness[best] ** 2 < EDGES * np.square(edges[best]).sum():
        return np.nan
    level = np.flatnonzero(sharpness >= 0.999 * sharpness[best])
    return float(slopes[level[np.abs(level - steps).argmin()]])  # of slopes that do as well, the one nearest to none


def _blocks(dark: Float64) -> Float64:
    """Sums of _BLOCK rows each, [n,w]."""
    return np.add.reduceat(dark, np.arange(0, len(dark), _BLOCK), axis=0)


def _sheared(dark: Float64, slope: float) -> Float64:
    """Sums of the columns of a strip once it is upright about its middle row, [w]."""
    return _shifted_sum(_blocks(dark), slope, len(dark))


def _shifted_sum(blocks: Float64, slope: float, height: int) -> Float64:
    middle = np.arange(len(blocks)) * _BLOCK + (_BLOCK - 1) / 2 - (height - 1) / 2
    shifts = np.rint(slope * middle).astype(int)
    total = np.zeros(blocks.shape[1])
    for shift in np.unique(shifts).tolist():
        part = blocks[shifts == shift].sum(axis=0)
        total += _moved(part, shift)
    return total


def _moved(sums: Float64, shift: int) -> Float64:
    """`sums` taken `shift` columns further right, the ends repeated."""
    return np.asarray(sums[np.clip(np.arange(len(sums)) + shift, 0, len(sums) - 1)], np.float64)


def _places(centres: Float64, slopes: Float64, sums: list[Float64]) -> Float64:
    """How far right the middle of each strip lies, the first at 0."""
    place = np.zeros(len(centres))
    before = _edges(sums[0])
    for n in range(1, len(centres)):
        foretold = place[n - 1] + (slopes[n - 1] + slopes[n]) / 2 * (centres[n] - centres[n - 1])
        tries = np.rint(foretold).astype(int) + np.arange(-SEARCH_PX, SEARCH_PX + 1)
        fits = np.array([before @ _edges(_moved(sums[n], int(shift))) for shift in tries])
        level = np.flatnonzero(fits == fits.max())
        place[n] = tries[level[np.abs(level - SEARCH_PX).argmin()]]
        before = _KEPT * before + (1 - _KEPT) * _edges(_moved(sums[n], int(place[n])))
    return place


def _edges(sums: Float64) -> Float64:
    """Where the sums change: slow stains drop out."""
    return np.asarray(np.diff(sums, axis=-1), np.float64)
