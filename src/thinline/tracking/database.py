"""The MLflow store: made once, before any job, and refused at the start when it cannot work.

Conventions

- A store is a URI: `sqlite:///<file>` or the http address of a tracking server. MLflow refuses folders since 3.13.
- Several processes that open a new SQLite store at once break it for good. So database, tables and experiment are made
  under a file lock, by whoever comes first; the others find it made. MLflow's first migrations are not one transaction
  either, so a new database is built under a temporary name: a kill meanwhile leaves none rather than half of one.
- `artifact_location` is fixed when an experiment is made, so it is given then. A store that was moved since is
  followed (`moved_artifacts.py`).
- What a human must mend before any work is refused at once with `StorageError`: a database that stays locked, one of a
  newer, older or foreign schema, a path that cannot be opened, a deleted experiment. What may come back by itself, a
  server that does not answer, raises `ServerAwayError`, which stops no training: the numbers wait in the run folders.
- MLflow retries a silent server for minutes and sends usage data abroad. Both are set lower here, unless the user has
  set them already.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one bar a file
# read while mlflow is imported, hence above the import
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a run, amid the tables

with warnings.catch_warnings():
    # sqlalchemy 2.1 deprecates a loader that MLflow's own models use; it says so when they are configured
    warnings.filterwarnings("ignore", message=".*noload.*", category=DeprecationWarning)
    import mlflow
    import mlflow.store.tracking.sqlalchemy_store

from alembic.script import ScriptDirectory
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from thinline.system.atomic_files import TEMPORARY, StorageError, explained, free_space, make_folder
from thinline.system.file_lock import FileLock
from thinline.tracking.addresses import SERVER, SQLITE, database_file
from thinline.tracking.moved_artifacts import follow_artifacts

LOCK_WAIT_S = 10.0
_QUEUE_WAIT_S = 120.0
_MIGRATIONS = Path(mlflow.__file__).parent / "store" / "db_migrations"


class ServerAwayError(StorageError):
    """The tracking server does not answer. It may come back, so this stops nobody but who needs it now."""


# It logs every failed statement with its traceback before it raises; who catches the exception tells it once, plainly.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
# Tells every retry of a silent server.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def initialise(uri: str, experiment: str, artifact_root: Path, *, wait_s: float = LOCK_WAIT_S) -> str:
    """Make or check the store and the experiment; returns the experiment's id.

    Safe when many processes call it at once on a store that does not exist yet. Raises `StorageError` for what will not
    mend itself (a locked database is waited for `wait_s` seconds), and `ServerAwayError` for a server that does not
    answer.
    """
    if uri.startswith(SERVER):
        try:
            return _experiment_id(uri, experiment, artifact_root)
        except MlflowException as error:
            raise ServerAwayError(
                f"expected an MLflow server at {uri}, got no answer ({first_line(error)}). Check the address or start "
                "the server; numbers wait in the run folders until then, python -m thinline replay sends them"
            ) from error
    database = database_file(uri)
    make_folder(database.parent)
    with _queue(database):
        check_database(database, wait_s=wait_s)
        try:
            if _is_empty(database):
                _make_database(database, experiment, artifact_root)
            number = _experiment_id(f"{SQLITE}{database}", experiment, artifact_root)
            follow_artifacts(database, number, artifact_root)
            return number
        except (MlflowException, sqlite3.Error) as error:
            raise StorageError(
                f"the MLflow database {database} cannot be used: expected experiment '{experiment}' in it, got "
                f"'{first_line(error)}' ({free_space(database.parent)}). Free some space, or move the database away "
                "and start again: runs can be put back with python -m thinline replay"
            ) from error


def check_database(database: Path, *, wait_s: float = LOCK_WAIT_S) -> None:
    """Refuse a database that MLflow would choke on; a file that does not exist yet, or is empty, is fine."""
    if _is_empty(database):
        return
    try:
        with closing(sqlite3.connect(database, timeout=wait_s, isolation_level=None)) as connection:
            # the write lock is what a run needs, so ask for it and give it back
            connection.execute("BEGIN IMMEDIATE")
            revision = _revision(connection)
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise StorageError(_unusable(database, error, wait_s)) from error
    if revision is not None:
        _check_revision(database, revision)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, since MLflow's go on for screens; our own are told in full."""
    if isinstance(error, StorageError):
        return str(error)
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def _is_empty(database: Path) -> bool:
    return not database.exists() or (database.is_file() and database.stat().st_size == 0)


def _make_database(database: Path, experiment: str, artifact_root: Path) -> None:
    for remains in database.parent.glob(f".{database.name}.*{TEMPORARY}*"):
        remains.unlink(missing_ok=True)
    # a fresh name each time: MLflow keeps its connections by URI for the life of the process
    temporary = database.with_name(f".{database.name}.{secrets.token_hex(4)}{TEMPORARY}")
    _experiment_id(f"{SQLITE}{temporary}", experiment, artifact_root)
    with explained(database):
        temporary.replace(database)


def _experiment_id(uri: str, experiment: str, artifact_root: Path) -> str:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        location = None if uri.startswith(SERVER) else Path(artifact_root).absolute().as_uri()
        try:
            return str(client.create_experiment(experiment, artifact_location=location))
        except MlflowException:
            # on a server another process may have made it since we looked
            found = client.get_experiment_by_name(experiment)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise StorageError(
            f"MLflow experiment '{experiment}' in {uri} must be active, got '{found.lifecycle_stage}'. Restore it with "
            f"mlflow experiments restore --experiment-id {found.experiment_id}, or give another experiment name"
        )
    return str(found.experiment_id)


def _revision(connection: sqlite3.Connection) -> str | None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if "alembic_version" not in tables:
        return "none"
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(rows[0][0]) if rows else "none"


def _check_revision(database: Path, revision: str) -> None:
    script = ScriptDirectory(str(_MIGRATIONS))
    head = script.get_current_head()
    if revision == head:
        return
    told = f"the MLflow database {database} must have schema '{head}' of MLflow {mlflow.__version__}, got '{revision}'"
    if revision in {it.revision for it in script.walk_revisions()}:
        raise StorageError(f"{told}: it is older. Copy the file, then run: mlflow db upgrade {SQLITE}{database}")
    raise StorageError(
        f"{told}: it was made by a newer MLflow or by another program. Install the MLflow that made it, or move the "
        "file away and start again: finished runs can be put into a new database with python -m thinline replay"
    )


def _unusable(database: Path, error: sqlite3.Error, wait_s: float) -> str:
    if "locked" in str(error) or "busy" in str(error):
        return (
            f"the MLflow database {database} is locked: expected it free within {wait_s:g} s, got '{error}'. Some "
            f"program holds a transaction open (lsof {database} names it); close it and start again"
        )
    return (
        f"the MLflow database {database} cannot be opened: expected a writable SQLite file, got '{error}'. Check the "
        "path and its permissions, or move the file away and start again: finished runs can be put back with python "
        "-m thinline replay"
    )


@contextmanager
def _queue(database: Path) -> Iterator[None]:
    lock = FileLock(database.with_name(f".{database.name}.lock"))
    lock.acquire(wait_s=_QUEUE_WAIT_S)
    try:
        yield
    finally:
        lock.release()
