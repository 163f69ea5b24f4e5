"""Absent classes by one rule: by hand, and the same in every measure, of a sheet, a zone and a split."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.metrics.absent import f_of, overlap_of, precision_of, recall_of
from thinline.metrics.pixels import PixelCounts, rates
from thinline.metrics.structure.centrelines import centreline_rates, centrelines
from thinline.metrics.structure.distances import ClassMask, Pair
from thinline.metrics.structure.surfaces import surface_rates, surfaces
from thinline.metrics.structure.zones import ZoneCounts, zone_rates
from thinline.ruler.scores import scores, tally

NAN = float("nan")
# true, predicted -> overlap, precision, recall, F
RULE = {
    (False, False): (NAN, NAN, NAN, NAN),
    (False, True): (0, 0, NAN, 0),
    (True, False): (0, 0, 0, 0),
    (True, True): (1, 1, 1, 1),
}
CASES = pytest.mark.parametrize(("there", "expected"), RULE.items(), ids=str)


def masks(there):
    """The true mask and the predicted one, of one line or of nothing."""
    line = np.zeros((12, 15), np.bool_)
    line[2:10, 6:8] = True
    return [line if present else np.zeros_like(line) for present in there]


def of_all_measures(there):
    """(overlap, precision, recall, F) as each module says, NaN-padded names left out."""
    true, predicted = masks(there)
    hits, all_predicted, all_true = (float(mask.sum()) for mask in (true & predicted, predicted, true))
    yield (
        "absent",
        (
            float(overlap_of(hits, (true | predicted).sum())),
            float(precision_of(hits, all_predicted, all_true)),
            float(recall_of(hits, all_true)),
            float(f_of(precision_of(hits, all_predicted, all_true), recall_of(hits, all_true))),
        ),
    )
    counts = PixelCounts(*(torch.tensor([int(count)]) for count in (hits, all_predicted - hits, all_true - hits)))
    of_pixels = {name: float(value) for name, value in rates(counts).items()}
    yield "pixels", tuple(of_pixels[name] for name in ("iou", "precision", "recall", "f1"))
    zone = np.array([[[hits, all_predicted - hits, all_true - hits]]], np.int64)
    of_zone = {name: float(value[0, 0]) for name, value in zone_rates(ZoneCounts(zone, zone, zone)).items()}
    yield "zones", tuple(of_zone[f"slope_{name}"] for name in ("iou", "precision", "recall", "f1"))
    pair = Pair(predicted, ClassMask(true))
    outline = surface_rates(surfaces(pair).counts)
    for overlap in ("nsd", "boundary_iou"):
        values = outline[overlap], *(outline[f"tol_{name}"] for name in ("precision", "recall", "f1"))
        yield f"surfaces {overlap}", tuple(float(np.ravel(value)[0]) for value in values)
    cldice = centreline_rates(centrelines(pair))["cldice"]
    for value in cldice.tolist():
        yield "centrelines", (value, *RULE[there][1:3], value)
    columns = np.full(12, np.nan)
    of_ruler = scores(tally(predicted, true, predicted_x=columns, true_x=columns), np.array([hits, 0, 0]))
    yield "ruler", tuple(of_ruler[name] for name in ("iou", "precision", "recall", "f1"))


@CASES
def test_every_measure_has_the_same_rule(there, expected):
    known = dict(of_all_measures(there))
    assert len(known) == 7
    for name, values in of_all_measures(there):
        np.testing.assert_array_equal(values, expected, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=5))
def test_false_positives_of_sheets_without_the_class_count_in_the_split(sheets):
    """Counts are added first: the rates of a split are those of all its pixels in one long sheet."""
    hits, false_positives, misses = (int(sum(column)) for column in zip(*sheets, strict=True))
    of_sheets = [PixelCounts(*(torch.tensor([count]) for count in counts)) for counts in sheets]
    total = of_sheets[0]
    for counts in of_sheets[1:]:
        total = total + counts
    whole = {name: float(value) for name, value in rates(total).items()}
    if hits + false_positives + misses == 0:
        assert np.isnan([whole[name] for name in ("iou", "precision", "recall", "f1")]).all()
        return
    assert whole["iou"] == pytest.approx(hits / (hits + false_positives + misses))
    assert whole["precision"] == pytest.approx(hits / (hits + false_positives) if hits + false_positives else 0.0)
    assert whole["f1"] == pytest.approx(2 * hits / (2 * hits + false_positives + misses))
    assert np.isnan(whole["recall"]) == (hits + misses == 0)


def test_arrays_of_any_shape():
    hits, predicted, true = np.zeros((2, 3)), np.array([0.0, 2, 0]), np.array([[0.0], [5]])
    np.testing.assert_array_equal(precision_of(hits, predicted, true), [[NAN, 0, NAN], [0, 0, 0]])
    np.testing.assert_array_equal(overlap_of(hits, predicted + true), [[NAN, 0, NAN], [0, 0, 0]])
    np.testing.assert_array_equal(f_of(np.array([0.5, 0.0, NAN]), np.array([1.0, NAN, NAN])), [2 / 3, 0, NAN])
