"""The scorer of a split against the parts that it uses, and the rows of perturbed truth."""

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from thinline.config.schema import checked, compose_config
from thinline.curves.trace import ink_of
from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.metrics.perturbed_truth import PERTURBATIONS, perturbed
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import score_sheet
from thinline.pipeline import perturbed_rows, scorer
from thinline.pipeline.perturbed_rows import perturbed_truth_rows
from thinline.pipeline.scorer import SheetScorer, scorer_of
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.sheets import render
from thinline.sheets.true_positions import true_laps, true_rows
from thinline.training.scoring_workers import Prediction
from thinline.vocabulary import LOG_CLASSES


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """The configuration, the specs and the sheets of a small test split."""
    store = tmp_path_factory.mktemp("scorer")
    conf = checked(compose_config(["budget=smoke", f"paths.store={store}"]))
    planned = plan_sheets(conf)
    return conf, planned.splits.test.specs, render_sheets(planned, conf, console=Console(quiet=True)).test


@pytest.mark.parametrize("head", [Softmax, SigmoidStack])
def test_the_truth_of_a_sheet_is_that_of_its_drawing(split, head):
    _, specs, sheets = split
    for spec, (truth, curves) in zip(
        specs, SheetScorer(sheets, specs, head(LOG_CLASSES), px_per_mm=4.0).truths(), strict=True
    ):
        drawn = render(spec, px_per_mm=4.0)
        np.testing.assert_array_equal(truth.labels, drawn.labels)
        np.testing.assert_array_equal(truth.strokes, drawn.strokes)
        np.testing.assert_array_equal(truth.layers, drawn.layers)
        np.testing.assert_array_equal(curves.x_px, true_rows(spec, px_per_mm=4.0))
        np.testing.assert_array_equal(curves.lap, true_laps(spec, px_per_mm=4.0))
        widths = [curve.track_width_px for curve in drawn.curves]
        np.testing.assert_allclose(np.diff(curves.tracks)[:, 0], widths)


def test_a_prediction_is_scored_by_its_own_truth_and_not_from_disk(split, monkeypatch):
    _, specs, sheets = split
    truth, curves = next(SheetScorer(sheets, specs, Softmax(LOG_CLASSES), px_per_mm=4.0).truths())
    monkeypatch.setattr(scorer, "batch_of", None)
    labels = np.roll(truth.labels, 1, axis=1)
    ink = ink_of(labels, curves=2)
    scores = SheetScorer(sheets, specs, Softmax(LOG_CLASSES), px_per_mm=4.0)(
        0, Prediction(labels, ink, truth.labels, truth.strokes)
    )
    expected = rates_of_sheets([score_sheet(labels, ink, truth, curves)], px_per_mm=4.0)
    for name, values in rates_of_sheets([scores], px_per_mm=4.0).items():
        np.testing.assert_array_equal(values, expected[name])


def test_a_binary_head_is_scored_by_the_union_of_the_curves_and_traces_none(split):
    _, specs, sheets = split
    binary = SheetScorer(sheets, specs, Binary(LOG_CLASSES), px_per_mm=4.0)
    truth, curves = next(binary.truths())
    assert curves is None
    np.testing.assert_array_equal(truth.labels, np.array(sheets.labels[0]) > 0)
    np.testing.assert_array_equal(truth.strokes[0], np.array(sheets.strokes[0]) > 0)
    assert not binary(0, Prediction(truth.labels, None, truth.labels, truth.strokes)).curves


def test_perturbed_truth_is_scored_as_a_prediction_and_once(split, tmp_path, monkeypatch):
    conf, specs, sheets = split
    cache = tmp_path / "cache"
    exact = scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES))
    rows = perturbed_truth_rows(exact, cache=cache)
    assert set(rows["split"]) == set(PERTURBATIONS)
    of_shift = rows[(rows["split"] == "oracle_shift") & (rows["class"] == "curve_1")].set_index("measure")["value"]
    hits = either = 0
    for index in range(len(sheets)):
        labels = np.array(sheets.labels[index])
        moved = perturbed("oracle_shift", labels, seed=index)
        hits += ((moved == 1) & (labels == 1)).sum()
        either += ((moved == 1) | (labels == 1)).sum()
    assert of_shift["iou"] == pytest.approx(hits / either)
    assert of_shift["nsd_1px"] == 1
    assert (rows.loc[(rows["split"] == "oracle_exact") & (rows["measure"] == "f1"), "value"] == 1).all()
    monkeypatch.setattr(perturbed_rows, "PERTURBATIONS", PERTURBATIONS[:1])
    renamed = ("background", "a", "b")
    other = perturbed_truth_rows(scorer_of(conf, specs, sheets, Softmax(renamed)), cache=cache)
    assert set(other["class"]) == set(renamed)
    monkeypatch.setattr(perturbed_rows, "evaluate", None)  # the second time it is read
    pd.testing.assert_frame_equal(perturbed_truth_rows(exact, cache=cache), rows)


def test_perturbed_truth_is_scored_again_when_a_kind_is_added(split, monkeypatch):
    conf, specs, sheets = split
    now = scorer.key_of(scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES)))
    monkeypatch.setattr(scorer, "PERTURBATIONS", PERTURBATIONS[:4])
    assert scorer.key_of(scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES))) != now


def test_the_truth_of_a_split_is_kept_for_the_next_cell_only(split):
    conf, specs, sheets = split
    first = scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES))
    next(first.truths())
    assert scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES)).known is first.known
    assert 0 in first.known
    assert not scorer_of(conf, specs, sheets, Binary(LOG_CLASSES)).known
    assert scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES)).known is not first.known


def test_a_large_split_is_not_kept(split, monkeypatch):
    _, specs, sheets = split
    monkeypatch.setattr(scorer, "_KEPT_PX", 100)
    large = SheetScorer(sheets, specs, Softmax(LOG_CLASSES), px_per_mm=4.0)
    next(large.truths())
    assert not large.known
