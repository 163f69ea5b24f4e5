"""Datasets and the model of a run in MLflow, its description, and the load of its machine."""

import hashlib
import logging
import time
from dataclasses import replace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT, begun, cell, per_class, per_sheet

from thinline.runs import RunFolder, parent_runs
from thinline.tracking import deliver, lineage, system_metrics
from thinline.tracking.resend import replay
from thinline.tracking.tracker import Tracker

TEST_IMAGES = {"split": "test", "name": "archive", "digest": "7e57", "source_type": "code"}
DATASETS = tuple(
    TEST_IMAGES | {"split": split, "digest": digest, "source": {"tags": {"seed": "0"}}, "profile": {"num_rows": count}}
    for split, digest, count in (("train", "7a1", 24), ("val", "0a1", 8), ("test", "7e57", 64))
)
NOTE = "mlflow.note.content"


def ended(mlflow_store, *, weights=b"weights", seed=0, status="FINISHED", **options):
    """A run with datasets and a checkpoint in the store; its folder and id."""
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root, **options)
    folder = begun(mlflow_store.root, replace(cell(seed=seed), datasets=DATASETS))
    run_id = tracker.start(folder, name="dice/none: s0")
    for step, metrics in enumerate(({"train/loss": 1.0}, {"test/iou/curve_1": 0.5, "test/recall/curve_1": 0.75})):
        line = folder.log(step, metrics)
        time.sleep(0.005)  # MLflow keeps one point per time, so both places must have the time of the folder
        tracker.log(line)
    (folder.checkpoints / "last.ckpt").write_bytes(weights)
    folder.write_results(per_class(), per_sheet())
    folder.finish(status)
    assert tracker.finish(status)
    folder.unlock()
    return folder, run_id


def test_each_split_is_an_input_of_the_run(mlflow_store, client):
    _, run_id = ended(mlflow_store)
    inputs = client.get_run(run_id).inputs.dataset_inputs
    actual = {each.tags[0].value: (each.dataset.name, each.dataset.digest, each.dataset.profile) for each in inputs}
    assert actual == {
        "training": ("archive", "7a1", '{"num_rows": 24}'),
        "validation": ("archive", "0a1", '{"num_rows": 8}'),
        "test": ("archive", "7e57", '{"num_rows": 64}'),
    }


def test_the_checkpoint_is_a_model_with_the_test_scores(mlflow_store, client):
    folder, run_id = ended(mlflow_store)
    [output] = client.get_run(run_id).outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.status, model.source_run_id) == ("dice_none_ s0", "READY", run_id)
    assert model.tags["checkpoint"] == str(folder.checkpoints / "last.ckpt")
    assert model.tags["checkpoint_digest"] == hashlib.sha256(b"weights").hexdigest()[:10]
    load, weights = model.tags[NOTE].split("\n\n")
    assert (folder.name in load, str(folder.checkpoints) in weights) == (True, True)
    scores = {metric.key: (metric.value, metric.step, metric.dataset_digest) for metric in model.metrics}
    assert scores == {"test/iou/curve_1": (0.5, 1, "7e57"), "test/recall/curve_1": (0.75, 1, "7e57")}
    assert len(client.get_metric_history(run_id, "test/iou/curve_1")) == 1


def test_sending_again_adds_no_dataset_and_no_model_but_for_another_checkpoint(mlflow_store, client):
    folder, run_id = ended(mlflow_store)
    replay(mlflow_store.root, mlflow_store.uri, everything=True)
    run = client.get_run(run_id)
    assert (len(run.inputs.dataset_inputs), len(run.outputs.model_outputs)) == (3, 1)
    (folder.checkpoints / "last.ckpt").write_bytes(b"other weights")
    replay(mlflow_store.root, mlflow_store.uri, everything=True)
    assert len(client.get_run(run_id).outputs.model_outputs) == 2


def test_a_failed_run_is_no_model(mlflow_store, client):
    _, run_id = ended(mlflow_store, status="FAILED")
    assert client.get_run(run_id).outputs.model_outputs == []


def test_a_server_without_models_gets_the_rest_of_the_run(mlflow_store, client, monkeypatch):
    def refuse(*_, **__):
        raise MlflowException("404", error_code=ENDPOINT_NOT_FOUND)

    monkeypatch.setattr(MlflowClient, "create_logged_model", refuse)
    folder, run_id = ended(mlflow_store)
    assert not folder.begun().mlflow.pending
    assert client.get_run(run_id).info.status == "FINISHED"


def test_a_run_describes_its_result_and_how_to_load_it(mlflow_store, client):
    folder, run_id = ended(mlflow_store)
    lines = client.get_run(run_id).data.tags[NOTE].split("\n\n")
    assert lines == [
        "**Result:** IoU on the test images: curve_1 .500, curve_2 -",
        f'**Load:** `thinline.load_run("{folder.name}", store="{mlflow_store.root}")`',
        "**Trained:** `loss=dice` `seed=0`",
        "**On:** train 24 of archive (digest 7a1); val 8 of archive (digest 0a1); test 64 of archive (digest 7e57)",
    ]


def test_a_description_by_a_user_stays(mlflow_store, client):
    _, run_id = ended(mlflow_store)
    client.set_tag(run_id, NOTE, "the run of the poster")
    replay(mlflow_store.root, mlflow_store.uri, everything=True)
    assert client.get_run(run_id).data.tags[NOTE] == "the run of the poster"


def test_a_run_that_a_later_sweep_skips_belongs_to_both(mlflow_store, client):
    """And gets the measure that the later sweep compares."""
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    first, second = (tracker.open_parent(name, {}) for name in ("one", "two"))
    folder = begun(mlflow_store.root)
    run_id = tracker.start(folder, parent_id=first)
    folder.log(3, {"test/f1/curve_1": 0.25, "test/iou/curve_1": 0.5})
    folder.write_results(per_class(), per_sheet())
    folder.finish("FINISHED")
    assert tracker.finish("FINISHED")
    assert "test/f1/curve_1" not in client.get_run(run_id).data.metrics
    record = replace(parent_runs.read(mlflow_store.root, second), measures=("test/f1",))
    parent_runs.write(mlflow_store.root, record)
    for _ in range(2):
        tracker.close_parent(second, "FINISHED", cells=[folder.name])
        run = client.get_run(run_id)
        assert run.data.tags["sweeps"] == f"{first},{second}"
        assert run.data.tags["mlflow.parentRunId"] == first
        assert run.data.metrics["test/f1/curve_1"] == 0.25
        assert len(client.get_metric_history(run_id, "test/f1/curve_1")) == 1
    deliver.send_run(client, run.info.experiment_id, folder)
    assert client.get_run(run_id).data.tags["sweeps"] == f"{first},{second}"


def test_replay_adds_a_skipped_cell_that_mlflow_lacked_to_its_sweep(mlflow_store, client):
    away = Tracker("http://127.0.0.1:9", EXPERIMENT, mlflow_store.root)
    first, second = (away.open_parent(name, {}) for name in ("one", "two"))
    folder = begun(mlflow_store.root)
    away.start(folder, parent_id=first)
    folder.finish("KILLED")
    folder.unlock()
    away.finish("KILLED")
    away.close_parent(first, "FINISHED")
    away.close_parent(second, "FINISHED", cells=[folder.name])
    replay(mlflow_store.root, mlflow_store.uri)
    run_id = folder.begun().mlflow.run_id
    assert client.get_run(run_id).data.tags["sweeps"] == f"{first},{second}"


def test_system_metrics_are_an_option(mlflow_store, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    finish = system_metrics.SystemMetrics.stop
    monkeypatch.setattr(system_metrics.SystemMetrics, "stop", lambda self: (time.sleep(0.5), finish(self)))
    _, run_id = ended(mlflow_store, system_metrics=True)
    assert client.get_run(run_id).data.metrics["system/cpu_utilization_percentage"] >= 0
    _, other_id = ended(mlflow_store, seed=1)
    assert not [name for name in client.get_run(other_id).data.metrics if name.startswith("system/")]


def test_without_psutil_a_run_says_so_and_goes_on(mlflow_store, client, monkeypatch, caplog):
    monkeypatch.setattr(system_metrics, "find_spec", lambda _: None)
    with caplog.at_level(logging.WARNING):
        _, run_id = ended(mlflow_store, system_metrics=True)
    assert [record.getMessage() for record in caplog.records if "pip install psutil" in record.getMessage()]
    assert client.get_run(run_id).data.metrics["train/loss"] == 1.0


def test_a_model_whose_scores_failed_is_completed_by_replay(mlflow_store, client, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(lineage, "_send_scores", lambda *_: (_ for _ in ()).throw(OSError("the server is away")))
        with pytest.raises(AssertionError):  # of `ended`: the run is not complete
            ended(mlflow_store)
    folder = RunFolder.open(next((mlflow_store.root / "runs").iterdir()))
    assert folder.begun().mlflow.pending
    experiment_id = client.get_experiment_by_name(EXPERIMENT).experiment_id
    deliver.complete_run(client, experiment_id, folder, "FINISHED")
    [output] = client.get_run(folder.begun().mlflow.run_id).outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.status, len(model.metrics)) == ("READY", 2)
