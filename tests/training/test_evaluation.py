"""Tables from counts and from predictions."""

import numpy as np
import pandas as pd
import pytest
import torch

from thinline.curves.trace import ink_of
from thinline.metrics import catalogue
from thinline.metrics.own import OwnMetric, own_rows
from thinline.metrics.structure.sheet_rates import rates_of_sheets
from thinline.metrics.structure.sheet_scores import CurveTruth, score_sheet
from thinline.metrics.structure.truth import Truth
from thinline.training.evaluation import Evaluation, Outcome, evaluate, outcome, sheet_score_tables

SHEETS = torch.tensor([[[90, 1, 0], [2, 5, 0], [0, 1, 1]], [[80, 0, 0], [4, 16, 0], [0, 0, 0]]])
CLASSES = ("background", "curve_1", "curve_2")
CURVES = CLASSES[1:]


def evaluation(split, *, channels=3, conflicts=(0, 0, 0)):
    """The counts of `SHEETS`, with a histogram in which every true pixel scores .75 and every other .25."""
    total = SHEETS.sum(0)
    histogram = torch.zeros(channels, 2, 4, dtype=torch.int64)
    for channel, class_id in enumerate(range(len(total) - channels, len(total))):
        histogram[channel, 1, 3] = total[class_id].sum()
        histogram[channel, 0, 1] = total.sum() - total[class_id].sum()
    return Evaluation(split, torch.arange(len(SHEETS)), SHEETS, histogram, torch.tensor(conflicts))


@pytest.fixture
def made():
    return outcome(evaluation("val"), evaluation("test"), CLASSES)


def value(table, **where):
    """The value of the only row with these columns; `of` is the class."""
    for column, wanted in where.items():
        table = table[table["class" if column == "of" else column] == wanted]
    assert len(table) == 1
    return table["value"].item()


def test_rates_are_divided_once_over_the_split(made):
    # curve_1: 21 hits, 2 false positives (1 from the background, 1 from curve_2), 6 misses
    expected = {"iou": 21 / 29, "precision": 21 / 23, "recall": 21 / 27, "area_ratio": 23 / 27}
    for measure, rate in expected.items():
        assert value(made.per_class, split="test", measure=measure, of="curve_1") == rate


def test_a_sheet_without_a_class_is_nan_with_support_0(made):
    row = made.per_sheet.query("split == 'test' and sheet == 1 and measure == 'iou' and `class` == 'curve_2'")
    assert np.isnan(row["value"].item())
    assert row["support"].item() == 0
    assert value(made.per_sheet, split="test", sheet=0, measure="iou", of="curve_2") == 1 / 2


def test_tuned_scores_use_the_threshold_of_validation(made):
    # the histogram separates truth from the rest, so the lowest threshold between .25 and .75 scores 1
    assert value(made.per_class, split="tuned", measure="f1", of="curve_1") == 1.0
    assert value(made.per_class, split="tuned", measure="threshold", of="curve_1") == 0.5


def test_names_and_signatures(made):
    numbers = made.numbers()
    assert numbers["test/iou/curve_1"] == 21 / 29
    assert "tuned/f1/curve_2" in numbers
    assert made.per_class["signature"].str.match(rf"^({'|'.join(made.per_class['measure'].unique())})\|").all()
    assert made.per_class.groupby("measure")["signature"].nunique().eq(1).all()


def test_channels_without_background_decide_curves_only_and_can_conflict(made):
    stack = [evaluation(split, channels=2, conflicts=(200, 5, 150)) for split in ("val", "test")]
    table = outcome(*stack, CLASSES).per_class
    assert table.query("split == 'tuned' and measure == 'f1'")["class"].tolist() == ["curve_1", "curve_2"]
    assert value(table, split="test", measure="claimed_twice", of="all") == 5 / 200
    assert value(table, split="test", measure="claimed_none", of="all") == 150 / 200
    assert not made.per_class["measure"].str.startswith("claimed").any()  # of a softmax


def test_numbers_leave_details_to_the_tables():
    rows = pd.DataFrame(
        [
            ("test", "nsd_1px", "curve_1", 0.5),
            ("test", "fp_grid", "curve_1", 0.1),
            ("test", "slope_vertical_iou", "curve_1", 0.1),
            ("oracle_jitter", "iou", "curve_1", 0.2),
            ("oracle_jitter", "viterbi_values_mae_track", "curve_1", 0.2),
            ("oracle_jitter", "breaks", "curve_1", 3.0),
        ],
        columns=["split", "measure", "class", "value"],
    )
    kept = {"test/nsd_1px", "oracle_jitter/iou", "oracle_jitter/viterbi_values_mae_track"}
    assert set(Outcome(rows, rows, {}).numbers()) == {f"{name}/curve_1" for name in kept}


def sheet(shift, known=True):
    """A sheet with two upright lines, predicted `shift` px to the right: the arguments of `score_sheet`."""
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 15], labels[:, 40] = 1, 2
    strokes = np.stack([labels == 1, labels == 2])
    truth = Truth(labels, strokes, np.zeros_like(labels), 4.0)
    predicted = np.roll(labels, shift, axis=1)
    curves = CurveTruth(np.array([[15.0] * 40, [40.0] * 40]), np.array([[0.0, 50.0]] * 2)) if known else None
    return predicted, ink_of(predicted, curves=2), truth, curves


@pytest.fixture(scope="module")
def scores():
    return {7: score_sheet(*sheet(0)), 3: score_sheet(*sheet(2))}


def test_rows_of_the_split_and_of_its_sheets(scores):
    whole, each = sheet_score_tables(scores, CURVES, split="test", px_per_mm=4.0)
    assert set(each["sheet"]) == {3, 7}
    assert set(whole["split"]) == set(each["split"]) == {"test"}
    assert value(each, sheet=3, measure="viterbi_mae_px", of="curve_1") == pytest.approx(2)
    assert value(whole, measure="viterbi_mae_px", of="curve_2") == pytest.approx(1)
    assert value(each, sheet=3, measure="nsd_1px", of="curve_2") == 0
    assert value(each, sheet=7, measure="nsd_1px", of="curve_2") == 1
    assert value(whole, measure="nsd_1px", of="curve_2") == 0.5
    rates = rates_of_sheets(list(scores.values()), px_per_mm=4.0)
    assert len(whole) == 2 * len(rates)
    assert len(each) == 2 * len(whole)
    # support: pixels of masks, rows of curves
    assert set(whole.loc[whole["measure"] == "nsd_1px", "support"]) == {80}
    assert set(whole.loc[whole["measure"] == "viterbi_bridged_r2", "support"]) == {80}
    assert (whole["signature"].str.split("|").str[0] == whole["measure"]).all()


def test_without_a_scale_there_are_no_millimetres():
    whole, _ = sheet_score_tables({0: score_sheet(*sheet(1, known=False))}, CURVES, split="test", px_per_mm=None)
    assert not whole["measure"].str.contains("mm").any()
    assert "hd95_px" in set(whole["measure"])


def test_a_metric_of_the_user_needs_no_scale_whatever_its_name_is(monkeypatch):
    monkeypatch.setattr(catalogue, "_registered", {})
    catalogue.register(own_rows({"gap_mm": {"_target_": "m.f"}})["gap_mm"], "gap_mm|own:1")
    own = OwnMetric("gap_mm", lambda *_: 7.0, "gap_mm|own:1")
    scores = {0: score_sheet(*sheet(1, known=False), own=[own])}
    whole, _ = sheet_score_tables(scores, CURVES, split="test", px_per_mm=None)
    assert whole.loc[whole["measure"] == "gap_mm", "value"].tolist() == [7, 7]


def test_a_metric_of_the_user_has_the_true_pixels_as_support_whatever_its_name_is(monkeypatch):
    monkeypatch.setattr(catalogue, "_registered", {})
    catalogue.register(own_rows({"viterbi_gap": {"_target_": "m.f"}})["viterbi_gap"], "viterbi_gap|own:1")
    own = OwnMetric("viterbi_gap", lambda *_: 7.0, "viterbi_gap|own:1")
    predicted, ink, thin, curves = sheet(1)
    labels = np.maximum(thin.labels, np.roll(thin.labels, 1, axis=1))  # two pixels wide, 40 rows
    truth = Truth(labels, np.stack([labels == 1, labels == 2]), np.zeros_like(labels), 4.0)
    whole, _ = sheet_score_tables(
        {0: score_sheet(predicted, ink, truth, curves, own=[own])}, CURVES, split="test", px_per_mm=4.0
    )
    assert whole.loc[whole["measure"] == "viterbi_gap", "support"].tolist() == [80, 80]


def test_a_sheet_without_known_curves_does_not_hide_those_of_the_others():
    for order in ((0, 1), (1, 0)):
        mixed = dict(zip(order, (score_sheet(*sheet(0, known=False)), score_sheet(*sheet(2))), strict=True))
        whole, _ = sheet_score_tables(mixed, CURVES, split="test", px_per_mm=4.0)
        assert set(whole.loc[whole["measure"] == "viterbi_mae_track", "support"]) == {40}
        assert set(whole.loc[whole["measure"] == "nsd_1px", "support"]) == {80}


def test_evaluate_gives_the_tables_of_counts_and_scores():
    """As a run would count them: one confusion matrix a sheet, and the scores of each."""
    sheets = [sheet(0), sheet(2)]
    matrices = torch.zeros(2, 3, 3, dtype=torch.int64)
    for matrix, (labels, _, truth, _) in zip(matrices.numpy(), sheets, strict=True):
        np.add.at(matrix, (truth.labels, labels), 1)
    counted = Evaluation(
        "test",
        torch.arange(2),
        matrices,
        torch.zeros(3, 2, 4),
        torch.zeros(3),
        scores={index: score_sheet(*arguments) for index, arguments in enumerate(sheets)},
        px_per_mm=4.0,
    )
    tables = zip(evaluate(sheets, CLASSES, px_per_mm=4.0), counted.tables(CLASSES), strict=True)
    for evaluated, expected in tables:
        pd.testing.assert_frame_equal(evaluated, expected, check_exact=True)
