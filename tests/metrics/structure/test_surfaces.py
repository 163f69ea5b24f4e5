"""Surfaces against MONAI, against definitions written out pixel by pixel, and against identities."""

import warnings

import monai.metrics
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from mask_cases import curve, drawn, pairs

from thinline.metrics.structure.distances import BAND, ClassMask, Pair
from thinline.metrics.structure.surfaces import TOLERANCES_PX, surface_rates, surfaces

NOTHING = np.zeros((6, 7), dtype=bool)
BAR = drawn("....... .#####. ....... ....... ....... .......")


def rates(predicted, true):
    return surface_rates(surfaces(Pair(predicted, true)).counts)


def one_hot(mask):
    return torch.from_numpy(np.stack([~mask, mask]))[None]


def monai_of(function, predicted, true, **how):
    """MONAI asks torch for something that torch is about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(function(one_hot(predicted), one_hot(true), **how))


def far(points, others):
    """From each point to the nearest of the others, by looking at all."""
    return np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1)).min(1)


@given(pairs())
@settings(max_examples=40)
def test_nsd_is_that_of_monai(pair) -> None:
    predicted, true = pair
    if not predicted.any() or not true.any():
        return
    for tolerance, mine in zip(TOLERANCES_PX, rates(predicted, true)["nsd"], strict=True):
        theirs = monai_of(monai.metrics.compute_surface_dice, predicted, true, class_thresholds=[tolerance])
        assert mine == pytest.approx(theirs)


NEARLY_FULL = np.ones((2, 9), bool)
NEARLY_FULL[0, 0] = False


@given(pairs())
@example((np.ones((2, 9), bool), NEARLY_FULL))  # .15 between 0 and 1, of which float32 loses 2e-7
@settings(max_examples=40)
def test_hd95_is_that_of_monai(pair) -> None:
    predicted, true = pair
    mine = surfaces(Pair(predicted, true)).hd95
    if not predicted.any() or not true.any():
        assert np.isnan(mine)
        return
    theirs = monai_of(monai.metrics.compute_hausdorff_distance, predicted, true, percentile=95)
    assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-6)  # theirs is float32, and between two distances


@given(pairs())
def test_tolerance_rates_are_shares_of_pixels_that_are_near_the_other_mask(pair) -> None:
    predicted, true = pair
    if not predicted.any() or not true.any():
        return
    got = rates(predicted, true)
    outward, back = far(np.argwhere(predicted), np.argwhere(true)), far(np.argwhere(true), np.argwhere(predicted))
    for number, tolerance in enumerate(TOLERANCES_PX):
        precision, recall = (outward <= tolerance).mean(), (back <= tolerance).mean()
        assert got["tol_precision"][number] == pytest.approx(precision)
        assert got["tol_recall"][number] == pytest.approx(recall)
        expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        assert got["tol_f1"][number] == pytest.approx(expected)


def band_by_pixel(mask):
    """Pixels with something outside at most d rows and columns away; beyond the sheet is outside."""
    d = max(1, round(BAND * float(np.hypot(*mask.shape))))
    wide = np.pad(mask, d)
    rows, columns = mask.shape
    windows = [wide[y : y + rows, x : x + columns] for y in range(2 * d + 1) for x in range(2 * d + 1)]
    return mask & ~np.logical_and.reduce(windows)


@pytest.mark.parametrize("size", [12, 40, 120])
def test_boundary_iou_is_that_of_the_definition(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(5):
        y, x = np.mgrid[:size, :size]
        blobs = [
            np.hypot(y - rng.integers(size), x - rng.integers(size)) < rng.uniform(0.2, 0.6) * size for _ in range(2)
        ]
        bands = [band_by_pixel(blob) for blob in blobs]
        expected = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
        assert rates(*blobs)["boundary_iou"] == pytest.approx(expected)


def test_by_hand() -> None:
    """A bar of five pixels, found one row lower and one pixel too long."""
    predicted = drawn("....... ....... .###### ....... ....... .......")
    got = rates(predicted, BAR)
    assert got["boundary_iou"] == 0
    np.testing.assert_allclose(got["tol_precision"], [5 / 6, 1, 1])  # the last pixel is sqrt 2 away
    np.testing.assert_allclose(got["tol_recall"], [1, 1, 1])
    np.testing.assert_allclose(got["nsd"], [10 / 11, 1, 1])
    assert surfaces(Pair(predicted, BAR)).hd95 == pytest.approx(1 + 0.75 * (2**0.5 - 1))  # of 1 x 5, sqrt 2


def test_the_surface_of_a_square_is_its_rim_and_the_edge_of_the_sheet_is_a_rim() -> None:
    square = drawn("##### ##### ##### .....")
    np.testing.assert_array_equal(ClassMask(square).surface, drawn("##### #...# ##### ....."))


@given(pairs())
def test_the_same_mask_twice_is_perfect_and_the_order_swaps_precision_and_recall(pair) -> None:
    predicted, true = pair
    if true.any():
        assert {float(value.min()) for value in rates(true, true).values()} == {1.0}
        assert surfaces(Pair(true, true)).hd95 == 0
    if predicted.any() and true.any():
        one, other = rates(predicted, true), rates(true, predicted)
        np.testing.assert_allclose(one["tol_precision"], other["tol_recall"])
        np.testing.assert_allclose(one["nsd"], other["nsd"])
        for name in ("nsd", "tol_precision", "tol_recall"):
            assert (np.diff(one[name]) >= 0).all()  # more tolerance is never less


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [
        (NOTHING, NOTHING, {"nsd": np.nan, "tol_precision": np.nan, "tol_recall": np.nan, "tol_f1": np.nan}),
        (BAR, NOTHING, {"nsd": 0, "tol_precision": 0, "tol_recall": np.nan, "tol_f1": 0}),
        (NOTHING, BAR, {"nsd": 0, "tol_precision": 0, "tol_recall": 0, "tol_f1": 0}),
    ],
)
def test_absent_classes(predicted, true, expected) -> None:
    got = rates(predicted, true)
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], np.full(len(TOLERANCES_PX), value))
    np.testing.assert_array_equal(got["boundary_iou"], expected["nsd"])
    assert np.isnan(surfaces(Pair(predicted, true)).hd95)


def test_counts_of_two_sheets_add_up() -> None:
    """And rates of the sum are those of one sheet that shows both, too far apart to see each other."""
    predicted = drawn("....... ....... .###### ....... ....... .......")
    both = surfaces(Pair(predicted, BAR)).counts + surfaces(Pair(BAR, NOTHING)).counts
    far_off = np.zeros((40, 7), dtype=bool)
    sheets = [np.vstack([first, far_off, second]) for first, second in ((predicted, BAR), (BAR, NOTHING))]
    for name, value in surface_rates(both).items():
        if name != "boundary_iou":  # whose band is wider on a larger sheet
            np.testing.assert_allclose(value, rates(*sheets)[name])


def test_masks_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        Pair(NOTHING, NOTHING[1:])
    with pytest.raises(TypeError, match="bool"):
        Pair(NOTHING.astype(int), NOTHING)


@pytest.mark.parametrize(("width", "thin"), [(1, True), (3, True), (7, True), (61, False)])
def test_the_ruler_on_a_curve_shifted_by_a_pixel(width: int, thin: bool) -> None:
    """IoU falls with the pen, NSD at 1 px says 1.0; on thin masks boundary IoU *is* IoU."""
    true, predicted = curve(width), curve(width, shift=1)
    got = rates(predicted, true)
    iou = (predicted & true).sum() / (predicted | true).sum()
    assert got["nsd"][0] == 1.0
    assert (got["boundary_iou"] == pytest.approx(iou)) == thin


def test_jitter_of_a_pixel_costs_overlap_and_little_else() -> None:
    true, predicted = curve(), curve(jitter=1)
    got = rates(predicted, true)
    assert (predicted & true).sum() / (predicted | true).sum() < 0.45
    assert got["tol_f1"][0] > 0.9
    assert got["tol_f1"][1] > 0.99
