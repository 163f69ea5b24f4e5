"""A LAS curve on the paper: where it lies, what gaps and wraps do, and every refusal."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from las_writer import Spelling, table_of

from thinline.curves.las import LasCurve, LasError
from thinline.digitise import CurveScale, DepthScale, Frame, ScaleChange
from thinline.digitise.labels.las_course import LabelError, course_of, named_curves

FRAME = Frame.of((0, 100), (0, 200), factors=(1.0, 1.0))
SCALE = CurveScale("GR", "", 20, 120, 0, 100)
DEPTH = DepthScale(0, 100, 0, 100, "m")


def curve(depth, values, unit="m") -> LasCurve:
    return LasCurve("GR", "", np.asarray(depth, float), np.asarray(values, float), unit, "a.las")


@given(st.floats(0, 100), st.floats(-0.4, 0.4))
def test_a_constant_curve_is_one_column_in_every_row(value: float, phase: float) -> None:
    course = course_of(curve(np.arange(-5, 110, 2.0) + phase, np.full(58, value)), SCALE, DEPTH, FRAME)
    assert course.known.all()
    assert course.low == pytest.approx(np.full(100, 20 + value))
    assert course.high == pytest.approx(course.low)


def test_between_two_readings_the_curve_is_straight() -> None:
    course = course_of(curve([0, 50, 99], [0, 50, 1]), SCALE, DEPTH, FRAME)
    assert course.low[10] == pytest.approx(20 + 9.5)
    assert course.high[10] == pytest.approx(20 + 10.5)
    assert course.high[50] == pytest.approx(20 + 50)  # the turning point lies inside the row


def test_all_readings_of_a_row_are_in_its_range() -> None:
    depth = np.arange(0, 99, 0.1)
    values = 50 + 30 * np.sin(depth * 7)
    course = course_of(curve(depth, values), SCALE, DEPTH, FRAME)
    of_row = values[np.rint(depth) == 40]
    assert course.low[40] == pytest.approx(20 + of_row.min(), abs=1)
    assert course.high[40] == pytest.approx(20 + of_row.max(), abs=1)


def test_a_null_is_a_gap_and_every_second_row_is_none() -> None:
    depth = np.arange(-1, 100, 1.0)
    values = np.full(101, 30.0)
    values[41:44] = np.nan  # depths 40 to 42
    course = course_of(curve(depth, values), SCALE, DEPTH, FRAME)
    assert not course.known[40:43].any()
    assert course.known[:39].all()
    assert course.known[44:99].all()
    values = np.where(np.arange(101) % 2, np.nan, 30.0)
    assert course_of(curve(depth, values), SCALE, DEPTH, FRAME).known[:98].all()


def test_a_wrapped_curve_continues_on_the_other_side() -> None:
    ranges = course_of(curve([-1, 99], [90, 130]), SCALE, DEPTH, FRAME).intervals()
    assert ranges[:20, 0, 0].min() >= 110 - 1e-9
    assert 20 <= ranges[60, 0, 0] <= ranges[60, 0, 1] <= 50
    within = np.isfinite(ranges[:, 1, 0])  # the row in which it wraps is on both sides
    assert within.sum() == 1
    row = int(np.flatnonzero(within)[0])
    assert ranges[row, 0, 1] == pytest.approx(120)
    assert ranges[row, 1, 0] == pytest.approx(20)


def test_a_log_scale_and_a_falling_one() -> None:
    log = CurveScale("GR", "", 20, 120, 1, 100, kind="log")
    assert course_of(curve([0, 99], [10, 10]), log, DEPTH, FRAME).low[50] == pytest.approx(70)
    falling = replace(SCALE, falling=True)
    assert course_of(curve([0, 99], [20, 20]), falling, DEPTH, FRAME).low[50] == pytest.approx(100)


def test_a_log_scale_has_no_column_for_zero() -> None:
    log = CurveScale("GR", "", 20, 120, 1, 100, kind="log")
    values = np.full(100, 10.0)
    values[50] = 0
    assert not course_of(curve(np.arange(100), values), log, DEPTH, FRAME).known[50]


def test_metres_and_feet_are_converted() -> None:
    feet = course_of(curve(np.arange(0, 99, 0.5) / 0.3048, np.arange(0, 99, 0.5), "FT"), SCALE, DEPTH, FRAME)
    metres = course_of(curve(np.arange(0, 99, 0.5), np.arange(0, 99, 0.5), "M"), SCALE, DEPTH, FRAME)
    np.testing.assert_allclose(feet.low, metres.low, atol=1e-6)
    back = course_of(curve(np.arange(0, 30, 0.1), np.arange(0, 30, 0.1)), SCALE, replace(DEPTH, unit="ft"), FRAME)
    assert back.low[50] == pytest.approx(20 + 49.5 * 0.3048)


def test_elevations_grow_upwards() -> None:
    course = course_of(curve(np.arange(0, 101), np.arange(0, 101)), SCALE, DepthScale(100, 0, 0, 100, "m"), FRAME)
    assert course.low[90] == pytest.approx(20 + 9.5)


@pytest.mark.parametrize(
    ("depth", "unit", "words"),
    [
        ([500, 600], "m", "expected depths of GR between 0 and 100 m, as on the scan, got 500 to 600 m"),
        ([0, 99], "s", "expected depths in m, the unit of the job file, got s"),
        ([0, 99], "", "got no unit"),
    ],
)
def test_depths_that_do_not_fit_are_refused(depth, unit, words) -> None:
    with pytest.raises(LabelError, match=words):
        course_of(curve(depth, [1, 2], unit), SCALE, DEPTH, FRAME)


def test_a_scale_that_changes_down_the_scan_is_refused() -> None:
    scale = replace(SCALE, changes=(ScaleChange(50.0, 50.0, 0.0, 200.0, "linear", falling=False),))
    with pytest.raises(LabelError, match="one scale from top to bottom, got one that changes at depth 50"):
        course_of(curve([0, 99], [60, 60]), scale, DEPTH, FRAME)


def test_a_curve_across_more_than_the_track_in_one_row_has_no_range() -> None:
    ranges = course_of(curve([0, 50, 50.2, 99], [0, 0, 250, 250]), SCALE, DEPTH, FRAME).intervals()
    assert math.isnan(ranges[50, 0, 0])


def test_a_missing_curve_names_those_that_are_there(tmp_path) -> None:
    path = tmp_path / "a.las"
    path.write_text(Spelling().text(("DEPT", "GR", "RT", "RHOB"), table_of()), encoding="utf-8")
    assert [each.name for each in named_curves(path, ["rt", "GR"])[0]] == ["RT", "GR"]
    with pytest.raises(LabelError, match=r"expected a curve RHO, got GR, RT, RHOB; did you mean RHOB\?"):
        named_curves(path, ["GR", "RHO"])
    table = table_of()
    table[:, 2] = 5
    path.write_text(Spelling().text(("DEPT", "GR", "RT", "RHOB"), table), encoding="utf-8")
    with pytest.raises(LabelError, match=r"expected a curve RT, got one that cannot be used \(constant\)"):
        named_curves(path, ["RT"])
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(LasError, match=r"a\.las"):
        named_curves(path, ["GR"])
