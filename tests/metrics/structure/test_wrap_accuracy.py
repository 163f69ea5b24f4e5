import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from thinline.metrics.structure.wrap_accuracy import wrap_counts, wrap_rates

LAPS = arrays(np.int64, (2, 7), elements=st.integers(-3, 3))


@given(predicted=LAPS, true=LAPS, compared=arrays(bool, (2, 7)))
def test_every_compared_row_is_right_or_wrong(predicted, true, compared):
    got = wrap_counts(predicted, true, compared=compared)
    for k in range(2):
        rows = [row for row in range(7) if compared[k, row]]
        assert got.compared[k] == len(rows)
        assert got.right[k] == sum(int(predicted[k, row]) == int(true[k, row]) for row in rows)
        rate = wrap_rates(got)["on_lap"][k]
        assert rate == pytest.approx(got.right[k] / len(rows)) if rows else np.isnan(rate)


@given(predicted=LAPS, true=LAPS, compared=arrays(bool, (2, 7)), cut=st.integers(0, 7))
def test_counts_of_parts_add_up(predicted, true, compared, cut):
    parts = [wrap_counts(predicted[:, s], true[:, s], compared=compared[:, s]) for s in (slice(cut), slice(cut, None))]
    whole, both = wrap_counts(predicted, true, compared=compared), parts[0] + parts[1]
    np.testing.assert_array_equal(both.right, whole.right)
    np.testing.assert_array_equal(both.compared, whole.compared)


def test_shapes_must_agree():
    laps = np.zeros((2, 7), np.int64)
    with pytest.raises(ValueError, match=r"one shape \[K,H\], got \(2, 7\), \(2, 6\) and \(2, 7\)"):
        wrap_counts(laps, laps[:, :6], compared=laps == 0)
    with pytest.raises(ValueError, match="one shape"):
        wrap_counts(laps[0], laps[0], compared=laps[0] == 0)
