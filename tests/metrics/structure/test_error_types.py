"""Reasons of errors by hand, against a loop over pixels, and by sums that must be exact."""

import dataclasses
from operator import itemgetter

import numpy as np
import pytest
from error_cases import drawn_truth, ids, prediction_of, predictions, printed, squared_to, truth_of
from hypothesis import given, settings
from mask_cases import drawn

from thinline.metrics.structure.error_types import (
    FALSE_POSITIVES,
    MISSES,
    ErrorTypeCounts,
    error_type_rates,
    error_types,
)
from thinline.metrics.structure.prediction import Prediction
from thinline.vocabulary import EDGE, GRID, IGNORE, STAIN, TEXT


def reasons(prediction, k: int = 1, **given) -> tuple[dict[str, int], dict[str, int]]:
    """Those of class k that occur, by name."""
    counts = error_types(prediction, **given)
    false_positives = zip(FALSE_POSITIVES, counts.false_positives[k - 1].tolist(), strict=True)
    misses = zip(MISSES, counts.misses[k - 1].tolist(), strict=True)
    return dict(filter(itemgetter(1), false_positives)), dict(filter(itemgetter(1), misses))


def by_pixel(prediction, *, thickness_mm: float = 0.5, crossing_mm: float = 1.0) -> ErrorTypeCounts:
    """The list of the module, as a loop over pixels."""
    truth, predicted = prediction.truth, np.where(prediction.truth.labels == IGNORE, 0, prediction.labels)
    t2, d2 = (thickness_mm * truth.px_per_mm) ** 2, (crossing_mm * truth.px_per_mm) ** 2
    curves = {k: stroke | (truth.labels == k) for k, stroke in enumerate(truth.strokes, start=1)}
    counts = ErrorTypeCounts(np.zeros((len(curves), 7), int), np.zeros((len(curves), 6), int))
    for k in curves:
        others = np.any([np.zeros(predicted.shape, bool), *(curves[j] for j in curves if j != k)], axis=0)
        rows = [y for y, x in np.argwhere(predicted == k) if squared_to(curves[k], y, x) <= t2]
        for y, x in np.ndindex(predicted.shape):
            label, pixel, layer = truth.labels[y, x], predicted[y, x], truth.layers[y, x]
            if label in (IGNORE, pixel):
                continue
            if pixel == k:
                if curves[k][y, x]:
                    why = "hidden"
                elif others[y, x]:
                    why = "other_curve"
                elif squared_to(curves[k], y, x) <= t2:
                    why = "thickness"
                elif layer & TEXT:
                    why = "text"
                elif layer & GRID or layer & EDGE:
                    why = "grid"
                else:
                    why = "stain" if layer & STAIN else "stray"
                counts.false_positives[k - 1, FALSE_POSITIVES.index(why)] += 1
            if label == k:
                if squared_to(others, y, x) <= d2:
                    why = "crossing"
                elif pixel:
                    why = "other_curve"
                elif squared_to(predicted == k, y, x) <= t2:
                    why = "beside"
                elif not rows:
                    why = "lost"
                else:
                    why = "gap" if min(rows) <= y <= max(rows) else "end"
                counts.misses[k - 1, MISSES.index(why)] += 1
    return counts


def errors(prediction) -> tuple[list[int], list[int]]:
    """False positives and misses of each class, from the confusion of ids."""
    counted = prediction.truth.labels != IGNORE
    predicted, true = prediction.labels[counted], prediction.truth.labels[counted]
    classes = range(1, len(prediction.truth.strokes) + 1)
    false_positives = [int(((predicted == k) & (true != k)).sum()) for k in classes]
    return false_positives, [int(((predicted != k) & (true == k)).sum()) for k in classes]


@given(predictions())
@settings(max_examples=40)
def test_every_error_has_one_reason_and_the_sums_are_exact(prediction) -> None:
    counts, (false_positives, misses) = error_types(prediction), errors(prediction)
    assert counts.false_positives.sum(axis=1).tolist() == false_positives
    assert counts.misses.sum(axis=1).tolist() == misses
    assert min(counts.false_positives.min(), counts.misses.min()) >= 0


@given(predictions())
@settings(max_examples=40)
def test_the_reasons_are_those_of_the_list(prediction) -> None:
    counts, slow = error_types(prediction, thickness_mm=0.6), by_pixel(prediction, thickness_mm=0.6)
    np.testing.assert_array_equal(counts.false_positives, slow.false_positives)
    np.testing.assert_array_equal(counts.misses, slow.misses)


@given(predictions())
@settings(max_examples=50)
def test_classes_that_change_their_names_change_their_places(prediction) -> None:
    truth, curves = prediction.truth, len(prediction.truth.strokes)
    renamed = np.arange(256, dtype=np.uint8)
    renamed[1 : curves + 1] = np.roll(renamed[1 : curves + 1], 1)  # class k is called renamed[k]
    order = np.argsort(renamed[1 : curves + 1])
    other = dataclasses.replace(truth, labels=renamed[truth.labels], strokes=truth.strokes[order])
    one, two = error_types(prediction), error_types(Prediction(renamed[prediction.labels], other))
    np.testing.assert_array_equal(one.false_positives[order], two.false_positives)
    np.testing.assert_array_equal(one.misses[order], two.misses)


@given(predictions())
@settings(max_examples=50)
def test_a_perfect_prediction_has_no_errors_whatever_is_on_ignored_pixels(prediction) -> None:
    labels = prediction.truth.labels
    perfect = Prediction(np.where(labels == IGNORE, prediction.labels, labels), prediction.truth)
    assert not error_types(perfect).false_positives.any()
    assert not error_types(perfect).misses.any()
    assert all(np.isnan(share).all() for share in error_type_rates(error_types(perfect)).values())


def test_false_positives_by_hand() -> None:
    """0.5 mm are 1 px: of a line drawn three wide the neighbours are thickness, the rest is what is printed there."""
    true = "..1....... ..1....2.. ..1....2.. ..1....2.."
    predicted = ".111..1.1. ..1111.1.. ..1....211 1.1....2.."
    layers = printed("....t.gteb ....ts.... ........ge ..........")
    false_positives, misses = reasons(prediction_of(predicted, true, layers=layers))
    #  (0,1) (0,3) (1,3) beside the line; (1,7) on the other; (0,6) (0,8) (2,8) (2,9) grid; (1,4) text; (1,5) stain
    assert false_positives == {"thickness": 3, "other_curve": 1, "grid": 4, "text": 1, "stain": 1, "stray": 1}
    assert misses == {}
    assert reasons(prediction_of(predicted, true, layers=layers), 2) == ({}, {"other_curve": 1})


def test_text_comes_before_grid_and_print_before_stains() -> None:
    layers = np.array([[GRID | TEXT, GRID | STAIN, EDGE | STAIN, TEXT | STAIN, 15, 0]], np.uint8)
    truth = truth_of(np.zeros((1, 6), np.uint8), layers=layers)
    false_positives, _ = reasons(Prediction(np.ones((1, 6), np.uint8), truth))
    assert false_positives == {"text": 3, "grid": 2, "stray": 1}


def test_a_crossing_by_hand() -> None:
    """Curve 2 was drawn last; the prediction gives the crossing to curve 1, and spreads along curve 2."""
    true = ids("..1.. ..1.. 22222 ..1.. ..1..")
    strokes = np.stack([drawn("..#.. ..#.. ..#.. ..#.. ..#.."), drawn("..... ..... ##### ..... .....")])
    predicted = ids("..1.. ..1.. 22112 ..1.. .....")
    prediction = Prediction(predicted, truth_of(true, strokes=strokes))
    assert reasons(prediction, 1, crossing_mm=0.5) == ({"hidden": 1, "other_curve": 1}, {"beside": 1})
    assert reasons(prediction, 1) == ({"hidden": 1, "other_curve": 1}, {"crossing": 1})
    assert reasons(prediction, 2) == ({}, {"crossing": 2})
    assert reasons(prediction, 2, thickness_mm=0.0, crossing_mm=0.0) == ({}, {"crossing": 1, "other_curve": 1})


def test_misses_by_hand() -> None:
    """In rows 2 and 6, beside itself in row 3; a false positive far from the line makes no gap of an end."""
    true = "..1.... ..1.... ..1.... ..1.... ..1.... ..1.... ..1.... ..1.... ..1...."
    predicted = "......1 ....... ..1.... ...1... ....... ....... ..1.... ....... ......."
    false_positives, misses = reasons(prediction_of(predicted, true, px_per_mm=1.0), thickness_mm=0.0)
    assert misses == {"end": 4, "gap": 3}
    false_positives, misses = reasons(prediction_of(predicted, true, px_per_mm=1.0), thickness_mm=1.0)
    assert false_positives == {"thickness": 1, "stray": 1}
    assert misses == {"beside": 4, "gap": 1, "end": 2}  # in row 4 the nearest found pixel is sqrt 2 away
    false_positives, misses = reasons(prediction_of(predicted.replace("1", "."), true))
    assert (false_positives, misses) == ({}, {"lost": 9})
    assert reasons(prediction_of(predicted.replace("1", "2"), true)) == ({}, {"other_curve": 2, "lost": 7})


@pytest.mark.parametrize("everything", [0, 1, 2])
def test_maps_of_one_class_and_empty_truth(everything: int) -> None:
    predicted = np.full((5, 6), everything, np.uint8)
    counts = error_types(Prediction(predicted, truth_of(np.zeros((5, 6), np.uint8))))
    assert counts.false_positives.sum() == (30 if everything else 0)
    assert counts.misses.sum() == 0
    full = error_types(Prediction(predicted, truth_of(np.full((5, 6), 2, np.uint8))))
    assert full.misses[1].tolist() == {0: [0, 0, 0, 30, 0, 0], 1: [0, 30, 0, 0, 0, 0], 2: [0] * 6}[everything]
    assert full.false_positives[0].tolist() == [0, 30 if everything == 1 else 0, 0, 0, 0, 0, 0]


def test_lines_along_the_border_do_not_meet_around_it() -> None:
    false_positives, misses = reasons(prediction_of("1....1 1....1", "1..... 1....."))
    assert (false_positives, misses) == ({"stray": 2}, {})
    false_positives, misses = reasons(prediction_of("..... 1.... .....", "....1 ....1 ....1"))
    assert (false_positives, misses) == ({"stray": 1}, {"lost": 3})


def test_one_curve_has_no_other() -> None:
    """As the binary head is scored: every curve is the curve."""
    truth = drawn_truth(3)
    whole = truth_of((truth.labels > 0).astype(np.uint8), curves=1, strokes=truth.strokes.any(axis=0)[None])
    predicted = np.roll(whole.labels, 1, axis=1)
    false_positives, misses = reasons(Prediction(predicted, whole))
    assert false_positives.keys() == {"thickness"}
    assert misses.keys() == {"beside"}


@pytest.mark.parametrize("seed", range(3))
def test_drawn_sheets_that_are_spoiled_in_one_way(seed: int) -> None:
    truth = drawn_truth(seed)
    shifted = np.roll(truth.labels, 1, axis=1)  # 1 px is half of what counts as thickness
    counts = error_types(Prediction(shifted, truth))
    assert counts.false_positives.sum(axis=1).tolist() == errors(Prediction(shifted, truth))[0]
    assert (
        counts.false_positives[:, [FALSE_POSITIVES.index(name) for name in ("text", "grid", "stain", "stray")]].sum()
        <= 2
    )  # wraps
    assert counts.misses[:, [MISSES.index(name) for name in ("lost", "end", "gap")]].sum() <= 2
    grid = np.where((truth.labels == 0) & ((truth.layers & GRID) > 0), 1, truth.labels).astype(np.uint8)
    false_positives = error_types(Prediction(grid, truth)).false_positives
    assert false_positives[1].sum() == 0
    assert false_positives[0, FALSE_POSITIVES.index("stray")] == 0
    assert false_positives[0, FALSE_POSITIVES.index("grid")] > 0.5 * false_positives[0].sum()
    swapped = np.array([0, 2, 1], np.uint8)[truth.labels]
    both = error_types(Prediction(swapped, truth))
    assert both.false_positives.sum() == both.false_positives[:, :2].sum() > 0
    assert both.misses.sum() == both.misses[:, :2].sum()
    half = truth.labels.copy()
    half[128:] = 0
    misses = error_types(Prediction(half, truth)).misses
    assert misses[:, MISSES.index("gap")].sum() == 0
    assert misses[:, MISSES.index("end")].sum() > 100


def test_counts_add_up_and_shares_are_of_the_sum() -> None:
    thick, gone = prediction_of("111.. 111..", ".1... .1..."), prediction_of("..... 1....", "..... .1.1.")
    both = error_types(thick) + error_types(gone)
    rates = error_type_rates(both)
    assert rates["fp_thickness"].tolist()[0] == 1.0  # 4 and 1
    np.testing.assert_array_equal(rates["fn_beside"], [1 / 2, np.nan])
    np.testing.assert_array_equal(rates["fn_gap"], [1 / 2, np.nan])
    assert rates.keys() == {f"fp_{name}" for name in FALSE_POSITIVES} | {f"fn_{name}" for name in MISSES}
    for sign in ("fp", "fn"):
        assert sum(share[0] for name, share in rates.items() if name.startswith(sign)) == pytest.approx(1.0)


def test_lengths_beyond_the_reach_are_refused() -> None:
    prediction = prediction_of("1", "1")
    with pytest.raises(ValueError, match="no farther than"):
        error_types(prediction, crossing_mm=5.0)
    with pytest.raises(ValueError, match="no farther than"):
        error_types(prediction, thickness_mm=-1.0)
