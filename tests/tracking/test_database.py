import os
import runpy
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT

from thinline.runs import StorageError
from thinline.system.file_lock import FileLock
from thinline.tracking import addresses
from thinline.tracking import database as store

CLOSED = "http://127.0.0.1:9"
"""The discard port, where no server listens."""


def revise(database, revision: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()


def test_a_new_store_has_its_experiment_with_its_artifacts_in_the_given_folder(prepared):
    root, uri = prepared.parent, f"sqlite:///{prepared}"
    experiment = MlflowClient(tracking_uri=uri).get_experiment_by_name(EXPERIMENT)
    assert experiment.artifact_location == (root / "artifacts").as_uri()
    assert store.initialise(uri, EXPERIMENT, root / "artifacts") == experiment.experiment_id
    assert sorted(path.name for path in root.iterdir()) == [".mlflow.db.lock", "mlflow.db"]


def test_a_second_experiment_fits_beside_the_first(mlflow_store):
    first = store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root / "artifacts")
    assert store.initialise(mlflow_store.uri, "second", mlflow_store.root / "artifacts") != first


def test_a_killed_creation_leaves_no_half_database(tmp_path, prepared, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", killed)
        patch.setattr(store, "_experiment_id", lambda uri, *_: addresses.database_file(uri).write_text("half"))
        with pytest.raises(KeyboardInterrupt):
            store.initialise(f"sqlite:///{tmp_path}/mlflow.db", EXPERIMENT, tmp_path)
    assert not (tmp_path / "mlflow.db").exists()
    assert len(list(tmp_path.glob(".mlflow.db.*.tmp"))) == 1
    # an empty file, which sqlite3 creates when it opens a missing one, is no database either
    (tmp_path / "mlflow.db").touch()
    real = store._experiment_id

    def copies(uri, *more):
        """MLflow's migrations take 10 s: a copy of a new database stands for them."""
        if uri.endswith(".tmp"):
            shutil.copy(prepared, addresses.database_file(uri))
        return real(uri, *more)

    monkeypatch.setattr(store, "_experiment_id", copies)
    store.initialise(f"sqlite:///{tmp_path}/mlflow.db", EXPERIMENT, tmp_path)
    assert list(tmp_path.glob(".mlflow.db.*.tmp")) == []
    assert (tmp_path / "mlflow.db").stat().st_size == prepared.stat().st_size


HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(60)
"""


def test_a_database_that_stays_locked_is_refused_within_seconds(mlflow_store):
    database = mlflow_store.root / "mlflow.db"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        began = time.monotonic()
        with pytest.raises(StorageError, match=rf"{database} is locked: expected it free within 0\.5 s.*close it"):
            store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root / "artifacts", wait_s=0.5)
        assert time.monotonic() - began < 5
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root / "artifacts")


def test_newer_and_older_schemas_are_refused_with_the_next_step(mlflow_store):
    revise(mlflow_store.root / "mlflow.db", "ffffffffffff")
    with pytest.raises(StorageError, match=r"got 'ffffffffffff': it was made by a newer MLflow or by another program"):
        store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    revise(mlflow_store.root / "mlflow.db", "451aebb31d03")
    with pytest.raises(StorageError, match=r"got '451aebb31d03': it is older.*mlflow db upgrade sqlite:///"):
        store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root)


def test_a_database_of_another_program_is_refused_and_left_as_it_was(tmp_path):
    database = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
    before = database.read_bytes()
    with pytest.raises(StorageError, match=r"got 'none': it was made by .* another program"):
        store.initialise(f"sqlite:///{database}", EXPERIMENT, tmp_path)
    assert database.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"PNG" * 500)
    with pytest.raises(StorageError, match=r"cannot be opened: expected a writable SQLite file, got 'file is not"):
        store.initialise(f"sqlite:///{tmp_path}/mlflow.db", EXPERIMENT, tmp_path)


def test_a_folder_in_place_of_the_database_is_refused_at_once(tmp_path):
    (tmp_path / "mlflow.db").mkdir()
    began = time.monotonic()
    with pytest.raises(StorageError, match="unable to open database file"):
        store.initialise(f"sqlite:///{tmp_path}/mlflow.db", EXPERIMENT, tmp_path)
    assert time.monotonic() - began < 5


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "mlruns").write_text("")
    with pytest.raises(StorageError, match="expected a writable folder"):
        store.initialise(f"sqlite:///{tmp_path}/mlruns/mlflow.db", EXPERIMENT, tmp_path)


def test_a_deleted_experiment_is_refused_with_the_command_that_restores_it(mlflow_store):
    client = MlflowClient(tracking_uri=mlflow_store.uri)
    number = client.get_experiment_by_name(EXPERIMENT).experiment_id
    client.delete_experiment(number)
    with pytest.raises(StorageError, match=rf"got 'deleted'.*restore --experiment-id {number}"):
        store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root)


def test_an_experiment_name_that_mlflow_refuses_is_an_error(mlflow_store):
    with pytest.raises(StorageError, match=r"cannot be used: expected experiment 'xx.*bytes free"):
        store.initialise(mlflow_store.uri, "x" * 501, mlflow_store.root)


def test_waiting_too_long_for_another_process_to_create_the_store_is_an_error(mlflow_store, monkeypatch):
    monkeypatch.setattr(store, "_QUEUE_WAIT_S", 0.2)
    lock = FileLock(mlflow_store.root / ".mlflow.db.lock")
    assert lock.try_acquire()
    with pytest.raises(StorageError, match=rf"locked.*got process {os.getpid()}"):
        store.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    lock.release()


@pytest.mark.parametrize("uri", ["mlruns", "file:///x/mlruns", "sqlite://", "sqlite:///:memory:", "postgresql://h/d"])
def test_other_kinds_of_store_are_refused_with_an_example(uri):
    with pytest.raises(StorageError, match=r"got '.*'.*give sqlite:///mlruns/mlflow\.db"):
        addresses.canonical(uri)


@pytest.mark.parametrize("name", ["a%20b", "what?", "a/b%/c", "x.db?timeout=1"])
def test_special_characters_of_uris_are_refused_with_alternatives(name):
    with pytest.raises(StorageError, match=r"free of % and \?.*got .*another paths\.store.*tracking\.uri="):
        addresses.canonical(f"sqlite:///{name}")


def test_an_address_has_an_absolute_path_and_no_last_slash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert addresses.canonical("sqlite:///mlruns/mlflow.db") == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert addresses.canonical("http://127.0.0.1:5000/") == "http://127.0.0.1:5000"


def test_a_server_that_is_down_is_reported_within_seconds(tmp_path):
    began = time.monotonic()
    with pytest.raises(store.ServerAwayError, match=r"server at http://127\.0\.0\.1:9, got no answer \(.*Max retries"):
        store.initialise(CLOSED, EXPERIMENT, tmp_path)
    assert time.monotonic() - began < 10


def test_settings_of_mlflow_by_the_user_are_unchanged(monkeypatch):
    """The module is executed once more under another name: a new process would import MLflow for seconds."""
    names = ["MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_DISABLE_TELEMETRY"]
    for name, value in zip(names, ("5", "33", ""), strict=True):
        monkeypatch.setenv(name, value)
    del os.environ[names[2]]
    runpy.run_path(store.__file__, run_name="once_more")
    assert [os.environ[name] for name in names] == ["5", "33", "true"]
