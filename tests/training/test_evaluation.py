import numpy as np
import pandas as pd
import pytest
import torch

from thinline.training.evaluation import Evaluation, Outcome, outcome


def evaluation(split, sheets, *, channels=3, claims=(0, 0, 0)):
    """Integers of `sheets` [N,C,C], with a histogram in which every true pixel scores .75 and every other .25."""
    total = sheets.sum(0)
    histogram = torch.zeros(channels, 2, 4, dtype=torch.int64)
    for channel, class_id in enumerate(range(len(total) - channels, len(total))):
        histogram[channel, 1, 3] = total[class_id].sum()
        histogram[channel, 0, 1] = total.sum() - total[class_id].sum()
    return Evaluation(split, total, torch.arange(len(sheets)), sheets, histogram, torch.tensor(claims))


SHEETS = torch.tensor([[[90, 1, 0], [2, 5, 0], [0, 1, 1]], [[80, 0, 0], [4, 16, 0], [0, 0, 0]]])
CLASSES = ("background", "curve_1", "curve_2")


@pytest.fixture
def made():
    return outcome(evaluation("val", SHEETS), evaluation("test", SHEETS), CLASSES, {})


def value(table, **where):
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table["value"].item()


def test_rates_are_divided_once_over_the_split(made):
    # curve_1: 21 hits, 2 false alarms (1 from the background, 1 from curve_2), 6 misses
    where = {"split": "test", "class": "curve_1"}
    assert value(made.per_class, measure="iou", **where) == 21 / 29
    assert value(made.per_class, measure="precision", **where) == 21 / 23
    assert value(made.per_class, measure="recall", **where) == 21 / 27
    assert value(made.per_class, measure="area_ratio", **where) == 23 / 27


def test_a_sheet_without_a_class_is_nan_with_support_0(made):
    row = made.per_sheet.query("split == 'test' and sheet == 1 and measure == 'iou' and `class` == 'curve_2'")
    assert np.isnan(row["value"].item())
    assert row["support"].item() == 0
    other = made.per_sheet.query("split == 'test' and sheet == 0 and measure == 'iou' and `class` == 'curve_2'")
    assert other["value"].item() == 1 / 2


def test_tuned_scores_use_the_threshold_of_validation(made):
    # the histogram parts truth from the rest, so the lowest threshold between .25 and .75 scores 1
    assert value(made.per_class, split="tuned", measure="f1", **{"class": "curve_1"}) == 1.0
    assert value(made.per_class, split="tuned", measure="threshold", **{"class": "curve_1"}) == 0.5


def test_names_and_signatures(made):
    numbers = made.numbers()
    assert numbers["test/iou/curve_1"] == 21 / 29
    assert "tuned/f1/curve_2" in numbers
    assert made.per_class["signature"].str.match(rf"^({'|'.join(made.per_class['measure'].unique())})\|").all()
    assert made.per_class.groupby("measure")["signature"].nunique().eq(1).all()


def test_channels_without_background_answer_for_curves_alone():
    stack = [evaluation(split, SHEETS, channels=2, claims=(200, 5, 150)) for split in ("val", "test")]
    table = outcome(*stack, CLASSES, {}).per_class
    assert table.query("split == 'tuned' and measure == 'f1'")["class"].tolist() == ["curve_1", "curve_2"]
    assert value(table, split="test", measure="claimed_twice", **{"class": "all"}) == 5 / 200
    assert value(table, split="test", measure="claimed_none", **{"class": "all"}) == 150 / 200


def test_a_softmax_has_no_rows_of_claims(made):
    assert not made.per_class["measure"].str.startswith("claimed").any()


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
    told = {"test/nsd_1px", "oracle_jitter/iou", "oracle_jitter/viterbi_values_mae_track"}
    assert set(Outcome(rows, rows, {}).numbers()) == {f"{name}/curve_1" for name in told}
