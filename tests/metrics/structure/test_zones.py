"""Zones by hand, against a loop over pixels, and by sums that must be those of the sheet."""

import dataclasses

import numpy as np
import pytest
from error_cases import drawn_truth, ids, prediction_of, predictions, squared_to, truth_of
from hypothesis import given, settings
from mask_cases import drawn

from thinline.metrics.structure.curve_pixels import curve_pixels
from thinline.metrics.structure.prediction import Prediction
from thinline.metrics.structure.zones import DISTANCES_MM, ZONES, ZoneCounts, zone_rates, zones
from thinline.vocabulary import IGNORE


def by_pixel(prediction, *, crossing_mm: float = 1.0, limits_mm=DISTANCES_MM) -> ZoneCounts:
    """The three divisions, as a loop over pixels."""
    truth, near = prediction.truth, (crossing_mm * prediction.truth.px_per_mm) ** 2
    limits = [(limit * truth.px_per_mm) ** 2 for limit in limits_mm]
    curves = [stroke | (truth.labels == k) for k, stroke in enumerate(truth.strokes, start=1)]
    shapes = [(len(curves), zones, 3) for zones in (2, 4, len(limits) + 1)]
    counts = ZoneCounts(*(np.zeros(shape, int) for shape in shapes))
    for k, own in enumerate(curves):
        others = np.any([np.zeros(own.shape, bool), *(curve for j, curve in enumerate(curves) if j != k)], axis=0)
        slopes = curve_pixels(own).slopes(within_px=truth.px_per_mm)
        for y, x in np.ndindex(own.shape):
            predicted, true = prediction.labels[y, x] == k + 1, truth.labels[y, x] == k + 1
            if truth.labels[y, x] == IGNORE or not (predicted or true):
                continue
            outcome = 0 if predicted and true else 1 if predicted else 2
            apart, away = squared_to(others, y, x), squared_to(own, y, x)
            counts.crossing[k, 0 if away <= near and apart <= near else 1, outcome] += 1
            counts.distance[k, sum(apart > limit for limit in limits), outcome] += 1
            slope = 3
            if away <= near:
                ends = ((np.argwhere(own) - (y, x)) ** 2).sum(axis=1)
                steep = slopes[ends.argmin()]
                slope = sum(np.degrees(np.arctan(steep)) > limit for limit in (30, 60))
            counts.slope[k, slope, outcome] += 1
    return counts


@given(predictions())
@settings(max_examples=50)
def test_the_zones_are_those_of_the_list(prediction) -> None:
    fast, slow = zones(prediction, crossing_mm=0.9), by_pixel(prediction, crossing_mm=0.9)
    for division in dataclasses.fields(ZoneCounts):
        np.testing.assert_array_equal(getattr(fast, division.name), getattr(slow, division.name))


@given(predictions())
@settings(max_examples=40)
def test_the_zones_of_a_division_add_up_to_the_sheet(prediction) -> None:
    counted = prediction.truth.labels != IGNORE
    predicted, true = prediction.labels[counted], prediction.truth.labels[counted]
    classes = range(1, len(prediction.truth.strokes) + 1)
    hits = [((predicted == k) & (true == k)).sum() for k in classes]
    false_positives, misses = ([(a & (b != k)).sum() for k, a, b in each] for each in _sides(classes, predicted, true))
    counts = zones(prediction)
    for division in (counts.crossing, counts.slope, counts.distance):
        np.testing.assert_array_equal(division.sum(axis=1), np.stack([hits, false_positives, misses], axis=1))


def _sides(classes, predicted, true):
    """Pixels of a class on one side, and the ids of the other side."""
    return [(k, predicted == k, true) for k in classes], [(k, true == k, predicted) for k in classes]


@given(predictions())
@settings(max_examples=50)
def test_a_perfect_prediction_has_only_hits_and_they_have_a_slope(prediction) -> None:
    labels = prediction.truth.labels
    counts = zones(Prediction(np.where(labels == IGNORE, 0, labels), prediction.truth))
    for division in (counts.crossing, counts.slope, counts.distance):
        assert not division[..., 1:].any()
    assert not counts.slope[:, ZONES["slope"].index("away")].any()
    for name, value in zone_rates(counts).items():
        assert (np.isnan(value) | (value == 1)).all(), name


@given(predictions())
@settings(max_examples=50)
def test_classes_that_change_their_names_change_their_places(prediction) -> None:
    truth, curves = prediction.truth, len(prediction.truth.strokes)
    renamed = np.arange(256, dtype=np.uint8)
    renamed[1 : curves + 1] = np.roll(renamed[1 : curves + 1], 1)
    order = np.argsort(renamed[1 : curves + 1])
    other = dataclasses.replace(truth, labels=renamed[truth.labels], strokes=truth.strokes[order])
    one, two = zones(prediction), zones(Prediction(renamed[prediction.labels], other))
    for division in dataclasses.fields(ZoneCounts):
        np.testing.assert_array_equal(getattr(one, division.name)[order], getattr(two, division.name))


def test_a_crossing_by_hand() -> None:
    """A zone of 1 px around the crossing of a vertical and a horizontal line, and false positives in and out of it."""
    labels = ids("...1... ...1... 2222222 ...1... ...1... ...1...")
    strokes = np.stack([drawn("...#... ...#... ...#... ...#... ...#... ...#..."), labels == 2])
    predicted = ids("1..1... ...11.. 22222.. ....... ....1.. .......")
    counts = zones(Prediction(predicted, truth_of(labels, strokes=strokes)), crossing_mm=0.5)
    inside, outside = range(2)
    np.testing.assert_array_equal(counts.crossing[0, inside], [1, 1, 1])  # (1,3); (1,4); (3,3)
    np.testing.assert_array_equal(counts.crossing[0, outside], [1, 2, 2])
    np.testing.assert_array_equal(counts.crossing[1, inside], [3, 0, 0])
    np.testing.assert_array_equal(counts.crossing[1, outside], [2, 0, 2])
    rates = zone_rates(counts)
    np.testing.assert_allclose(rates["crossing_precision"], [[1 / 2, 1 / 3], [1, 1]])
    np.testing.assert_allclose(rates["crossing_recall"], [[1 / 2, 1 / 3], [1, 1 / 2]])
    np.testing.assert_allclose(rates["crossing_iou"], [[1 / 3, 1 / 5], [1, 1 / 2]])
    np.testing.assert_allclose(rates["crossing_f1"], [[1 / 2, 1 / 3], [1, 2 / 3]])


def test_a_false_positive_on_the_other_curve_far_from_its_own_is_no_crossing() -> None:
    counts = zones(prediction_of("1......1", "1......2"))
    np.testing.assert_array_equal(counts.crossing[0], [[0, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(counts.slope[0].sum(axis=1), [0, 1, 0, 1])  # a dot is sloped, the false positive away
    np.testing.assert_array_equal(counts.distance[0, :, 1], [1, 0, 0, 0, 0])


def test_distances_by_hand() -> None:
    """At 2 px per mm the limits are 1, 2, 4 and 8 px, each of them within."""
    true = "2.......... ........... ..........."
    predicted = "2111111111. ........... ..........1"
    counts = zones(prediction_of(predicted, true))
    np.testing.assert_array_equal(counts.distance[0, :, 1], [1, 1, 2, 4, 2])
    np.testing.assert_array_equal(counts.distance[1, :, 0], [0, 0, 0, 0, 1])  # there is no other curve
    np.testing.assert_array_equal(zones(prediction_of(predicted, true), limits_mm=[2.0]).distance[0, :, 1], [4, 6])


def test_slopes_by_hand() -> None:
    """A curve straight down, then flat, then down; a false positive beside each, and one far away."""
    true = "1........ 1........ 1........ 1........ 111111111 ........1"
    predicted = "11......1 1........ ......... ........1 11111.... ......1.."
    counts = zones(prediction_of(predicted, true, px_per_mm=1.0))
    vertical, sloped, horizontal, away = counts.slope[0].tolist()
    assert vertical == [2, 1, 2]
    assert sloped == [1, 1, 2]  # the corners, and the last pixel, whose axis leads to the one before
    assert horizontal == [4, 1, 3]
    assert away == [0, 1, 0]


def test_one_curve_and_none() -> None:
    truth = drawn_truth(3)
    whole = truth_of((truth.labels > 0).astype(np.uint8), curves=1, strokes=truth.strokes.any(axis=0)[None])
    counts = zones(Prediction(np.roll(whole.labels, 1, axis=1), whole))
    assert not counts.crossing[0, 0].any()
    assert not counts.distance[0, :-1].any()
    rates = zone_rates(zones(prediction_of("...", "...", curves=1)))
    assert all(np.isnan(value).all() for value in rates.values())


def test_absent_classes() -> None:
    """No prediction scores 0 where the truth has pixels, and so do false positives where it has none."""
    silent = zone_rates(zones(prediction_of("... ...", "1.. 1..", curves=1)))
    assert [silent[f"crossing_{name}"][0, 1] for name in ("iou", "precision", "recall", "f1")] == [0, 0, 0, 0]
    false_positives = zone_rates(zones(prediction_of("1.. ...", "... ...", curves=1)))
    assert [false_positives[f"slope_{name}"][0, 3] for name in ("iou", "precision", "f1")] == [0, 0, 0]
    assert np.isnan(false_positives["slope_recall"]).all()


@pytest.mark.parametrize("seed", range(3))
def test_on_drawn_sheets_a_shift_to_the_side_costs_steep_runs_and_spares_flat_ones(seed: int) -> None:
    truth = drawn_truth(seed)
    counts = zones(Prediction(np.roll(truth.labels, 1, axis=1), truth))
    recall = zone_rates(counts + counts)["slope_recall"]
    for curve in recall:
        assert curve[0] < 0.35
        assert curve[0] < curve[1] < curve[2]


def test_counts_of_two_sheets_add_up_and_lengths_beyond_the_reach_are_refused() -> None:
    one, other = prediction_of("11", "1."), prediction_of("..", "1.")
    rates = zone_rates(zones(one) + zones(other))
    assert rates["crossing_recall"][0, 1] == 1 / 2
    assert rates["crossing_precision"][0, 1] == 1 / 2
    with pytest.raises(ValueError, match="no farther than"):
        zones(one, limits_mm=[1.0, 8.0])
