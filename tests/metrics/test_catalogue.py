"""Every metric that a run stores has one row, and the signature that it is stored with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from thinline.curves.trace import ink_of
from thinline.metrics.catalogue import (
    RATES,
    ROWS,
    comparable,
    label,
    less_is_better,
    logged_names,
    metric,
    rows_of,
    signature,
    signatures,
    with_labels,
)
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import CurveTruth, score_sheet
from thinline.metrics.structure.truth import Truth
from thinline.sheets import render, sample
from thinline.sheets.true_positions import true_laps, true_rows

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SCALE = 2.0


@pytest.fixture(scope="module")
def stored():
    """Signature by name of all metrics in the published results."""
    paths = sorted(EXPERIMENTS.glob("*/results.parquet"))
    tables = [pd.read_parquet(path, columns=["measure", "signature"]) for path in paths]
    return dict(pd.concat(tables).drop_duplicates().itertuples(index=False))


@pytest.fixture(scope="module")
def computed():
    """The names that scoring a sheet gives now."""
    spec = sample("archive", 5)
    drawn = render(spec, px_per_mm=SCALE)
    tracks = [spec.tracks[curve.track] for curve in spec.curves]
    edges = [[SCALE * track.left_mm - 0.5, SCALE * track.right_mm - 0.5] for track in tracks]
    courses = CurveTruth(true_rows(spec, px_per_mm=SCALE), np.array(edges), true_laps(spec, px_per_mm=SCALE))
    truth = Truth(drawn.labels, drawn.strokes, drawn.layers, SCALE)
    scores = score_sheet(drawn.labels, ink_of(drawn.labels, curves=2), truth, courses)
    return [*RATES, *rates_of_sheets([scores], px_per_mm=SCALE)]


def test_every_metric_of_a_run_matches_exactly_one_row(stored, computed):
    assert len(stored) > 150
    assert {"viterbi_values_mae_track", "viterbi_on_lap", "budget_identity_mae_mm"} <= set(computed)
    for name in {*stored, *computed}:
        assert [row.key for _, row in rows_of(name)] == [rows_of(name)[0][1].key], name


def test_signatures_are_those_that_are_stored(stored):
    assert {name: signature(name) for name in stored} == stored
    assert signatures() == (
        *(f"{name}|absent:nan|ignore:255|v:1" for name in RATES),
        *("surfaces|v:1", "centrelines|v:1", "anatomy|v:1", "places|v:1", "curves|v:1"),
        *("topology|v:1", "calibration|v:1"),
    )


def test_a_run_that_lacks_newer_metrics_is_comparable_and_one_of_another_version_is_not():
    today = signatures()
    first = [mark for mark in today if mark not in ("topology|v:1", "calibration|v:1")]
    assert comparable(first, today)
    assert comparable(today, today)
    assert not comparable([*first, "topology|v:0"], today)
    assert not comparable(first[1:], today)
    assert not comparable([], today)


def test_every_row_is_in_use(stored, computed):
    used = {row.key for name in {*stored, *computed} for _, row in rows_of(name)}
    assert {row.key for row in ROWS} == used


def test_a_number_is_logged_under_split_measure_and_class():
    rows = pd.DataFrame({"split": ["test", "val"], "measure": ["iou", "f1"], "class": ["curve_1", "a/b"], "value": 0.5})
    assert logged_names(rows) == ["test/iou/curve_1", "val/f1/a/b"]
    assert logged_names(rows.astype({"split": "category"})[:0]) == []


def test_labels_are_filled_in_and_distinct(stored, computed):
    names = sorted({*stored, *computed})
    labels = [metric(name).axis for name in names]
    assert not any("{" in text or "_" in text for text in labels)
    assert len(set(labels)) == len(names)


@pytest.mark.parametrize(
    ("name", "axis", "better", "digits"),
    [
        ("iou", "IoU", "up", 3),
        ("nsd_0.25mm", "NSD .25 mm", "up", 3),
        ("cldice_0px", "clDice 0 px", "up", 3),
        ("hd95_px", "HD95 [px]", "down", 2),
        ("breaks", "breaks", "down", 0),
        ("viterbi_bridged_mae_track", "MAE, bridged [tracks]", "down", 4),
        ("centroid_mae_mm", "MAE, centroid [mm]", "down", 3),
        ("crossing_inside_iou", "IoU inside crossings", "up", 3),
        ("area_ratio", "area ratio", "", 3),
    ],
)
def test_rows(name, axis, better, digits):
    row = metric(name)
    assert (row.key, row.axis, row.better, row.digits) == (name, axis, better, digits)
    assert less_is_better(name) == (better == "down")


def test_another_split_is_part_of_the_label():
    assert (label("f1"), label("f1", "tuned"), label("threshold", "tuned")) == ("F1", "tuned F1", "threshold")
    assert label("iou", "oracle_shift_normal") == "truth, shift normal: IoU"


def test_a_sentence_has_labels_in_place_of_stored_names_and_keeps_other_words_with_a_slash():
    text = "test/f1 of curve less tuned/f1 in none/dice/scarce; oracle_thick/iou, test/own_metric"
    expected = "F1 of curve less tuned F1 in none/dice/scarce; truth, 3 px thick: IoU, test/own_metric"
    assert with_labels(text) == expected


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"no metric is called 'nsd_1in'; expected one of iou, .*nsd_\{tolerance\}"):
        metric("nsd_1in")


def test_a_name_may_have_its_split_in_front():
    """As effects name their measures outside of the test split."""
    assert metric("tuned/f1").label == "tuned F1"
    assert metric("tuned/f1").digits == metric("f1").digits
    assert less_is_better("val/viterbi_swaps")
    with pytest.raises(ValueError, match="no metric is called 'f7'"):
        metric("tuned/f7")
