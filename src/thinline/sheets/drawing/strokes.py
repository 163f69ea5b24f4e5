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

from functools import cache
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.sheets.curve_shapes import NODE_MM, values_at_nodes
from thinline.sheets.drawing.skew import MARGIN_MM, move
from thinline.sheets.spec import PEN_MM, CurveSpec, PenSpec, SheetSpec, TrackSpec
from thinline.vocabulary import Bool, Float64, UInt8

Kind = TypeVar("Kind", bound=np.generic)
Indices = NDArray[np.intp]
_STEP_PX = 1 - 1e-9  # a full step could skip a pixel by rounding
_LIFT_MM = 1e-6  # length of a segment with the pen up, so that positions along the line increase strictly


class Line(NamedTuple):
    """Polyline: vertices, float64 [V]; for each segment, whether the pen is down and its lap, [V-1]."""

    x_mm: Float64
    y_mm: Float64
    down: Bool
    lap: Float64


def course(curve: CurveSpec, size_mm: tuple[float, float]) -> tuple[Float64, Float64]:
    """(y_mm, value) at the nodes, from above the sheet to below it; NaN where the curve has no data."""
    y_mm = _nodes_mm(size_mm[0])
    value = values_at_nodes(curve.shape, len(y_mm))
    if curve.overflow == "clip":
        value = np.clip(value, curve.low, curve.high)
    first, last = np.searchsorted(y_mm, (curve.first_mm, curve.last_mm))
    value[:first] = np.nan
    value[last:] = np.nan
    return y_mm, value


@cache
def _nodes_mm(height_mm: float) -> Float64:
    count = round((height_mm + 2 * MARGIN_MM) / NODE_MM)
    nodes = np.linspace(0.5, count - 0.5, count) * NODE_MM - MARGIN_MM
    nodes.flags.writeable = False
    return nodes


def line(y_mm: Float64, value: Float64, track: TrackSpec) -> Line:
    """The polyline of a course inside its track, pen lifted at wraps and missing values."""
    finite = np.isfinite(value)
    down = finite[1:] & finite[:-1]
    if not finite.all():
        down = down[finite[:-1]][: max(0, int(finite.sum()) - 1)]
        y_mm, value = y_mm[finite], value[finite]
    lap = laps(value)
    inside = value - lap
    if lap.any():
        step = lap[1:] - lap[:-1]
        at = np.flatnonzero(down & (np.abs(step) == 1))
        down &= np.abs(step) <= 1
        rises = step[at] > 0
        share = (lap[at] + rises - value[at]) / (value[at + 1] - value[at])
        crossing_y = y_mm[at] + share * (y_mm[at + 1] - y_mm[at])
        index = np.arange(len(value))
        index += 2 * np.searchsorted(at, index)
        inside = _opened(inside, index, at, (rises, ~rises))
        down = _opened(np.concatenate([down, np.zeros(1, np.bool_)]), index, at, (False, True))[:-1]
        lap = _opened(lap, index, at, (lap[at], lap[at + 1]))
        y_mm = _opened(y_mm, index, at, (crossing_y, crossing_y))
    return Line(track.left_mm + inside * (track.right_mm - track.left_mm), y_mm, down, lap[:-1])


def _opened(values: NDArray[Kind], index: Indices, at: Indices, between: tuple[Any, Any]) -> NDArray[Kind]:
    """`values` moved to `index`, with the two values `between` inserted after each element `at`."""
    wider = np.empty(index[-1] + 1 if len(index) else 0, values.dtype)
    wider[index] = values
    wider[index[at] + 1], wider[index[at] + 2] = between
    return wider


def laps(value: Float64) -> Float64:
    """Number of wraps of each value, 0 for NaN; a value on the right edge has not wrapped."""
    lap = np.floor(value)
    lap -= value == 1.0
    lap[np.isnan(lap)] = 0.0
    return lap


def stroke(ink: Line, curve: CurveSpec, spec: SheetSpec, *, px_per_mm: float, out: UInt8) -> None:
    """Set to 1 the pixels of `out`, uint8 [H,W], that the pen of the curve inks along the line, after skew."""
    if not ink.down.any():
        return
    width = pen_px(curve.pen, px_per_mm)
    x_mm, y_mm = move(ink.x_mm, ink.y_mm, spec.skew, spec.size_mm)
    on = ink.down
    if curve.pen.dash_mm or curve.lap_dash_mm:
        x_mm, y_mm, on = _dashed(Line(x_mm, y_mm, on, ink.lap), curve, cap_mm=(width - 1) / px_per_mm)
    half = 0.0 if width % 2 else 0.5  # an even pen covers the pixel and its right and lower neighbours
    x, y = _sampled(x_mm * px_per_mm - half, y_mm * px_per_mm - half, on)
    inside = (x >= 0) & (x < out.shape[1]) & (y >= 0) & (y < out.shape[0])
    out[y[inside].astype(np.intp), x[inside].astype(np.intp)] = 1
    if width > 1:
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT if width == 2 else cv2.MORPH_ELLIPSE, (width, width))
        cv2.dilate(out, kernel, dst=out, anchor=(width // 2, width // 2))


def pen_px(pen: PenSpec, px_per_mm: float) -> int:
    """Width of the pen in whole pixels, at least 1."""
    return max(1, round(pen.weight * PEN_MM * px_per_mm))


def pixels(size_mm: tuple[float, float], px_per_mm: float) -> tuple[int, int]:
    """(H, W) of a sheet."""
    return round(size_mm[0] * px_per_mm), round(size_mm[1] * px_per_mm)


def _sampled(x: Float64, y: Float64, on: Bool) -> tuple[Float64, Float64]:
    """Points one step apart along the segments that are on; segments that are off have no length."""
    length = np.where(on, np.maximum(np.abs(x[1:] - x[:-1]), np.abs(y[1:] - y[:-1])), 0.0)
    at = np.zeros(len(x))
    np.cumsum(length, out=at[1:])
    along = np.arange(_STEP_PX / 2, at[-1], _STEP_PX)
    return np.interp(along, at, x), np.interp(along, at, y)


def _dashed(ink: Line, curve: CurveSpec, *, cap_mm: float) -> tuple[Float64, Float64, Bool]:
    """Vertices of the line with the ends of dashes added, and whether each segment is inked."""
    at = np.zeros(len(ink.x_mm))
    length = np.hypot(ink.x_mm[1:] - ink.x_mm[:-1], ink.y_mm[1:] - ink.y_mm[:-1])
    np.cumsum(np.where(ink.down, length, _LIFT_MM), out=at[1:])
    wrapped = (ink.lap != 0) & bool(curve.lap_dash_mm)  # dashes of the lap replace those of the pen
    patterns = [(dash, where) for dash, where in ((curve.pen.dash_mm, ~wrapped), (curve.lap_dash_mm, wrapped)) if dash]
    cuts = [_cuts(dash, at[-1], cap_mm) for dash, _ in patterns]
    position = np.sort(np.concatenate([at, *cuts]))
    middle = (position[:-1] + position[1:]) / 2
    step = np.searchsorted(at, middle) - 1
    on = ink.down[step]
    for cut, (_, where) in zip(cuts, patterns, strict=True):
        on &= ~where[step] | (np.searchsorted(cut, middle) % 2 == 1)
    return np.interp(position, at, ink.x_mm), np.interp(position, at, ink.y_mm), on


def _cuts(dash_mm: tuple[float, ...], length_mm: float, cap_mm: float) -> Float64:
    """Positions along the line where dashes begin, end, begin, ...; each is shortened by the cap of the pen."""
    period, begin = [], 0.0
    for ink, gap in zip(dash_mm[::2], dash_mm[1::2], strict=True):
        cap = min(cap_mm, 0.9 * ink) / 2
        period += [begin + cap, begin + ink - cap]
        begin += ink + gap
    cuts = (np.arange(length_mm // begin + 1)[:, None] * begin + np.array(period)).ravel()
    return np.asarray(cuts[: np.searchsorted(cuts, length_mm)], np.float64)
