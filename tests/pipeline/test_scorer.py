"""The judge of a split against the parts it is made of, and its oracles."""

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from thinline.config.schema import checked, compose_config
from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.metrics.perturbed_truth import PERTURBATIONS, perturbed
from thinline.pipeline import scorer
from thinline.pipeline.scorer import SheetScorer, perturbed_truth_rows, scorer_of
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.sheets import render
from thinline.sheets.true_positions import true_laps, true_rows
from thinline.vocabulary import LOG_CLASSES


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """The configuration, the specs and the sheets of a small test split."""
    store = tmp_path_factory.mktemp("judging")
    conf = checked(compose_config(["budget=smoke", f"paths.store={store}"]))
    planned = plan_sheets(conf)
    return conf, planned.splits.test.specs, render_sheets(planned, conf, console=Console(quiet=True)).test


@pytest.mark.parametrize("head", [Softmax, SigmoidStack])
def test_the_truth_of_a_sheet_is_that_of_its_drawing(split, head):
    _, specs, sheets = split
    by = SheetScorer(sheets, specs, head(LOG_CLASSES), px_per_mm=4.0)
    for index, spec in enumerate(specs):
        drawn = render(spec, px_per_mm=4.0)
        truth, courses = by.truth(index)
        np.testing.assert_array_equal(truth.labels, drawn.labels)
        np.testing.assert_array_equal(truth.strokes, drawn.strokes)
        np.testing.assert_array_equal(truth.layers, drawn.layers)
        np.testing.assert_array_equal(courses.x_px, true_rows(spec, px_per_mm=4.0))
        np.testing.assert_array_equal(courses.lap, true_laps(spec, px_per_mm=4.0))
        widths = [curve.track_width_px for curve in drawn.curves]
        np.testing.assert_allclose(np.diff(courses.tracks)[:, 0], widths)


def test_a_head_that_does_not_tell_curves_apart_is_judged_by_their_union_and_traces_none(split):
    _, specs, sheets = split
    by = SheetScorer(sheets, specs, Binary(LOG_CLASSES), px_per_mm=4.0)
    truth, courses = by.truth(0)
    assert courses is None
    np.testing.assert_array_equal(truth.labels, np.array(sheets.labels[0]) > 0)
    np.testing.assert_array_equal(truth.strokes[0], np.array(sheets.strokes[0]) > 0)
    assert not by(0, truth.labels, None).curves


def test_oracles_are_scored_as_any_answer_and_once(split, tmp_path, monkeypatch):
    conf, specs, sheets = split
    by = scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES))
    rows = perturbed_truth_rows(by, LOG_CLASSES, cache=tmp_path / "cache")
    assert set(rows["split"]) == set(PERTURBATIONS)
    of_shift = rows[(rows["split"] == "oracle_shift") & (rows["class"] == "curve_1")].set_index("measure")["value"]
    hits = either = 0
    for index in range(len(sheets)):
        labels = np.array(sheets.labels[index])
        found = perturbed("oracle_shift", labels, seed=index)
        hits += ((found == 1) & (labels == 1)).sum()
        either += ((found == 1) | (labels == 1)).sum()
    assert of_shift["iou"] == pytest.approx(hits / either)
    assert of_shift["nsd_1px"] == 1
    exact = rows[(rows["split"] == "oracle_exact") & (rows["measure"] == "f1")]
    assert (exact["value"] == 1).all()
    renamed = ("background", "a", "b")
    other = perturbed_truth_rows(scorer_of(conf, specs, sheets, Softmax(renamed)), renamed, cache=tmp_path / "cache")
    assert set(other["class"]) == set(renamed)
    monkeypatch.setattr(scorer, "_oracle", None)  # the second time it is read
    pd.testing.assert_frame_equal(perturbed_truth_rows(by, LOG_CLASSES, cache=tmp_path / "cache"), rows)


def test_what_is_known_of_a_split_is_kept_for_the_next_cell_alone(split):
    conf, specs, sheets = split
    one = scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES))
    one.truth(0)
    assert scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES)).known is one.known
    assert 0 in one.known
    other = scorer_of(conf, specs, sheets, Binary(LOG_CLASSES))
    assert not other.known
    assert scorer_of(conf, specs, sheets, Softmax(LOG_CLASSES)).known is not one.known


def test_a_large_split_is_not_kept(split, monkeypatch):
    _, specs, sheets = split
    monkeypatch.setattr(scorer, "_KEPT_PX", 100)
    by = SheetScorer(sheets, specs, Softmax(LOG_CLASSES), px_per_mm=4.0)
    by.truth(0)
    assert not by.known
