"""Statistics of a window: what is drawn is measured, and the distance of two samples is that of their ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from thinline.digitise.page.statistics import (
    NAMES,
    gaps,
    ink_mask,
    kolmogorov_smirnov,
    long_lines,
    page_statistics,
    run_lengths,
    stroke_widths,
)

bits = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


@given(bits)
def test_runs_add_up_to_the_ink_and_are_as_many_as_their_beginnings(ink: np.ndarray) -> None:
    runs = run_lengths(ink)
    slow = [len(run) for row in ink for run in "".join("#" if pixel else "." for pixel in row).split(".") if run]
    assert runs.sum() == ink.sum()
    assert sorted(runs.tolist()) == sorted(slow)


@pytest.mark.parametrize("width", [1, 3, 5, 9])
def test_the_stroke_width_of_a_bar_is_its_width(width: int) -> None:
    ink = np.zeros((60, 60), np.bool_)
    ink[:, 30 - width // 2 : 30 + width // 2 + 1] = True
    assert np.median(stroke_widths(ink)) == width


@pytest.mark.parametrize("angle", [20, 45, 70])
def test_the_stroke_width_of_a_slanted_line_is_its_width(angle: int) -> None:
    y, x = np.mgrid[:200, :200] - 100.0
    across = x * math.sin(math.radians(angle)) - y * math.cos(math.radians(angle))
    assert np.median(stroke_widths(np.abs(across) <= 4.5)) == pytest.approx(9, abs=1.2)


def test_lines_have_their_weights_and_middles() -> None:
    ink = np.zeros((50, 40), np.bool_)
    ink[10:12] = ink[30:33] = True
    ink[20, :8] = True  # too short
    weights, middles = long_lines(ink, length_px=20)
    assert weights.tolist() == [2, 3]
    assert middles.tolist() == [10.5, 31]


def grid(px_per_mm: int) -> np.ndarray:
    """64 mm of grid: lines of .5 mm every 8 mm down, of .25 mm every 4 mm across."""
    page = np.full((64 * px_per_mm, 64 * px_per_mm), 240, np.uint8)
    for y in range(px_per_mm, 64 * px_per_mm, 8 * px_per_mm):
        page[y : y + px_per_mm // 2] = 20
    for x in range(2 * px_per_mm, 64 * px_per_mm, 4 * px_per_mm):
        page[:, x : x + px_per_mm // 4] = 20
    return page


@pytest.mark.parametrize("px_per_mm", [4, 8])
def test_a_grid_is_measured_in_mm_at_any_scale(px_per_mm: int) -> None:
    found = page_statistics(grid(px_per_mm), px_per_mm=float(px_per_mm))
    assert found["level lines"] == 8
    assert found["level spacing"] == pytest.approx(8)
    assert found["level weight"] == pytest.approx(0.5)
    assert found["upright lines"] == 16
    assert found["upright spacing"] == pytest.approx(4)
    assert found["upright weight"] == pytest.approx(0.25)
    assert found["tilt, degrees"] == 0
    assert found["share of ink, %"] == pytest.approx(100 * (1 - (1 - 0.5 / 8) * (1 - 0.25 / 4)), abs=0.1)


def test_without_a_scale_lengths_are_in_px() -> None:
    found = page_statistics(grid(4))
    assert found["level spacing"] == 32
    assert found["upright weight"] == 1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_window_of_one_grey_has_no_ink(value: int) -> None:
    grey = np.full((128, 128), value, np.uint8)
    assert not ink_mask(grey).any()
    found = page_statistics(grey, px_per_mm=4.0)
    assert tuple(found) == NAMES
    assert found["share of ink, %"] == 0
    assert math.isnan(found["stroke width"])


def windows(values: list[float]) -> list[dict[str, float]]:
    return [dict.fromkeys(NAMES, value) for value in values]


def test_the_distance_of_a_sample_from_itself_is_0_and_from_a_far_one_1() -> None:
    near, far = windows([1, 2, 3]), windows([7, 8])
    assert {gap.distance for gap in gaps(near, near)} == {0}
    assert {gap.distance for gap in gaps(near, far)} == {1}
    (gap, *_) = gaps(near, far)
    assert gap.drawn == pytest.approx((2, 1.2, 2.8))


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_is_that_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(0, 1, 40).round(1), rng.normal(0.3, 2, 25).round(1)  # rounded: some are equal
    expected = stats.ks_2samp(one, two, method="asymp").statistic
    assert kolmogorov_smirnov(one, two) == pytest.approx(expected)
    assert kolmogorov_smirnov(two, one) == pytest.approx(expected)


samples = st.lists(st.floats(-9, 9), min_size=1, max_size=20).map(np.array)


@given(samples, samples)
def test_the_distance_does_not_change_with_order_sign_and_repetition(one: np.ndarray, two: np.ndarray) -> None:
    distance = kolmogorov_smirnov(one, two)
    assert 0 <= distance <= 1
    assert kolmogorov_smirnov(two, one) == distance
    assert kolmogorov_smirnov(-one, -two) == pytest.approx(distance)
    assert kolmogorov_smirnov(np.concatenate([one, one]), two) == pytest.approx(distance)


def test_missing_values_are_left_out() -> None:
    for gap in gaps(windows([1, math.nan]), windows([math.nan])):
        assert gap.drawn == (1, 1, 1)
        assert math.isnan(gap.distance)
        assert math.isnan(gap.real[0])
