"""Which numbers of a run are metrics in MLflow, and the table that has all of them."""

import json
import math

import pytest
from run_cases import begun, cell, finished, per_class

from thinline.metrics.catalogue import metric
from thinline.runs.history import Line
from thinline.runs.manifest import FINISHED
from thinline.runs.table import read
from thinline.tracking.page_content import MEASURES, Headline, headline_of, table_text
from thinline.training.evaluation import THRESHOLD


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("test/iou/curve_1", True),
        ("val/recall/curve_2", True),
        ("tuned/threshold/curve_1", True),
        ("train/loss", True),
        ("train/grad_norm/background", True),
        ("steps_per_second", True),
        ("test/iou/background", False),
        ("test/f1/curve_1", False),
        ("test/fp_grid/curve_1", False),
        ("val/support/curve_1", False),
        ("oracle_jitter/iou/curve_1", False),
        ("data/share/curve_1", False),
        ("train/class_weight/curve_1", False),
    ],
)
def test_the_headline_metrics_are_those_that_users_compare(name, shown):
    assert Headline().has(name) is shown


def test_the_measures_of_a_study_are_added_for_its_curves():
    headline = Headline("paper", ("test/f1", "oracle_jitter/iou"))
    names = ("test/f1/a", "oracle_jitter/iou/a", "val/f1/a", "test/f1/paper", "test/iou/paper", "test/iou/background")
    assert [headline.has(name) for name in names] == [True, True, False, False, False, True]


def test_the_page_opens_with_iou():
    """MLflow sorts the sections by name; names without a slash come last."""
    names = [f"{split}/{measure}/curve_1" for split, measures in MEASURES.items() for measure in measures]
    sections = sorted(name.rpartition("/")[0] for name in [*names, "train/loss", "train/grad_norm/background"])
    assert sections[0] == "test/iou"
    assert all(metric(name.split("/")[1]).label for name in names if THRESHOLD not in name)


def test_the_background_is_the_first_class_of_the_run(tmp_path):
    what = cell()
    assert headline_of(begun(tmp_path / "a", what).begun()).background == "background"
    named = type(what)(what.factors, what.seed, {**what.config, "classes": ["paper", "ink"]}, what.dataset_digest)
    assert headline_of(begun(tmp_path / "b", named).begun(), ["test/f1"]) == Headline("paper", ("test/f1",))


def test_lines_without_a_headline_number_are_left_out():
    lines = [Line(0, 5, {"data/unique": 2.0}), Line(3, 9, {"train/loss": 1.0, "val/f1/curve_1": 0.5})]
    assert Headline().lines(lines) == [Line(3, 9, {"train/loss": 1.0})]


def test_the_table_has_every_number_of_the_run_once(tmp_path):
    folder = begun(tmp_path)
    folder.log(0, {"data/unique": 7.0, "val/recall/curve_1": 0.1})
    folder.log(4, {"train/loss": math.inf, "val/recall/curve_1": 0.25})
    folder.write_results(per_class(), per_class().assign(sheet=0))
    folder.finish(FINISHED)
    table = json.loads(table_text(folder))
    assert table["columns"] == ["metric", "value", "support"]
    rows = {name: (value, support) for name, value, support in table["data"]}
    assert len(rows) == len(table["data"])
    assert rows == {
        "test/iou/curve_1": (0.5, 120),
        "test/iou/curve_2": (None, 0),
        "val/recall/curve_1": (0.25, 100),
        "data/unique": (7.0, None),
        "train/loss": (None, None),
    }
    stored = read(tmp_path)
    assert set(rows) >= set(stored[["split", "measure", "class"]].agg("/".join, axis=1))


def test_a_run_that_ended_early_has_a_table_of_its_history(tmp_path):
    folder = begun(tmp_path)
    folder.log(1, {"train/loss": 0.5})
    assert json.loads(table_text(folder))["data"] == [["train/loss", 0.5, None]]
    assert json.loads(table_text(finished(tmp_path, cell(seed=1))))["data"][0][0] == "test/iou/curve_1"
