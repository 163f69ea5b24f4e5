"""Centrelines against scikit-image and scipy, by hand, and against identities."""

import numpy as np
import pytest
from hypothesis import given, settings
from mask_cases import curve, drawn, pairs
from scipy import ndimage
from skimage.morphology import disk, skeletonize

from thinline.metrics.structure.centrelines import TOLERANCES_PX, centreline_rates, centrelines
from thinline.metrics.structure.distances import Pair

NOTHING = np.zeros((5, 9), dtype=bool)
LINE = drawn("......... ......... ######### ......... .........")


def rates(predicted, true):
    return centreline_rates(centrelines(Pair(predicted, true)))


@given(pairs())
@settings(max_examples=40)
def test_cldice_is_that_of_the_definition_on_masks_dilated_by_the_tolerance(pair) -> None:
    predicted, true = pair
    lines = skeletonize(predicted), skeletonize(true)
    if not lines[0].any() or not lines[1].any():
        return
    for tolerance, mine in zip(TOLERANCES_PX, rates(predicted, true)["cldice"], strict=True):
        wide = [ndimage.binary_dilation(mask, disk(int(tolerance))) for mask in (predicted, true)]
        precision, recall = lines[0][wide[1]].sum() / lines[0].sum(), lines[1][wide[0]].sum() / lines[1].sum()
        expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        assert mine == pytest.approx(expected)


@given(pairs())
@settings(max_examples=40)
def test_breaks_are_pieces_of_a_piece_less_one(pair) -> None:
    predicted, true = pair
    line, near = skeletonize(true), ndimage.binary_dilation(predicted, disk(1))
    whole, count = ndimage.label(line, np.ones((3, 3)))
    expected = 0
    for number in range(1, count + 1):
        parts = ndimage.label((whole == number) & near, np.ones((3, 3)))[1]
        expected += max(0, parts - 1)
    assert rates(predicted, true)["breaks"] == expected


def test_by_hand() -> None:
    """A line with a hole of one pixel is whole to a ruler of one pixel, one with a hole of five is broken once."""
    small = LINE.copy()
    small[2, 4] = False
    large = LINE.copy()
    large[2, 2:7] = False
    assert rates(small, LINE)["breaks"] == 0
    assert rates(large, LINE)["breaks"] == 1
    # all of the predicted line is true; 4 of 9 true pixels are predicted, and 6 within one pixel, 8 within two
    np.testing.assert_allclose(rates(large, LINE)["cldice"], [8 / 13, 12 / 15, 16 / 17, 1])


@pytest.mark.parametrize(
    ("predicted", "true", "cldice"), [(NOTHING, NOTHING, np.nan), (LINE, NOTHING, 0), (NOTHING, LINE, 0)]
)
def test_absent_classes(predicted, true, cldice) -> None:
    got = rates(predicted, true)
    np.testing.assert_array_equal(got["cldice"], np.full(len(TOLERANCES_PX), cldice))
    assert got["breaks"] == 0


@given(pairs())
@settings(max_examples=40)
def test_the_same_mask_twice_is_perfect(pair) -> None:
    for mask in pair:
        if skeletonize(mask).any():
            assert (rates(mask, mask)["cldice"] == 1).all()
            assert rates(mask, mask)["breaks"] == 0


def test_counts_of_two_sheets_add_up() -> None:
    hole = LINE.copy()
    hole[2, 2:7] = False
    both = centrelines(Pair(hole, LINE)) + centrelines(Pair(LINE, LINE))
    assert both.breaks == 1
    np.testing.assert_array_equal(both.all, [4 + 9, 9 + 9])


def test_plain_cldice_tolerates_the_radius_of_the_mask_and_no_more() -> None:
    values = [rates(curve(width, shift=1), curve(width))["cldice"][:2] for width in (1, 3, 7)]
    assert values[0][0] < 0.8
    assert values[1][0] > 0.9
    assert values[2][0] > 0.99
    assert min(value[1] for value in values) > 0.99
