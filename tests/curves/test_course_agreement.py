import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from thinline.curves.course_agreement import STRONG, agreement, best_names, on_common_depths, strong_matches

gappy = st.one_of(st.floats(0, 99), st.just(np.nan))


def of(found, true, **how):
    return agreement(np.asarray(found, float), np.asarray(true, float), **({"depth_per_row": 0.5} | how))


def test_a_curve_against_itself():
    x = np.random.default_rng(0).normal(50, 10, 300).cumsum()
    got = of(x, x)
    assert (got.rows, got.rows_right, got.coverage, got.depth_error) == (300, 1, 1, 0)
    assert got.pearson_r == pytest.approx(1)
    assert got.snr_db == np.inf


@pytest.mark.parametrize("shift", [-7, 0, 3])
def test_a_curve_that_is_shifted_along_depth(shift):
    x = np.random.default_rng(1).normal(0, 1, 400)
    assert of(np.roll(x, shift), x, depth_per_row=0.25).depth_error == abs(shift) * 0.25


def test_noise_of_a_tenth_of_the_spread_is_twenty_decibels():
    rng = np.random.default_rng(2)
    true = rng.normal(0, 10, 100_000)
    assert of(true + rng.normal(0, 1, 100_000), true, reach=0).snr_db == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e6])
def test_correlation_noise_and_shift_do_not_depend_on_the_unit_of_the_values(unit: float):
    rng = np.random.default_rng(3)
    true = rng.normal(0, 1, 500).cumsum()
    found = np.roll(true, 4) + rng.normal(0, 0.1, 500)
    got, expected = of(unit * found, unit * true), of(found, true)
    assert (got.pearson_r, got.snr_db) == pytest.approx((expected.pearson_r, expected.snr_db))
    assert got.depth_error == expected.depth_error == 2.0


def test_a_curve_that_varies_by_rounding_alone_has_no_correlation():
    rounded = 1500 + 1e-12 * np.arange(50.0)
    assert np.isnan(of(rounded, np.arange(50.0)).pearson_r)
    assert np.isnan(of(np.arange(50.0), rounded).pearson_r)
    assert of(rounded + 1e-12, 1500 + np.arange(50.0)).snr_db < 0


@given(st.integers(1, 25), st.data())
def test_against_scipy_and_loops(rows, data):
    found, true = (data.draw(arrays.arrays(np.float64, rows, elements=gappy)) for _ in range(2))
    got = of(found, true)
    pairs = [(f, t) for f, t in zip(found, true, strict=True) if np.isfinite(f) and np.isfinite(t)]
    known = int(np.isfinite(true).sum())
    assert got.rows == known
    if known:
        assert got.coverage == pytest.approx(len(pairs) / known)
        assert got.rows_right == pytest.approx(sum(abs(f - t) <= 2 for f, t in pairs) / known)
    if len(pairs) > 2 and min(np.std(np.array(pairs), axis=0)) > 1e-3:
        assert got.pearson_r == pytest.approx(stats.pearsonr(*np.array(pairs).T)[0], abs=1e-6)
        square = np.mean([(f - t) ** 2 for f, t in pairs])
        if square > 1e-9:
            assert got.snr_db == pytest.approx(10 * np.log10(np.var([t for _, t in pairs]) / square), abs=1e-6)


@given(st.integers(1, 4), st.integers(1, 8), st.data())
def test_the_best_names_are_those_of_all_permutations(curves, rows, data):
    found, true = (data.draw(arrays.arrays(np.float64, (curves, rows), elements=gappy)) for _ in range(2))

    def right(order):
        return sum((np.abs(found[name] - true[k]) <= 2).sum() for k, name in enumerate(order))

    names = best_names(found, true)
    assert sorted(names.tolist()) == list(range(curves))
    assert right(names) == max(right(order) for order in itertools.permutations(range(curves)))


def test_strong_matches_count_curves_without_a_correlation():
    rng = np.random.default_rng(3)
    x = rng.normal(0, 1, 100)
    close, far, none = of(x + rng.normal(0, 0.1, 100), x), of(rng.normal(0, 1, 100), x), of(np.full(100, np.nan), x)
    assert close.pearson_r > STRONG > far.pearson_r
    assert np.isnan(none.pearson_r)
    assert np.isnan(none.depth_error)
    assert strong_matches([close, far, none]) == pytest.approx(1 / 3)
    assert np.isnan(strong_matches([]))


def test_bad_input():
    with pytest.raises(ValueError, match="same curves and rows"):
        of([1, 2], [1])
    with pytest.raises(ValueError, match="same curves and rows"):
        best_names(np.zeros((2, 3)), np.zeros((1, 3)))


@pytest.mark.parametrize(("rows", "found_rows"), [(45, 45), (51, 51), (2000, 45)])
def test_a_few_rows_that_correlate_by_chance_are_no_shift(rows, found_rows):
    """A shift of 43 of 45 rows leaves two rows, whose correlation is 1."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        true = rng.normal(0, 1, rows).cumsum()
        found = np.where(
            np.arange(rows) < found_rows, true + rng.normal(0, 0.1 * true[:found_rows].std(), rows), np.nan
        )
        assert of(found, true, reach=50).depth_error <= 0.5


def test_absent_depths_are_a_gap_as_nulls_are():
    depth = np.arange(1000.0, 1200, 0.5)
    values = np.random.default_rng(4).normal(0, 1, len(depth)).cumsum()
    hole = (depth > 1050) & (depth < 1150)
    absent = on_common_depths((depth, values), (depth[~hole], values[~hole]))
    null = on_common_depths((depth, values), (depth, np.where(hole, np.nan, values)))
    np.testing.assert_allclose(absent[1], null[1])
    np.testing.assert_allclose(absent[0], null[0])
    assert np.isnan(absent[1]).sum() == hole.sum()
