"""Curves as ink: from node values to a broken line, from the line to the pixels of a pen.

Method
    The course of a curve is a broken line through its nodes. Where the value leaves the track and wraps, the line is
    led to the edge, the pen is lifted, and the line goes on from the other edge. Dashes cut the line at fixed lengths
    of ink. What is left is walked in steps of one pixel, measured in the larger of |dx| and |dy|, and the pixel under
    each step is inked: hence every inked pixel holds a point of the curve (it is at most half a pixel off in x and in
    y), neighbours touch (8-connected), and each row of a steep part or column of a flat one gets one pixel. OpenCV's
    own lines with fractional ends are up to a whole pixel off. Wider pens dilate the stroke, round ends included.
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
Places = NDArray[np.intp]
_STEP_PX = 1 - 1e-9  # a full step could skip a pixel when both its ends are rounded the wrong way
_LIFT_MM = 1e-6  # length of a step with the pen up, so that no two vertices lie at one place along the line


class Line(NamedTuple):
    """Vertices, float64 [V], and for each step to the next vertex whether the pen is down and on which lap, [V-1]."""

    x_mm: Float64
    y_mm: Float64
    down: Bool
    lap: Float64


def course(curve: CurveSpec, size_mm: tuple[float, float]) -> tuple[Float64, Float64]:
    """(y_mm, value) at every node from above the sheet to below it; NaN where the curve has no data."""
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
    """The broken line of a course inside its track, pen lifted at wraps and missing values."""
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
        place = np.arange(len(value))
        place += 2 * np.searchsorted(at, place)
        inside = _opened(inside, place, at, (rises, ~rises))
        down = _opened(np.concatenate([down, np.zeros(1, np.bool_)]), place, at, (False, True))[:-1]
        lap = _opened(lap, place, at, (lap[at], lap[at + 1]))
        y_mm = _opened(y_mm, place, at, (crossing_y, crossing_y))
    return Line(track.left_mm + inside * (track.right_mm - track.left_mm), y_mm, down, lap[:-1])


def _opened(values: NDArray[Kind], place: Places, at: Places, between: tuple[Any, Any]) -> NDArray[Kind]:
    """`values` moved to `place`, with the two values `between` put in after each index of `at`."""
    wider = np.empty(place[-1] + 1 if len(place) else 0, values.dtype)
    wider[place] = values
    wider[place[at] + 1], wider[place[at] + 2] = between
    return wider


def laps(value: Float64) -> Float64:
    """How often each value has left the track, 0 where there is none; a value on the right edge has not left it."""
    lap = np.floor(value)
    lap -= value == 1.0
    lap[np.isnan(lap)] = 0.0
    return lap


def stroke(ink: Line, curve: CurveSpec, spec: SheetSpec, *, px_per_mm: float, out: UInt8) -> None:
    """Set the pixels of `out`, uint8 [H,W], that the curve's pen inks along the line, after skew, to 1."""
    if not ink.down.any():
        return
    width = pen_px(curve.pen, px_per_mm)
    x_mm, y_mm = move(ink.x_mm, ink.y_mm, spec.skew, spec.size_mm)
    on = ink.down
    if curve.pen.dash_mm or curve.lap_dash_mm:
        x_mm, y_mm, on = _dashed(Line(x_mm, y_mm, on, ink.lap), curve, cap_mm=(width - 1) / px_per_mm)
    half = 0.0 if width % 2 else 0.5  # an even pen lies on the pixel and on its right and lower neighbour
    x, y = _walked(x_mm * px_per_mm - half, y_mm * px_per_mm - half, on)
    seen = (x >= 0) & (x < out.shape[1]) & (y >= 0) & (y < out.shape[0])
    out[y[seen].astype(np.intp), x[seen].astype(np.intp)] = 1
    if width > 1:
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT if width == 2 else cv2.MORPH_ELLIPSE, (width, width))
        cv2.dilate(out, kernel, dst=out, anchor=(width // 2, width // 2))


def pen_px(pen: PenSpec, px_per_mm: float) -> int:
    """Width of the pen in whole pixels, at least 1."""
    return max(1, round(pen.weight * PEN_MM * px_per_mm))


def pixels(size_mm: tuple[float, float], px_per_mm: float) -> tuple[int, int]:
    """(H, W) of a sheet."""
    return round(size_mm[0] * px_per_mm), round(size_mm[1] * px_per_mm)


def _walked(x: Float64, y: Float64, on: Bool) -> tuple[Float64, Float64]:
    """Points one step apart along the steps that are on; a step that is off has no length, so that none falls in it."""
    length = np.where(on, np.maximum(np.abs(x[1:] - x[:-1]), np.abs(y[1:] - y[:-1])), 0.0)
    at = np.zeros(len(x))
    np.cumsum(length, out=at[1:])
    along = np.arange(_STEP_PX / 2, at[-1], _STEP_PX)
    return np.interp(along, at, x), np.interp(along, at, y)


def _dashed(ink: Line, curve: CurveSpec, *, cap_mm: float) -> tuple[Float64, Float64, Bool]:
    """The line cut where dashes begin and end; whether each step of it is inked."""
    at = np.zeros(len(ink.x_mm))
    length = np.hypot(ink.x_mm[1:] - ink.x_mm[:-1], ink.y_mm[1:] - ink.y_mm[:-1])
    np.cumsum(np.where(ink.down, length, _LIFT_MM), out=at[1:])
    wrapped = (ink.lap != 0) & bool(curve.lap_dash_mm)  # there the pen's own dashes would beat against the lap's
    patterns = [(dash, there) for dash, there in ((curve.pen.dash_mm, ~wrapped), (curve.lap_dash_mm, wrapped)) if dash]
    cuts = [_cuts(dash, at[-1], cap_mm) for dash, _ in patterns]
    place = np.sort(np.concatenate([at, *cuts]))
    middle = (place[:-1] + place[1:]) / 2
    step = np.searchsorted(at, middle) - 1
    on = ink.down[step]
    for cut, (_, there) in zip(cuts, patterns, strict=True):
        on &= ~there[step] | (np.searchsorted(cut, middle) % 2 == 1)
    return np.interp(place, at, ink.x_mm), np.interp(place, at, ink.y_mm), on


def _cuts(dash_mm: tuple[float, ...], length_mm: float, cap_mm: float) -> Float64:
    """Where along the line dashes begin, end, begin, ...; the cap of the pen is taken off each, half at either end."""
    one, begin = [], 0.0
    for ink, gap in zip(dash_mm[::2], dash_mm[1::2], strict=True):
        cap = min(cap_mm, 0.9 * ink) / 2
        one += [begin + cap, begin + ink - cap]
        begin += ink + gap
    cuts = (np.arange(length_mm // begin + 1)[:, None] * begin + np.array(one)).ravel()
    return np.asarray(cuts[: np.searchsorted(cuts, length_mm)], np.float64)
