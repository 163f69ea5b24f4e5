"""Update the artifact addresses in MLflow's database after a store was moved or copied.

Conventions

- MLflow stores the artifact folder as an absolute address, once for an experiment and once for each run.
- A store was moved when its old artifact folder and the folder above it are gone. It was copied when the database and
  artifacts of its runs are in the current store. Then the addresses are changed to the current store; the address of a
  run only if its artifacts are there or nowhere.
- Otherwise several stores share the database, and artifacts stay in the first store; one warning names it.
- Addresses that are not folders of this machine are not changed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

logger = logging.getLogger(__name__)
_warned: set[Path] = set()


def follow_artifacts(database: Path, experiment_id: str, artifact_root: Path) -> None:
    """Change the addresses of all experiments to `artifact_root` if the store was moved or copied there.

    Raises `sqlite3.Error` for a database that cannot be changed.
    """
    root = Path(artifact_root).absolute()
    with closing(sqlite3.connect(database)) as connection, connection:
        query = "SELECT artifact_location FROM experiments WHERE experiment_id = ?"
        location = str(connection.execute(query, (int(experiment_id),)).fetchone()[0])
        old = folder_of(location)
        if old is None or old.resolve() == root.resolve():
            return
        runs = _below(connection.execute("SELECT artifact_uri, run_uuid FROM runs"), location)
        current = {uri: root / uri.removeprefix(location).strip("/") for uri, _ in runs}
        copied = database.parent.resolve() == root.parent.resolve() and any(path.exists() for path in current.values())
        if old.parent.exists() and not copied:
            _warn(database, old, root)
            return
        experiments = _below(connection.execute("SELECT artifact_location, experiment_id FROM experiments"), location)
        moved = [(_moved(uri, location, root), number) for uri, number in experiments]
        connection.executemany("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", moved)
        moved = [(_moved(uri, location, root), run) for uri, run in runs if current[uri].exists() or not _exists(uri)]
        connection.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", moved)
    logger.info("the store was moved: MLflow keeps its artifacts under %s now, no longer under %s", root, old)


def folder_of(location: str) -> Path | None:
    """The local folder of an artifact address; None for a server, a bucket, or a relative path."""
    parsed = urlparse(location)
    if parsed.scheme not in ("", "file") or parsed.netloc:
        return None
    path = Path(url2pathname(parsed.path) if parsed.scheme else location)
    return path if path.is_absolute() else None


def _below(rows: Iterable[tuple[str | None, object]], location: str) -> list[tuple[str, object]]:
    """The rows whose address is `location` or below it."""
    return [(uri, key) for uri, key in rows if uri is not None and f"{uri}/".startswith(f"{location.rstrip('/')}/")]


def _moved(uri: str, location: str, root: Path) -> str:
    return root.as_uri() + uri.removeprefix(location.rstrip("/"))


def _exists(uri: str) -> bool:
    folder = folder_of(uri)
    return folder is not None and folder.exists()


def _warn(database: Path, old: Path, root: Path) -> None:
    if old in _warned:
        return
    _warned.add(old)
    logger.warning(
        "MLflow keeps the artifacts of the experiments in %s under %s, where they were created, and not under %s. The "
        "run folders hold the same files",
        database,
        old,
        root,
    )
