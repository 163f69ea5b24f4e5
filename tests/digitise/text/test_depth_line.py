"""The line through numbers of a depth column: exact on its own numbers, unmoved by wrong ones, refused when unsure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.digitise.text.depth_line import NEAR_MM, DepthLine, DepthReading, DepthRefusal, fit_depth_line

ROWS_PER_MM = 8.0


def column(*, at_zero: float = 900.0, per_row: float = 0.1, count: int = 12, step: float = 50.0) -> list[DepthReading]:
    """Numbers at equal steps of depth, in the rows in which the line has them."""
    numbers = at_zero + np.sign(per_row) * step * np.arange(1, count + 1)
    return [DepthReading(float((number - at_zero) / per_row), float(number)) for number in numbers]


def fitted(readings: list[DepthReading]) -> DepthLine:
    return fit_depth_line(readings, rows_per_mm=ROWS_PER_MM)


@given(st.floats(-1e4, 2e4), st.floats(0.01, 1.0), st.booleans(), st.integers(4, 40))
def test_numbers_on_a_line_give_that_line(at_zero: float, slope: float, falls: bool, count: int) -> None:
    per_row = -slope if falls else slope
    line = fitted(column(at_zero=at_zero, per_row=per_row, count=count))
    assert line.per_row == pytest.approx(per_row, rel=1e-6)
    assert line.depth_at(777) == pytest.approx(at_zero + 777 * per_row, abs=1e-3)
    assert line.share == 1
    assert line.residual_rows == pytest.approx(0, abs=1e-3)


@given(st.lists(st.tuples(st.floats(0, 6000), st.integers(10, 30000)), max_size=8), st.randoms())
def test_wrong_numbers_do_not_move_the_line(wrong: list[tuple[float, int]], rng) -> None:
    right = column()
    readings = right + [DepthReading(row, float(number)) for row, number in wrong]
    rng.shuffle(readings)
    line = fitted(readings)
    assert set(right) <= set(line.fitting)
    for reading in right:  # a wrong number near the line may count, so that the line moves within its reach
        assert line.row_of(reading.number) == pytest.approx(reading.row, abs=NEAR_MM * ROWS_PER_MM)


def test_far_wrong_numbers_leave_the_line_exact_and_count_in_the_share() -> None:
    readings = column()
    readings[3] = DepthReading(readings[3].row, 100.0)  # 1100 read as 100
    readings[7] = DepthReading(readings[7].row, 7300.0)  # 1300 read as 7300
    line = fitted(readings)
    assert line.depth_at(0) == pytest.approx(900)
    assert (len(line.fitting), line.read) == (10, 12)
    assert line.ends() == (DepthReading(pytest.approx(500), 950), DepthReading(pytest.approx(6000), 1500))


def test_the_ends_are_numbers_next_to_the_line() -> None:
    readings = column()
    readings[0] = DepthReading(readings[0].row, 951.0)  # 950, its last digit misread: 10 rows off, which fits
    line = fitted(readings)
    assert line.share == 1
    assert line.ends()[0].number == 1000


def test_a_constant_offset_of_the_rows_stays_in_the_line() -> None:
    line = fitted([DepthReading(reading.row + 9, reading.number) for reading in column()])
    assert line.row_of(1000) == pytest.approx(1000 + 9)


def test_the_residual_is_the_median_distance_in_rows() -> None:
    shifted = [DepthReading(r.row + shift, r.number) for r, shift in zip(column(), [3, -3] * 6, strict=True)]
    line = fitted(shifted)
    away = [abs(line.row_of(reading.number) - reading.row) for reading in shifted]
    assert line.residual_rows == pytest.approx(np.median(away))
    assert line.worst_rows == pytest.approx(max(away))


def in_two_logs() -> list[DepthReading]:
    """Two sections of one scan, with scales of their own."""
    second = [DepthReading(reading.row * 2 + 30000, reading.number) for reading in column(count=10)]
    return column(count=12) + second


REFUSED = {
    "no number": ([], "read none"),
    "three numbers": (column(count=3), "read 3 (950, 1000, 1050)"),
    "one number many times": ([DepthReading(100.0 * n, 150.0) for n in range(20)], "at least 4 different numbers"),
    "numbers of a table": (
        [
            DepthReading(float(row), float(number))
            for row, number in np.random.default_rng(3).integers(10, 9999, (30, 2))
        ],
        "on one straight line",
    ),
    "too steep": ([DepthReading(float(n), 1000.0 * n) for n in range(8)], "depth changes by"),
    "two logs": (in_two_logs(), "does the scan hold several logs?"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_shows_no_line_is_refused_with_a_sentence(name: str) -> None:
    readings, words = REFUSED[name]
    with pytest.raises(DepthRefusal) as error:
        fitted(readings)
    assert words in str(error.value)
    assert "type" in str(error.value)


def test_readings_of_one_row_show_no_slope() -> None:
    line = fitted([*column(), DepthReading(0.0, 500.0), DepthReading(5e-324, 700.0)])
    assert line.depth_at(0) == pytest.approx(900)
    assert (len(line.fitting), line.read) == (12, 14)


def test_a_long_column_is_thinned_evenly() -> None:
    line = fitted(column(count=1000))
    assert line.read == 300
    assert line.ends()[1].number == column(count=1000)[-1].number
