"""One curve of a LAS file, and its runs of readings without long gaps.

Conventions
    P samples of a curve, depth increasing, NaN = no reading.
    The **local step** of an interval of depth is the median of the LOCAL intervals around it, so a change of the
    sampling rate is not a gap. Steps are **regular** if nine in ten lie within a tenth of their local step. An interval
    above 1.5 local steps has missing samples; if steps are jittered, only one above BRIDGE + 1.
    A **run** is a stretch of samples without a long gap: up to BRIDGE missing samples (nulls, or depths that are not in
    the file) are interpolated linearly, a longer gap ends the run. A run has at least SHORTEST samples and is not
    constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from thinline.vocabulary import Bool, Float64, Int64

SHORTEST = 64
"""A curve with fewer samples is not usable."""

BRIDGE = 8
"""The longest gap, in samples, that a run bridges, as in a curve that is logged in every second row only."""

LOCAL = 11
"""Number of intervals whose median is the local step."""


class LasError(ValueError):
    """A LAS file or folder that gives no usable curve."""


@dataclass(frozen=True, eq=False)
class LasCurve:
    """One curve of one file.

    `depth [P]` float64 increasing, in `depth_unit` as the file spells it; `values [P]` float64 in `unit`, NaN = null.
    `source` is the name of the file. A repeat pass is a curve of its own, named with `, pass 2`.
    """

    name: str
    unit: str
    depth: Float64
    values: Float64
    depth_unit: str
    source: str

    def runs(self) -> tuple[Float64, ...]:
        """The runs of the curve: finite float64 [R] arrays, R >= SHORTEST, none constant, shallowest first."""
        values = with_missing(self.depth, self.values)
        known = np.isfinite(values)
        if known.sum() < SHORTEST:
            return ()
        rows = np.arange(len(known))
        filled = np.interp(rows, rows[known], values[known])
        pieces = (filled[start:stop] for start, stop in _stretches(known))
        return tuple(piece for piece in pieces if len(piece) >= SHORTEST and np.ptp(piece) > 0)

    def gaps(self) -> int:
        """Number of gaps between readings, at nulls and at depths that are not in the file."""
        known = np.isfinite(with_missing(self.depth, self.values))
        return max(int(np.count_nonzero(np.diff(np.concatenate(([False], known)).astype(int)) == 1)) - 1, 0)


def with_missing(depth: Float64, values: Float64) -> Float64:
    """`values [P]` with NaN inserted for samples that are not in the file, at most BRIDGE + 1 per gap.

    BRIDGE + 1 missing samples end a run, so longer gaps need no more memory.
    """
    missing = np.minimum(missing_samples(depth), BRIDGE + 1)
    return np.insert(values, np.repeat(np.arange(1, len(values)), missing), np.nan) if missing.any() else values


def missing_samples(depth: Float64) -> Int64:
    """Number of samples that are not in the file between each two of increasing `depth [P]`: `[P-1]`."""
    if len(depth) < 3:
        return np.zeros(max(len(depth) - 1, 0), np.int64)
    intervals = np.diff(depth)
    local = median_filter(intervals, LOCAL, mode="mirror")
    steps = intervals / np.where(local > 0, local, np.inf)
    regular = np.mean(np.abs(steps - 1) <= 0.1) >= 0.9
    longest = 1.5 if regular else BRIDGE + 1
    return np.where(steps > longest, np.rint(np.minimum(steps, 1e9)) - 1, 0).astype(np.int64)


def _stretches(known: Bool) -> Iterator[tuple[int, int]]:
    """Half-open ranges of rows that begin and end at a known sample, with gaps of at most BRIDGE rows."""
    rows = np.flatnonzero(known)
    breaks = np.flatnonzero(np.diff(rows) > BRIDGE + 1)
    starts = rows[np.concatenate(([0], breaks + 1))]
    stops = rows[np.concatenate((breaks, [len(rows) - 1]))] + 1
    return zip(starts.tolist(), stops.tolist(), strict=True)
