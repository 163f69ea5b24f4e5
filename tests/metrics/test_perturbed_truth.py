import numpy as np
import pytest
from scipy import ndimage

from thinline.metrics.perturbed_truth import PERTURBATIONS, moved, perturbed
from thinline.sheets import render, sample

LABELS = np.zeros((12, 16), np.uint8)
LABELS[:, 5] = 1
LABELS[3:9, 11] = 2
LABELS[0, 0] = 255


def test_exact_is_the_truth_without_the_ignored():
    predicted = perturbed("oracle_exact", LABELS, seed=0)
    assert predicted[0, 0] == 0
    predicted[0, 0] = 255
    np.testing.assert_array_equal(predicted, LABELS)


def test_shift_moves_all_by_one_and_loses_what_leaves():
    predicted = perturbed("oracle_shift", LABELS, seed=0)
    np.testing.assert_array_equal(predicted[:, 6], LABELS[:, 5])
    assert predicted.sum() == (LABELS % 255).sum()
    edge = np.zeros((2, 3), np.uint8)
    edge[:, 2] = 1
    assert not perturbed("oracle_shift", edge, seed=0).any()


def test_jitter_moves_each_row_by_at_most_one_and_each_way_as_often():
    tall = np.zeros((3000, 9), np.uint8)
    tall[:, 4] = 1
    predicted = perturbed("oracle_jitter", tall, seed=3)
    assert (predicted.sum(axis=1) == 1).all()
    steps = np.bincount(predicted.argmax(axis=1), minlength=9)
    assert steps[:3].sum() == steps[6:].sum() == 0
    assert (abs(steps[3:6] - 1000) < 120).all()
    np.testing.assert_array_equal(predicted, perturbed("oracle_jitter", tall, seed=3))
    assert (predicted != perturbed("oracle_jitter", tall, seed=4)).any()


def test_thick_is_the_centreline_three_wide_and_the_true_label_has_its_pixels():
    predicted = perturbed("oracle_thick", LABELS, seed=0)
    np.testing.assert_array_equal(predicted == 1, ndimage.binary_dilation(LABELS == 1, np.ones((3, 3))))
    wide = np.zeros((20, 20), np.uint8)
    wide[:, 5:12] = 1
    assert (perturbed("oracle_thick", wide, seed=0)[10] > 0).sum() == 3
    beside = np.zeros((9, 9), np.uint8)
    beside[:, 4], beside[:, 5] = 1, 2
    predicted = perturbed("oracle_thick", beside, seed=0)
    np.testing.assert_array_equal(predicted[4], [0, 0, 0, 1, 1, 2, 2, 0, 0])


def test_rows_move_by_their_own_number():
    labels = np.array([[1, 2, 0], [1, 2, 0]], np.uint8)
    np.testing.assert_array_equal(moved(labels, np.array([-1, 1])), [[2, 0, 0], [0, 1, 2]])


def test_every_perturbation_has_a_name_and_others_are_refused():
    assert all(perturbed(name, LABELS, seed=0).dtype == np.uint8 for name in PERTURBATIONS)
    with pytest.raises(ValueError, match=r"oracle_exact, .*got 'oracle_blur'"):
        perturbed("oracle_blur", LABELS, seed=0)


@pytest.fixture(scope="module")
def sheets():
    """True labels of drawn sheets; their curves are a pixel thick and run 2.7 px along a row on average."""
    return [render(sample("archive", number), px_per_mm=4.0).labels for number in range(4)]


def iou(name, sheets, of=1):
    """IoU of a class of perturbed truth over all sheets."""
    both = either = 0
    for seed, labels in enumerate(sheets):
        predicted, true = perturbed(name, labels, seed=seed) == of, labels == of
        both += (predicted & true).sum()
        either += (predicted | true).sum()
    return both / either


@pytest.mark.parametrize("of", [1, 2])
@pytest.mark.parametrize("kind", ["jitter", "shift"])
def test_a_move_along_the_normal_costs_a_turned_sheet_as_much(sheets, kind, of):
    """Along the rows it costs the turned curve ten times as much overlap: what was thought a known error was not."""
    turned = [[np.ascontiguousarray(turn(labels)) for labels in sheets] for turn in (np.rot90, np.transpose)]
    normal = iou(f"oracle_{kind}_normal", sheets, of)
    assert [iou(f"oracle_{kind}_normal", each, of) for each in turned] == pytest.approx([normal] * 2, abs=0.015)
    along_rows = iou(f"oracle_{kind}", sheets, of)
    assert max(iou(f"oracle_{kind}", each, of) for each in turned) < along_rows - 0.2
    assert normal < along_rows - 0.1


def test_a_shift_along_the_normal_ends_the_overlap_of_a_thin_curve_and_a_thick_one_has_more(sheets):
    """Of a shift along the rows the sign is the other one: it leaves half of the overlap."""
    for of in (1, 2):
        thick = iou("oracle_thick", sheets, of)
        assert iou("oracle_shift_normal", sheets, of) < 0.1 < thick < iou("oracle_shift", sheets, of)


def test_along_the_normal_of_straight_lines_is_along_rows_or_columns():
    bar = np.zeros((60, 40), np.uint8)
    bar[:, 10], bar[:, 25] = 1, 2
    np.testing.assert_array_equal(perturbed("oracle_shift_normal", bar, seed=0), perturbed("oracle_shift", bar, seed=0))
    down = perturbed("oracle_shift_normal", np.ascontiguousarray(bar.T), seed=0)
    np.testing.assert_array_equal(down.T, perturbed("oracle_shift", bar, seed=0))


@pytest.mark.parametrize("lying", [False, True])
def test_jitter_of_a_straight_line_along_its_normal_is_that_along_the_rows_joined_again(lying):
    bar = np.zeros((300, 9), np.uint8)
    bar[:, 4] = 1
    rows = perturbed("oracle_jitter", bar, seed=3)
    joined = perturbed("oracle_jitter_normal", np.ascontiguousarray(bar.T) if lying else bar, seed=3)
    joined = joined.T if lying else joined
    assert (joined[rows > 0] > 0).all()
    steps = np.abs(np.diff(rows.argmax(1)))
    assert (joined > 0).sum() - 300 == (steps == 2).sum() > 20  # a pixel in the middle of each step of two
    assert ndimage.label(joined, np.ones((3, 3)))[1] == 1
    assert ndimage.label(rows, np.ones((3, 3)))[1] > 20


def test_moved_curves_keep_their_label_and_the_later_one_has_the_overlap():
    labels = np.zeros((20, 20), np.uint8)
    labels[:, 5], labels[10, 6:] = 1, 2
    predicted = perturbed("oracle_shift_normal", labels, seed=0)
    assert set(predicted[:, 6].tolist()) == {1, 2}
    np.testing.assert_array_equal(np.argwhere(predicted == 2), [[11, column] for column in range(6, 20)])
