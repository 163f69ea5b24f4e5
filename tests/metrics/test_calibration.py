"""ECE against torchmetrics, Brier score against a mean in float64, on sums of sheets."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from thinline.metrics.calibration import BINS, calibration, calibration_rates
from thinline.vocabulary import IGNORE


def sheets(seed, count=3):
    """Sheets with a class of few pixels, overconfident probabilities, and ignored pixels."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        labels = generator.choice([0, 1, 2, IGNORE], p=[0.8, 0.08, 0.07, 0.05], size=(19, 31)).astype(np.uint8)
        ink = np.where(labels == 1, generator.beta(2, 1, labels.shape), generator.beta(1, 6, labels.shape))
        ink[0, :2] = 0, 0.5  # not 1, which torchmetrics puts into a bin of its own
        yield ink.astype(np.float32), labels


@pytest.mark.parametrize("class_id", [1, 2])
def test_rates_of_a_split_are_those_of_all_pixels_at_once(class_id) -> None:
    split = list(sheets(class_id))
    counts = [calibration(ink, labels, class_id) for ink, labels in split]
    rates = calibration_rates(counts[0] + counts[1] + counts[2])
    ink = np.concatenate([ink[labels != IGNORE] for ink, labels in split]).astype(np.float64)
    true = np.concatenate([(labels == class_id)[labels != IGNORE] for _, labels in split])
    peer = binary_calibration_error(torch.tensor(ink), torch.tensor(true, dtype=torch.int64), n_bins=BINS, norm="l1")
    assert rates["ece"] == pytest.approx(float(peer), abs=1e-6)
    assert rates["brier"] == pytest.approx(np.mean((ink - true) ** 2), abs=1e-9)
    assert int((counts[0] + counts[1] + counts[2]).pixels.sum()) == len(ink)


def test_the_share_of_the_class_as_probability_is_calibrated_and_a_certain_error_is_not() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[0] = 1
    share = np.full(labels.shape, 0.1, np.float32)
    assert calibration_rates(calibration(share, labels, 1)) == pytest.approx({"ece": 0, "brier": 0.09}, abs=1e-8)
    wrong = (labels == 0).astype(np.float32)
    assert calibration_rates(calibration(wrong, labels, 1)) == {"ece": 1, "brier": 1}


def test_a_class_without_pixels_has_no_score_and_another_shape_is_refused() -> None:
    labels = np.zeros((4, 5), np.uint8)
    rates = calibration_rates(calibration(np.ones((4, 5), np.float32), labels, 1))
    assert np.isnan([*rates.values()]).all()
    with pytest.raises(ValueError, match=r"one shape, got \[5, 4\] and \[4, 5\]"):
        calibration(np.ones((5, 4), np.float32), labels, 1)
