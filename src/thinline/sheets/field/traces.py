"""Sample the curves of a `field` sheet: which track, shapes, pens and dashes.

Most pairs of curves have one pen; the others differ in width, dashes or both. Shapes range from a straight line on a
grid line to jitter so dense that the trace becomes a band.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.sheets.curve_shapes import window
from thinline.sheets.field.draws import Draws
from thinline.sheets.field.layout import Layout
from thinline.sheets.spec import PEN_MM, CurveSpec, PenSpec, ShapeSpec, TrackSpec

MOST_CURVES: Final = 6
_COUNTS: Final = ((1, 0.36), (2, 0.38), (3, 0.26))  # curves of a track
_LEAST_SHOWN_MM: Final = 7.0  # a track of which less is in the window gets no curve
_PEN_MM: Final = (0.1, 2.0)
_MEDIAN_PEN_MM: Final = 0.42
_PEN_SPREAD: Final = 0.55  # standard deviation of the logarithm
_SAME_PEN: Final = 0.8  # share of curves that are drawn with the pen of the sheet
_SHAPES: Final = (
    ("smooth", 0.22),
    ("band", 0.3),
    ("jittery", 0.19),
    ("blocky", 0.12),
    ("spiky", 0.12),
    ("flat", 0.05),
)
_STYLES: Final = (("solid", 0.6), ("dashed", 0.17), ("dotted", 0.08), ("dash-dot", 0.08), ("broken", 0.07))
_FROM_SAMPLES: Final = 0.7  # share of curves that are windows of samples, if there are samples
_WINDOW_MM: Final = 64.0  # depth of one window of samples
Samples = Sequence[NDArray[np.floating[Any]]]


def traces(draws: Draws, layout: Layout, depth_mm: tuple[float, float], samples: Samples) -> tuple[CurveSpec, ...]:
    """One to six curves between two depths of the window."""
    base = _pen(draws, _pen_mm(draws))
    curves: list[CurveSpec] = []
    for number in _numbers(draws, layout):
        track, inside = layout.tracks[number], layout.inside[number]
        before = [curve for curve in curves if curve.track == number]
        shape = _shape(draws, track, inside)
        if before and draws.chance(0.2):  # a repeat, or a curve that follows another one
            moved = draws.normal(0.04) * (inside[1] - inside[0])
            shape = dataclasses.replace(before[-1].shape, centre=round(before[-1].shape.centre + moved, 4))
        if samples and draws.chance(_FROM_SAMPLES):
            shape = _sampled(draws, samples, depth_mm[1] - depth_mm[0], inside)
        pen = _other_pen(draws, base)
        curves.append(_curve(draws, number, shape, pen, depth_mm))
    return tuple(curves)


def _other_pen(draws: Draws, base: PenSpec) -> PenSpec:
    """The pen of the sheet, four times in five; else its width with other dashes, or another pen."""
    if draws.chance(_SAME_PEN):
        return base
    pen_mm = base.weight * PEN_MM
    if draws.chance(0.3):
        return dataclasses.replace(base, dash_mm=_dash(draws, pen_mm))
    return _pen(draws, _in_range(pen_mm * draws.log(0.4, 2.5)))


def _numbers(draws: Draws, layout: Layout) -> list[int]:
    """The track of each curve."""
    numbers: list[int] = []
    tracks = zip(layout.tracks, layout.inside, strict=True)
    wide = [(end - start) * (track.right_mm - track.left_mm) for track, (start, end) in tracks]
    widest = wide.index(max(wide))
    for number, shown_mm in enumerate(wide):
        if number == widest or (shown_mm >= _LEAST_SHOWN_MM and draws.chance(0.85)):
            numbers += [number] * draws.weighted(_COUNTS)
    return numbers[:MOST_CURVES]


def _curve(draws: Draws, track: int, shape: ShapeSpec, pen: PenSpec, depth_mm: tuple[float, float]) -> CurveSpec:
    top, bottom = depth_mm
    first = top if top > 0 else -50.0
    last = bottom + 50.0
    if draws.chance(0.06):  # data begin or end inside the window
        inside = draws.uniform(top, bottom)
        first, last = (inside, last) if draws.chance(0.5) else (first, inside)
    wraps = draws.chance(0.45)
    low, high = 0.0, 1.0
    if draws.chance(0.2):  # a base line inside the track
        low, high = draws.pick((0.0, 0.0, 0.1, 0.2)), draws.pick((1.0, 1.0, 0.9, 0.8))
    lap_dash = _dash(draws, pen.weight * PEN_MM) if wraps and draws.chance(0.4) else ()
    return CurveSpec(track, shape, pen, lap_dash, "wrap" if wraps else "clip", low, high, first, last)


def _pen_mm(draws: Draws) -> float:
    return _in_range(_MEDIAN_PEN_MM * math.exp(draws.normal(_PEN_SPREAD)))


def _in_range(pen_mm: float) -> float:
    return min(_PEN_MM[1], max(_PEN_MM[0], pen_mm))


def _pen(draws: Draws, pen_mm: float) -> PenSpec:
    darkness = 1.0 if draws.chance(0.6) else draws.uniform(0.6, 1.0)
    return PenSpec(round(pen_mm / PEN_MM, 4), darkness, 0.0, _dash(draws, pen_mm, draws.weighted(_STYLES)))


def _dash(draws: Draws, pen_mm: float, style: str = "") -> tuple[float, ...]:
    """Dashes of a style, in mm of ink and gap, at least in proportion to the pen; by default of any but solid."""
    style = style or draws.pick(("dashed", "dashed", "dotted", "dash-dot"))
    unit = max(pen_mm, 0.3)
    gap = draws.log(0.9, 3.0) * unit
    parts: tuple[float, ...] = ()
    if style == "solid":
        return parts
    if style == "dotted":
        parts = (1.05 * pen_mm, pen_mm + 0.7 * gap)
    elif style == "dash-dot":
        long = draws.log(4.0, 9.0) * unit
        parts = (long, gap + pen_mm, *(1.3 * pen_mm, gap + pen_mm) * draws.whole(1, 2))
    elif style == "broken":
        parts = tuple(draws.log(1.5, 9.0) if n % 2 == 0 else draws.log(0.15, 1.2) for n in range(8))
    else:
        parts = (draws.log(3.0, 12.0) * unit, gap + 0.5 * pen_mm)
    return tuple(round(part, 3) for part in parts)


def _shape(draws: Draws, track: TrackSpec, inside: tuple[float, float]) -> ShapeSpec:
    """A shape whose centre lies in the part of the track that the window shows."""
    kind = draws.weighted(_SHAPES)
    wide = track.right_mm - track.left_mm
    shown = inside[1] - inside[0]
    swing_mm = draws.log(0.8, 22.0) if kind != "flat" else draws.log(0.12, 0.8)
    swing = min(swing_mm / wide, 0.45 * shown)
    rough_mm = draws.log(0.03, 0.6)
    step = draws.log(0.25, 1.3)
    if kind == "band":
        rough_mm, step = min(draws.log(1.0, 12.0), 0.22 * shown * wide), draws.log(0.2, 0.7)
    elif kind == "jittery":
        rough_mm = min(draws.log(0.25, 3.0), 0.15 * shown * wide)
    elif kind == "smooth":
        rough_mm = draws.log(0.01, 0.15)
    elif kind == "flat":  # without some roughness it would be a straight line, as rulings are
        rough_mm = draws.log(0.04, 0.2)
    period_mm = 4 * swing * wide / draws.log(0.8, 14.0)
    centre = inside[0] + shown * draws.uniform(0.12, 0.88)
    if draws.chance(0.15):  # on a line of the grid
        centre = round(centre * track.divisions) / track.divisions
    elif draws.chance(0.08):  # on an edge
        centre = round(centre)
    return ShapeSpec(
        kind={"band": "jittery", "flat": "smooth"}.get(kind, kind),
        seed=draws.seed(),
        centre=round(centre, 4),
        swing=round(swing, 5),
        detail=draws.uniform(0.0, 0.6) if draws.chance(0.7) and kind != "blocky" else 0.0,
        period_mm=round(min(60.0, max(1.5, period_mm)), 3),
        rough=round(rough_mm / wide, 5),
        rough_step_mm=step,
        events_per_mm=draws.log(0.03, 0.5) if kind == "spiky" else 0.0,
    )


def _sampled(draws: Draws, samples: Samples, depth_mm: float, inside: tuple[float, float]) -> ShapeSpec:
    """Windows of real values one below the other, scaled into the part of the track that is shown."""
    count = max(1, round(depth_mm / _WINDOW_MM))
    values = np.concatenate([window(samples, draws.rng, smooth=draws.chance(0.3)) for _ in range(count)])
    values = np.round(inside[0] + (inside[1] - inside[0]) * values, 4)
    return ShapeSpec("samples", 0, 0.5, 0.0, 0.0, 10.0, 0.0, 0.25, 0.0, tuple(values.tolist()))
