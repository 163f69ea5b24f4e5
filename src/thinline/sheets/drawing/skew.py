"""Skew (tilt, shear, waves and stretch) of the paper under the scanner, applied to every vertex of truth and ink.

Vertices are moved before strokes are drawn, so a 1-px stroke stays 1 px wide and its truth stays on it. Warping the
finished image would blur the one and break the other.

Formula, about the centre (cx, cy) of the sheet with dx = x - cx, dy = y - cy, t = angle:

    x' = cx + dx cos t - dy sin t + shear dy + wave sin(2 pi y / period + phase)
    y' = cy + dx sin t + dy cos t            + stretch sin(2 pi y / period)

`matrix` holds the linear part for kernels, and `sway` is the rest. `sway` belongs to NumPy: other sines differ from
NumPy's in the last bit, and the pixels of the frozen families must not change.
"""

from __future__ import annotations

import math

import numpy as np

from thinline.sheets.spec import SkewSpec
from thinline.system.numba_kernels import kernel
from thinline.vocabulary import Float64

MARGIN_MM = 4.0
"""How far a drawing extends beyond the sheet, so that skew uncovers no empty corner."""

Matrix = tuple[float, float, float, float, float, float]
"""cos, slant, x0, sin, y0: x' = cos x + slant y + x0 and y' = sin x + cos y + y0, mm; then px per mm."""


def matrix(skew: SkewSpec, size_mm: tuple[float, float], px_per_mm: float) -> Matrix:
    """The linear part of the skew of a sheet of `size_mm` (height, width), and the scale that it is drawn at."""
    cy, cx = size_mm[0] / 2, size_mm[1] / 2
    cos, sin = math.cos(math.radians(skew.angle_deg)), math.sin(math.radians(skew.angle_deg))
    slant = skew.shear - sin
    return cos, slant, cx - cos * cx - slant * cy, sin, cy - sin * cx - cos * cy, float(px_per_mm)


def margin_mm(skew: SkewSpec, size_mm: tuple[float, float], *, wide: bool) -> float:
    """How far a drawing extends above and below the sheet: MARGIN_MM, or if `wide` enough for any angle."""
    if not wide:
        return MARGIN_MM
    lifted = abs(math.sin(math.radians(skew.angle_deg))) * size_mm[1] / 2
    return MARGIN_MM + math.ceil(lifted + abs(skew.stretch_mm))


def sway(y_mm: Float64, skew: SkewSpec) -> tuple[Float64, Float64]:
    """The waves (x) and the stretch (y) of points at these depths, mm, each of the shape of `y_mm`."""
    if not (skew.wave_mm or skew.stretch_mm):
        none = np.zeros(y_mm.shape)
        return none, none
    turn = y_mm * (2 * math.pi / skew.wave_period_mm)
    return skew.wave_mm * np.sin(turn + skew.wave_phase), skew.stretch_mm * np.sin(turn)


@kernel
def turned(x_mm, y_mm, skewed):  # type: ignore[no-untyped-def]
    """The linear part of the skew of one point; `skewed` is a `Matrix`."""
    return skewed[0] * x_mm + skewed[1] * y_mm + skewed[2], skewed[3] * x_mm + skewed[0] * y_mm + skewed[4]


def move(x_mm: Float64, y_mm: Float64, skew: SkewSpec, size_mm: tuple[float, float]) -> tuple[Float64, Float64]:
    """Positions (x, y) after skew, in mm; the inputs broadcast, `size_mm` is (height, width)."""
    cos, slant, x0, sin, y0, _ = matrix(skew, size_mm, 1.0)
    moved_x, moved_y = cos * x_mm + slant * y_mm + x0, sin * x_mm + cos * y_mm + y0
    if skew.wave_mm or skew.stretch_mm:
        wave, stretch = sway(y_mm, skew)
        return moved_x + wave, moved_y + stretch
    return moved_x, moved_y
