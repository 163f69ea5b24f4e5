"""Ink and true course against an independent raster: the distance of every pixel to every segment."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from thinline.sheets import render, sample
from thinline.sheets.drawing.capsules import draw_pen, true_course
from thinline.sheets.drawing.draw import draw
from thinline.sheets.sheet import DrawnCurve
from thinline.sheets.spec import PEN_MM, SheetSpec
from thinline.vocabulary import Bool, Float64

SIZE_MM = (32.0, 36.0)


def distances(x: Float64, y: Float64, joined: Bool, shape: tuple[int, int]) -> Float64:
    """Distance of every pixel centre to the nearest joined segment, [H,W]."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    nearest = np.full(shape, np.inf)
    for v in np.flatnonzero(joined):
        along = np.array([x[v + 1] - x[v], y[v + 1] - y[v]])
        length2 = max(float(along @ along), 1e-30)
        at = np.clip(((columns - x[v]) * along[0] + (rows - y[v]) * along[1]) / length2, 0, 1)
        nearest = np.minimum(nearest, np.hypot(columns - x[v] - at * along[0], rows - y[v] - at * along[1]))
    return nearest


def of_course(curve: DrawnCurve, shape: tuple[int, int]) -> Float64:
    x, y = curve.x_px.astype(float), curve.y_px.astype(float)
    joined = np.isfinite(x[1:]) & np.isfinite(x[:-1]) & (curve.lap[1:] == curve.lap[:-1])
    return distances(x, y, joined, shape)


def solid(seed: int) -> SheetSpec:
    """A sheet whose pens are solid and whose truth nothing covers."""
    spec = sample("field", seed, size_mm=SIZE_MM)
    assert spec.field is not None
    curves = tuple(
        dataclasses.replace(curve, lap_dash_mm=(), pen=dataclasses.replace(curve.pen, dash_mm=()))
        for curve in spec.curves
    )
    return dataclasses.replace(spec, curves=curves, field=dataclasses.replace(spec.field, bars=()))


@pytest.mark.parametrize(
    ("seed", "px_per_mm"), [(0, 5.0), (1, 5.0), (3, 3.0), (7, 5.0), (12, 8.0), (24, 4.3), (31, 5.0)]
)
def test_strokes_are_the_pixels_within_half_the_pen_of_the_course(seed: int, px_per_mm: float) -> None:
    spec = solid(seed)
    sheet = draw(spec, px_per_mm=px_per_mm)
    height, width = sheet.labels.shape
    for curve, ink, course in zip(spec.curves, sheet.strokes, sheet.curves, strict=True):
        half = max(curve.pen.weight * PEN_MM * px_per_mm, 1.0) / 2
        far = of_course(course, (height, width))
        border = int(half) + 2  # ink of a course outside of the sheet, which `curves` do not hold
        inside = np.s_[border : height - border, border : width - border]
        sure = np.abs(far - half)[inside] > 1e-3  # `curves` are float32
        assert (ink[inside] == (far[inside] <= half))[sure].all()


def test_the_centre_is_the_middle_of_the_ink() -> None:
    """On the rows of an upright stretch, ink reaches equally far to both sides of the course."""
    ink, stroke, labels = np.zeros((3, 40, 60), np.uint8)
    x, y = np.array([20.3, 21.1]), np.array([-5.0, 45.0])
    draw_pen((ink, stroke, labels), (x, y, np.ones(1, np.bool_)), (6.4, 255.0), 2)
    columns = np.arange(60)
    for row in range(40):
        centre = 20.3 + 0.8 * (row + 5) / 50
        weights = ink[row] / 255
        assert abs((weights * columns).sum() / weights.sum() - centre) < 0.05
        assert abs(weights.sum() - 6.4) < 0.15  # the area of the ink is that of the pen
        assert abs(stroke[row].sum() - 6.4) <= 1
    assert set(np.unique(labels)) == {0, 2}
    assert ((labels == 2) == (stroke == 1)).all()


@pytest.mark.parametrize("pen_px", [0.3, 0.7, 1.0, 2.5])
def test_ink_of_thin_pens(pen_px: float) -> None:
    """A pen thinner than a pixel is paler, and its truth is one pixel wide."""
    ink, stroke, labels = np.zeros((3, 30, 30), np.uint8)
    draw_pen(
        (ink, stroke, labels),
        (np.array([14.0, 14.0]), np.array([-3.0, 33.0]), np.ones(1, np.bool_)),
        (pen_px, 200.0),
        1,
    )
    assert (stroke.sum(axis=1) == (1 if pen_px < 2 else 3)).all()
    assert abs(int(ink[10, 14]) - 200 * min(pen_px, 1)) <= 1


def test_dashes_leave_gaps_in_ink_and_none_in_the_course() -> None:
    spec = solid(4)
    (curve, *_), track = spec.curves, spec.tracks[spec.curves[0].track]
    middle = (max(track.left_mm, 0) + min(track.right_mm, SIZE_MM[1])) / 2
    centre = (middle - track.left_mm) / (track.right_mm - track.left_mm)
    shape = dataclasses.replace(curve.shape, kind="smooth", centre=centre, swing=0.0, detail=0.0, rough=0.0)
    pen = dataclasses.replace(curve.pen, weight=0.4 / PEN_MM, dash_mm=(3.0, 2.0))
    straight = dataclasses.replace(
        curve, shape=shape, pen=pen, overflow="clip", low=0.0, high=1.0, first_mm=-50.0, last_mm=90.0
    )
    upright = dataclasses.replace(spec.skew, angle_deg=0.0, shear=0.0, wave_mm=0.0, stretch_mm=0.0)
    dashed = draw(dataclasses.replace(spec, curves=(straight,), order=(0,), skew=upright), px_per_mm=10)
    inked = dashed.strokes[0].any(axis=1)
    begins = np.flatnonzero(np.diff(inked.astype(int)) == 1)
    assert set(np.diff(begins)) <= {49, 50, 51}
    assert abs(inked.mean() - 0.6) < 0.06
    assert np.isfinite(dashed.curves[0].x_px).all()
    assert np.ptp(dashed.curves[0].y_px) > 318


def test_the_course_is_cut_at_the_border_and_at_gaps() -> None:
    x, y = np.array([2.0, 40.0, 3.0, 3.0]), np.array([1.0, 2.0, 3.0, 9.0])
    down, lap = np.array([True, True, False]), np.zeros(3)
    px, py, laps = true_course(x, y, down, lap, (20, 20))
    assert len(px) == len(py) == len(laps)
    assert px[0] == 2.0
    at_border = np.isclose(px, 19.4999, atol=1e-3)
    assert at_border.sum() == 2  # out and in again, parted by NaN
    first, second = np.flatnonzero(at_border)
    assert np.isnan(px[first + 1 : second]).all()
    assert second == first + 2
    assert px[-1] == 3.0
    assert py[-1] == 3.0  # the pen is up on the last segment


def test_no_step_of_a_course_is_taller_than_a_row() -> None:
    for seed in range(20):
        spec = sample("field", seed, size_mm=SIZE_MM)
        for curve in render(spec, px_per_mm=5).curves:
            steps = np.abs(np.diff(curve.y_px))
            joined = np.isfinite(steps) & (np.diff(curve.lap) == 0)
            assert (steps[joined] <= 1.001).all()
