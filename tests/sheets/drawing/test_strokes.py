"""Strokes against hand-drawn examples, and against distances from the line that they follow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sheet_cases import TRACK, bare, curve

from thinline.sheets.drawing.draw import draw
from thinline.sheets.drawing.stroke_kernels import cut_to_dashes, ink_pixels, lap_of
from thinline.sheets.drawing.strokes import course, line
from thinline.sheets.families import sample
from thinline.sheets.spec import PenSpec, SheetSpec, SkewSpec
from thinline.vocabulary import Bool, Float64

DOTTED = PenSpec(1.0, 1.0, 0.0, (0.6, 0.72))


def ink(spec: SheetSpec, px_per_mm: float = 4) -> Bool:
    return draw(spec, px_per_mm=px_per_mm).strokes[0]


def rows_of(mask: Bool) -> Float64:
    return mask.sum(1).astype(float)


def reference_points(spec: SheetSpec, k: int, px_per_mm: float) -> Float64:
    """Points of curve k every 0.01 mm of depth, px, [N,2]; rotation by matrix, laps by remainder."""
    one, track = spec.curves[k], spec.tracks[spec.curves[k].track]
    y_mm, value = course(one, spec.size_mm)
    y = np.arange(y_mm[0], y_mm[-1], 0.01)
    u = np.interp(y, y_mm, value)
    x = track.left_mm + np.mod(u, 1.0) * (track.right_mm - track.left_mm)
    turn = np.radians(spec.skew.angle_deg)
    about = np.array([[np.cos(turn), -np.sin(turn) + spec.skew.shear], [np.sin(turn), np.cos(turn)]])
    centre = np.array(spec.size_mm[::-1]) / 2
    moved = (np.stack([x, y], 1) - centre) @ about.T + centre
    wave = 2 * np.pi * y / spec.skew.wave_period_mm
    moved[:, 0] += spec.skew.wave_mm * np.sin(wave + spec.skew.wave_phase)
    moved[:, 1] += spec.skew.stretch_mm * np.sin(wave)
    return np.asarray(moved * px_per_mm - 0.5)


def farthest(points: Float64, others: Float64) -> Float64:
    """From each point to the nearest of the others, px: the larger of the distances in x and in y."""
    return np.array([np.abs(others - p).max(1).min() for p in points])


SKEWS = [SkewSpec(), SkewSpec(2.0), SkewSpec(-1.0, 0.01, 0.5, 60.0, 1.0, 0.4)]


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("seed", range(3))
def test_truth_lies_on_the_moved_curve_within_half_a_pixel(skew: SkewSpec, seed: int) -> None:
    values = tuple(np.random.default_rng(seed).uniform(0.1, 0.9, 9).tolist())
    spec = bare(curve(*values), skew=skew)
    mask = ink(spec)
    pixels = np.argwhere(mask)[:, ::-1].astype(float)
    course_px = reference_points(spec, 0, 4)
    inside = ((course_px > 0) & (course_px < 255)).all(1)
    assert farthest(pixels, course_px).max() <= 0.51  # every inked pixel holds a point of the curve
    assert farthest(course_px[inside][::7], pixels).max() <= 1.01


@pytest.mark.parametrize("skew", SKEWS)
def test_a_stroke_is_one_piece_and_one_pixel_thick(skew: SkewSpec) -> None:
    mask = ink(bare(curve(0.3, 0.8, 0.2, 0.6, 0.5, 0.9), skew=skew))
    assert cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] == 2
    blocks = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:] & mask[1:, 1:]
    assert not blocks.any()
    assert set(np.flatnonzero(rows_of(mask))) == set(range(256))


def test_a_vertical_stroke_is_as_wide_as_its_pen() -> None:
    spec = bare(curve(0.5, 0.5))
    for px_per_mm, width in ((4, 1), (8, 2), (12, 3)):
        mask = ink(spec, px_per_mm)
        assert (rows_of(mask) == width).all()
        columns = np.flatnonzero(mask.any(0))
        assert abs(columns.mean() + 0.5 - 32 * px_per_mm) <= 0.5


def test_a_heavy_pen_is_one_pixel_of_truth_at_four_px_per_mm() -> None:
    for weight in (0.65, 1.45):
        assert (rows_of(ink(bare(curve(0.5, 0.5, pen=PenSpec(weight, 1.0, 0.1))))) == 1).all()


def test_dashes_have_the_lengths_of_the_spec() -> None:
    column = ink(bare(curve(0.5, 0.5, pen=PenSpec(1.0, 1.0, 0.0, (3.0, 1.0))))).any(1)
    change = np.flatnonzero(np.diff(column.astype(int)))
    lengths = np.diff(change)
    assert set(lengths[::2]) | set(lengths[1::2]) <= {3, 4, 5, 11, 12, 13}
    assert abs(column.mean() - 0.75) < 0.03


def test_a_dashed_curve_is_a_part_of_the_solid_one() -> None:
    solid = bare(curve(0.2, 0.9, 0.1, 0.8))
    dashed = bare(curve(0.2, 0.9, 0.1, 0.8, pen=PenSpec(1.0, 1.0, 0.0, (2.0, 1.0, 0.5, 1.0))))
    whole, part = ink(solid), ink(dashed)
    near = cv2.dilate(whole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not (part & ~near).any()
    assert 0.4 < part.sum() / whole.sum() < 0.7


def test_a_curve_that_leaves_on_the_right_comes_back_on_the_left() -> None:
    sheet = draw(bare(curve(0.5, 1.5)), px_per_mm=4)
    mask, trace = sheet.strokes[0], sheet.curves[0]
    assert set(trace.lap.tolist()) == {0, 1}
    turn = int(np.argmax(trace.lap == 1))
    assert mask[turn - 2 : turn + 2, 239].any()  # 60 mm, the right edge
    assert mask[turn - 2 : turn + 2, 16].any()  # 4 mm, the left edge
    assert not mask[turn - 2 : turn + 2, 30:220].any()  # the pen is lifted between


def test_later_laps_have_their_own_dashes() -> None:
    plain = ink(bare(curve(0.9, 1.1)))
    broken = ink(bare(curve(0.9, 1.1, lap_dash_mm=(1.0, 1.0))))
    assert (broken[:120] == plain[:120]).all()
    assert 0.35 < broken[140:].sum() / plain[140:].sum() < 0.65


def test_the_dashes_of_a_lap_replace_those_of_the_pen() -> None:
    """Two almost equal patterns at once would leave whole stretches without ink."""
    lap = (0.61, 0.73)
    both = ink(bare(curve(0.9, 1.1, pen=DOTTED, lap_dash_mm=lap)))
    on_laps_only = ink(bare(curve(0.9, 1.1, lap_dash_mm=lap)))
    on_all = ink(bare(curve(0.9, 1.1, pen=DOTTED)))
    for expected, rows in ((on_laps_only, slice(140, None)), (on_all, slice(120))):
        assert farthest(np.argwhere(both[rows]), np.argwhere(expected[rows])).max() <= 1
        assert farthest(np.argwhere(expected[rows]), np.argwhere(both[rows])).max() <= 1


def test_a_clipped_curve_runs_along_its_bounds() -> None:
    trace = draw(bare(curve(-0.5, 1.5, overflow="clip", low=0.2)), px_per_mm=4).curves[0]
    assert trace.x_px.min() == np.float32((4 + 0.2 * 56) * 4 - 0.5)
    assert trace.x_px.max() == np.float32(60 * 4 - 0.5)
    assert not trace.lap.any()


def test_no_data_is_no_ink() -> None:
    values = [0.5] * 20
    values[8:12] = [np.nan] * 4
    sheet = draw(bare(curve(*values)), px_per_mm=4)
    gap = np.isnan(sheet.curves[0].x_px)
    assert 50 < gap.sum() < 110
    inked = sheet.strokes[0].any(1)
    assert inked[~gap].mean() > 0.98
    assert not inked[gap][4:-4].any()
    assert not draw(bare(curve(np.nan, np.nan)), px_per_mm=4).strokes.any()


def test_lines_lift_the_pen_at_gaps_and_leaps() -> None:
    y = np.arange(6.0)
    strokes = line(y, np.array([0.1, 0.2, np.nan, 0.4, 3.4, 3.5]), TRACK)
    np.testing.assert_array_equal(strokes.down, [True, False, False, True])
    np.testing.assert_array_equal(strokes.y_mm, [0, 1, 3, 4, 5])
    assert [lap_of(value) for value in (-0.1, 0.0, 1.0, 1.1, np.nan, 2.0)] == [-1, 0, 0, 1, 0, 2]


def test_pixels_lie_under_points_that_numpy_interpolates() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        x, y, on = rng.uniform(-5, 45, 30), np.sort(rng.uniform(-5, 45, 30)), rng.random(29) < 0.8
        length = np.where(on, np.maximum(np.abs(np.diff(x)), np.abs(np.diff(y))), 0.0)
        at = np.concatenate([[0.0], np.cumsum(length)])
        along = np.arange((1 - 1e-9) / 2, at[-1], 1 - 1e-9)
        column, row = np.interp(along, at, x), np.interp(along, at, y)
        inside = (column >= 0) & (column < 40) & (row >= 0) & (row < 32)
        mask = np.zeros((32, 40), np.uint8)
        indices = ink_pixels(x.copy(), y.copy(), on, 0.0, 1.0, mask)
        expected = np.zeros((32, 40), np.uint8)
        expected[row[inside].astype(int), column[inside].astype(int)] = 1
        np.testing.assert_array_equal(mask, expected)
        np.testing.assert_array_equal(np.sort(indices), np.flatnonzero(expected))


def test_dashes_are_cut_at_fixed_lengths_of_ink() -> None:
    x, y = np.array([0.0, 3.0, 3.0]), np.array([0.0, 4.0, 10.0])  # 5 mm, then 6 mm
    both, one = np.ones(2, np.bool_), np.zeros(2)
    new_x, new_y, on = cut_to_dashes((x, y, both, one), np.array([4.0, 2.0]), np.zeros(0), 0.0)
    inked = [(new_y[n], new_y[n + 1]) for n in np.flatnonzero(on) if new_y[n] < new_y[n + 1]]
    np.testing.assert_allclose(inked, [(0.0, 3.2), (5.0, 9.0)])  # 0-4 mm and 6-10 mm of 11 mm
    np.testing.assert_allclose(new_x[new_y == 3.2], 2.4)


@settings(max_examples=50)
@example("procedural", 736)  # dashed pens with other dashes on later laps
@given(st.sampled_from(["archive", "procedural"]), st.integers(0, 10_000))
def test_every_sheet_has_both_curves_near_their_course(family: str, seed: int) -> None:
    spec = sample(family, seed)
    sheet = draw(spec, px_per_mm=4)
    for k, trace in enumerate(sheet.curves):
        known = np.isfinite(trace.x_px)
        y, x = np.rint(trace.y_px[known]).astype(int), np.rint(trace.x_px[known]).astype(int)
        dashed = spec.curves[k].pen.dash_mm or spec.curves[k].lap_dash_mm
        reach, share = (15, 0.95) if dashed else (3, 0.99)
        near = cv2.dilate(sheet.strokes[k].astype(np.uint8), np.ones((reach, reach), np.uint8))
        assert near[y, x].mean() > share
