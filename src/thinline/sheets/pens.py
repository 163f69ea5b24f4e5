"""Sample the two curves of a sheet: shapes, pens, and the cue that distinguishes curve 1 from curve 2.

With the cue "weight" or "dash" both curves have one kind and strength of shape; with "roughness" they have one pen. A
second property may agree with the cue but never contradicts it (see thinline.sheets.spec).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinline.sheets.curve_shapes import window
from thinline.sheets.family_ranges import Ranges, choose, uniform
from thinline.sheets.spec import CurveSpec, PenSpec, ShapeSpec, TrackSpec

_HEAVY, _LIGHT, _EVEN = (1.2, 1.45), (0.7, 0.85), (0.8, 1.3)
_DASHES = ((2.0, 1.0), (3.0, 1.2), (1.5, 0.8), (0.5, 0.6), (0.75, 0.75), (3.0, 0.8, 0.6, 0.8), (4.0, 0.9, 0.5, 0.9))
_AGREES = 0.3  # probability that the dashed pen is also the lighter one


def curves(
    ranges: Ranges,
    rng: np.random.Generator,
    cue: str,
    tracks: tuple[TrackSpec, ...],
    depth_mm: tuple[float, float],
    samples: Sequence[NDArray[np.floating[Any]]],
) -> tuple[CurveSpec, ...]:
    """Curve 1 and curve 2 between the two depths; windows of `samples` if there are any."""
    at = [int(rng.integers(len(tracks)))] * 2
    if len(tracks) > 1 and rng.random() < ranges.apart:
        at[1] = 1 - at[0]
    first, second = _pens(ranges, rng, cue)
    width_mm = min(tracks[k].right_mm - tracks[k].left_mm for k in at)
    shapes = _shapes(ranges, rng, cue, width_mm)
    if samples:
        shapes = _windows(rng, cue, samples, depth_mm, width_mm)
    overflow = "wrap" if rng.random() < ranges.wraps else "clip"
    low, high = _bounds(ranges, rng)
    lap_dash = _dash(rng) if overflow == "wrap" and cue != "dash" and rng.random() < 0.3 else ()
    return tuple(
        CurveSpec(
            track=track,
            shape=shape,
            pen=pen,
            lap_dash_mm=lap_dash,
            overflow=overflow,
            low=low,
            high=high,
            first_mm=depth_mm[0] if depth_mm[0] > 0 else -10.0,
            last_mm=depth_mm[1] + 10.0,
        )
        for track, shape, pen in zip(at, shapes, (first, second), strict=True)
    )


def _bounds(ranges: Ranges, rng: np.random.Generator) -> tuple[float, float]:
    """Values at which a curve is clipped: the edges of the track, or one edge and a line of its grid (a base line)."""
    if rng.random() < ranges.base_line:
        at = int(rng.integers(1, 4)) / 10
        return (at, 1.0) if rng.random() < 0.5 else (0.0, 1.0 - at)
    return 0.0, 1.0


def _pens(ranges: Ranges, rng: np.random.Generator, cue: str) -> tuple[PenSpec, PenSpec]:
    darkness = uniform(rng, ranges.pen_darkness)
    agrees = rng.random() < _AGREES
    if cue == "weight":
        heavy = PenSpec(uniform(rng, _HEAVY), darkness, uniform(rng, (0.08, 0.14)))
        light = PenSpec(uniform(rng, _LIGHT), round(darkness * uniform(rng, (0.88, 1.0)), 3), 0.0)
        if rng.random() < 0.2:  # two dashed pens that differ in weight alone
            dash = _dash(rng)
            return dataclasses.replace(heavy, dash_mm=dash), dataclasses.replace(light, dash_mm=dash)
        return heavy, light
    even = PenSpec(uniform(rng, _EVEN), darkness, uniform(rng, (0.0, 0.08)))
    if cue == "dash":
        lighter = dataclasses.replace(even, weight=round(max(0.6, even.weight * 0.8), 3)) if agrees else even
        return even, dataclasses.replace(lighter, dash_mm=_dash(rng))
    return even, even


def _dash(rng: np.random.Generator) -> tuple[float, ...]:
    scale = rng.uniform(0.85, 1.3)
    return tuple(round(float(part * scale), 3) for part in _DASHES[int(rng.integers(len(_DASHES)))])


def _shapes(ranges: Ranges, rng: np.random.Generator, cue: str, width_mm: float) -> tuple[ShapeSpec, ShapeSpec]:
    names, odds = zip(*ranges.kinds, strict=True)
    kinds = [names[choose(rng, odds)]] * 2
    rough = uniform(rng, ranges.rough_mm)
    roughs = [rough, rough]
    if cue == "roughness":
        kinds = ["jittery", "smooth"]
        roughs = [uniform(rng, ranges.rough_cue_mm), uniform(rng, (0.0, 0.05))]
    step = uniform(rng, (0.25, 0.5) if cue == "roughness" else ranges.rough_step_mm)
    detail = 0.0 if cue == "roughness" else uniform(rng, ranges.detail)
    first, second = (
        _shape(ranges, rng, kind, mm if kind in ("jittery", "blocky") else 0.3 * mm, width_mm)
        for kind, mm in zip(kinds, roughs, strict=True)
    )
    return (
        dataclasses.replace(first, rough_step_mm=step, detail=detail),
        dataclasses.replace(second, rough_step_mm=step, detail=detail),
    )


def _shape(ranges: Ranges, rng: np.random.Generator, kind: str, rough_mm: float, width_mm: float) -> ShapeSpec:
    swing = uniform(rng, ranges.swing)
    period_mm = 4 * swing * width_mm / uniform(rng, ranges.slope)
    if kind == "blocky":
        period_mm /= 2  # the jump of a bed is half the run of a swing
    return ShapeSpec(
        kind=kind,
        seed=int(rng.integers(2**31)),
        centre=uniform(rng, (0.25, 0.75)),
        swing=swing,
        detail=0.0,
        period_mm=round(min(40.0, max(3.0, period_mm)), 3),
        rough=round(rough_mm / width_mm, 5),
        rough_step_mm=0.25,
        events_per_mm=uniform(rng, (0.08, 0.3)) if kind == "spiky" else 0.0,
    )


def _windows(
    rng: np.random.Generator,
    cue: str,
    samples: Sequence[NDArray[np.floating[Any]]],
    depth_mm: tuple[float, float],
    width_mm: float,
) -> tuple[ShapeSpec, ShapeSpec]:
    """Two windows of real values; with the cue "roughness" the first is jittered and the second smoothed."""
    windows = [window(samples, rng, smooth=cue == "roughness" and k == 1) for k in range(2)]
    if cue == "roughness":
        jitter = np.where(np.isfinite(windows[0]), uniform(rng, (0.2, 0.4)) / width_mm, 0)
        windows[0] = windows[0] + jitter * rng.standard_normal(len(windows[0]))
    first, second = (
        ShapeSpec("samples", 0, 0.5, 0.0, 0.0, 10.0, 0.0, 0.25, 0.0, tuple(np.round(values, 4).tolist()))
        for values in windows
    )
    return first, second
