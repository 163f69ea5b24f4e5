"""One curve of a LAS file, and the stretches of it that hold readings.

Conventions
    P samples of a curve, depth increasing, NaN where there is no reading.
    The **local step** of an interval of depth is the median of the LOCAL intervals around it, so a file that changes
    its sampling rate has no gap. Steps are **regular** when nine in ten lie within a tenth of their local step. In a
    file with regular steps, an interval above 1.5 local steps holds missing samples; where the steps are jittered,
    only an interval above BRIDGE + 1 local steps does.
    A **run** is a stretch of samples without a long gap: up to BRIDGE missing samples, whether nulls or depths that are
    not in the file, are filled by a straight line; a longer gap ends the run. A run has at least SHORTEST samples and
    is not constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from thinline.vocabulary import Bool, Float64, Int64

SHORTEST = 64
"""Samples below which a curve says too little about how logs look."""

BRIDGE = 8
"""The longest gap, in samples, that a run crosses: a curve logged every second row is not a row of islands."""

LOCAL = 11
"""Intervals of depth whose median is the local step."""


class LasError(ValueError):
    """A LAS file or folder that gives no curve to draw from."""


@dataclass(frozen=True, eq=False)
class LasCurve:
    """One curve of one file.

    `depth [P]` float64 increasing, in `depth_unit` as the file spells it; `values [P]` float64 in `unit`, NaN = null.
    `source` is the name of the file. A repeat pass is a curve of its own, with `, pass 2` after its name.
    """

    name: str
    unit: str
    depth: Float64
    values: Float64
    depth_unit: str
    source: str

    def runs(self) -> tuple[Float64, ...]:
        """The values without long gaps: arrays [R] of finite float64, R >= SHORTEST, none constant, shallow first."""
        values = with_missing(self.depth, self.values)
        known = np.isfinite(values)
        if known.sum() < SHORTEST:
            return ()
        rows = np.arange(len(known))
        filled = np.interp(rows, rows[known], values[known])
        pieces = (filled[start:stop] for start, stop in _stretches(known))
        return tuple(piece for piece in pieces if len(piece) >= SHORTEST and np.ptp(piece) > 0)

    def gaps(self) -> int:
        """How many times the readings stop and go on again, at nulls and at depths that are not in the file."""
        known = np.isfinite(with_missing(self.depth, self.values))
        return max(int(np.count_nonzero(np.diff(np.concatenate(([False], known)).astype(int)) == 1)) - 1, 0)


def with_missing(depth: Float64, values: Float64) -> Float64:
    """`values [P]` with NaN for the samples that are not in the file, at most BRIDGE + 1 of them in one place.

    BRIDGE + 1 missing samples end a run, so a gap of a kilometre needs no more memory than one of ten samples.
    """
    missing = np.minimum(missing_samples(depth), BRIDGE + 1)
    return np.insert(values, np.repeat(np.arange(1, len(values)), missing), np.nan) if missing.any() else values


def missing_samples(depth: Float64) -> Int64:
    """How many samples are not in the file between each two of increasing `depth [P]`: `[P-1]`, 0 for none."""
    if len(depth) < 3:
        return np.zeros(max(len(depth) - 1, 0), np.int64)
    intervals = np.diff(depth)
    local = median_filter(intervals, LOCAL, mode="nearest")
    steps = intervals / np.where(local > 0, local, np.inf)
    regular = np.mean(np.abs(steps - 1) <= 0.1) >= 0.9
    longest = 1.5 if regular else BRIDGE + 1
    return np.where(steps > longest, np.rint(np.minimum(steps, 1e9)) - 1, 0).astype(np.int64)


def _stretches(known: Bool) -> Iterator[tuple[int, int]]:
    """Half-open ranges of rows from one known sample to another, crossing gaps of at most BRIDGE rows."""
    rows = np.flatnonzero(known)
    breaks = np.flatnonzero(np.diff(rows) > BRIDGE + 1)
    starts = rows[np.concatenate(([0], breaks + 1))]
    stops = rows[np.concatenate((breaks, [len(rows) - 1]))] + 1
    return zip(starts.tolist(), stops.tolist(), strict=True)
