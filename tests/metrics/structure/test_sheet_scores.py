"""A sheet as a whole: that every family is asked, with the right masks, and that the whole is the sum of its sheets."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from thinline.curves.row_runs import strands_of
from thinline.curves.trace import ink_of
from thinline.metrics.catalogue import signature, signatures
from thinline.metrics.perturbed_truth import perturbed
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import CurveTruth, score_sheet, tolerances, with_true_labels
from thinline.metrics.structure.surfaces import surface_rates, surfaces
from thinline.metrics.structure.truth import Truth
from thinline.sheets import render, sample
from thinline.sheets.true_positions import true_laps, true_rows

SCALE = 4.0


@cache
def sheet(number):
    spec = sample("archive", number)
    drawn = render(spec, px_per_mm=SCALE)
    tracks = [spec.tracks[curve.track] for curve in spec.curves]
    edges = np.array([[track.left_mm, track.right_mm] for track in tracks]) * SCALE - 0.5
    truth = Truth(drawn.labels, drawn.strokes, drawn.layers, SCALE)
    return truth, CurveTruth(true_rows(spec, px_per_mm=SCALE), edges, true_laps(spec, px_per_mm=SCALE))


def rates_of(truth, courses, labels=None):
    """Rates of a sheet whose prediction is certain of `labels`, by default the truth."""
    labels = truth.labels if labels is None else labels
    return rates_of_sheets([score_sheet(labels, ink_of(labels, curves=2), truth, courses)], px_per_mm=SCALE)


def noisy(labels, rng, share=0.05):
    """Labels with a share of the curve pixels lost and as many stray pixels."""
    predicted = np.where(rng.random(labels.shape) < share, 0, labels).astype(np.uint8)
    stray = rng.random(labels.shape) < 0.002
    return np.where(stray & (predicted == 0), rng.integers(1, 3, labels.shape), predicted).astype(np.uint8)


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(0)
    sheets = []
    for number in range(3):
        truth, courses = sheet(number)
        labels = noisy(truth.labels, rng)
        sheets.append((truth, labels, score_sheet(labels, ink_of(labels, curves=2), truth, courses)))
    return sheets


def test_a_perfect_prediction_is_perfect():
    truth, courses = sheet(5)
    rates = rates_of(truth, courses)
    for name in ("nsd_1px", "tol_f1_2px", "boundary_iou", "cldice_0px", "cldice_0.5mm"):
        np.testing.assert_array_equal(rates[name], 1)
    for name in ("hd95_px", "breaks"):
        np.testing.assert_array_equal(rates[name], 0)
    assert np.isnan(rates["fp_stray"]).all()
    assert (rates["viterbi_bridged_mae_track"] < 0.02).all()


def test_every_measure_has_a_signature_and_runs_are_marked_with_every_family(scored):
    rates = rates_of_sheets([each for *_, each in scored], px_per_mm=SCALE)
    signs = {signature(name) for name in rates}
    assert len(signs) == len(rates) > 150
    families = {sign.split("|")[1] for sign in signs}
    assert families <= {mark.split("|")[0] for mark in signatures()}
    assert all(values.shape == (2,) for values in rates.values())


def test_counts_of_sheets_are_added_before_they_are_divided(scored):
    whole = rates_of_sheets([each for *_, each in scored], px_per_mm=SCALE)
    for k in (0, 1):
        pairs = [Pair(labels == k + 1, truth.labels == k + 1) for truth, labels, _ in scored]
        counts = [surfaces(pair, tolerances_px=[1.0, 2.0]).counts for pair in pairs]
        expected = surface_rates(counts[0] + counts[1] + counts[2])
        assert whole["nsd_2px"][k] == expected["nsd"][1]
        assert whole["tol_recall_1px"][k] == expected["tol_recall"][0]
        assert whole["hd95_px"][k] == pytest.approx(np.mean([surfaces(pair).hd95 for pair in pairs]))
        rows = sum(each.curves["viterbi"][k].rows for *_, each in scored)
        errors = sum(each.curves["viterbi"][k].error for *_, each in scored)
        assert whole["viterbi_mae_track"][k] == pytest.approx(errors / rows)


def test_millimetres_are_pixels_of_the_scale(scored):
    rates = rates_of_sheets([scored[0][2]], px_per_mm=SCALE)
    np.testing.assert_array_equal(rates["nsd_0.25mm"], rates["nsd_1px"])
    np.testing.assert_allclose(rates["hd95_mm"] * SCALE, rates["hd95_px"])
    assert tolerances(8.0)["0.5mm"] == 4.0
    assert list(tolerances(4.0)) == ["1px", "2px", "3px", "0.25mm", "0.5mm", "1mm"]


def test_false_positives_and_misses_are_those_of_the_pixels(scored):
    for truth, labels, each in scored:
        for k in (0, 1):
            predicted, true = labels == k + 1, truth.labels == k + 1
            assert each.errors.false_positives[k].sum() == (predicted & ~true).sum()
            assert each.errors.misses[k].sum() == (true & ~predicted).sum()
            assert each.support[k] == true.sum()


def test_ignored_pixels_are_in_no_mask():
    truth, courses = sheet(6)
    labels = truth.labels.copy()
    labels[:40] = 255
    cut = Truth(labels, truth.strokes, truth.layers, SCALE)
    wild = truth.labels.copy()
    wild[:40] = 1
    rates = rates_of(cut, courses, wild)
    np.testing.assert_array_equal(rates["tol_precision_1px"], 1)
    np.testing.assert_array_equal(rates["tol_recall_1px"], 1)


def test_rows_of_a_course_that_are_ignored_are_in_no_count():
    labels = np.zeros((64, 40), np.uint8)
    labels[:, 12] = 1
    strokes = (labels == 1)[None]
    labels[:20] = 255
    truth = Truth(labels, strokes, np.zeros_like(labels), SCALE)
    prediction = perturbed("oracle_exact", labels, seed=0)
    courses = CurveTruth(np.full((1, 64), 12.0), np.array([[0.0, 39.0]]))
    got = score_sheet(prediction, ink_of(prediction, curves=1), truth, courses)
    assert got.curves["viterbi"][0].rows == 44
    rates = rates_of_sheets([got], px_per_mm=SCALE)
    assert (rates["viterbi_coverage"][0], rates["viterbi_mae_track"][0]) == (1, 0)


def test_without_courses_curves_are_not_traced():
    truth, _ = sheet(7)
    rates = rates_of_sheets([score_sheet(truth.labels, None, truth, None)], px_per_mm=SCALE)
    assert "nsd_1px" in rates
    assert not any(name.startswith(("viterbi", "budget", "published")) for name in rates)


def test_on_the_wrong_lap_the_value_is_wrong_by_a_track_and_the_position_is_right():
    truth, courses = sheet(5)
    assert not courses.lap.any()
    right = rates_of(truth, courses)
    np.testing.assert_array_equal(right["viterbi_on_lap"], 1)
    moved = replace(courses, lap=np.where(np.arange(courses.lap.shape[1]) < 50, [[1], [0]], 0))
    wrong = rates_of(truth, moved)
    for name in ("viterbi_bridged_mae_track", "viterbi_coverage", "viterbi_swaps"):
        np.testing.assert_array_equal(wrong[name], right[name])
    rows = np.isfinite(courses.x_px[0])
    assert wrong["viterbi_values_mae_track"][0] > 0.9 * rows[:50].sum() / rows.sum()
    assert 1 - wrong["viterbi_on_lap"][0] == pytest.approx(rows[:50].sum() / rows.sum(), abs=0.05)
    assert wrong["viterbi_values_mae_track"][1] == right["viterbi_values_mae_track"][1]


def test_traced_laps_are_part_of_the_values():
    """Sheets whose curves wrap, answered by their truth. Of one the paper does not say which lap is which."""
    wrapped = [pair for pair in map(sheet, range(60)) if (pair[1].lap != 0).sum() > 20][:8]
    scores = [rates_of(truth, courses) for truth, courses in wrapped]
    on_lap = np.stack([each["viterbi_on_lap"] for each in scores])
    away = np.stack([(courses.lap != 0).mean(axis=1) for _, courses in wrapped])
    assert (on_lap > 0.98).sum() == 15
    assert ((away > 0.05) & (on_lap > 0.98)).sum() > 8, "on lap 0 throughout they would not be as right"
    values, positions = (
        np.stack([each[f"viterbi_{way}_mae_track"] for each in scores])[on_lap > 0.98] for way in ("values", "bridged")
    )
    assert (values < positions + 1e-12).all(), "the row of a wrap has two positions and one value"


def test_values_are_positions_where_nothing_wraps():
    truth, courses = sheet(5)
    rates = rates_of(truth, courses)
    values = [name for name in rates if name.startswith("viterbi_values_")]
    assert len(values) == 6
    for name in values:
        np.testing.assert_array_equal(rates[name], rates[name.replace("values", "bridged")])
    unknown = rates_of(truth, replace(courses, lap=None))
    assert set(rates) - set(unknown) == {n for n in rates if n.startswith("viterbi_values_")} | {"viterbi_on_lap"}


def test_right_labels_leave_only_the_error_of_positions():
    """All curve pixels with the other label: the total error is large, that with true labels is that of the truth."""
    truth, courses = sheet(2)
    swapped = np.array([0, 2, 1], np.uint8)[truth.labels]
    got = rates_of(truth, courses, swapped)
    exact = rates_of(truth, courses)
    assert (got["viterbi_bridged_mae_track"] > 0.1).all()
    np.testing.assert_allclose(got["budget_identity_mae_track"], exact["budget_identity_mae_track"], atol=0.005)
    assert (got["viterbi_swapped"] > 0.4).all()
    assert (exact["viterbi_swapped"] < 0.1).all()


def test_named_strands_stay_where_they_are_and_belong_to_the_nearest():
    strokes = np.zeros((2, 4, 9), bool)
    strokes[0, :, 1] = strokes[1, :, 7] = True
    truth = Truth((strokes[0] + 2 * strokes[1]).astype(np.uint8), strokes, np.zeros((4, 9), np.uint8), 4.0)
    ink = np.zeros((2, 4, 9), np.float32)
    ink[0, :, 8], ink[1, :, 3] = 0.75, 0.5
    predicted = strands_of(ink)
    got = with_true_labels(predicted, truth)
    np.testing.assert_array_equal(got.x_px, predicted.x_px)
    np.testing.assert_array_equal(got.evidence, [[0.5, 0], [0, 0.75]] * 4)
    alone = Truth(truth.labels.clip(max=1), strokes.any(axis=0, keepdims=True), truth.layers, 4.0)
    np.testing.assert_array_equal(with_true_labels(strands_of(ink[:1]), alone).evidence, np.full((4, 1), 0.75))
