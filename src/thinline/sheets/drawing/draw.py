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

from functools import lru_cache

import cv2
import numpy as np

from thinline.sheets.drawing.grids import draw_grid
from thinline.sheets.drawing.layers import joined, paint
from thinline.sheets.drawing.printed_marks import draw_marks, draw_texts
from thinline.sheets.drawing.skew import Matrix, matrix, sway
from thinline.sheets.drawing.stroke_kernels import course_at_rows
from thinline.sheets.drawing.strokes import course, line, pen_px, pixels, stroke
from thinline.sheets.sheet import DrawnCurve, Sheet
from thinline.sheets.spec import PEN_MM, PenSpec, SheetSpec
from thinline.system.numba_kernels import call
from thinline.vocabulary import Float64


def draw(spec: SheetSpec, *, px_per_mm: float) -> Sheet:
    """The sheet of `spec` at `px_per_mm`, without wear. ValueError for a side below 8 px."""
    shape = pixels(spec.size_mm, px_per_mm)
    if min(shape) < 8:
        raise ValueError(
            f"a sheet must be at least 8x8 px, got {shape[0]}x{shape[1]} from size_mm={spec.size_mm} at "
            f"px_per_mm={px_per_mm}; ask for a larger sheet or more pixels per mm"
        )
    skewed = matrix(spec.skew, spec.size_mm, px_per_mm)
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


@lru_cache(maxsize=64)
def _rows_mm(height: int, px_per_mm: float) -> Float64:
    """Depth of the centre of every row, [H]."""
    rows = np.asarray((np.arange(height) + 0.5) / px_per_mm, np.float64)
    rows.flags.writeable = False
    return rows
