import numpy as np
import pytest


@pytest.mark.parametrize("curves", [1, 2, 5, 8])
def test_class_counts_are_those_of_a_bincount(drawn, curves: int) -> None:
    sheets = drawn(6, curves=curves)
    classes = curves + 1
    expected = np.bincount(sheets.labels.reshape(-1), minlength=256)
    np.testing.assert_array_equal(sheets.class_counts(classes), expected[:classes])
    assert sheets.class_counts(classes).dtype == np.int64
    np.testing.assert_array_equal(sheets.pixels[:, -1].sum(), expected[255])
    assert sheets.pixels.sum() == sheets.labels.size


def test_a_sheet_shown_twice_counts_twice(drawn) -> None:
    sheets = drawn(3)
    order = np.array([2, 0, 2, 2])
    expected = np.bincount(sheets.labels[order].reshape(-1), minlength=256)[:3]
    np.testing.assert_array_equal(sheets.class_counts(3, order=order), expected)
    np.testing.assert_allclose(sheets.shares(3, order=order), expected / expected.sum())
    assert sheets.shares(3).sum() == pytest.approx(1.0)


def test_classes_nobody_drew_count_zero_and_too_few_are_refused(drawn) -> None:
    sheets = drawn(3)
    np.testing.assert_array_equal(sheets.class_counts(5)[3:], [0, 0])
    with pytest.raises(ValueError, match="expected 3 or more, got 2"):
        sheets.class_counts(2)
    assert np.isnan(sheets.shares(3, order=np.array([], dtype=np.int64))).all()
