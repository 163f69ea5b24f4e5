import numpy as np
import pytest
from scipy import ndimage

from thinline.metrics.perturbed_truth import PERTURBATIONS, moved, perturbed

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
