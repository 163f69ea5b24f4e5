"""A drawn sheet and its truth.

Conventions
    Coordinates name pixel centres: the pixel in column 3, row 5 has its centre at x 3.0, y 5.0. A point x mm from the
    left edge of the sheet lies at x * px_per_mm - 0.5 px.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thinline.vocabulary import Bool, Float32, UInt8


@dataclass(frozen=True)
class DrawnCurve:
    """The true course of one curve, without dashes: one point per row of the sheet before skew.

    On sheets of the family `field` the points are all vertices of the centre line and steps of at most a row between
    them; consecutive finite points on one lap are joined, and the line ends exactly at the border of the sheet.

    x_px, y_px  float32 [P], position after skew; NaN where the curve has no data or lies off the sheet
    lap         int16 [P], number of wraps over the right edge of the track (negative: over the left)
    track_width_px  width of the track, the unit of errors in track fractions
    """

    x_px: Float32
    y_px: Float32
    lap: NDArray[np.int16]
    track_width_px: float


@dataclass(frozen=True)
class Sheet:
    """An image with the truth it was drawn from.

    image    uint8 [H,W], dark ink on bright paper
    labels   uint8 [H,W], class ids; at a crossing the curve drawn last
    strokes  bool [K,H,W], the ink of each curve; gaps between dashes are not ink
    layers   uint8 [H,W], bits GRID, EDGE, TEXT, STAIN of thinline.vocabulary
    curves   K true courses, continuous along depth
    """

    image: UInt8
    labels: UInt8
    strokes: Bool
    layers: UInt8
    curves: tuple[DrawnCurve, ...]
