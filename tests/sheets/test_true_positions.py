from dataclasses import replace

import numpy as np
import pytest

from thinline.sheets import DrawnCurve, sample
from thinline.sheets.drawing.draw import draw, true_curves
from thinline.sheets.drawing.strokes import course
from thinline.sheets.spec import SkewSpec
from thinline.sheets.true_positions import at_rows, true_laps, true_rows


def drawn(x, y, lap=None):
    x, y = np.array(x, np.float32), np.array(y, np.float32)
    return DrawnCurve(x, y, np.zeros(len(x), np.int16) if lap is None else np.array(lap, np.int16), 50.0)


def test_between_points_the_curve_is_straight():
    x, lap = at_rows(drawn([10, 20, 40], [0.5, 1.5, 2.5], [2, 2, 2]), 4)
    np.testing.assert_allclose(x, [10, 15, 30, np.nan])
    assert lap.tolist() == [2, 2, 2, 0]


def test_between_laps_the_nearer_point_counts():
    got, lap = at_rows(drawn([48, 49, 2, 3], [0, 1.2, 2.2, 3.2], [0, 0, 1, 1]), 5)
    np.testing.assert_allclose(got, [48, 48 + 1 / 1.2, 2, 2.8, np.nan], atol=1e-6)
    assert lap.tolist() == [0, 0, 1, 1, 0]


def test_no_data_is_no_x():
    assert np.isnan(at_rows(drawn([np.nan, 4, np.nan], [0, 1, 2]), 3)[0]).tolist() == [True, False, True]


@pytest.mark.parametrize("family", ["archive", "procedural"])
def test_without_skew_rows_are_the_points_of_the_course(family):
    for number in range(6):
        spec = replace(sample(family, number), skew=SkewSpec())
        courses = true_curves(spec, px_per_mm=4.0)
        for x, there in zip(true_rows(spec, px_per_mm=4.0), courses, strict=True):
            np.testing.assert_allclose(x, there.x_px, atol=1e-4)


def test_x_and_lap_give_the_value_that_was_drawn():

    wrapped = 0
    for number in range(20):
        spec = replace(sample("archive", number), skew=SkewSpec())
        x, lap = (each(spec, px_per_mm=4.0) for each in (true_rows, true_laps))
        for k, curve in enumerate(spec.curves):
            track, (y_mm, value) = spec.tracks[curve.track], course(curve, spec.size_mm)
            at_row = np.interp((np.arange(x.shape[1]) + 0.5) / 4.0, y_mm, value)
            value_of_x = ((x[k] + 0.5) / 4.0 - track.left_mm) / (track.right_mm - track.left_mm) + lap[k]
            known = np.isfinite(x[k])
            np.testing.assert_allclose(value_of_x[known], at_row[known], atol=1e-4)
            wrapped += (lap[k] != 0).sum()
    assert wrapped > 100


@pytest.mark.parametrize("px_per_mm", [4.0, 8.0])
def test_the_ink_of_a_row_holds_the_curve(px_per_mm):
    """Also on skewed sheets: x lies between the outermost inked pixels of its row, if it has ink."""
    inside = rows = 0
    for number in range(8):
        spec = sample("archive", number)
        sheet = draw(spec, px_per_mm=px_per_mm)
        for k, x in enumerate(true_rows(spec, px_per_mm=px_per_mm)):
            for row in np.flatnonzero(np.isfinite(x) & sheet.strokes[k].any(axis=1)):
                ink = np.flatnonzero(sheet.strokes[k, row])
                rows += 1
                inside += ink[0] - 1 <= x[row] <= ink[-1] + 1
    assert rows > 2000
    assert inside / rows > 0.97  # the rest: ends of dashes, and laps that share a row


def test_true_curves_are_those_of_draw():
    spec = sample("archive", 3)
    for mine, theirs in zip(true_curves(spec, px_per_mm=4.0), draw(spec, px_per_mm=4.0).curves, strict=True):
        np.testing.assert_array_equal(mine.x_px, theirs.x_px)
        np.testing.assert_array_equal(mine.lap, theirs.lap)
