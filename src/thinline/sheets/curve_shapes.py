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

import numpy as np
from numpy.typing import NDArray

from thinline.sheets.generators import generator
from thinline.sheets.spec import ShapeSpec
from thinline.system.numba_kernels import call, kernel
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
    rng = generator(shape.seed)
    jitter = math.ceil(count / max(1.0, shape.rough_step_mm / NODE_MM)), shape.rough
    if shape.kind == "blocky":
        course = _blocks(shape, count, rng)
        call(_add_kicks, course, rng.standard_normal(jitter[0]), jitter[1])
    elif shape.kind == "spiky":
        course = _swings(shape, count, rng, (0, 0.0))
        number = rng.poisson(shape.events_per_mm * count * NODE_MM)
        call(_add_spikes, course, rng.random((4, number)), shape.centre < 0.5)
        call(_add_kicks, course, rng.standard_normal(jitter[0]), jitter[1])
    else:
        course = _swings(shape, count, rng, jitter)
    return course


def limited(value: Float64, y_mm: Float64, bounds: tuple[float, float], ends_mm: tuple[float, float]) -> None:
    """Limit `value [n]` in place to the bounds (low, high); NaN above the first depth and from the second on."""
    call(_limit, value, y_mm, bounds, ends_mm)


@kernel
def _limit(value, y_mm, bounds, ends_mm):  # type: ignore[no-untyped-def]
    for n in range(len(value)):
        if not ends_mm[0] <= y_mm[n] < ends_mm[1]:
            value[n] = np.nan
        elif value[n] < bounds[0]:
            value[n] = bounds[0]
        elif value[n] > bounds[1]:
            value[n] = bounds[1]


@kernel
def _add_kicks(course, kicks, strength):  # type: ignore[no-untyped-def]
    """Add `strength` times the kicks, interpolated as by OpenCV's resize: shares in float32, sums in float64."""
    last = len(kicks) - 1
    scale = 1.0 / (len(course) / len(kicks))
    for n in range(len(course)):
        at = np.float32((n + 0.5) * scale - 0.5)
        before = math.floor(at)
        share = np.float32(at - np.float32(before))
        if before < 0 or before >= last:
            before, share = min(max(before, 0), last), np.float32(0)
        kick = kicks[before] * np.float32(np.float32(1) - share) + kicks[min(before + 1, last)] * share
        course[n] += strength * kick


def _swings(shape: ShapeSpec, count: int, rng: np.random.Generator, jitter: tuple[int, float]) -> Float64:
    """Turning points half a period apart, mostly on alternating sides, interpolated smoothly; detail, then jitter.

    Detail and jitter are independent normal numbers at even steps; `jitter` is how many, and their strength.
    """
    half = shape.period_mm / 2 / NODE_MM
    knots = math.ceil(count / (0.6 * half)) + 4
    draws, details = rng.random((3, knots)), 0
    if shape.detail > 0:
        details = math.ceil(count / max(2.0, half * (0.15 + (0.45 - 0.15) * rng.random())))
    normal = rng.standard_normal(details + jitter[0])
    strengths = shape.swing * shape.detail, jitter[1]
    course: Float64 = call(_roughened, draws, (count, half, shape.centre, shape.swing), normal, details, strengths)
    return course


@kernel
def _roughened(draws, swings, normal, details, strengths):  # type: ignore[no-untyped-def]
    """`_turns` with kicks of two strengths added; `normal` holds `details` kicks of the first, then the others."""
    course = _turns(draws, *swings)
    if details:
        _add_kicks(course, normal[:details], strengths[0])
    if details < len(normal):
        _add_kicks(course, normal[details:], strengths[1])
    return course


@kernel
def _turns(draws, count, half, centre, swing):  # type: ignore[no-untyped-def]
    """Values at `count` nodes between turning points; rows of `draws [3,k]` are gap, height and whether to stay."""
    knots = draws.shape[1]
    at, height = np.empty(knots), np.empty(knots)
    total = 0.0
    for k in range(knots):
        total += 0.6 + 0.8 * draws[0, k]
        at[k] = total * half - 1.5 * half
        side = (-1.0 if k % 2 else 1.0) * (-1.0 if draws[2, k] < _SAME_SIDE else 1.0)
        height[k] = centre + swing * (0.2 + 1.6 * draws[1, k]) * side
    course, k = np.empty(count), 0
    for n in range(count):
        while at[k + 1] <= n:
            k += 1
        phase = float(k) if at[k] == n else 1.0 / (at[k + 1] - at[k]) * (n - at[k]) + k
        before = int(phase)
        share = phase - before
        course[n] = height[before] + (height[before + 1] - height[before]) * (share * share * (3 - 2 * share))
    return course


def _blocks(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Beds of independent constant values."""
    bed = shape.period_mm / 2 / NODE_MM
    beds = math.ceil(count / (0.3 * bed)) + 1
    course: Float64 = call(_beds, rng.random((2, beds)), count, bed, shape.centre, shape.swing)
    return course


@kernel
def _beds(draws, count, bed, centre, swing):  # type: ignore[no-untyped-def]
    """Values at `count` nodes in beds of mean length `bed`; rows of `draws [2,n]` are length and value."""
    course, k, last = np.empty(count), 0, draws.shape[1] - 1
    total = 0.3 + (1.7 - 0.3) * draws[0, 0]
    for n in range(count):
        while k < last and total * bed < n:
            k += 1
            total += 0.3 + (1.7 - 0.3) * draws[0, k]
        course[n] = centre + swing * (-1.6 + 3.2 * draws[1, k])
    return course


@kernel
def _add_spikes(course, draws, rising):  # type: ignore[no-untyped-def]
    """Add triangles of a half width of 1.5 to 6 nodes, mostly to one side; a column of `draws [4,k]` is one of them."""
    count = draws.shape[1]
    at, half, heights = np.empty(count), np.empty(count), np.empty(count)
    for k in range(count):
        at[k], half[k] = len(course) * draws[0, k], 1.5 + (6.0 - 1.5) * draws[1, k]
        sign = (1.0 if draws[2, k] < 0.8 else -1.0) * (1.0 if rising else -1.0)
        heights[k] = (0.15 + (0.6 - 0.15) * draws[3, k]) * sign
    for n in range(len(course)):
        total = 0.0
        for k in range(count):
            near = 1.0 - abs(n - at[k]) / half[k]
            if near > 0:
                total += near * heights[k]
        course[n] += total


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
