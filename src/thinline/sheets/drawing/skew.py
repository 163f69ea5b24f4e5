"""Skew (tilt, shear, waves, stretch) of the paper under the scanner, applied to every vertex of truth and ink.

Vertices are moved before strokes are drawn, so a 1-px stroke stays 1 px wide and its truth stays on it. Warping the
finished image would blur the one and break the other.

Formula, about the centre (cx, cy) of the sheet with dx = x - cx, dy = y - cy, t = angle:

    x' = cx + dx cos t - dy sin t + shear dy + wave sin(2 pi y / period + phase)
    y' = cy + dx sin t + dy cos t            + stretch sin(2 pi y / period)
"""

from __future__ import annotations

import math

import numpy as np

from thinline.sheets.spec import SkewSpec
from thinline.vocabulary import Float64

MARGIN_MM = 4.0
"""How far a drawing extends beyond the sheet, so that skew uncovers no empty corner."""


def move(x_mm: Float64, y_mm: Float64, skew: SkewSpec, size_mm: tuple[float, float]) -> tuple[Float64, Float64]:
    """Positions (x, y) after skew, in mm; the inputs broadcast, `size_mm` is (height, width)."""
    cy, cx = size_mm[0] / 2, size_mm[1] / 2
    cos, sin = math.cos(math.radians(skew.angle_deg)), math.sin(math.radians(skew.angle_deg))
    slant = skew.shear - sin
    moved_x = cos * x_mm + slant * y_mm + (cx - cos * cx - slant * cy)
    moved_y = sin * x_mm + cos * y_mm + (cy - sin * cx - cos * cy)
    if skew.wave_mm or skew.stretch_mm:
        turn = y_mm * (2 * math.pi / skew.wave_period_mm)
        moved_x = moved_x + skew.wave_mm * np.sin(turn + skew.wave_phase)
        moved_y = moved_y + skew.stretch_mm * np.sin(turn)
    return moved_x, moved_y
