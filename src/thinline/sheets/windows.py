"""Windows of real curve values, scaled to a track.

A window is a stretch of depth chosen at random, resampled to at most `MOST` values, and scaled so that the 5th and the
95th percentile of the window fall inside the track; what lies beyond them may leave it. Of a few windows drawn, the
first that is neither mostly empty nor flat is taken: a bit size or a dead tool is no curve to learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.vocabulary import Float64

MOST: Final = 288
_FEWEST: Final = 120
_DRAWS: Final = 12
_LIVELY: Final = 0.25  # share of steps on which the value of a lively window changes
_CAPPED: Final = 3.0  # spreads from the middle beyond which values are cut


def window(samples: Sequence[NDArray[np.floating[Any]]], rng: np.random.Generator, *, smooth: bool) -> Float64:
    """Fractions of the track, float64 [n], n <= MOST, NaN where there is no data. ValueError as in `checked`."""
    part = _drawn(samples, rng)
    if smooth:
        part = _smoothed(part)
    low, high = np.nanquantile(part, [0.05, 0.95])
    spread = high - low if high > low else 1.0
    centre, reach = rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.8)
    return np.asarray(np.clip((part - (low + high) / 2) / spread, -_CAPPED, _CAPPED) * reach + centre)


def _drawn(samples: Sequence[NDArray[np.floating[Any]]], rng: np.random.Generator) -> Float64:
    """The first lively window, else the finite values of the curve drawn last."""
    for _ in range(_DRAWS):
        number = int(rng.integers(len(samples)))
        values = checked(samples[number], number)
        length = min(len(values), int(rng.integers(_FEWEST, MOST + 1)))
        start = int(rng.integers(len(values) - length + 1))
        part = values[start : start + length]
        step = np.diff(part)
        if np.isfinite(part).mean() > 0.5 and np.count_nonzero(step[np.isfinite(step)]) >= _LIVELY * len(step):
            return part
    return values[np.isfinite(values)][:MOST]


def checked(values: NDArray[np.floating[Any]], number: int) -> Float64:
    """Float64 [n] with infinities as NaN. ValueError when not 1-D or with fewer than two finite values."""
    found = np.asarray(values, np.float64)
    finite = np.isfinite(found)
    if found.ndim != 1 or finite.sum() < 2:
        raise ValueError(
            f"`samples[{number}]` must be 1-D with at least 2 finite values, got shape {found.shape} with "
            f"{int(finite.sum())} finite; leave that curve out or map its null value to NaN"
        )
    return np.where(finite, found, np.nan)


def _smoothed(values: Float64, reach: int = 7) -> Float64:
    """Running mean over the finite values of `2 * reach + 1`."""
    finite = np.isfinite(values)
    kernel = np.ones(2 * reach + 1)
    total = np.convolve(np.where(finite, values, 0.0), kernel, "same")[: len(values)]
    number = np.convolve(finite.astype(float), kernel, "same")[: len(values)]
    return np.where(finite, total / np.maximum(number, 1.0), np.nan)
