"""Chain runs of consecutive rows to fragments: pieces of a curve without a choice.

Conventions
    Two runs of consecutive rows are *joined* if their columns overlap or touch by a corner. A *fragment* is a chain of
    runs, one in each row from its top to its bottom, each joined to the next and neither to another run. Fragments end
    at gaps, where curves meet and part, and where ink splits. In a track with wraps a chain is also cut where a run at
    one edge has a run at the other edge beside it, because the curve may go on from there.

    F fragments in the order of their first rows. The slope at an end, in px per row, is that of the line of least
    squares through the last REACH_MM of the fragment; 0 for a fragment of one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.many.runs import Runs
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, Int64

REACH_MM: Final = 1.5


@dataclass(frozen=True, eq=False)
class Fragments:
    """Runs `order[first[f]] .. order[first[f+1]-1]` are those of fragment f, from the top.

    `first` int64 [F+1], `order` int64 [S]; `top`, `bottom` int64 [F], its first and last row; `slope` float64 [F,2], at
    the top and at the bottom.
    """

    first: Int64
    order: Int64
    top: Int64
    bottom: Int64
    slope: Float64

    def __len__(self) -> int:
        return len(self.top)

    @property
    def number(self) -> Int64:
        """The fragment of each run, int64 [S]."""
        number = np.empty(len(self.order), np.int64)
        number[self.order] = np.repeat(np.arange(len(self)), np.diff(self.first))
        return number

    @property
    def ends(self) -> Int64:
        """The first and the last run of each fragment, int64 [F,2]."""
        return np.stack([self.order[self.first[:-1]], self.order[self.first[1:] - 1]], axis=1).reshape(-1, 2)

    def pen_px(self, runs: Runs) -> Float64:
        """Width of the ink across the course of each fragment in px, float64 [F]: its ink by its length."""
        step = np.diff(runs.x[self.order].astype(np.float64), prepend=0.0)
        step[self.first[:-1]] = 0.0
        long = np.sqrt(1 + step**2)
        ink = np.where(runs.inked, runs.width, 0.0)[self.order].astype(np.float64)
        if not len(self):
            return np.zeros(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            pen = np.add.reduceat(ink, self.first[:-1]) / np.add.reduceat(np.where(ink > 0, long, 0), self.first[:-1])
        return np.where(self.bottom - self.top + 1 >= 4, pen, np.nan)


def fragments_of(runs: Runs, at_edge: Bool, *, px_per_mm: float) -> Fragments:
    """The fragments of `runs`; `at_edge [S,2]` marks runs that reach the left and the right edge of the track."""
    first_run = np.searchsorted(runs.row, np.arange(runs.rows + 1))
    after, before = call(_joined, first_run, runs.low, runs.high)
    cut = np.zeros(len(runs.row), np.bool_)
    call(_cut_at_edges, first_run, at_edge, after, before, cut)
    heads = np.flatnonzero((before < 0) | cut)
    first, order = call(_chains, heads, after, cut)
    slope = np.zeros((len(heads), 2))
    call(_slopes, first, order, runs.x, max(2, round(REACH_MM * px_per_mm)), slope)
    row = runs.row.astype(np.int64)
    return Fragments(first, order, row[order[first[:-1]]], row[order[first[1:] - 1]], slope)


@kernel
def _joined(first, low, high):  # type: ignore[no-untyped-def]
    """The only run joined below each run and the only one above it, -1 for none or several; two of int64 [S]."""
    number = len(low)
    below, above = np.zeros(number, np.int64), np.zeros(number, np.int64)
    after, before = np.full(number, -1), np.full(number, -1)
    pairs = np.empty((4 * number + 4, 2), np.int64)
    count = 0
    for row in range(len(first) - 2):
        for a in range(first[row], first[row + 1]):
            for b in range(first[row + 1], first[row + 2]):
                if low[b] <= high[a] + 1 and low[a] <= high[b] + 1 and count < len(pairs):
                    pairs[count, 0], pairs[count, 1] = a, b
                    count += 1
                    below[a] += 1
                    above[b] += 1
                    after[a], before[b] = b, a
    for p in range(count):
        a, b = pairs[p, 0], pairs[p, 1]
        if below[a] != 1 or above[b] != 1:
            after[a], before[b] = -1, -1
    return after, before


@kernel
def _cut_at_edges(first, at_edge, after, before, cut):  # type: ignore[no-untyped-def]
    """Mark runs that begin a fragment because there, or one row above, there are runs at both edges of the track."""
    rows = len(first) - 1
    for row in range(rows):
        for a in range(first[row], first[row + 1]):
            for side in range(2):
                if not at_edge[a, side]:
                    continue
                for near in range(max(0, row - 1), min(rows, row + 2)):
                    for b in range(first[near], first[near + 1]):
                        if b != a and at_edge[b, 1 - side] and (before[b] < 0 or after[b] < 0 or near == row):
                            cut[a] = True
                            if after[a] >= 0:
                                cut[after[a]] = True


@kernel
def _chains(heads, after, cut):  # type: ignore[no-untyped-def]
    """Where each chain begins, [F+1], and the runs of all chains one after the other, [S]."""
    first, order = np.zeros(len(heads) + 1, np.int64), np.empty(len(after), np.int64)
    count = 0
    for f in range(len(heads)):
        run = heads[f]
        while True:
            order[count] = run
            count += 1
            run = after[run]
            if run < 0 or cut[run]:
                break
        first[f + 1] = count
    return first, order


@kernel
def _slopes(first, order, x, reach, slope):  # type: ignore[no-untyped-def]
    """Write the slope at the top and at the bottom of each fragment."""
    for f in range(len(first) - 1):
        length = first[f + 1] - first[f]
        n = min(length, reach + 1)
        if n < 2:
            continue
        for end in range(2):
            start = first[f] if end == 0 else first[f + 1] - n
            middle, total, moment = 0.5 * (n - 1), 0.0, 0.0
            for i in range(n):
                total += (i - middle) * x[order[start + i]]
                moment += (i - middle) ** 2
            slope[f, end] = total / moment
