"""Metrics of the user: what they return, what is refused, and how the catalogue names them."""

import math

import numpy as np
import pytest

from thinline.metrics import catalogue
from thinline.metrics.catalogue import label, metric, register, signature
from thinline.metrics.own import OwnMetric, OwnMetricError, own_rates, own_rows


def own(function):
    return OwnMetric("mine", function, "mine|own:1")


def area(prediction, truth, class_id):
    return (prediction == class_id).sum(), (truth == class_id).sum()


@pytest.fixture(autouse=True)
def unregistered(monkeypatch):
    monkeypatch.setattr(catalogue, "_registered", {})


def counts(*values):
    """Of one image for each value, of one class."""
    empty = np.zeros((2, 2), np.uint8)
    return [{"mine": (own(lambda *_, value=value: value).counts(empty, empty, 1),)} for value in values]


def test_pairs_are_added_and_divided_once_and_numbers_are_averaged():
    assert own_rates(counts((1, 2), (3, 8), (np.int64(0), 0.0))) == {"mine": [4 / 10]}
    assert own_rates(counts(0.5, math.nan, np.float32(0.25))) == {"mine": [(0.5 + 0.25) / 2]}
    assert math.isnan(own_rates(counts((0, 0), math.nan))["mine"][0])
    assert own_rates([]) == {}
    picture = np.array([[1, 1, 2, 0]], np.uint8)
    assert [own(area).counts(picture, np.array([[1, 255, 2, 2]], np.uint8), k) for k in (1, 2)] == [(2, 1), (1, 2)]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "got None"),
        ((1, 2, 3), r"got \(1, 2, 3\)"),
        ((1, -1), "whole not below 0"),
        ((math.nan, 2), "got"),
        (math.inf, "got inf"),
        (np.zeros((4, 4)), r"got ndarray of shape \[4, 4\]"),
        ("high", "got 'high'"),
    ],
)
def test_anything_else_is_refused(value, words):
    with pytest.raises(OwnMetricError, match=rf"metric `mine` must return a number, or a pair .*{words}"):
        counts(value)


def test_an_error_names_the_line_of_the_user(tmp_path, monkeypatch):
    (tmp_path / "mine_failing.py").write_text(
        "def f(prediction, truth, class_id):\n    return 1 / int(prediction.max())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    empty = np.zeros((2, 2), np.uint8)
    words = r"metric `mine` raised ZeroDivisionError: division by zero \(mine_failing\.py, line 2\) for class 1; mend"
    with pytest.raises(OwnMetricError, match=words):
        own(__import__("mine_failing").f).counts(empty, empty, 1)


def test_a_metric_is_tried_with_an_empty_prediction_and_an_empty_truth():
    seen = []
    own(lambda p, t, k: seen.append((k, k in p, k in t, 255 in t)) or 1).check(3)
    tried = [(True, True, True), (False, True, True), (True, False, False)]
    assert seen == [(k, *flags) for k in (1, 2) for flags in tried]
    with pytest.raises(OwnMetricError, match="ZeroDivisionError"):
        own(lambda p, t, k: 1 / int((p == k).sum())).check(2)


def test_the_catalogue_has_its_facts():
    node = {"_target_": "m.f", "label": "row error", "unit": "px", "better": "down", "digits": 2, "power": 3}
    register(own_rows({"mine": node})["mine"], "mine|own:1")
    row = metric("mine")
    assert (row.axis, row.better, row.digits, row.meaning) == ("row error [px]", "down", 2, "a metric of the user")
    assert metric("tuned/mine").label == label("mine", "tuned") == "tuned row error"
    assert signature("mine") == "mine|own:1"
    register(own_rows({"mine": {"_target_": "m.f"}})["mine"])  # by a reader of another run
    assert (metric("mine").axis, metric("mine").better, signature("mine")) == ("mine", "", "mine|own:1")


@pytest.mark.parametrize(
    ("name", "node", "words"),
    [
        ("iou", {}, "`metrics.iou` must have a name of its own"),
        ("nsd_3px", {}, "a name of its own"),
        ("My metric", {}, "must have names of small letters"),
        ("mine", {"_target_": None}, "must have _target_"),
        ("mine", "m.f", "must have _target_, the dotted name of a function, got 'm.f'"),
        ("mine", {"better": "higher"}, "`metrics.mine.better` must be up, down or null, got 'higher'"),
        ("mine", {"digits": 1.5}, "digits` must be a whole number from 0 to 6"),
    ],
)
def test_a_wrong_entry_is_refused(name, node, words):
    with pytest.raises(ValueError, match=words):
        own_rows({name: node if isinstance(node, str) else {"_target_": "m.f"} | node})
