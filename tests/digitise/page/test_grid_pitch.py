"""The pitch of a grid, and linear and logarithmic tracks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thinline.digitise.page.grid_pitch import USUAL_MM, Pitch, pitch_across, pitch_down, scale_kind


def log_lines(decades: int, start: int, left: float, right: float) -> list[float]:
    values = [digit * 10.0**decade for decade in range(decades + 1) for digit in range(1, 10)]
    inside = [math.log10(value / start) / decades for value in values if start <= value <= start * 10**decades]
    return [left + (right - left) * t for t in inside]


@pytest.mark.parametrize("decades", [1, 2, 4])
@pytest.mark.parametrize("start", [1, 2])
def test_a_log_track_is_told_from_a_linear_one(decades: int, start: int) -> None:
    assert scale_kind(log_lines(decades, start, 100, 500), 100, 500)[0] == "log"


@pytest.mark.parametrize("divisions", [5, 8, 10, 20])
def test_a_linear_track_is_linear(divisions: int) -> None:
    lines = np.linspace(100, 500, divisions + 1).tolist()
    assert scale_kind(lines, 100, 500) == ("linear", pytest.approx(1.0))


def test_few_lines_say_nothing() -> None:
    assert scale_kind([100, 300, 500], 100, 500) == ("linear", 0.0)


@pytest.mark.parametrize("pitch_px", [9.0, 10.4, 25.4, 40.0])
def test_the_pitch_down_is_that_of_the_lines(pitch_px: float) -> None:
    rows = np.zeros(320)
    rows[np.arange(3, 320, pitch_px).round().astype(int)] = 100
    assert pitch_down([rows, rows[::-1]], px_per_mm=4.0) == pytest.approx(pitch_px / 4, abs=0.1)


def test_rows_without_lines_have_no_pitch() -> None:
    noise = np.random.default_rng(0).random(320)
    assert math.isnan(pitch_down([np.zeros(320), noise], px_per_mm=4.0))
    assert math.isnan(pitch_across([1.0, 9.0], px_per_mm=4.0))


@pytest.mark.parametrize("usual", USUAL_MM)
def test_a_usual_pitch_agrees_and_one_beside_it_does_not(usual: float) -> None:
    assert Pitch(usual, math.nan).agrees
    assert Pitch(math.nan, usual * 1.01).usual_mm == pytest.approx(usual, rel=0.03)
    assert not Pitch(math.nan, 7.5).agrees
    assert not Pitch(math.nan, math.nan).agrees
