"""Stores that are moved, copied or shared: where MLflow writes artifacts then, by rows of the database and by files."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache
from run_cases import EXPERIMENT, MlflowStore, cell, finished

from thinline.tracking import database, moved_artifacts
from thinline.tracking.resend import SENT, replay
from thinline.tracking.tracker import ARTIFACTS, Tracker


@pytest.fixture(autouse=True)
def another_process(monkeypatch):
    monkeypatch.setattr(moved_artifacts, "_warned", set())
    _artifact_repos_cache.clear()


def addresses(mlflow_store: MlflowStore) -> set[str]:
    """Every address of artifacts in the database, but that of MLflow's own first experiment."""
    with closing(sqlite3.connect(mlflow_store.root / "mlflow.db")) as connection:
        rows = connection.execute("SELECT artifact_uri FROM runs UNION SELECT artifact_location FROM experiments")
        return {uri for (uri,) in rows if "/artifacts" in uri}


def below(mlflow_store: MlflowStore) -> bool:
    base = (mlflow_store.root / ARTIFACTS).as_uri()
    return all(uri == base or uri.startswith(f"{base}/") for uri in addresses(mlflow_store))


def test_a_store_that_was_moved_continues_in_its_new_folder(mlflow_store, tmp_path):
    """Artifacts of before and of after lie there; nothing is made at the old path."""
    old = finished(mlflow_store.root)
    replay(mlflow_store.root, mlflow_store.uri)
    assert below(mlflow_store)
    here = MlflowStore(tmp_path / "new #1" / "ä ö")
    here.root.parent.mkdir()
    shutil.move(mlflow_store.root, here.root)
    _artifact_repos_cache.clear()
    new = finished(here.root, cell(seed=1))
    assert [outcome.status for outcome in replay(here.root, here.uri)] == [SENT, SENT]
    assert below(here)
    client = MlflowClient(tracking_uri=here.uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = {run.data.tags["run_folder"]: run.info.run_id for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {old.name, new.name}
    for run_id in runs.values():
        assert (here.root / ARTIFACTS / run_id / "artifacts" / "per_class.parquet").is_file()
        assert {item.path for item in client.list_artifacts(run_id)} >= {"manifest.json", "per_class.parquet"}
    assert not mlflow_store.root.exists()


def test_a_copy_of_a_store_writes_into_its_own_artifacts(mlflow_store, tmp_path):
    finished(mlflow_store.root)
    replay(mlflow_store.root, mlflow_store.uri)
    before = addresses(mlflow_store)
    copy = MlflowStore(tmp_path / "copy")
    shutil.copytree(mlflow_store.root, copy.root)
    database.initialise(copy.uri, EXPERIMENT, copy.root / ARTIFACTS)
    assert below(copy)
    assert addresses(mlflow_store) == before


def test_a_database_of_two_stores_keeps_its_artifacts_together_and_says_where(mlflow_store, tmp_path, caplog):
    finished(mlflow_store.root)
    replay(mlflow_store.root, mlflow_store.uri)
    before = addresses(mlflow_store)
    for _ in range(2):
        Tracker(mlflow_store.uri, EXPERIMENT, tmp_path / "second").initialise()
    assert addresses(mlflow_store) == before
    (record,) = [record for record in caplog.records if record.name == moved_artifacts.__name__]
    assert str(mlflow_store.root / ARTIFACTS) in record.getMessage()
    assert str(tmp_path / "second") in record.getMessage()


def test_a_store_behind_a_link_is_not_moved(mlflow_store, tmp_path, caplog):
    (tmp_path / "link").symlink_to(mlflow_store.root)
    before = addresses(mlflow_store)
    database.initialise(f"sqlite:///{tmp_path}/link/mlflow.db", EXPERIMENT, tmp_path / "link" / ARTIFACTS)
    assert addresses(mlflow_store) == before
    assert caplog.records == []


@pytest.mark.parametrize(
    ("location", "folder"),
    [
        ("file:///a%20b/%C3%A4%23", "/a b/ä#"),
        ("/a%20b", "/a%20b"),
        ("s3://bucket/a", None),
        ("mlflow-artifacts:/1", None),
        ("relative", None),
        ("file://host/share", None),
    ],
)
def test_an_address_names_a_folder_of_this_machine_or_none(location, folder):
    path = moved_artifacts.folder_of(location)
    assert (None if path is None else str(path)) == folder
