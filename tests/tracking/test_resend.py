from pathlib import Path
from typing import NamedTuple

import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT, begun, cell, finished, per_class, per_sheet
from run_jobs import PROCESSES, die_while_running

from thinline.runs import Failure, Manifest, parent_runs, run_folders
from thinline.tracking import database
from thinline.tracking.resend import COMPLETE, FAILED, IN_USE, SENT, replay, settle_dead_sweeps
from thinline.tracking.tracker import Tracker

CLOSED = "http://127.0.0.1:9"


def replayed(mlflow_store) -> list[tuple[str, str]]:
    return [(outcome.run, outcome.status) for outcome in replay(mlflow_store.root, mlflow_store.uri)]


class Tracked(NamedTuple):
    """All data of a run in MLflow."""

    id: str
    status: str
    params: dict[str, str]
    tags: dict[str, str]
    curves: dict[str, str]
    files: list[str]


def everything(client) -> dict[str, Tracked]:
    """Every run in MLflow by its name."""
    tracked = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    return {
        run.info.run_name: Tracked(
            run.info.run_id,
            run.info.status,
            run.data.params,
            run.data.tags,
            {name: str(client.get_metric_history(run.info.run_id, name)) for name in run.data.metrics},
            sorted(artifact.path for artifact in client.list_artifacts(run.info.run_id)),
        )
        for run in tracked
    }


def swept(root, uri):
    """A sweep of two runs, one of which fails, while MLflow is at `uri`."""
    mine = Tracker(uri, EXPERIMENT, root)
    mine.initialise()
    parent = mine.open_parent("sweep", {"study": "smoke"})
    for loss in ("dice", "lovasz"):
        folder = begun(root, cell(loss))
        mine.start(folder, parent_id=parent, name=loss, tags={"extra": "1"})
        for step in range(4):
            mine.log(folder.log(step, {"test/iou/curve_1": step / 4}))
        if loss == "dice":
            folder.write_results(per_class(), per_sheet())
            folder.finish("FINISHED")
        else:
            folder.finish("FAILED", ValueError("NaN"))
        mine.finish(folder.manifest().status)
        folder.unlock()
    mine.close_parent(parent, "FAILED", ["lovasz"])
    return parent


def test_a_sweep_without_a_server_is_sent_later_as_if_it_had_one(mlflow_store, client, elsewhere):
    parent = swept(mlflow_store.root, CLOSED)
    outcomes = replay(mlflow_store.root, mlflow_store.uri)
    assert [(outcome.status, outcome.detail) for outcome in outcomes] == [
        (SENT, "FAILED"),
        (SENT, "FINISHED"),
        (SENT, "FAILED"),
    ]
    late = everything(client)

    swept(elsewhere.root, elsewhere.uri)
    live = everything(MlflowClient(tracking_uri=elsewhere.uri))
    assert set(late) == set(live) == {"sweep", "dice", "lovasz"}
    for name, run in late.items():
        other = live[name]
        assert (run.status, run.params) == (other.status, other.params)
        assert (list(run.curves), run.files) == (list(other.curves), other.files)
        differing = {key for key, value in run.tags.items() if other.tags.get(key) != value}
        assert differing | run.tags.keys() ^ other.tags.keys() <= {
            *("mlflow.parentRunId", "sweep_id", "sweeps", "mlflow.note.content")  # ids, and the path of the store
        }
    parent_id = parent_runs.read(mlflow_store.root, parent).run_id
    assert late["dice"].tags["mlflow.parentRunId"] == late["sweep"].id == parent_id
    assert late["sweep"].tags["failures"] == "lovasz"


def test_a_second_replay_changes_nothing(mlflow_store, client):
    swept(mlflow_store.root, CLOSED)
    replay(mlflow_store.root, mlflow_store.uri)
    once = everything(client)
    assert {outcome.status for outcome in replay(mlflow_store.root, mlflow_store.uri)} == {COMPLETE}
    assert everything(client) == once
    assert {outcome.status for outcome in replay(mlflow_store.root, mlflow_store.uri, everything=True)} == {SENT}
    assert everything(client) == once


def test_a_study_joined_later_is_sent_once(mlflow_store, client):
    swept(mlflow_store.root, mlflow_store.uri)
    [folder] = [folder for folder in run_folders(mlflow_store.root) if folder.finished]
    run_id = folder.manifest().mlflow.run_id
    assert "study" not in client.get_run(run_id).data.tags
    folder.join_study("late")
    assert [run for run, status in replayed(mlflow_store) if status == SENT] == [folder.name]
    assert client.get_run(run_id).data.tags["study"] == "late"
    assert Manifest.from_json(mlflow_text(client, run_id), "here").studies == ("late",)
    assert {outcome.status for outcome in replay(mlflow_store.root, mlflow_store.uri)} == {COMPLETE}
    client.delete_run(run_id)
    folder.join_study("later")
    assert {outcome.status for outcome in replay(mlflow_store.root, mlflow_store.uri)} == {COMPLETE}


def mlflow_text(client, run_id):
    return Path(client.download_artifacts(run_id, "manifest.json")).read_text()


def test_a_killed_sweep_and_its_run_become_killed_in_folder_and_mlflow(mlflow_store, client):
    process = PROCESSES.Process(target=die_while_running, args=(str(mlflow_store.root), mlflow_store.uri))
    process.start()
    process.join()
    before = everything(client)
    assert {run.status for run in before.values()} == {"RUNNING"}
    outcomes = replay(mlflow_store.root, mlflow_store.uri)
    assert [(outcome.status, outcome.detail) for outcome in outcomes] == [(SENT, "KILLED")] * 2
    after = everything(client)
    assert {run.status for run in after.values()} == {"KILLED"}
    assert {name: run.id for name, run in after.items()} == {name: run.id for name, run in before.items()}
    [name] = [name for name in after if name != "a sweep"]
    assert len(client.get_metric_history(after[name].id, "train/loss")) == 6
    assert {outcome.status for outcome in replay(mlflow_store.root, mlflow_store.uri)} == {COMPLETE}


def test_the_next_sweep_closes_the_parents_of_killed_sweeps(mlflow_store, client):
    process = PROCESSES.Process(target=die_while_running, args=(str(mlflow_store.root), mlflow_store.uri))
    process.start()
    process.join()
    alive = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    mine = alive.open_parent("mine", {})
    assert [(outcome.run, outcome.detail) for outcome in settle_dead_sweeps(mlflow_store.root, mlflow_store.uri)] == [
        ("a sweep", "KILLED")
    ]
    assert everything(client)["a sweep"].status == "KILLED"
    assert client.get_run(mine).info.status == "RUNNING"
    assert settle_dead_sweeps(mlflow_store.root, mlflow_store.uri) == []


def test_runs_of_a_living_process_are_skipped(mlflow_store, client):
    mine = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    parent = mine.open_parent("sweep", {})
    folder = begun(mlflow_store.root)
    mine.start(folder, parent_id=parent)
    assert [outcome.status for outcome in replay(mlflow_store.root, mlflow_store.uri)] == [IN_USE, IN_USE]
    assert folder.manifest().status == "RUNNING"
    assert client.get_run(parent).info.status == "RUNNING"
    folder.unlock()
    mine.close_parent(parent, "FINISHED")


def test_a_lost_database_is_built_again_from_the_folders(mlflow_store, elsewhere):
    swept(mlflow_store.root, mlflow_store.uri)
    before = everything(MlflowClient(tracking_uri=mlflow_store.uri))
    assert {outcome.status for outcome in replay(mlflow_store.root, elsewhere.uri)} == {SENT}
    client = MlflowClient(tracking_uri=elsewhere.uri)
    after = everything(client)
    assert set(after) == set(before)
    assert after["dice"].tags["mlflow.parentRunId"] == after["sweep"].id != before["sweep"].id
    assert after["dice"].curves.keys() == before["dice"].curves.keys()


def test_runs_without_a_tracking_record_are_sent(mlflow_store, client):
    folder = finished(mlflow_store.root)
    assert replayed(mlflow_store) == [(folder.name, SENT)]
    assert list(everything(client)) == [folder.name]


def test_one_damaged_run_does_not_stop_the_others(mlflow_store, client):
    good, bad = finished(mlflow_store.root, cell(seed=0)), finished(mlflow_store.root, cell(seed=1))
    bad.manifest_path.write_text("{")
    outcomes = {outcome.run: outcome for outcome in replay(mlflow_store.root, mlflow_store.uri)}
    assert outcomes[good.name].status == SENT
    assert outcomes[bad.name].status == FAILED
    assert "restore it" in outcomes[bad.name].detail
    assert list(everything(client)) == [good.name]


def test_a_sweep_that_mlflow_refuses_fails_alone(mlflow_store, client):
    sweep = parent_runs.Sweep("pending-1", mlflow_store.uri, "x" * 501, "bad", status="FINISHED")
    parent_runs.write(mlflow_store.root, sweep)
    folder = finished(mlflow_store.root)
    assert replayed(mlflow_store) == [
        ("bad", FAILED),
        (folder.name, SENT),
    ]


def test_a_child_stays_pending_until_its_parent_exists(mlflow_store, client):
    mine = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    folder = begun(mlflow_store.root)
    sweep = parent_runs.Sweep("pending-7", mlflow_store.uri, EXPERIMENT, "late", status="FINISHED")
    parent_runs.write(mlflow_store.root, sweep)
    mine.start(folder, parent_id="pending-7")
    folder.finish("FAILED", ValueError("x"))
    assert mine.finish("FAILED")
    folder.unlock()
    assert folder.manifest().mlflow.pending
    replay(mlflow_store.root, mlflow_store.uri)
    assert not folder.manifest().mlflow.pending
    runs_in_mlflow = everything(client)
    assert runs_in_mlflow[folder.name].tags["mlflow.parentRunId"] == runs_in_mlflow["late"].id


def test_a_server_that_is_still_down_is_an_error(tmp_path):
    finished(tmp_path)
    with pytest.raises(database.ServerAwayError, match="no answer"):
        replay(tmp_path, CLOSED)


def test_failures_are_kept_in_the_folder(mlflow_store):
    folder = begun(mlflow_store.root)
    error = ValueError("x")
    folder.finish("FAILED", error)
    folder.unlock()
    replay(mlflow_store.root, mlflow_store.uri)
    assert folder.manifest().exception == Failure.of(error)
