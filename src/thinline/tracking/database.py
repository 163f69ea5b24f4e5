"""Create and check the MLflow store: the database, its tables and the experiment.

Conventions

- A store is `sqlite:///<file>` or the http address of a tracking server. MLflow refuses folders since 3.13.
- Processes that create a new SQLite store at the same time corrupt it, so database, tables and experiment are created
  under a file lock. MLflow's first migrations are not one transaction either, so a new database is built under a
  temporary name: a kill leaves no half-built database.
- An experiment keeps the `artifact_location` of its creation; `moved_artifacts.py` updates it when a store was moved.
- Problems that need a person raise `StorageError` at once: a database that stays locked, has a newer, older or foreign
  schema or cannot be opened, and a deleted experiment. A server that does not answer raises `ServerAwayError`, which
  stops no training: the run folders keep the numbers.
- MLflow retries a silent server for minutes and sends usage data. Both are limited here unless the user has set them.
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
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one bar for each file
# MLflow reads these while it is imported
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines for each run

with warnings.catch_warnings():
    # sqlalchemy 2.1 deprecates a loader that MLflow's models use
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
    """The tracking server does not answer. Training goes on; only commands that need the server now stop."""


# MLflow logs every failed statement with a traceback before it raises; the caller reports the exception once.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def initialise(uri: str, experiment: str, artifact_root: Path, *, wait_s: float = LOCK_WAIT_S) -> str:
    """Create or check the store and the experiment; returns the id of the experiment.

    Many processes may call it at once on a store that does not exist yet. Raises `StorageError` for a store that cannot
    be used (after waiting `wait_s` seconds for a locked database) and `ServerAwayError` for a server that does not
    answer.
    """
    if uri.startswith(SERVER):
        try:
            return _experiment_id(uri, experiment, artifact_root)
        except MlflowException as error:
            raise ServerAwayError(
                f"expected an MLflow server at {uri}, got no answer ({first_line(error)}). Check the address or start "
                "the server; the run folders keep the numbers, thinline replay sends them"
            ) from error
    database = database_file(uri)
    make_folder(database.parent)
    with _queue(database):
        check_database(database, wait_s=wait_s)
        try:
            if _is_empty(database):
                _make_database(database, experiment, artifact_root)
            experiment_id = _experiment_id(f"{SQLITE}{database}", experiment, artifact_root)
            follow_artifacts(database, experiment_id, artifact_root)
            return experiment_id
        except (MlflowException, sqlite3.Error) as error:
            raise StorageError(
                f"the MLflow database {database} cannot be used: expected experiment '{experiment}' in it, got "
                f"'{first_line(error)}' ({free_space(database.parent)}). Free some space, or move the database away "
                "and start again: thinline replay sends the runs again"
            ) from error


def check_database(database: Path, *, wait_s: float = LOCK_WAIT_S) -> None:
    """Raise `StorageError` for a database that MLflow cannot use. A missing or empty file is accepted."""
    if _is_empty(database):
        return
    try:
        with closing(sqlite3.connect(database, timeout=wait_s, isolation_level=None)) as connection:
            # a run needs the write lock: take it and release it
            connection.execute("BEGIN IMMEDIATE")
            revision = _revision(connection)
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise StorageError(_unusable(database, error, wait_s)) from error
    if revision is not None:
        _check_revision(database, revision)


def first_line(error: BaseException) -> str:
    """The first line of an error message, because MLflow's are long; a `StorageError` in full."""
    if isinstance(error, StorageError):
        return str(error)
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def _is_empty(database: Path) -> bool:
    return not database.exists() or (database.is_file() and database.stat().st_size == 0)


def _make_database(database: Path, experiment: str, artifact_root: Path) -> None:
    for remains in database.parent.glob(f".{database.name}.*{TEMPORARY}*"):
        remains.unlink(missing_ok=True)
    # a new name each time: MLflow caches connections by URI for the life of the process
    temporary = database.with_name(f".{database.name}.{secrets.token_hex(4)}{TEMPORARY}")
    _experiment_id(f"{SQLITE}{temporary}", experiment, artifact_root)
    with explained(database):
        temporary.replace(database)


def _experiment_id(uri: str, experiment: str, artifact_root: Path) -> str:
    client = MlflowClient(tracking_uri=uri)
    existing = client.get_experiment_by_name(experiment)
    if existing is None:
        location = None if uri.startswith(SERVER) else Path(artifact_root).absolute().as_uri()
        try:
            return str(client.create_experiment(experiment, artifact_location=location))
        except MlflowException:
            # on a server another process may have created it meanwhile
            existing = client.get_experiment_by_name(experiment)
            if existing is None:
                raise
    if existing.lifecycle_stage != "active":
        raise StorageError(
            f"MLflow experiment '{experiment}' in {uri} must be active, got '{existing.lifecycle_stage}'. Restore it "
            f"with mlflow experiments restore --experiment-id {existing.experiment_id}, or give another experiment name"
        )
    return str(existing.experiment_id)


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
    mismatch = (
        f"the MLflow database {database} must have schema '{head}' of MLflow {mlflow.__version__}, got '{revision}'"
    )
    if revision in {migration.revision for migration in script.walk_revisions()}:
        raise StorageError(f"{mismatch}: it is older. Copy the file, then run: mlflow db upgrade {SQLITE}{database}")
    raise StorageError(
        f"{mismatch}: it was made by a newer MLflow or by another program. Install the MLflow that made it, or move "
        "the file away and start again: thinline replay sends finished runs to a new database"
    )


def _unusable(database: Path, error: sqlite3.Error, wait_s: float) -> str:
    if "locked" in str(error) or "busy" in str(error):
        return (
            f"the MLflow database {database} is locked: expected it free within {wait_s:g} s, got '{error}'. Some "
            f"program has an open transaction (lsof {database} names it); close it and start again"
        )
    return (
        f"the MLflow database {database} cannot be opened: expected a writable SQLite file, got '{error}'. Check the "
        "path and its permissions, or move the file away and start again: thinline replay sends finished runs again"
    )


@contextmanager
def _queue(database: Path) -> Iterator[None]:
    lock = FileLock(database.with_name(f".{database.name}.lock"))
    lock.acquire(wait_s=_QUEUE_WAIT_S)
    try:
        yield
    finally:
        lock.release()
