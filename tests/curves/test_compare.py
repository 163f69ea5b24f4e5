import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics

from thinline.curves.compare import compare, curve_rates
from thinline.curves.gaps import bridged

TRACK = 100.0
columns = st.floats(0, 100)
gappy = st.one_of(columns, st.just(np.nan))


def scored(traced, true, track=TRACK):
    return compare(np.asarray(traced, float), np.asarray(true, float), track_px=track)


def rates(*errors):
    return curve_rates(errors, px_per_mm=4.0)


@st.composite
def pairs(draw):
    rows = draw(st.integers(2, 25))
    return tuple(draw(arrays.arrays(np.float64, rows, elements=gappy)) for _ in range(2))


def test_a_curve_against_itself():
    x = np.array([1.0, 50, np.nan, 7])
    got = rates(scored(x, x))
    assert got == dict.fromkeys(got, 0) | {"r2": 1, "coverage": 1}


def test_a_shift_of_three_pixels():
    x = np.linspace(10, 80, 50)
    got = rates(scored(x + 3, x))
    assert got["mae_px"] == pytest.approx(3)
    assert got["mae_mm"] == pytest.approx(0.75)
    for name in ("mae_track", "p95_track", "max_track", "rmse_track"):
        assert got[name] == pytest.approx(0.03)


@given(st.integers(2, 30), st.data())
def test_against_scikit_learn_where_all_rows_are_found(rows, data):
    traced, true = (data.draw(arrays.arrays(np.float64, rows, elements=columns)) for _ in range(2))
    got = rates(scored(traced, true))
    assert got["mae_px"] == pytest.approx(metrics.mean_absolute_error(true, traced), abs=1e-9)
    assert got["rmse_track"] == pytest.approx(metrics.root_mean_squared_error(true, traced) / TRACK, abs=1e-12)
    assert got["max_track"] == pytest.approx(metrics.max_error(true, traced) / TRACK, abs=1e-12)
    if np.ptp(true) > 1e-3:
        assert got["r2"] == pytest.approx(metrics.r2_score(true, traced), rel=1e-9)


@given(pairs())
def test_against_a_loop_over_rows(pair):
    traced, true = pair
    errors, hits, extra, run, longest = [], 0, 0, 0, 0
    for f, t in zip(traced, true, strict=True):
        if np.isnan(t):
            extra += not np.isnan(f)
            continue
        errors.append(1.0 if np.isnan(f) else min(abs(f - t) / TRACK, 1.0))
        hits += not np.isnan(f)
        run = run + 1 if np.isnan(f) else 0
        longest = max(longest, run)
    got = scored(traced, true)
    assert (got.rows, got.traced, got.extra, got.gap) == (len(errors), hits, extra, longest)
    assert got.error == pytest.approx(sum(errors))
    assert got.square == pytest.approx(sum(each * each for each in errors))
    if errors:
        assert got.spread == pytest.approx(np.isfinite(true).sum() * np.nanvar(true / TRACK), abs=1e-9)
        assert got.worst == pytest.approx(max(errors))
        assert got.p95 == pytest.approx(np.percentile(errors, 95))


@given(pairs(), st.data())
def test_leaving_rows_out_never_improves_a_score(pair, data):
    """Rows with truth; a found row without truth is an error that may be removed."""
    traced, true = pair
    left_out = data.draw(arrays.arrays(np.bool_, len(true))) & np.isfinite(true)
    all_rows, fewer = (rates(scored(x, true)) for x in (traced, np.where(left_out, np.nan, traced)))
    for name in ("mae_track", "mae_px", "mae_mm", "rmse_track", "p95_track", "max_track", "gap_mm", "extra"):
        assert np.isnan(all_rows[name]) or not fewer[name] < all_rows[name] - 1e-12
    for name in ("r2", "coverage"):
        assert np.isnan(all_rows[name]) or not fewer[name] > all_rows[name] + 1e-12


def test_extra_rows_are_counted_over_all_sheets_and_leave_the_error_as_it_is():
    one, two = (scored([4, 5, 6, 7], [4, 5, *end]) for end in ([np.nan, np.nan], [np.nan, 9]))
    got = rates(one, two)
    assert (got["extra_rows"], got["extra"]) == (3, 3 / 8)
    assert got["mae_px"] == pytest.approx(2 / 5)


def test_bridging_flatters_a_curve_of_which_half_was_read():
    """A log whose every second stretch of 32 rows was not found: the bridged error hides the missing half."""
    y = np.arange(512)
    true = 50 + 25 * np.sin(y / 15) + 8 * np.sin(y / 5)
    read = np.where(y // 32 % 2 == 0, true + 1, np.nan)
    with_gaps, filled = rates(scored(read, true)), rates(scored(bridged(read), true))
    assert with_gaps["mae_px"] == pytest.approx((1 * 256 + TRACK * 256) / 512)
    assert with_gaps["mae_track"] >= 1 - with_gaps["coverage"] == 0.5
    assert with_gaps["mae_px"] > 3 * filled["mae_px"]
    assert filled["coverage"] > 0.9


@settings(max_examples=50)
@given(pairs(), pairs())
def test_sheets_are_summed_before_they_are_divided(one, two):
    both = rates(scored(*one), scored(*two))
    rows = [np.isfinite(true).sum() for _, true in (one, two)]
    means = [rates(scored(*pair))["mae_track"] for pair in (one, two)]
    if sum(rows):
        expected = sum(n * mean for n, mean in zip(rows, means, strict=True) if n) / sum(rows)
        assert both["mae_track"] == pytest.approx(expected)
    else:
        assert np.isnan(both["mae_track"])


def test_without_truth_all_found_rows_are_extra():
    got = rates(scored([1, np.nan], [np.nan, np.nan]))
    assert got["extra"] == 1
    assert got["extra_rows"] == 1
    assert all(np.isnan(value) for name, value in got.items() if not name.startswith("extra"))
    assert np.isnan(rates(scored([np.nan], [np.nan]))["extra"])
    assert rates(scored([np.nan], [np.nan]))["extra_rows"] == 0
    assert np.isnan(rates(scored([3, 4], [5, 5]))["r2"])
    assert np.isnan(rates(scored([0.1] * 7, [0.7] * 7, track=49.3))["r2"])


def test_bad_input():
    with pytest.raises(ValueError, match="same rows"):
        scored([1, 2], [1])
    with pytest.raises(ValueError, match="above 0, got 0"):
        scored([1], [1], track=0)
