"""What a truth and an prediction hold, and what they refuse."""

import dataclasses

import numpy as np
import pytest
from error_cases import ids, prediction_of, predictions, squared_to, truth_of
from hypothesis import given, settings

from thinline.metrics.structure.prediction import Prediction
from thinline.metrics.structure.truth import Truth
from thinline.vocabulary import IGNORE

LABELS = ids("..1. 2x1.")
PLAIN = truth_of(LABELS)


@given(predictions())
@settings(max_examples=50)
def test_the_counted_pixels_of_a_class_and_their_distances(prediction) -> None:
    truth, reach = prediction.truth, prediction.reach_mm * prediction.truth.px_per_mm
    curves = [truth.strokes[k] | (truth.labels == k + 1) for k in range(len(truth.strokes))]
    for k, pixels in enumerate(prediction.classes):
        predicted, true = prediction.labels == k + 1, truth.labels == k + 1
        here = (predicted | true) & (truth.labels != IGNORE)
        np.testing.assert_array_equal(pixels.positions, np.flatnonzero(here))
        np.testing.assert_array_equal(pixels.predicted, predicted[here])
        np.testing.assert_array_equal(pixels.true, true[here])
        np.testing.assert_array_equal(pixels.any_curve, prediction.labels[here] > 0)
        others = np.any([np.zeros(here.shape, bool), *(curve for j, curve in enumerate(curves) if j != k)], axis=0)
        for mask, squared in ((curves[k], pixels.to_own), (others, pixels.to_others)):
            away = np.array([squared_to(mask, y, x) for y, x in np.argwhere(here)])
            np.testing.assert_array_equal(squared, np.where(away <= reach**2, away, np.inf))


def test_predictions_on_ignored_pixels_do_not_count_and_true_curves_below_them_do() -> None:
    labels = ids("1xx.. 1xx..")
    strokes = np.stack([labels == 1, ids("..2.. ..2..") == 2])
    predicted = ids("11122 11122")
    first, second = Prediction(predicted, truth_of(labels, strokes=strokes)).classes
    np.testing.assert_array_equal(first.positions, [0, 5])
    np.testing.assert_array_equal(first.to_others, [4, 4])
    np.testing.assert_array_equal(second.positions, [3, 4, 8, 9])
    np.testing.assert_array_equal(second.to_own, [1, 4, 1, 4])


def test_a_truth_is_read_once_for_many_predictions() -> None:
    prediction = prediction_of("..1. 2.1.", "..1. 2x1.")
    assert Prediction(LABELS * 0, prediction.truth).truth.curves is prediction.truth.curves
    assert prediction.classes is prediction.classes
    np.testing.assert_array_equal(prediction.curve(0).positions, [2, 6])


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"labels": LABELS.astype(int)}, TypeError, "`labels` must be uint8"),
        ({"strokes": PLAIN.strokes.astype(np.uint8)}, TypeError, "`strokes` must be bool"),
        ({"strokes": PLAIN.strokes[0]}, TypeError, r"\[K,H,W\]"),
        ({"layers": PLAIN.layers[1:]}, ValueError, "one shape"),
        ({"px_per_mm": 0.0}, ValueError, "px_per_mm"),
        ({"px_per_mm": float("nan")}, ValueError, "px_per_mm"),
        ({"labels": LABELS + (LABELS == 2)}, ValueError, r"ids 0..2 or 255, got 3"),
    ],
)
def test_invalid_truths_are_refused(changed, error, words: str) -> None:
    with pytest.raises(error, match=words):
        dataclasses.replace(PLAIN, **changed)


def test_predictions_to_another_sheet_are_refused() -> None:
    with pytest.raises(TypeError, match="of the same sheet"):
        Prediction(LABELS[1:], PLAIN)
    with pytest.raises(TypeError, match="of the same sheet"):
        Prediction(LABELS.astype(int), PLAIN)
    with pytest.raises(ValueError, match=r"ids 0..2, got 255"):
        Prediction(LABELS, PLAIN)
    with pytest.raises(ValueError, match=r"ids 0..2, got 3"):
        Prediction(np.full((2, 4), 3, np.uint8), PLAIN)


def test_an_empty_sheet_has_no_pixels() -> None:
    nothing = Truth(np.zeros((0, 5), np.uint8), np.zeros((2, 0, 5), bool), np.zeros((0, 5), np.uint8), 4.0)
    assert [len(pixels.positions) for pixels in Prediction(nothing.labels, nothing).classes] == [0, 0]
