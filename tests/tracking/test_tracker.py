import logging
import os
import signal
import time

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from run_cases import (
    EXPERIMENT,
    MlflowStore,
    begun,
    cell,
    finished,
    folder_of,
    per_class,
    per_sheet,
)
from run_jobs import PROCESSES, die_while_running, write_two_runs
from sqlalchemy import Engine, event

from thinline.runs import StorageError, parent_runs
from thinline.runs.history import Line
from thinline.system.signals import Killed, stoppable
from thinline.tracking import push, tracker
from thinline.tracking.tracker import Tracker

CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def mine(mlflow_store):
    mine = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    mine.initialise()
    return mine


def all_runs(client, text=""):
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.search_runs([experiment.experiment_id], text)


def log(folder, mine, steps, value=lambda step: 1 / (step + 1)):
    for step in steps:
        metrics = {"train/loss": value(step), "val/iou/curve_1": step / 100}
        mine.log(folder.log(step, metrics))


def curve(client, run_id, name="train/loss"):
    return sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))


def end(folder, mine, status="FINISHED"):
    folder.write_results(per_class(), per_sheet())
    folder.write_overlay("archive-0", b"\x89PNG")
    folder.finish(status)
    folder.unlock()
    return mine.finish(status)


def test_parent_and_children_in_mlflow(mine, client, mlflow_store):
    parent = mine.open_parent("loss=dice,tversky", {"study": "smoke"})
    for loss in ("dice", "tversky"):
        folder = begun(mlflow_store.root, cell(loss, head="softmax"))
        mine.start(folder, parent_id=parent, name=f"{loss}-softmax-s0", params={"measured_ratio": "51.2"})
        log(folder, mine, range(3))
        assert end(folder, mine)
    mine.close_parent(parent, "FINISHED")

    children = all_runs(client, f"tags.mlflow.parentRunId = '{parent}'")
    assert sorted(run.info.run_name for run in children) == ["dice-softmax-s0", "tversky-softmax-s0"]
    [run] = all_runs(client, "params.loss = 'tversky' and tags.head = 'softmax' and metrics.`val/iou/curve_1` > 0.01")
    assert run.data.params == {
        "loss": "tversky",
        "head": "softmax",
        "seed": "0",
        "loss.name": "tversky",
        "loss.smoothing": "0.1",
        "factors.head": "softmax",
        "measured_ratio": "51.2",
    }
    tags = run.data.tags
    assert tags.items() >= {"loss": "tversky", "seed": "0", "dataset_digest": "d1ce5e7", "git_dirty": "true"}.items()
    assert tags["git_commit"] == tags["mlflow.source.git.commit"] == "0123456789abcdef" * 2 + "01234567"
    assert run.info.status == "FINISHED"
    assert run.info.end_time >= run.info.start_time
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names == {
        *("config.yaml", "manifest.json", "metrics.json", "per_class.parquet", "per_sheet.parquet", "overlays")
    }
    assert [file.path for file in client.list_artifacts(run.info.run_id, "overlays")] == ["overlays/archive-0.png"]
    assert curve(client, run.info.run_id) == [(0, 1.0), (1, 0.5), (2, 1 / 3)]

    sweep = client.get_run(parent)
    assert (sweep.info.status, sweep.info.run_name, sweep.data.tags["study"]) == (
        "FINISHED",
        "loss=dice,tversky",
        "smoke",
    )
    assert {run.info.artifact_uri.split("/mlruns/")[0] for run in children} == {mlflow_store.root.parent.as_uri()}


def test_the_folder_records_the_mlflow_run_and_whether_it_is_complete(mine, mlflow_store):
    folder = begun(mlflow_store.root)
    run_id = mine.start(folder)
    assert folder.manifest().mlflow.run_id == run_id
    assert folder.manifest().mlflow.pending
    assert end(folder, mine)
    assert not folder.manifest().mlflow.pending


def test_one_call_per_step_whatever_the_number_of_metrics(mine, mlflow_store, monkeypatch):
    folder = begun(mlflow_store.root)
    mine.start(folder)
    calls: list[int] = []
    real = MlflowClient.log_batch
    monkeypatch.setattr(
        MlflowClient,
        "log_batch",
        lambda self, run_id, metrics=(), **more: (calls.append(len(metrics)), real(self, run_id, metrics, **more)),
    )
    mine.log(Line(1, 0, {f"m{number}": 1.0 for number in range(20)}))
    mine.log(Line(2, 0, {"m0": 1.0}))
    assert calls == [20, 1]


def test_a_resumed_run_goes_on_in_one_continuous_curve(mlflow_store, client):
    before = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    folder = begun(mlflow_store.root)
    run_id = before.start(folder, params={"workers": "2"})
    log(folder, before, range(10))
    folder.finish("KILLED")
    before.finish("KILLED")
    folder.unlock()

    again = begun(mlflow_store.root)
    assert again.rewind(5) == 4
    after = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    assert after.start(again, params={"workers": "8"}) == run_id
    assert client.get_run(run_id).info.status == "RUNNING"
    # a resumed run on a GPU does not repeat its numbers to the bit
    log(again, after, range(6, 13), value=lambda step: 1 / (step + 1.001))
    assert end(again, after)
    assert [step for step, _ in curve(client, run_id)] == list(range(13))
    assert client.get_run(run_id).data.metrics["train/loss"] == 1 / 13.001
    assert client.get_run(run_id).info.status == "FINISHED"
    assert len(all_runs(client)) == 1


def test_a_killed_run_is_continued_and_not_doubled(mlflow_store, client):
    process = PROCESSES.Process(target=die_while_running, args=(str(mlflow_store.root), mlflow_store.uri))
    process.start()
    process.join()
    assert process.exitcode == -9
    folder = begun(mlflow_store.root)
    assert folder.manifest().attempts == 2
    [run] = all_runs(client, "tags.run_folder != ''")
    assert run.info.status == "RUNNING"
    mine = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    assert mine.start(folder) == run.info.run_id
    log(folder, mine, range(6, 8))
    assert end(folder, mine)
    assert [step for step, _ in curve(client, run.info.run_id)] == list(range(8))


def test_a_crash_before_the_id_is_recorded_creates_no_second_run(mine, mlflow_store, client, monkeypatch):
    folder = begun(mlflow_store.root)
    with monkeypatch.context() as patch:
        patch.setattr(push, "send_facts", lambda *_: (_ for _ in ()).throw(MemoryError("killed here")))
        mine.start(folder)
    manifest = folder.manifest()
    folder.track(type(manifest.mlflow)(mlflow_store.uri, EXPERIMENT, "as if the id had not been recorded"))
    Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root).start(folder)
    assert len(all_runs(client)) == 1


def test_a_forced_run_is_a_new_run_that_supersedes_the_old_one(mine, mlflow_store, client):
    folder = begun(mlflow_store.root)
    old = mine.start(folder)
    assert end(folder, mine)
    folder.lock(wait_s=1)
    folder.start_over()
    folder.begin(cell(), folder.manifest().origin)
    new = mine.start(folder)
    assert new != old
    assert client.get_run(old).data.tags["superseded_by"] == new
    assert "superseded_by" not in client.get_run(new).data.tags


def test_four_processes_on_a_store_that_does_not_exist_lose_nothing(tmp_path):
    """And eight writers at once on one SQLite, all seeded alike: every number arrives, and no two runs are one."""
    mlflow_store = MlflowStore(tmp_path / "mlruns")
    mlflow_store.root.mkdir()
    arguments = [(str(mlflow_store.root), mlflow_store.uri, number, 6) for number in range(4)]
    jobs = [PROCESSES.Process(target=write_two_runs, args=each) for each in arguments]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 4
    client = MlflowClient(tracking_uri=mlflow_store.uri)
    runs = all_runs(client)
    names = [f"run-{number}-{thread}" for number in range(4) for thread in (0, 1)]
    assert sorted(run.info.run_name for run in runs) == names
    for run in runs:
        for name in range(8):
            assert curve(client, run.info.run_id, f"train/m{name}") == [(step, float(step * name)) for step in range(6)]


def test_a_server_that_is_down_is_one_warning_and_costs_seconds(tmp_path, caplog):
    mine = Tracker(CLOSED, EXPERIMENT, tmp_path)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        assert mine.initialise() is None
        parent = mine.open_parent("sweep", {})
        folder = begun(tmp_path)
        assert mine.start(folder, parent_id=parent) is None
        log(folder, mine, range(50))
        assert not end(folder, mine)
        mine.close_parent(parent, "FINISHED")
    assert time.monotonic() - began < 15
    [warning] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    for word in (CLOSED, "loses nothing", str(tmp_path), "thinline replay"):
        assert word in warning.getMessage()
    assert folder.manifest().mlflow.pending
    assert folder.manifest().status == "FINISHED"
    assert len(folder.history()) == 50
    assert parent.startswith("pending-")
    assert parent_runs.read(tmp_path, parent).pending


def fails(monkeypatch, name, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(MlflowClient, name, refuse)


@pytest.mark.parametrize("error", [MlflowException("database is locked"), OSError(28, "No space left on device")])
def test_after_a_failure_the_end_of_the_run_sends_everything(mine, mlflow_store, client, monkeypatch, caplog, error):
    folder = begun(mlflow_store.root)
    run_id = mine.start(folder)
    log(folder, mine, range(3))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        fails(patch, "log_batch", error)
        log(folder, mine, range(3, 6))
    log(folder, mine, range(6, 8))
    assert len(curve(client, run_id)) == 3, "MLflow is not called for a while after a failure"
    assert len(caplog.records) == 1
    assert end(folder, mine)
    assert [step for step, _ in curve(client, run_id)] == list(range(8))
    assert not folder.manifest().mlflow.pending


@pytest.mark.parametrize("statement", ["INSERT", "UPDATE"])
def test_a_signal_in_the_middle_of_a_transaction_leaves_a_database_that_takes_the_end(
    mine, mlflow_store, client, statement
):
    folder = begun(mlflow_store.root)
    run_id = mine.start(folder)
    once = iter([signal.SIGINT])

    def interrupt(_connection, _cursor, text, *_):
        if text.startswith(statement):
            for number in once:
                os.kill(os.getpid(), number)

    event.listen(Engine, "after_cursor_execute", interrupt)
    try:
        with pytest.raises(Killed), stoppable():
            log(folder, mine, range(5))
    finally:
        event.remove(Engine, "after_cursor_execute", interrupt)
    assert end(folder, mine, "KILLED")
    assert client.get_run(run_id).info.status == "KILLED"


def test_after_the_pause_mlflow_gets_what_it_missed(mine, mlflow_store, client, monkeypatch):
    monkeypatch.setattr(tracker, "_REST_S", 0.0)
    monkeypatch.setattr(tracker, "_REST_FACTOR", 0.0)
    folder = begun(mlflow_store.root)
    run_id = mine.start(folder)
    with monkeypatch.context() as patch:
        fails(patch, "log_batch", MlflowException("database is locked"))
        log(folder, mine, range(3))
    log(folder, mine, range(3, 5))
    assert [step for step, _ in curve(client, run_id)] == list(range(5))


def test_a_failure_at_the_end_leaves_the_run_pending(mine, mlflow_store, client, monkeypatch):
    folder = begun(mlflow_store.root)
    run_id = mine.start(folder)
    fails(monkeypatch, "log_artifact", OSError(28, "No space left on device"))
    assert not end(folder, mine)
    assert folder.manifest().status == "FINISHED"
    assert folder.manifest().mlflow.pending
    assert client.get_run(run_id).info.status == "RUNNING"


def test_a_run_deleted_in_mlflow_is_created_again(mine, mlflow_store, client):
    folder = begun(mlflow_store.root)
    first = mine.start(folder)
    client.delete_run(first)
    log(folder, mine, range(2))
    assert end(folder, mine)
    [run] = all_runs(client)
    assert run.info.run_id != first
    assert len(curve(client, run.info.run_id)) == 2


def test_a_failed_sweep_names_its_failures(mine, client):
    parent = mine.open_parent("sweep", {})
    mine.close_parent(parent, "FAILED", ["lovasz-s0: RuntimeError: NaN", "dice-s1: KeyError: x"])
    sweep = client.get_run(parent)
    assert sweep.info.status == "FAILED"
    assert sweep.data.tags["failures"] == "lovasz-s0: RuntimeError: NaN; dice-s1: KeyError: x"
    with pytest.raises(StorageError, match="expected an id that open_parent gave"):
        mine.close_parent("no such", "FINISHED")


def test_a_run_moves_to_the_sweep_that_resumes_it(mine, mlflow_store, client):
    folder = begun(mlflow_store.root)
    first, second = mine.open_parent("one", {}), mine.open_parent("two", {})
    run_id = mine.start(folder, parent_id=first)
    mine.finish("KILLED")
    mine.start(folder, parent_id=second)
    assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == second


def test_calls_out_of_order_do_nothing_or_raise(mine, mlflow_store):
    mine.log(Line(0, 0, {"a": 1.0}))
    assert not mine.finish("FINISHED")
    with pytest.raises(StorageError, match="call begin first"):
        mine.start(folder_of(mlflow_store.root, cell(seed=5)))
    finished(mlflow_store.root)
