from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.digitise.axes import CurveScale, DepthScale, ScaleChange, ScaleError

edges = st.tuples(st.floats(-50, 500), st.floats(1, 2000)).map(lambda e: (e[0], e[0] + e[1]))
linear = st.tuples(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4)).map(lambda e: (e[0], e[0] + e[1]))
logs = st.tuples(st.floats(1e-3, 10), st.floats(1.5, 1e4)).map(lambda e: (e[0], e[0] * e[1]))


@given(track=edges, ends=linear, falling=st.booleans(), u=st.lists(st.floats(-2.9, 2.9), min_size=1, max_size=9))
def test_values_and_columns_invert_each_other(track, ends, falling, u) -> None:
    scale = CurveScale("GR", "API", *track, *ends, "linear", falling)
    values = ends[0] + (ends[1] - ends[0]) * np.array(u)
    x, lap = scale.columns(values)
    size = np.abs(ends).max() + ends[1] - ends[0]
    assert scale.values(x, lap) == pytest.approx(values, abs=1e-9 * size)
    assert (scale.position(x) >= -1e-9).all()
    assert (scale.position(x) <= 1 + 1e-9).all()


@given(track=edges, ends=logs, falling=st.booleans(), u=st.lists(st.floats(-2.9, 2.9), min_size=1, max_size=9))
def test_values_and_columns_of_a_log_scale_invert_each_other(track, ends, falling, u) -> None:
    scale = CurveScale("RT", "OHMM", *track, *ends, "log", falling)
    values = ends[0] * (ends[1] / ends[0]) ** np.array(u)
    assert scale.values(*scale.columns(values)) == pytest.approx(values, rel=1e-6)


def test_the_edges_of_a_track_are_its_two_values() -> None:
    x, none = np.array([10.0, 110.0]), np.zeros(2, np.int64)
    assert CurveScale("A", "", 10, 110, 0, 150).values(x, none).tolist() == [0, 150]
    assert CurveScale("A", "", 10, 110, 0, 150, falling=True).values(x, none).tolist() == [150, 0]
    assert CurveScale("A", "", 10, 110, 0.2, 2000, "log").values(np.array([35.0]), none[:1]) == pytest.approx([2.0])
    assert CurveScale("A", "", 10, 110, 0, 150).values(x, none + 1).tolist() == [150, 300]
    assert CurveScale("A", "", 10, 110, 0, 150, falling=True).values(x, none + 1).tolist() == [0, -150]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"left": 150, "right": 0}, "left below right"),
        ({"left": 5, "right": 5}, "left below right"),
        ({"left": 0, "right": 10, "kind": "log"}, "log scale must lie above zero"),
        ({"left": -1, "right": 10, "kind": "log"}, "log scale must lie above zero"),
        ({"left": 0, "right": float("nan")}, "finite values .* got 0 and nan; check --left and --right"),
        ({"left": 0, "right": 9, "left_px": float("nan")}, "finite columns .* got nan and 200; check --track"),
        ({"left": 0, "right": 9, "right_px": float("inf")}, "finite columns .* got 0 and inf; check --track"),
        ({"left": -1e308, "right": 1e308}, "of a size from .* got -1e[+]308 and 1e[+]308"),
        ({"left": 1e-300, "right": 1, "kind": "log"}, "of a size from 1e-30 .* got 1e-300 and 1"),
        ({"left": 0, "right": 1, "kind": "root"}, "linear or log"),
        ({"left": 0, "right": 1, "left_px": 300.0}, "left edge of the track"),
    ],
)
def test_invalid_scales_are_refused(keys, message) -> None:
    with pytest.raises(ScaleError, match=message):
        CurveScale(**{"name": "GR", "unit": "", "left_px": 0.0, "right_px": 200.0} | keys)


@pytest.mark.parametrize("unit", ["ohm m", "ohm:m", "m\n~ASCII", "\t", "µs/ft", "m\udcff"])
def test_units_that_a_header_cannot_hold_are_refused(unit: str) -> None:
    with pytest.raises(ScaleError, match=r"unit of GR: expected ASCII without .*, got .* write it as ohm\.m"):
        CurveScale("GR", unit, 0, 200, 0, 150)
    with pytest.raises(ScaleError, match=r"--unit: expected .* without blanks and colons, got"):
        DepthScale(1000, 1100, 0, 100, unit)
    with pytest.raises(ScaleError, match="say m or ft"):
        DepthScale(1000, 1100, 0, 100, "")


@pytest.mark.parametrize(
    ("top", "bottom", "words"),
    [
        (1000, 1000, "two different depths, got 1000 as --top"),
        (float("nan"), 5, "finite"),
        (0, float("inf"), "finite"),
        (-1e308, 1e308, "up to 1e[+]30"),
        (1000, 1000 + 1e-10, "further apart than 1e-09 .* 1000.0000000001"),
    ],
)
def test_invalid_depths_are_refused(top: float, bottom: float, words: str) -> None:
    with pytest.raises(ScaleError, match=words):
        DepthScale(top, bottom, 0, 100, "m")


def test_elevations_decrease_down_the_scan() -> None:
    assert DepthScale(100, -50, 10, 60, "m").depths(np.array([10.0, 40.0, 60.0])).tolist() == [100, 10, -50]
    assert DepthScale(-1000, -1200, 0, 100, "ft").depths(np.array([0.0, 50.0])).tolist() == [-1000, -1100]


@pytest.mark.parametrize(("bottom", "text"), [(1100, "1000.25"), (1000.01, "1000.25000"), (2e5, "1000.25")])
def test_a_depth_has_the_digits_that_distinguish_rows(bottom: float, text: str) -> None:
    assert DepthScale(1000, bottom, 0, 500, "m").text(1000.25) == text


def test_depths_are_extrapolated_and_their_rows_ordered() -> None:
    assert DepthScale(1000, 1100, 10, 60, "m").depths(np.array([10.0, 60.0, 110.0])).tolist() == [1000, 1100, 1200]
    with pytest.raises(ScaleError, match="--rows"):
        DepthScale(1000, 1100, 60, 10, "m")


changes = st.lists(
    st.tuples(st.floats(0, 900), linear, st.booleans()), min_size=1, max_size=4, unique_by=lambda e: e[0]
)


@given(own=linear, later=changes, rows=st.lists(st.floats(-10, 1000), min_size=1, max_size=20), lap=st.integers(-2, 2))
def test_a_scale_that_changes_gives_the_values_of_the_scale_of_each_row(own, later, rows, lap) -> None:
    later = sorted(later)
    own_changes = tuple(ScaleChange(row, 100 + row, *ends, falling=falling) for row, ends, falling in later)
    scale = CurveScale("GR", "", 20, 180, *own, changes=own_changes)
    x, laps = np.linspace(0, 200, len(rows)), np.full(len(rows), lap)
    values = scale.values(x, laps, np.array(rows))
    for n, row in enumerate(rows):
        above = [each for each in later if each[0] <= row]
        alone = CurveScale("GR", "", 20, 180, *above[-1][1], falling=above[-1][2]) if above else None
        alone = alone or CurveScale("GR", "", 20, 180, *own)
        assert values[n] == alone.values(x[n : n + 1], laps[n : n + 1])[0]


def test_a_linear_scale_may_become_logarithmic_and_says_so() -> None:
    scale = CurveScale("RT", "ohm.m", 0, 100, 0, 100, changes=(ScaleChange(50, 1500, 0.2, 2000, "log"),))
    x, lap, rows = np.full(2, 25.0), np.zeros(2, np.int64), np.array([49.5, 50.0])
    assert scale.values(x, lap, rows) == pytest.approx([25, 2])
    assert scale.text() == "linear 0 to 100, from depth 1500 log 0.2 to 2000"
    with pytest.raises(ValueError, match="expected the rows of the columns"):
        scale.values(x, lap)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(50, 0, 300), (50, 0, 150)], "changes in the order of rows, got rows 50, 50"),
        ([(50, 0, 300), (40, 0, 150)], "changes in the order of rows, got rows 50, 40"),
        ([(50, 3, 3)], "from depth 1050 on: scale of GR: expected left below right"),
    ],
)
def test_invalid_changes_are_refused(steps, words: str) -> None:
    with pytest.raises(ScaleError, match=words):
        CurveScale("GR", "", 0, 9, 0, 150, changes=tuple(ScaleChange(row, 1000 + row, *ends) for row, *ends in steps))


@given(st.floats(-1e4, 1e4), st.floats(1, 1e4), st.booleans(), st.floats(-100, 900))
def test_rows_and_depths_invert_each_other(top: float, length: float, falls: bool, row: float) -> None:
    scale = DepthScale(top, top - length if falls else top + length, 10, 600, "m")
    assert scale.row_of(float(scale.depths(np.array([row]))[0])) == pytest.approx(row, abs=1e-6)


def test_the_phrase_has_the_value_of_the_left_edge_first() -> None:
    falling = CurveScale("RT", "OHMM", 10, 110, 0.2, 2000, "log", falling=True)
    left, right = falling.values(np.array([10.0, 110.0]), np.zeros(2, np.int64)).tolist()
    assert falling.text() == f"log {left:g} to {right:g}" == "log 2000 to 0.2"
    change = ScaleChange(row=50, depth=1500, left=0, right=300, kind="linear", falling=True)
    assert (
        CurveScale("GR", "", 0, 9, 0, 150, changes=(change,)).text()
        == "linear 0 to 150, from depth 1500 linear 300 to 0"
    )
