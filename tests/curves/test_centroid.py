import numpy as np
import pytest
from curve_cases import ink
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from thinline.curves.centroid import centroid


def test_the_mean_column_of_each_row():
    one, two = centroid(
        ink("""
        .11.2...2
        .........
        1.......2
        """)
    )
    np.testing.assert_array_equal(one.x_px, [1.5, np.nan, 0])
    np.testing.assert_array_equal(two.x_px, [6, np.nan, 8])
    np.testing.assert_array_equal(one.confidence, [1, 0, 1])


@given(arrays.arrays(np.float32, (2, 5, 7), elements=st.sampled_from([np.float32(v) for v in (0, 0.25, 0.5, 0.75, 1)])))
def test_against_a_loop_over_pixels(probabilities):
    for k, curve in enumerate(centroid(probabilities)):
        for row in range(5):
            columns = [c for c in range(7) if probabilities[k, row, c] > 0.5]
            if columns:
                assert curve.x_px[row] == pytest.approx(sum(columns) / len(columns))
                mean = sum(float(probabilities[k, row, c]) for c in columns) / len(columns)
                assert curve.confidence[row] == pytest.approx(mean)
            else:
                assert np.isnan(curve.x_px[row])
                assert curve.confidence[row] == 0
