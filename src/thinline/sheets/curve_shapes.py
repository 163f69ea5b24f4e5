"""Families of curve shape: ShapeSpec -> the value at every quarter millimetre of depth, in fractions of the track.

Conventions
    Nodes lie `NODE_MM` apart and a curve runs straight from node to node, so its shape is the same at every
    resolution. Values outside 0..1 are off the scale; NaN is no data.

Families
    smooth    slow swings                               (sonic, density in clean rock)
    jittery   slow swings under dense jitter            (gamma ray)
    blocky    constant beds with jumps between          (resistivity through thin beds)
    spiky     a quiet course with narrow peaks          (caliper, microlog, cycle skips)
    samples   the values given by the spec              (a window of a digitised log)
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from thinline.sheets.spec import ShapeSpec
from thinline.vocabulary import Float64

KINDS: Final = ("smooth", "jittery", "blocky", "spiky", "samples")
NODE_MM: Final = 0.25
_SAME_SIDE: Final = 0.2  # share of turning points that do not change sides: steps and shoulders between the swings


def values_at_nodes(shape: ShapeSpec, count: int) -> Float64:
    """The shape at `count` nodes, float64 [count]."""
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
    """Independent normal numbers every `step` nodes, joined by straight lines; [count]."""
    kicks = rng.standard_normal((1, math.ceil(count / step)))
    return np.asarray(cv2.resize(kicks, (count, 1), interpolation=cv2.INTER_LINEAR)[0], np.float64)


def _swings(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Turning points half a period apart, mostly on alternating sides of the centre, joined smoothly; then detail."""
    half = shape.period_mm / 2 / NODE_MM
    knots = math.ceil(count / (0.6 * half)) + 4
    gap, height, stays = rng.random((3, knots))
    at = np.cumsum(0.6 + 0.8 * gap) * half - 1.5 * half
    height = shape.centre + shape.swing * (0.2 + 1.6 * height) * _turns(knots) * np.where(stays < _SAME_SIDE, -1, 1)
    phase = np.interp(np.arange(count), at, np.arange(knots))
    before = phase.astype(np.intp)
    share = phase - before
    course = height[before] + np.diff(height)[before] * (share * share * (3 - 2 * share))
    if shape.detail > 0:
        step = max(2.0, half * rng.uniform(0.15, 0.45))
        course += _kicks(count, step, rng) * (shape.swing * shape.detail)
    return np.asarray(course)


def _turns(knots: int) -> Float64:
    sides = np.ones(knots)
    sides[1::2] = -1.0
    return sides


def _blocks(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Beds of constant value, each drawn anew; a jump takes one node."""
    bed = shape.period_mm / 2 / NODE_MM
    beds = math.ceil(count / (0.3 * bed)) + 1
    ends = np.cumsum(rng.uniform(0.3, 1.7, beds)) * bed
    level = shape.centre + shape.swing * rng.uniform(-1.6, 1.6, beds)
    return np.asarray(level[np.clip(np.searchsorted(ends, np.arange(count)), 0, beds - 1)])


def _spikes(shape: ShapeSpec, count: int, rng: np.random.Generator) -> Float64:
    """Triangles of 2 to 6 nodes half width, mostly to one side."""
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
