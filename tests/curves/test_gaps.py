import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.interpolate import CubicSpline

from thinline.curves.gaps import bridged, resampled

gappy = arrays.arrays(np.float64, st.integers(1, 30), elements=st.one_of(st.floats(0, 99), st.just(np.nan)))


def test_gaps_between_found_rows_are_filled_and_ends_are_not():
    x = np.array([np.nan, 2, np.nan, np.nan, 5, np.nan])
    np.testing.assert_allclose(bridged(x), [np.nan, 2, 3, 4, 5, np.nan])
    np.testing.assert_array_equal(bridged(x, longest=1), x)
    np.testing.assert_allclose(bridged(x, longest=2), [np.nan, 2, 3, 4, 5, np.nan])


def test_a_cubic_goes_through_a_cubic():
    rows = np.arange(20)
    true = 0.01 * (rows - 8.0) ** 3 + rows
    seen = np.where(rows % 3 == 1, np.nan, true)
    np.testing.assert_allclose(bridged(seen, way="cubic")[:-1], true[:-1], atol=1e-9)


@pytest.mark.parametrize("found", [2, 3, 4, 5, 40])
def test_lines_and_splines_are_those_of_numpy_and_scipy(found):
    rng = np.random.default_rng(found)
    rows = np.sort(rng.choice(100, found, replace=False))
    x = np.full(100, np.nan)
    x[rows] = np.cumsum(rng.normal(0, 3, found)) + 50
    between = np.arange(rows[0], rows[-1] + 1)
    np.testing.assert_array_equal(bridged(x)[between], np.interp(between, rows, x[rows]))
    np.testing.assert_allclose(bridged(x, way="cubic")[between], CubicSpline(rows, x[rows])(between), rtol=1e-9)


@given(gappy, st.sampled_from(["linear", "cubic"]), st.one_of(st.none(), st.integers(1, 5)))
def test_found_rows_stay_and_only_short_gaps_are_filled(x, way, longest):
    filled = bridged(x, way=way, longest=longest)
    known = np.isfinite(x)
    np.testing.assert_array_equal(filled[known], x[known])
    rows = np.flatnonzero(known)
    for row in np.flatnonzero(~known):
        before, after = rows[rows < row], rows[rows > row]
        inside = len(before) and len(after)
        short = inside and (longest is None or after[0] - before[-1] - 1 <= longest)
        assert np.isfinite(filled[row]) == bool(short)


def test_resampling_a_line_and_a_spike():
    line = np.concatenate([[np.nan], np.linspace(3, 9, 50), [np.nan]])
    np.testing.assert_allclose(resampled(line, points=7), line)
    spike = np.zeros(101)
    spike[33] = 50
    assert resampled(spike, points=5).max() == 0
    assert resampled(spike, points=101)[33] == pytest.approx(50)


def test_bad_input():
    with pytest.raises(ValueError, match="linear, cubic, got 'nearest'"):
        bridged(np.zeros(3), way="nearest")
    with pytest.raises(ValueError, match="2 or more, got 1"):
        resampled(np.zeros(3), points=1)
    for nothing in (np.full(4, np.nan), np.array([np.nan, 3.0])):
        np.testing.assert_array_equal(bridged(nothing), nothing)
        np.testing.assert_array_equal(resampled(nothing), nothing)
