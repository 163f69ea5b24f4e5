"""Synthetic well-log sheets with exact truth. numpy, OpenCV and numba; no torch, no global random state.

sample(family, seed) -> SheetSpec      what to draw, in mm
render(spec, px_per_mm=4) -> Sheet     image and truth: drawn, then worn or scanned

families        sample a spec from a family and a seed: archive, procedural or field; skew and wear parameters
field/          the family `field`: windows of pages like real scans, with one to six curves
field_spec      what the spec of a `field` sheet has beyond the others: fills, handwriting, bars, scanner
family_ranges   the ranges that each family is sampled from
spec            description of a sheet in mm: tracks, curves, pens, texts, skew, wear; its digest (hash)
generators      NumPy generators from seeds, made faster than by NumPy
curve_shapes    values of a curve along depth: smooth, jittery, blocky, spiky, or windows of real logs
pens            the two curves of a sheet: shapes, pen widths, dashes, and the property that tells them apart
printed_form    tracks, depth column, grids, texts and marks
drawing/        draw a spec: grid, text, strokes, skew (tilt), wear and noise
sheet           the result: image, labels, strokes, layers, true curves
true_positions  true x and lap of each curve in every row of the image
ink_and_centre  the truth of a sheet as two planes, the ink of all curves and their centre lines
resized         truth lost when a label map is resized
preview         contact sheet; share of pixels of each class and kind of print
"""

from __future__ import annotations

from typing import Final

from thinline.sheets.drawing.draw import draw
from thinline.sheets.drawing.scanner import scan
from thinline.sheets.drawing.wear import wear
from thinline.sheets.families import FAMILIES, FROZEN, sample
from thinline.sheets.preview import composition, contact_sheet
from thinline.sheets.sheet import DrawnCurve, Sheet
from thinline.sheets.spec import PEN_MM, SheetSpec

DRAWING_VERSION: Final = 4
"""Increased by every change that alters a pixel; part of the key of every cache of sheets."""

__all__ = [
    "DRAWING_VERSION",
    "FAMILIES",
    "FROZEN",
    "PEN_MM",
    "DrawnCurve",
    "Sheet",
    "SheetSpec",
    "composition",
    "contact_sheet",
    "render",
    "sample",
    "worn",
]


def render(spec: SheetSpec, *, px_per_mm: float) -> Sheet:
    """The worn sheet of `spec`; depends on the arguments alone."""
    return worn(draw(spec, px_per_mm=px_per_mm), spec, px_per_mm=px_per_mm)


def worn(sheet: Sheet, spec: SheetSpec, *, px_per_mm: float) -> Sheet:
    """A drawn sheet of `spec` after wear, and after the scanner where it has one."""
    if spec.field is not None:
        return scan(sheet, spec.wear, spec.field.scan, px_per_mm=px_per_mm)
    return wear(sheet, spec.wear)
