"""Metrics of two label maps, counted here by hand."""

from __future__ import annotations

import numpy as np
import pytest

from thinline.metrics.catalogue import signature
from thinline.training.label_evaluation import class_names, evaluate_labels


def ids(picture: str) -> np.ndarray:
    """Class ids of a picture: `.` is 0, digits are themselves, `x` is ignored."""
    rows = picture.split()
    return np.array([[{".": 0, "x": 255}.get(mark, ord(mark) - 48) for mark in row] for row in rows])


TRUTH = ids("""
    ..1...2.
    ..1...2.
    ..1...2.
    ..1...x.
    ........
""")
PREDICTED = ids("""
    ..1...2.
    .11...2.
    ..1.....
    ......2.
    ........
""")


def values(*maps, **options):
    rows = evaluate_labels(*maps, **options)
    return rows.set_index(["measure", "class"])["value"]


def test_rates_of_two_maps_by_hand():
    scores = values(PREDICTED, TRUTH)
    assert scores["iou", "class_1"] == 3 / 5
    assert scores["precision", "class_1"] == 3 / 4
    assert scores["recall", "class_2"] == 2 / 3
    assert scores["precision", "class_2"] == 1  # the ignored pixel is no false positive
    assert scores["support", "background"] == 40 - 8
    assert scores["nsd_1px", "class_1"] == scores["nsd_2px", "class_2"] == 1
    causes = [name for name, _ in scores.index if name.startswith("fn_")]
    assert sum(scores[name, "class_2"] for name in set(causes)) == 1


def test_columns_names_and_signatures():
    rows = evaluate_labels(PREDICTED, TRUTH, classes=["paper", "black", "red"])
    assert list(rows.columns) == ["measure", "class", "value", "support", "signature"]
    assert rows["class"].unique().tolist() == ["paper", "black", "red"]
    assert all(rows["signature"] == rows["measure"].map(signature))
    assert not rows.duplicated(["measure", "class"]).any()
    of_pixels = rows[~rows["measure"].str.startswith("junction")]
    assert of_pixels[of_pixels["class"] == "red"]["support"].unique().tolist() == [3]
    assert rows[rows["measure"] == "junction_f1_3px"]["support"].tolist() == [0, 0]  # junctions of black and red


def test_lengths_in_mm_need_a_scale():
    assert not any("mm" in name for name, _ in values(PREDICTED, TRUTH).index)
    shifted = np.roll(np.where(TRUTH == 255, 0, TRUTH), 1, axis=1)
    fine, coarse = (values(shifted, TRUTH, px_per_mm=scale) for scale in (2.0, 8.0))
    assert (fine["nsd_0.25mm", "class_1"], coarse["nsd_0.25mm", "class_1"]) == (0, 1)
    assert fine["hd95_mm", "class_1"] == 4 * coarse["hd95_mm", "class_1"] == 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_ids_of_any_integer_type_are_equal(dtype):
    scores = values(PREDICTED.astype(dtype), TRUTH.astype(dtype))
    assert scores["iou", "class_1"] == 3 / 5


def test_a_mask_of_true_and_false_has_one_class():
    scores = values(PREDICTED == 1, TRUTH == 1, classes=["background", "vessel"])
    assert scores["iou", "vessel"] == 3 / 5


def test_an_empty_prediction_and_an_absent_class():
    scores = values(np.zeros_like(TRUTH), TRUTH, classes=["background", "a", "b", "c"])
    assert scores["recall", "a"] == 0
    assert np.isnan(scores["iou", "c"])


def test_names_cover_the_largest_id_of_all_maps():
    assert class_names([(PREDICTED, TRUTH), (PREDICTED * 0 + 4, TRUTH)]) == (
        *("background", "class_1", "class_2", "class_3", "class_4"),
    )
    assert class_names([(TRUTH * 0, TRUTH * 0)]) == ("background", "class_1")


@pytest.mark.parametrize(
    ("maps", "options", "error", "words"),
    [
        ((PREDICTED[:4], TRUTH), {}, ValueError, "must have one size, got 4 x 8 and 5 x 8 px; was one of them"),
        ((PREDICTED[None], TRUTH), {}, ValueError, r"`prediction` must hold class ids \[H,W\], got shape \[1, 5, 8\]"),
        ((PREDICTED, TRUTH / 1), {}, TypeError, "`truth` must hold whole numbers, got float64; probabilities"),
        (
            (PREDICTED, TRUTH - 1),
            {},
            ValueError,
            r"must hold class ids from 0, or 255 for ignored pixels, got -1\.\.254",
        ),
        ((PREDICTED, TRUTH + 1), {}, ValueError, r"got 1\.\.256"),
        ((PREDICTED * 9, TRUTH), {"classes": ["background", "a", "b"]}, ValueError, r"ids 0\.\.2 of .*, got 18; name"),
        (
            (PREDICTED, TRUTH),
            {"classes": ["background", "a"]},
            ValueError,
            r"ids 0\.\.1 of the classes background, a, got 2",
        ),
        ((PREDICTED, TRUTH), {"classes": "background"}, ValueError, "two or more different names, background first"),
        ((PREDICTED, TRUTH), {"classes": ["a", "a", "b"]}, ValueError, "two or more different names"),
        ((PREDICTED, TRUTH), {"px_per_mm": 0}, ValueError, "`px_per_mm` must be above 0, got 0"),
        ((PREDICTED > 0, (TRUTH > 0) * 255), {}, ValueError, r"only 0 and 255, and 255 means ignored; .* \(mask > 0\)"),
        (((PREDICTED > 0) * 255, TRUTH > 0), {}, ValueError, "got 255, which no class has"),
    ],
)
def test_what_cannot_be_scored_is_refused(maps, options, error, words):
    with pytest.raises(error, match=words):
        evaluate_labels(*maps, **options)
