"""Truth of two planes for any sheet: the ink of all curves, and their centre lines.

    ink       the union of the strokes: the pixels that any pen covered
    centre    a line 1 px wide along the true course of each curve, 8-connected. It continues through the gaps of a
              dashed curve and along steep flanks, and is broken where a curve has no data, where it wraps, and where
              damage removes the truth of its ink
    labels    0 background, 1 ink, 2 the centre line where it lies on ink

Ink says where a curve covers the paper, the centre line where its value is; a network that predicts both needs no names
of curves, and sheets may differ in their number of curves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from thinline.sheets import worn
from thinline.sheets.drawing.draw import draw
from thinline.sheets.sheet import DrawnCurve, Sheet
from thinline.sheets.spec import SheetSpec
from thinline.vocabulary import Bool, UInt8

VERSION: Final = 2
"""Increased by every change that alters a pixel of these planes; part of the key of the cache."""

INK: Final = 1
CENTRE: Final = 2


def render_ink_and_centre(spec: SheetSpec, *, px_per_mm: float) -> Sheet:
    """The worn sheet of `spec` with `strokes [2,H,W]` = (ink, centre); depends on the arguments alone."""
    drawn = draw(spec, px_per_mm=px_per_mm)
    sheet = worn(drawn, spec, px_per_mm=px_per_mm)
    lost = np.asarray(drawn.strokes.any(axis=0) & ~sheet.strokes.any(axis=0), np.bool_)
    return ink_and_centre(sheet, lost=lost)


def ink_and_centre(sheet: Sheet, *, lost: Bool | None = None) -> Sheet:
    """The sheet with `strokes [2,H,W]` = (ink, centre) and their labels; image, layers and curves are the same.

    `lost [H,W]` is ink whose truth damage has removed; the centre line is not there either.
    """
    ink = np.asarray(sheet.strokes.any(axis=0), np.bool_)
    centre = centre_lines(sheet.curves, ink.shape)
    labels, strokes = planes_of(ink, centre if lost is None else centre & ~lost)
    return replace(sheet, labels=labels, strokes=strokes)


def planes_of(ink: Bool, centre: Bool) -> tuple[UInt8, Bool]:
    """Labels [H,W] and strokes [2,H,W] of the two planes [H,W]."""
    labels = np.where(ink, np.uint8(INK), np.uint8(0))
    labels[ink & centre] = CENTRE
    return labels, np.stack([ink, centre])


def centre_lines(curves: tuple[DrawnCurve, ...], shape: tuple[int, ...]) -> Bool:
    """The centre lines of `curves` on a sheet of `shape` (H, W), bool [H,W]."""
    plane = np.zeros(shape, np.uint8)
    for curve in curves:
        _draw(curve, plane)
    return plane.view(np.bool_)


def _draw(curve: DrawnCurve, plane: UInt8) -> None:
    """Draw one centre line into `plane`: a polyline through its points, cut at missing values and wraps."""
    known = np.flatnonzero(np.isfinite(curve.x_px) & np.isfinite(curve.y_px))
    if not len(known):
        return
    points = np.rint(np.stack([curve.x_px[known], curve.y_px[known]], axis=1)).astype(np.int32)
    cuts = np.flatnonzero((np.diff(known) > 1) | (np.diff(curve.lap[known]) != 0)) + 1
    cv2.polylines(plane, np.split(points, cuts), isClosed=False, color=1, thickness=1, lineType=cv2.LINE_8)
    inside = points[(points >= 0).all(axis=1) & (points < plane.shape[::-1]).all(axis=1)]
    plane[inside[:, 1], inside[:, 0]] = 1  # a part of one point has no line
