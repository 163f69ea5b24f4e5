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
def test_marks_are_the_counted_pixels_of_a_class_and_their_distances(prediction) -> None:
    truth, reach = prediction.truth, prediction.reach_mm * prediction.truth.px_per_mm
    inks = [truth.strokes[k] | (truth.labels == k + 1) for k in range(len(truth.strokes))]
    for k, marks in enumerate(prediction.classes):
        found, true = prediction.labels == k + 1, truth.labels == k + 1
        here = (found | true) & (truth.labels != IGNORE)
        np.testing.assert_array_equal(marks.positions, np.flatnonzero(here))
        np.testing.assert_array_equal(marks.predicted, found[here])
        np.testing.assert_array_equal(marks.true, true[here])
        np.testing.assert_array_equal(marks.any_curve, prediction.labels[here] > 0)
        others = np.any([np.zeros(here.shape, bool), *(ink for j, ink in enumerate(inks) if j != k)], axis=0)
        for mask, squared in ((inks[k], marks.to_own), (others, marks.to_others)):
            away = np.array([squared_to(mask, y, x) for y, x in np.argwhere(here)])
            np.testing.assert_array_equal(squared, np.where(away <= reach**2, away, np.inf))


def test_what_was_found_on_ignored_pixels_is_not_found_and_ink_beneath_them_is_ink() -> None:
    labels = ids("1xx.. 1xx..")
    strokes = np.stack([labels == 1, ids("..2.. ..2..") == 2])
    found = ids("11122 11122")
    first, second = Prediction(found, truth_of(labels, strokes=strokes)).classes
    np.testing.assert_array_equal(first.positions, [0, 5])
    np.testing.assert_array_equal(first.to_others, [4, 4])
    np.testing.assert_array_equal(second.positions, [3, 4, 8, 9])
    np.testing.assert_array_equal(second.to_own, [1, 4, 1, 4])


def test_a_truth_is_read_once_for_many_answers() -> None:
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
def test_truths_that_are_none_are_refused(changed, error, words: str) -> None:
    with pytest.raises(error, match=words):
        dataclasses.replace(PLAIN, **changed)


def test_answers_to_another_sheet_are_refused() -> None:
    with pytest.raises(TypeError, match="of the same sheet"):
        Prediction(LABELS[1:], PLAIN)
    with pytest.raises(TypeError, match="of the same sheet"):
        Prediction(LABELS.astype(int), PLAIN)
    with pytest.raises(ValueError, match=r"ids 0..2, got 255"):
        Prediction(LABELS, PLAIN)
    with pytest.raises(ValueError, match=r"ids 0..2, got 3"):
        Prediction(np.full((2, 4), 3, np.uint8), PLAIN)


def test_an_empty_sheet_has_no_marks() -> None:
    nothing = Truth(np.zeros((0, 5), np.uint8), np.zeros((2, 0, 5), bool), np.zeros((0, 5), np.uint8), 4.0)
    assert [len(marks.positions) for marks in Prediction(nothing.labels, nothing).classes] == [0, 0]
