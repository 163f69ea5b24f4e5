"""Draw a SheetSpec without wear: grid, text, marks, then the curves in their order.

Conventions
    The image of a drawn sheet holds ink as 255 - image: 0 none, 255 full. `wear` turns ink and paper into grey levels.
    Skew is part of drawing (skew.py); wear moves nothing.

Ink of a pen
    The true stroke of a pen is `pen_px` wide. Its ink is weight * PEN_MM + 2 * spread_mm wide: if wider than the
    stroke, it adds rings around it, the last one grey by the share of the pixel it covers; if narrower, the stroke
    itself is grey. At 4 px per mm the weight of a pen shows as darkness, at 12 px per mm as width.
"""

from __future__ import annotations

import cv2
import numpy as np

from thinline.sheets.drawing.grids import draw_grid
from thinline.sheets.drawing.printed_marks import draw_marks, draw_texts
from thinline.sheets.drawing.skew import move
from thinline.sheets.drawing.strokes import course, laps, line, pen_px, pixels, stroke
from thinline.sheets.sheet import DrawnCurve, Sheet
from thinline.sheets.spec import PEN_MM, PenSpec, SheetSpec
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT, Float64, UInt8

_LEAST_INK = 50  # of a pixel that belongs to a layer
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def draw(spec: SheetSpec, *, px_per_mm: float) -> Sheet:
    """The sheet of `spec` at `px_per_mm`, without wear. ValueError for a side below 8 px."""
    shape = pixels(spec.size_mm, px_per_mm)
    if min(shape) < 8:
        raise ValueError(
            f"a sheet must be at least 8x8 px, got {shape[0]}x{shape[1]} from size_mm={spec.size_mm} at "
            f"px_per_mm={px_per_mm}; ask for a larger sheet or more pixels per mm"
        )
    grid, edge = draw_grid(spec, shape, px_per_mm=px_per_mm)
    text, stain = draw_marks(spec, shape, px_per_mm=px_per_mm)
    draw_texts(text, spec, px_per_mm=px_per_mm)
    ink = cv2.add(cv2.max(cv2.max(grid, edge), text), stain)
    labels = np.zeros(shape, np.uint8)
    strokes = np.zeros((len(spec.curves), *shape), np.uint8)
    courses = [course(curve, spec.size_mm) for curve in spec.curves]
    for k in spec.order:
        curve = spec.curves[k]
        stroke(line(*courses[k], spec.tracks[curve.track]), curve, spec, px_per_mm=px_per_mm, out=strokes[k])
        ink = cv2.max(ink, _inked(strokes[k], curve.pen, px_per_mm))
        labels = labels & (strokes[k] - np.uint8(1)) | strokes[k] * np.uint8(k + 1)  # 0 - 1 is 255: keeps the label
    curves = _true_curves(courses, spec, px_per_mm)
    layers = _layer(grid, GRID) | _layer(edge, EDGE) | _layer(text, TEXT) | _layer(stain, STAIN)
    return Sheet(cv2.bitwise_not(ink), labels, strokes.view(bool), layers, curves)


def true_curves(spec: SheetSpec, *, px_per_mm: float) -> tuple[DrawnCurve, ...]:
    """The `curves` of `draw(spec)`, computed without drawing."""
    return _true_curves([course(curve, spec.size_mm) for curve in spec.curves], spec, px_per_mm)


def _inked(mask: UInt8, pen: PenSpec, px_per_mm: float) -> UInt8:
    """Ink 0..255 of a stroke, uint8 [H,W]."""
    full = round(255 * pen.darkness)
    width = pen_px(pen, px_per_mm)
    spare = (pen.weight * PEN_MM + 2 * pen.spread_mm) * px_per_mm - width
    if spare <= 0:
        return np.asarray(mask * np.uint8(round(full * (1 + spare / width))), np.uint8)
    rings, share = divmod(spare / 2, 1.0)
    if rings:
        mask = cv2.dilate(mask, _CROSS, iterations=int(rings))
    ring = cv2.dilate(mask, _CROSS) * np.uint8(round(full * share))
    return np.asarray(cv2.max(mask * np.uint8(full), ring), np.uint8)


def _true_curves(courses: list[tuple[Float64, Float64]], spec: SheetSpec, px_per_mm: float) -> tuple[DrawnCurve, ...]:
    """The courses at the centre of every row, after skew; NaN off the sheet."""
    height, width = pixels(spec.size_mm, px_per_mm)
    row_mm = np.asarray((np.arange(height) + 0.5) / px_per_mm, np.float64)
    at_row = np.stack([np.interp(row_mm, y_mm, value) for y_mm, value in courses])
    lap = laps(at_row)
    tracks = [spec.tracks[curve.track] for curve in spec.curves]
    left_mm = np.array([[track.left_mm] for track in tracks])
    wide_mm = np.array([[track.right_mm - track.left_mm] for track in tracks])
    x_mm, y_mm = move(left_mm + (at_row - lap) * wide_mm, row_mm, spec.skew, spec.size_mm)
    x, y = (x_mm * px_per_mm - 0.5).astype(np.float32), (y_mm * px_per_mm - 0.5).astype(np.float32)
    on = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    x[~on] = y[~on] = np.nan
    whole = lap.astype(np.int16)
    return tuple(DrawnCurve(x[k], y[k], whole[k], float(wide_mm[k, 0]) * px_per_mm) for k in range(len(courses)))


def _layer(ink: UInt8, bit: int) -> UInt8:
    return np.asarray(cv2.threshold(ink, _LEAST_INK, bit, cv2.THRESH_BINARY)[1], np.uint8)
