"""Turn curve values into strokes: values at nodes -> polyline -> pixels of a pen.

Method
    The course of a curve is a polyline through its nodes. Where the value wraps, the polyline is led to the edge of the
    track, the pen is lifted, and the polyline continues at the other edge. Dashes cut the polyline at fixed lengths of
    ink. The rest is sampled in steps of one pixel, measured in the larger of |dx| and |dy|, and the pixel under each
    sample is inked. Hence every inked pixel contains a point of the curve (within half a pixel in x and y), the stroke
    is 8-connected, and each row of a steep part or column of a flat one has one pixel. (OpenCV's lines with fractional
    ends are up to a pixel off.) Wider pens dilate the stroke, with round ends.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from thinline.sheets.curve_shapes import NODE_MM, limited, values_at_nodes
from thinline.sheets.drawing.skew import MARGIN_MM, Matrix, sway
from thinline.sheets.drawing.stroke_kernels import line_through, trace
from thinline.sheets.spec import PEN_MM, CurveSpec, PenSpec, SkewSpec, TrackSpec
from thinline.system.numba_kernels import call
from thinline.vocabulary import Bool, Float64, Int64, UInt8


class Line(NamedTuple):
    """Polyline: vertices, float64 [V]; for each segment, whether the pen is down and its lap, [V-1]."""

    x_mm: Float64
    y_mm: Float64
    down: Bool
    lap: Float64


def course(curve: CurveSpec, size_mm: tuple[float, float], *, margin_mm: float = MARGIN_MM) -> tuple[Float64, Float64]:
    """(y_mm, value) at the nodes, from `margin_mm` above the sheet to below it; NaN where the curve has no data."""
    y_mm = _nodes_mm(size_mm[0], margin_mm)
    value = values_at_nodes(curve.shape, len(y_mm))
    bounds = (curve.low, curve.high) if curve.overflow == "clip" else (-math.inf, math.inf)
    limited(value, y_mm, bounds, (curve.first_mm, curve.last_mm))
    return y_mm, value


@cache
def _nodes_mm(height_mm: float, margin_mm: float) -> Float64:
    count = round((height_mm + 2 * margin_mm) / NODE_MM)
    nodes = np.linspace(0.5, count - 0.5, count) * NODE_MM - margin_mm
    nodes.flags.writeable = False
    return nodes


def line(y_mm: Float64, value: Float64, track: TrackSpec) -> Line:
    """The polyline of a course inside its track, pen lifted at wraps and missing values."""
    return Line(*call(line_through, y_mm, value, track.left_mm, track.right_mm))


def stroke(ink: Line, curve: CurveSpec, skew: SkewSpec, skewed: Matrix, *, out: UInt8) -> Int64:
    """Set to 1 the pixels of `out`, uint8 [H,W], that the pen of the curve inks along the line, after skew.

    Returns the indices of these pixels in `out.ravel()`, each once, int64 [n].
    """
    if len(ink.down) == 0:
        return np.empty(0, np.int64)
    px_per_mm = skewed[5]
    width = pen_px(curve.pen, px_per_mm)
    half = 0.0 if width % 2 else 0.5  # an even pen covers the pixel and its right and lower neighbours
    dashes = np.array(curve.pen.dash_mm, np.float64), np.array(curve.lap_dash_mm, np.float64)
    inked = call(trace, ink, sway(ink.y_mm, skew), skewed, dashes, ((width - 1) / px_per_mm, half), out)
    if width > 1:
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT if width == 2 else cv2.MORPH_ELLIPSE, (width, width))
        cv2.dilate(out, kernel, dst=out, anchor=(width // 2, width // 2))
        inked = np.flatnonzero(out)
    return np.asarray(inked, np.int64)


def pen_px(pen: PenSpec, px_per_mm: float) -> int:
    """Width of the pen in whole pixels, at least 1."""
    return max(1, round(pen.weight * PEN_MM * px_per_mm))


def pixels(size_mm: tuple[float, float], px_per_mm: float) -> tuple[int, int]:
    """(H, W) of a sheet."""
    return round(size_mm[0] * px_per_mm), round(size_mm[1] * px_per_mm)
