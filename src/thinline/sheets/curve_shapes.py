"""Compute the values of a curve along depth, in fractions of the track, from a ShapeSpec or from windows of real logs.

Conventions
    Values are given at nodes `NODE_MM` apart and interpolated linearly between them, so a shape is the same at every
    resolution. Values outside 0..1 are off the scale; NaN is missing data.

Kinds of shape
    smooth    slow swings                               (sonic, density in clean rock)
    jittery   slow swings under dense jitter            (gamma ray)
    blocky    constant beds with jumps between          (resistivity through thin beds)
    spiky     smooth with narrow peaks                  (caliper, microlog, cycle skips)
    samples   the values given by the spec              (a window of a digitised log)

Windows
    A window is a random stretch of a log of at most `MOST` samples, scaled so that its 5th and 95th percentile lie
    inside the track; values beyond them may leave it. Of `_DRAWS` random windows, the first that is neither mostly
    empty nor flat is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.sheets.spec import ShapeSpec
from thinline.vocabulary import Float64

KINDS: Final = ("smooth", "jittery", "blocky", "spiky", "samples")
NODE_MM: Final = 0.25
_SAME_SIDE: Final = 0.2  # share of turning points that stay on one side of the centre
MOST: Final = 288
_FEWEST: Final = 120
_DRAWS: Final = 12
_LIVELY: Final = 0.25  # share of steps on which the value must change
_CAPPED: Final = 3.0  # values are clipped at this many spreads from the middle


def values_at_nodes(shape: ShapeSpec, count: int) -> Float64:
    """Values of `shape` at `count` nodes, float64 [count]. ValueError for an unknown kind."""
    if shape.kind not in KINDS:
        raise ValueError(f"`kind` of a shape must be one of {KINDS}, got {shape.kind!r}; was the spec edited by hand?")
    if shape.kind == "samples":
        return _samples(shape, count)
    rng = np.random.default_rng(shape.seed)
    course = _blocks(shape, count, rng) if shape.kind == "blocky" else _swings(shape, count, rng)
    if shape.kind == "spiky":
        course += _spikes(shape, count, rng)
    return course + shape.rough * _kicks(count, max(1.0, shape.rough_step_mm / NODE_MM), rng)


def _kicks(count: int, step: float, rng: np.random.Generator) -> Float64:
    """Independent normal numbers every `step` nodes, interpolated linearly, [count]."""
    kicks = rng.standard_normal((1, math.ceil(count / step)))
    return np.asarray(cv2.resize(kicks, (count, 1), interpolation=cv2.INTER_LINEAR)[0], np.float64)


def _swings(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Turning points half a period apart, mostly on alternating sides, interpolated smoothly; then detail."""
    half = shape.period_mm / 2 / NODE_MM
    knots = math.ceil(count / (0.6 * half)) + 4
    gap, height, stays = rng.random((3, knots))
    at = np.cumsum(0.6 + 0.8 * gap) * half - 1.5 * half
    sides = np.where(np.arange(knots) % 2, -1.0, 1.0) * np.where(stays < _SAME_SIDE, -1, 1)
    height = shape.centre + shape.swing * (0.2 + 1.6 * height) * sides
    phase = np.interp(np.arange(count), at, np.arange(knots))
    before = phase.astype(np.intp)
    share = phase - before
    course = height[before] + np.diff(height)[before] * (share * share * (3 - 2 * share))
    if shape.detail > 0:
        step = max(2.0, half * rng.uniform(0.15, 0.45))
        course += _kicks(count, step, rng) * (shape.swing * shape.detail)
    return np.asarray(course)


def _blocks(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Beds of independent constant values."""
    bed = shape.period_mm / 2 / NODE_MM
    beds = math.ceil(count / (0.3 * bed)) + 1
    ends = np.cumsum(rng.uniform(0.3, 1.7, beds)) * bed
    level = shape.centre + shape.swing * rng.uniform(-1.6, 1.6, beds)
    return np.asarray(level[np.clip(np.searchsorted(ends, np.arange(count)), 0, beds - 1)])


def _spikes(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Triangles of a half width of 1.5 to 6 nodes, mostly to one side."""
    spikes = np.zeros(count)
    number = rng.poisson(shape.events_per_mm * count * NODE_MM)
    at = rng.uniform(0, count, number)
    half = rng.uniform(1.5, 6.0, number)
    sign = np.where(rng.random(number) < 0.8, 1.0, -1.0) * (1.0 if shape.centre < 0.5 else -1.0)
    height = rng.uniform(0.15, 0.6, number) * sign
    if number:
        near = 1.0 - np.abs(np.arange(count)[None, :] - at[:, None]) / half[:, None]
        spikes = (np.maximum(near, 0.0) * height[:, None]).sum(0)
    return spikes


def _samples(shape: ShapeSpec, count: int) -> Float64:
    values = np.asarray(shape.values, np.float64)
    at = np.linspace(0.0, len(values) - 1.0, count)
    return np.interp(at, np.arange(len(values)), values)


def window(samples: Sequence[NDArray[np.floating[Any]]], rng: np.random.Generator, *, smooth: bool) -> Float64:
    """A window of one of `samples` in fractions of the track, float64 [n], n <= MOST. ValueError as in `checked`."""
    part = _drawn(samples, rng)
    if smooth:
        part = _smoothed(part)
    low, high = np.nanquantile(part, [0.05, 0.95])
    spread = high - low if high > low else 1.0
    centre, reach = rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.8)
    return np.asarray(np.clip((part - (low + high) / 2) / spread, -_CAPPED, _CAPPED) * reach + centre)


def _drawn(samples: Sequence[NDArray[np.floating[Any]]], rng: np.random.Generator) -> Float64:
    """The first window that is neither mostly empty nor flat, else the finite values of the last curve tried."""
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
    """`values` as float64 [n], infinities as NaN. ValueError unless 1-D with at least two finite values."""
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    if values.ndim != 1 or finite.sum() < 2:
        raise ValueError(
            f"`samples[{number}]` must be 1-D with at least 2 finite values, got shape {values.shape} with "
            f"{int(finite.sum())} finite; leave that curve out or map its null value to NaN"
        )
    return np.where(finite, values, np.nan)


def _smoothed(values: Float64, reach: int = 7) -> Float64:
    """Running mean of the finite values among `2 * reach + 1`."""
    finite = np.isfinite(values)
    kernel = np.ones(2 * reach + 1)
    total = np.convolve(np.where(finite, values, 0.0), kernel, "same")[: len(values)]
    number = np.convolve(finite.astype(float), kernel, "same")[: len(values)]
    return np.where(finite, total / np.maximum(number, 1.0), np.nan)
