"""Artifacts of a store that was moved or copied: MLflow's database goes on with them where they lie now.

Conventions

- MLflow keeps the folder of artifacts as an absolute address, once for an experiment and once for each of its runs.
- A store was moved where the folder that held its artifacts is gone, store and all. It was copied where the database
  lies in the store of today and artifacts of its runs do too. The addresses are then changed to those of today, of a
  run only where its artifacts lie there or nowhere else.
- Otherwise the database belongs to several stores and its artifacts stay together in the first; one warning says where.
- Addresses that are no folder of this machine are left alone.
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
    """Let the experiment and all beside it write their artifacts into `artifact_root` if the store was moved there.

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
        there = {uri: root / uri.removeprefix(location).strip("/") for uri, _ in runs}
        copied = database.parent.resolve() == root.parent.resolve() and any(path.exists() for path in there.values())
        if old.parent.exists() and not copied:
            _warn(database, old, root)
            return
        begun = _below(connection.execute("SELECT artifact_location, experiment_id FROM experiments"), location)
        moved = [(_moved(uri, location, root), number) for uri, number in begun]
        connection.executemany("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", moved)
        moved = [(_moved(uri, location, root), run) for uri, run in runs if there[uri].exists() or not _exists(uri)]
        connection.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", moved)
    logger.info("the store was moved: MLflow has its artifacts under %s now, no longer under %s", root, old)


def folder_of(location: str) -> Path | None:
    """The folder of this machine that an address of artifacts names; None for a server, a bucket, or a relative one."""
    parsed = urlparse(location)
    if parsed.scheme not in ("", "file") or parsed.netloc:
        return None
    path = Path(url2pathname(parsed.path) if parsed.scheme else location)
    return path if path.is_absolute() else None


def _below(rows: Iterable[tuple[str | None, object]], location: str) -> list[tuple[str, object]]:
    """The rows whose address is `location` or lies in it."""
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
        "MLflow keeps the artifacts of the experiments in %s under %s, where they were begun, and not under %s. The "
        "run folders hold the same files",
        database,
        old,
        root,
    )
