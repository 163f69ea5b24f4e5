import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT, begun, cell, copied, folder_of, per_class, per_sheet

from thinline import runs
from thinline.runs import StorageError
from thinline.tracking import database, download
from thinline.tracking.tracker import Tracker

CLOSED = "http://127.0.0.1:9"
THREE = ("dice", "focal", "tversky")


def trained(mlflow_store, what, *, study=None, value=0.5, status="FINISHED"):
    """A run that ended, in its folder and in MLflow."""
    folder = begun(mlflow_store.root, what, study=study)
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    tracker.start(folder)
    folder.log(3, {"test/iou/curve_1": value})
    folder.write_results(per_class(value=value), per_sheet())
    folder.finish(status)
    assert tracker.finish(status)
    folder.unlock()
    return folder


@pytest.fixture(scope="module")
def shared(prepared, tmp_path_factory):
    """A store with three runs of the study `mine`, one of another study and one of none. Tests must not change it."""
    mlflow_store = copied(prepared, tmp_path_factory.mktemp("shared") / "mlruns")
    for index, loss in enumerate(THREE):
        trained(mlflow_store, cell(loss), study="mine", value=index / 7)
    trained(mlflow_store, cell("lovasz"), study="another")
    trained(mlflow_store, cell("soft_ce"))
    return mlflow_store


def names_of_three(mlflow_store):
    return sorted(folder_of(mlflow_store.root, cell(loss)).name for loss in THREE)


def fetched(mlflow_store, into, study="mine"):
    return download.fetch(mlflow_store.uri, study, into, experiment=EXPERIMENT)


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def assert_same_rows(here: Path, there: Path, study="mine"):
    for read in (runs.read, runs.read_sheets):
        rows = read(there, study)
        assert len(rows)
        pd.testing.assert_frame_equal(read(here, study), rows, check_exact=True)


def test_downloaded_runs_read_as_the_trained_ones(shared, tmp_path):
    into = tmp_path / "into"
    assert fetched(shared, into) == names_of_three(shared)
    assert_same_rows(into, shared.root)
    assert set(content(into)) == {
        f"runs/{run}/{name}"
        for run in names_of_three(shared)
        for name in ("manifest.json", "config.yaml", "per_class.parquet", "per_sheet.parquet")
    }
    for run in names_of_three(shared):
        config = Path("runs") / run / "config.yaml"
        assert (into / config).read_bytes() == (shared.root / config).read_bytes()
    here, there = (
        {name: manifest.cell for name, manifest in runs.manifests(root, "mine").items()} for root in (into, shared.root)
    )
    assert here == there


def test_unfinished_superseded_and_deleted_runs_are_not_fetched(mlflow_store, client, tmp_path):
    good = trained(mlflow_store, cell("dice"), study="mine")
    trained(mlflow_store, cell("focal"), study="mine", status="FAILED")
    deleted = trained(mlflow_store, cell("tversky"), study="mine")
    client.delete_run(deleted.manifest().mlflow.run_id)
    replaced = trained(mlflow_store, cell("lovasz"), study="mine", value=0.25)
    replaced.lock(wait_s=1)
    replaced.start_over()
    replaced.unlock()
    trained(mlflow_store, cell("lovasz"), study="mine", value=0.75)
    assert fetched(mlflow_store, tmp_path / "into") == sorted([good.name, replaced.name])
    rows = runs.read(tmp_path / "into", "mine").query("measure == 'iou' and `class` == 'curve_1'")
    assert dict(zip(rows["loss"], rows["value"], strict=True)) == {"dice": 0.5, "lovasz": 0.75}


def test_a_run_that_joined_a_second_study_later_belongs_to_both(mlflow_store, client, tmp_path):
    folder = trained(mlflow_store, cell("dice"), study="first")
    folder.join_study("mine")
    with pytest.raises(StorageError, match="got 1 finished runs of first;"):
        fetched(mlflow_store, tmp_path / "into")
    Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root).send_studies([folder])
    assert client.get_run(folder.manifest().mlflow.run_id).data.tags["study"] == "first,mine"
    for study in ("first", "mine"):
        fetched(mlflow_store, tmp_path / study, study)
        assert_same_rows(tmp_path / study, mlflow_store.root, study)


def test_a_store_without_the_tag_is_read_by_its_manifests(mlflow_store, client, tmp_path):
    mine = trained(mlflow_store, cell("dice"), study="mine")
    other = trained(mlflow_store, cell("lovasz"), study="another")
    for folder in (mine, other):
        client.delete_tag(folder.manifest().mlflow.run_id, "study")
    assert fetched(mlflow_store, tmp_path / "into") == [mine.name]
    assert_same_rows(tmp_path / "into", mlflow_store.root)


def test_a_study_is_not_another_whose_name_begins_with_its_name(mlflow_store, tmp_path):
    trained(mlflow_store, cell("dice"), study="mine_too")
    with pytest.raises(StorageError, match="finished runs of study 'mine'"):
        fetched(mlflow_store, tmp_path / "into")


def test_many_runs_are_fetched_page_by_page(shared, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_PAGE", 2)
    assert len(fetched(shared, tmp_path / "into")) == 3


def counted(monkeypatch) -> list[str]:
    downloads: list[str] = []
    real = MlflowClient.download_artifacts
    monkeypatch.setattr(
        MlflowClient,
        "download_artifacts",
        lambda self, run_id, path, *more: (downloads.append(path), real(self, run_id, path, *more))[1],
    )
    return downloads


def test_fetching_again_downloads_only_manifests_and_changes_nothing(shared, tmp_path, monkeypatch):
    into = tmp_path / "into"
    names = fetched(shared, into)
    before = content(into)
    downloads = counted(monkeypatch)
    assert fetched(shared, into) == names
    assert downloads == ["manifest.json"] * 4, "of the three runs, and of the one without a tag"
    assert content(into) == before


@pytest.mark.parametrize("stop", [2, 4, 6, 11])
def test_an_interrupted_download_leaves_whole_runs_and_resumes(shared, tmp_path, monkeypatch, stop):
    into = tmp_path / "into"
    real = MlflowClient.download_artifacts
    calls: list[str] = []

    def breaks(self, run_id, path, *more):
        calls.append(path)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return real(self, run_id, path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "download_artifacts", breaks)
        with pytest.raises(KeyboardInterrupt):
            fetched(shared, into)
    assert all(len(list(folder.iterdir())) == 4 for folder in into.glob("runs/*"))
    downloads = counted(monkeypatch)
    fetched(shared, into)
    tables = [path for path in downloads if path != "manifest.json"]
    assert len(tables) == 9 - sum(path != "manifest.json" for path in calls[:-1])
    assert_same_rows(into, shared.root)
    assert not (into / "incoming").exists()


def test_a_truncated_download_is_refused_and_leaves_nothing(shared, tmp_path, monkeypatch):
    real = MlflowClient.download_artifacts

    def cut(self, run_id, path, *more):
        file = Path(real(self, run_id, path, *more))
        if path.endswith("per_sheet.parquet"):
            file.write_bytes(file.read_bytes()[:-10])
        return str(file)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "download_artifacts", cut)
        with pytest.raises(StorageError, match=r"per_sheet\.parquet of MLflow run .*: expected [\d,]+ bytes, got"):
            fetched(shared, tmp_path / "into")
    assert not list((tmp_path / "into").rglob("per_sheet.parquet"))
    fetched(shared, tmp_path / "into")
    assert_same_rows(tmp_path / "into", shared.root)


def test_a_run_that_lacks_a_table_is_named(mlflow_store, tmp_path):
    folder = trained(mlflow_store, cell("dice"), study="mine")
    lost = mlflow_store.root / "artifacts" / folder.manifest().mlflow.run_id / "artifacts" / "per_class.parquet"
    lost.unlink()
    with pytest.raises(StorageError, match=rf"per_class\.parquet of MLflow run {folder.name}.*replay --everything"):
        fetched(mlflow_store, tmp_path / "into")
    assert runs.run_folders(tmp_path / "into") == []


def test_another_run_of_the_same_cell_is_not_overwritten(mlflow_store, tmp_path):
    folder = trained(mlflow_store, cell("dice"), study="mine")
    into = tmp_path / "into"
    fetched(mlflow_store, into)
    here = into / "runs" / folder.name / "manifest.json"
    here.write_text(here.read_text().replace('"started": "2', '"started": "1'))
    before = content(into)
    with pytest.raises(StorageError, match="give an empty folder to fetch into"):
        fetched(mlflow_store, into)
    assert content(into) == before
    unfinished = folder_of(tmp_path / "other", cell("dice"))
    unfinished.path.mkdir(parents=True)
    with pytest.raises(StorageError, match="got one without manifest"):
        fetched(mlflow_store, tmp_path / "other")


def test_a_name_that_leads_out_of_the_folder_is_refused(mlflow_store, client, tmp_path):
    folder = trained(mlflow_store, cell("dice"), study="mine")
    client.set_tag(folder.manifest().mlflow.run_id, "run_folder", "../../outside")
    with pytest.raises(StorageError, match=r"to be the name of a folder, got '\.\./\.\./outside'"):
        fetched(mlflow_store, tmp_path / "deep" / "into")
    assert not (tmp_path / "outside").exists()


def test_a_server_without_answer_a_missing_experiment_and_a_missing_file_are_errors(mlflow_store, tmp_path):
    with pytest.raises(database.ServerAwayError, match=rf"expected MLflow to answer at {CLOSED}, got .*fetch again"):
        download.fetch(CLOSED, "mine", tmp_path / "into", experiment=EXPERIMENT)
    with pytest.raises(StorageError, match=r"experiment 'other' at .*, got Default, thinline; give one of these"):
        download.fetch(mlflow_store.uri, "mine", tmp_path / "into", experiment="other")
    with pytest.raises(StorageError, match="got 0 finished runs of no study"):
        fetched(mlflow_store, tmp_path / "into")
    none = tmp_path / "none.db"
    with pytest.raises(StorageError, match=r"expected an MLflow database at .*none\.db, got no such file"):
        download.fetch(f"sqlite:///{none}", "mine", tmp_path / "into", experiment=EXPERIMENT)
    assert not none.exists()
    with pytest.raises(StorageError, match="expected MLflow to answer at nonsense://x"):
        download.fetch("nonsense://x", "mine", tmp_path / "into", experiment=EXPERIMENT)
    assert not (tmp_path / "into").exists()


def test_unreachable_artifacts_are_reported_with_their_address(shared, tmp_path):
    away = tmp_path / "away.db"
    shutil.copy(shared.root / "mlflow.db", away)
    with closing(sqlite3.connect(away)) as connection:
        connection.execute("UPDATE runs SET artifact_uri = 'file:///no/such/place/' || run_uuid")
        connection.commit()
    with pytest.raises(StorageError, match=r"manifest\.json .* at file:///no/such/place/.*can be reached"):
        download.fetch(f"sqlite:///{away}", "mine", tmp_path / "into", experiment=EXPERIMENT)
