"""Runs of conditions in MLflow, and the parent run of an ended sweep."""

import json
from pathlib import Path

import pytest
from run_cases import EXPERIMENT

from thinline.runs import parent_runs
from thinline.runs.parent_runs import Condition
from thinline.tracking.resend import replay
from thinline.tracking.tracker import Tracker

NOTE = "mlflow.note.content"
SEVERAL = Condition(
    "dice-none",
    {"loss": "dice", "class_weight.value": "10"},
    (0, 1, 2),
    {"test/iou/curve_1": (0.5, 0.02, 0.45, 0.55), "test/nsd_1px/curve_1": (0.75, 0.01, 0.7, 0.8)},
)
ONE = Condition("focal-none", {"loss": "focal"}, (0,), {"test/iou/curve_1": (0.25,)})


def runs_of(client):
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


@pytest.fixture
def swept(mlflow_store):
    """A sweep with two conditions in MLflow; the id of its parent run."""
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    parent = tracker.open_parent("a sweep", {NOTE: "4 cells."})
    tracker.close_parent(parent, "FINISHED", conditions=[SEVERAL, ONE])
    return parent


def test_a_condition_is_a_run_with_mean_deviation_and_interval(swept, client):
    run = runs_of(client)["dice-none"]
    assert run.data.tags.items() >= {"kind": "condition", "condition": "dice-none", "condition_of": swept}.items()
    assert run.data.tags["mlflow.parentRunId"] == swept
    assert run.data.tags["IoU curve_1"] == ".500 ± .020 [.450, .550]"
    assert run.data.params == SEVERAL.params
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {
        "seeds": 3.0,
        "test/iou/curve_1": 0.5,
        "test/iou/curve_1 sd": 0.02,
        "test/iou/curve_1 ci95 low": 0.45,
        "test/iou/curve_1 ci95 high": 0.55,
        "test/nsd_1px/curve_1": 0.75,
        "test/nsd_1px/curve_1 sd": 0.01,
        "test/nsd_1px/curve_1 ci95 low": 0.7,
        "test/nsd_1px/curve_1 ci95 high": 0.8,
    }


def test_a_condition_of_one_seed_has_a_mean_only(swept, client):
    run = runs_of(client)["focal-none"]
    assert run.data.metrics == {"seeds": 1.0, "test/iou/curve_1": 0.25}
    assert run.data.tags["IoU curve_1"] == ".250"


def test_the_parent_run_has_the_numbers_of_its_conditions(swept, client, tmp_path):
    run = client.get_run(swept)
    assert run.data.metrics == {
        "test/iou/curve_1/dice-none": 0.5,
        "test/iou/curve_1/dice-none sd": 0.02,
        "test/iou/curve_1/dice-none ci95 low": 0.45,
        "test/iou/curve_1/dice-none ci95 high": 0.55,
        "test/iou/curve_1/focal-none": 0.25,
    }
    assert run.data.tags[NOTE].splitlines() == [
        "| condition | seeds | IoU curve_1 |",
        "| --- | --- | --- |",
        "| dice-none | 3 | .500 ± .020 [.450, .550] |",
        "| focal-none | 1 | .250 |",
        "",
        "Test images: mean over seeds ± standard deviation [95 % interval of the mean]. Conditions share their sheets: "
        "compare them seed by seed, not by these intervals.",
        "",
        "4 cells.",
    ]
    table = json.loads(Path(client.download_artifacts(swept, "conditions.json", str(tmp_path))).read_text())
    assert table["columns"] == ["condition", "metric", "seeds", "mean", "sd", "ci95 low", "ci95 high"]
    assert table["data"] == [
        ["dice-none", "test/iou/curve_1", 3, 0.5, 0.02, 0.45, 0.55],
        ["dice-none", "test/nsd_1px/curve_1", 3, 0.75, 0.01, 0.7, 0.8],
        ["focal-none", "test/iou/curve_1", 1, 0.25, None, None, None],
    ]


def test_replay_sends_conditions_once_and_to_another_store_as_well(swept, mlflow_store, elsewhere, client):
    before = {name: run.to_dictionary() for name, run in runs_of(client).items()}
    replay(mlflow_store.root, mlflow_store.uri, everything=True)
    after = {name: run.to_dictionary() for name, run in runs_of(client).items()}
    assert {name: run["data"] for name, run in before.items()} == {name: run["data"] for name, run in after.items()}
    assert len(client.get_metric_history(runs_of(client)["dice-none"].info.run_id, "test/iou/curve_1")) == 1
    replay(mlflow_store.root, elsewhere.uri)
    other = runs_of(type(client)(tracking_uri=elsewhere.uri))
    assert other["dice-none"].data.metrics == runs_of(client)["dice-none"].data.metrics
    assert other["dice-none"].data.tags["mlflow.parentRunId"] == other["a sweep"].info.run_id


def test_a_description_of_the_parent_by_a_user_stays(swept, mlflow_store, client):
    client.set_tag(swept, NOTE, "the sweep of the paper")
    replay(mlflow_store.root, mlflow_store.uri, everything=True)
    assert client.get_run(swept).data.tags[NOTE] == "the sweep of the paper"


def test_the_record_of_a_sweep_has_its_conditions(swept, mlflow_store):
    assert parent_runs.read(mlflow_store.root, swept).conditions == (SEVERAL, ONE)
