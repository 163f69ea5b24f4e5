"""Draw a SheetSpec without wear: grid, text, marks, then the curves in their order.

Conventions
    The image of a drawn sheet holds ink as 255 - image: 0 none, 255 full. `wear` turns ink and paper into grey levels.
    Skew is part of drawing (skew.py); wear moves nothing.

Ink of a pen
    The true stroke of a pen is `pen_px` wide. Its ink is weight * PEN_MM + 2 * spread_mm wide: if wider than the
    stroke, it adds rings around it, the last one grey by the share of the pixel it covers; if narrower, the stroke
    itself is grey. At 4 px per mm the weight of a pen shows as darkness, at 12 px per mm as width.

Sheets of the family `field`
    Strokes are the full width of the ink, weight * PEN_MM and at least a pixel, in fractions of a pixel (capsules.py).
    Bars lie over everything, and truth below them is removed; `curves` keep their course.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from thinline.sheets.drawing.capsules import draw_pen, to_pixels, true_course
from thinline.sheets.drawing.field_print import draw_blanks, draw_crossings, draw_fills, draw_hands, under_bars
from thinline.sheets.drawing.grids import draw_grid
from thinline.sheets.drawing.layers import joined, paint
from thinline.sheets.drawing.printed_marks import draw_marks, draw_texts
from thinline.sheets.drawing.skew import Matrix, margin_mm, matrix, sway
from thinline.sheets.drawing.stroke_kernels import course_at_rows, cut_to_dashes, move_line
from thinline.sheets.drawing.strokes import Line, course, line, pen_px, pixels, stroke
from thinline.sheets.field_spec import FieldSpec
from thinline.sheets.sheet import DrawnCurve, Sheet
from thinline.sheets.spec import PEN_MM, CurveSpec, PenSpec, SheetSpec
from thinline.system.numba_kernels import call
from thinline.vocabulary import STAIN, Float64, UInt8


def draw(spec: SheetSpec, *, px_per_mm: float) -> Sheet:
    """The sheet of `spec` at `px_per_mm`, without wear. ValueError for a side below 8 px."""
    shape = pixels(spec.size_mm, px_per_mm)
    if min(shape) < 8:
        raise ValueError(
            f"a sheet must be at least 8x8 px, got {shape[0]}x{shape[1]} from size_mm={spec.size_mm} at "
            f"px_per_mm={px_per_mm}; ask for a larger sheet or more pixels per mm"
        )
    skewed = matrix(spec.skew, spec.size_mm, px_per_mm)
    if spec.field is not None:
        return _draw_field(spec, spec.field, shape, skewed)
    grid, edge = draw_grid(spec, shape, skewed)
    text, stain = draw_marks(spec, shape, skewed)
    draw_texts(text, spec, skewed)
    ink, layers = call(joined, grid, edge, text, stain)
    labels = np.zeros(shape, np.uint8)
    strokes = np.zeros((len(spec.curves), *shape), np.uint8)
    courses = [course(curve, spec.size_mm) for curve in spec.curves]
    for k in spec.order:
        curve = spec.curves[k]
        path = line(*courses[k], spec.tracks[curve.track])
        inked = stroke(path, curve, spec.skew, skewed, out=strokes[k])
        call(paint, ink, labels, inked, k + 1, _ink_of(curve.pen, px_per_mm))
    curves = _true_curves(courses, spec, skewed)
    return Sheet(cv2.bitwise_not(ink, ink), labels, strokes.view(bool), layers, curves)


def true_curves(spec: SheetSpec, *, px_per_mm: float) -> tuple[DrawnCurve, ...]:
    """The `curves` of `draw(spec)`, computed without drawing."""
    if spec.field is not None:
        skewed = matrix(spec.skew, spec.size_mm, px_per_mm)
        return tuple(_course_of(_line_of(curve, spec), curve, spec, skewed) for curve in spec.curves)
    return _true_curves(
        [course(curve, spec.size_mm) for curve in spec.curves], spec, matrix(spec.skew, spec.size_mm, px_per_mm)
    )


def _ink_of(pen: PenSpec, px_per_mm: float) -> tuple[int, int, int]:
    """Ink 0..255 of a stroke, number of rings of that ink around the stroke, and ink of one more ring."""
    full = round(255 * pen.darkness)
    width = pen_px(pen, px_per_mm)
    spare = (pen.weight * PEN_MM + 2 * pen.spread_mm) * px_per_mm - width
    if spare <= 0:
        return round(full * (1 + spare / width)), 0, 0
    rings, share = divmod(spare / 2, 1.0)
    return full, int(rings), round(full * share)


def _true_curves(courses: list[tuple[Float64, Float64]], spec: SheetSpec, skewed: Matrix) -> tuple[DrawnCurve, ...]:
    """The courses at the centre of every row, after skew; NaN off the sheet."""
    px_per_mm = skewed[5]
    shape = pixels(spec.size_mm, px_per_mm)
    row_mm = _rows_mm(shape[0], px_per_mm)
    swayed = sway(row_mm, spec.skew)
    curves = []
    for (y_mm, value), curve in zip(courses, spec.curves, strict=True):
        track = spec.tracks[curve.track]
        where = (track.left_mm, track.right_mm, *skewed)
        x, y, lap = call(course_at_rows, row_mm, y_mm, value, swayed, shape, where)
        curves.append(DrawnCurve(x, y, lap, (track.right_mm - track.left_mm) * px_per_mm))
    return tuple(curves)


def _draw_field(spec: SheetSpec, field: FieldSpec, shape: tuple[int, int], skewed: Matrix) -> Sheet:
    """A sheet of the family `field`, as in the module."""
    labels, traces = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    strokes = np.zeros((len(spec.curves), *shape), np.uint8)
    lines = [_line_of(curve, spec) for curve in spec.curves]
    for k in spec.order:
        _draw_curve((traces, strokes[k], labels), lines[k], spec, k, skewed)
    grid, edge = draw_grid(spec, shape, skewed)
    if field.crossing_mm > 0:
        draw_crossings(grid, spec, field.crossing_mm, skewed)
    draw_blanks((grid, edge), field.blanks, skewed[5])
    text, stain = draw_marks(spec, shape, skewed)
    draw_fills(text, spec, field, strokes, skewed)
    draw_texts(text, spec, skewed)
    draw_hands(text, field.hands, skewed[5])
    ink, layers = call(joined, grid, edge, text, stain)
    cv2.max(ink, traces, dst=ink)
    if field.bars:
        covered = under_bars(field.bars, shape, skewed)
        ink[covered], labels[covered], strokes[:, covered] = 255, 0, 0
        layers[covered] |= STAIN
    curves = tuple(_course_of(each, curve, spec, skewed) for each, curve in zip(lines, spec.curves, strict=True))
    return Sheet(cv2.bitwise_not(ink, ink), labels, strokes.view(bool), layers, curves)


def _line_of(curve: CurveSpec, spec: SheetSpec) -> Line:
    margin = margin_mm(spec.skew, spec.size_mm, wide=True)
    return line(*course(curve, spec.size_mm, margin_mm=margin), spec.tracks[curve.track])


def _draw_curve(canvases: tuple[UInt8, UInt8, UInt8], path: Line, spec: SheetSpec, number: int, skewed: Matrix) -> None:
    """Draw a curve into ink, its strokes and labels; dashes cut the line after skew."""
    curve = spec.curves[number]
    x_mm, y_mm = call(move_line, path.x_mm, path.y_mm, sway(path.y_mm, spec.skew), skewed)
    on, pen_mm = path.down, curve.pen.weight * PEN_MM
    if (curve.pen.dash_mm or curve.lap_dash_mm) and len(path.down):
        dashes = np.array(curve.pen.dash_mm, np.float64), np.array(curve.lap_dash_mm, np.float64)
        x_mm, y_mm, on = call(cut_to_dashes, (x_mm, y_mm, path.down, path.lap), *dashes, pen_mm)
    moved = (*call(to_pixels, x_mm, y_mm, skewed[5]), on)
    call(draw_pen, canvases, moved, (pen_mm * skewed[5], 255 * curve.pen.darkness), number + 1)


def _course_of(path: Line, curve: CurveSpec, spec: SheetSpec, skewed: Matrix) -> DrawnCurve:
    """The true course of a line: continuous through dashes."""
    x, y = call(to_pixels, *call(move_line, path.x_mm, path.y_mm, sway(path.y_mm, spec.skew), skewed), skewed[5])
    track = spec.tracks[curve.track]
    x_px, y_px, lap = call(true_course, x, y, path.down, path.lap, pixels(spec.size_mm, skewed[5]))
    return DrawnCurve(x_px, y_px, lap, (track.right_mm - track.left_mm) * skewed[5])


@lru_cache(maxsize=64)
def _rows_mm(height: int, px_per_mm: float) -> Float64:
    """Depth of the centre of every row, [H]."""
    rows = np.asarray((np.arange(height) + 0.5) / px_per_mm, np.float64)
    rows.flags.writeable = False
    return rows
