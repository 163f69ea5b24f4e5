"""Windows of real values: inside the track, lively where there is a choice, gaps kept."""

from __future__ import annotations

import numpy as np
import pytest

from thinline.sheets.windows import MOST, checked, window


@pytest.mark.parametrize("smooth", [False, True])
def test_most_values_are_inside_the_track(smooth: bool) -> None:
    rng = np.random.default_rng(1)
    logs = [np.cumsum(rng.normal(size=3000)) * 40 + 1000, np.exp(rng.normal(size=3000))]
    inside = []
    for _ in range(50):
        found = window(logs, rng, smooth=smooth)
        assert 2 <= len(found) <= MOST
        inside.append(np.mean((found >= 0) & (found <= 1)))
    assert np.mean(inside) > 0.9


def test_flat_curves_are_passed_over() -> None:
    rng = np.random.default_rng(2)
    logs = [np.full(3000, 8.5), np.full(3000, np.pi), rng.normal(size=3000)]
    assert min(np.ptp(window(logs, rng, smooth=False)) for _ in range(40)) > 0


def test_a_flat_log_is_drawn_where_there_is_no_other() -> None:
    found = window([np.full(500, 8.5)], np.random.default_rng(0), smooth=False)
    assert np.ptp(found) == 0
    assert 0.3 < found[0] < 0.7


def test_gaps_are_kept_by_smoothing() -> None:
    values = np.sin(np.arange(150) / 5)
    values[60:70] = np.nan
    found = window([values], np.random.default_rng(3), smooth=True)
    assert 0 < np.isnan(found).sum() <= 10


def test_a_log_with_two_values_far_apart() -> None:
    values = np.full(5000, np.nan)
    values[[10, 4000]] = 1.0, 2.0
    assert np.isfinite(window([values], np.random.default_rng(0), smooth=False)).sum() == 2


def test_infinities_are_no_data() -> None:
    np.testing.assert_array_equal(checked(np.array([1, np.inf, 2, -np.inf]), 0), [1, np.nan, 2, np.nan])
