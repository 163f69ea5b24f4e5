"""Addresses of MLflow stores: which kinds are accepted, and their canonical form. Does not import MLflow.

Conventions

- A store is `sqlite:///<file>` or the http address of a tracking server. A relative file is relative to the directory
  of the call.
- `%` and `?` in the path of a database are refused: SQLAlchemy parses them as parts of a URL (differently since 2.1),
  and MLflow would create a second folder with another name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from thinline.system.atomic_files import StorageError

SQLITE: Final = "sqlite:///"
SERVER: Final = ("http://", "https://")
DATABASE: Final = "mlflow.db"
_PARTS_OF_URLS: Final = "%?"


def canonical(uri: str) -> str:
    """`uri` with an absolute database path, so that one store has one name. Raises `StorageError` for other kinds."""
    return uri.rstrip("/") if uri.startswith(SERVER) else f"{SQLITE}{database_file(uri)}"


def database_file(uri: str) -> Path:
    """The absolute path of a `sqlite:///` URI. Raises `StorageError` for any other kind of URI."""
    name = uri.removeprefix(SQLITE)
    if not uri.startswith(SQLITE) or not name or name == ":memory:":
        raise StorageError(
            f"the MLflow URI must be {SQLITE}<file> or http(s)://<server>, got '{uri}'. MLflow no longer writes to "
            f"folders; for a database beside the runs give {SQLITE}mlruns/{DATABASE}"
        )
    path = Path(name).absolute()
    if any(character in str(path) for character in _PARTS_OF_URLS):
        raise StorageError(
            f"the path of an MLflow database must be free of % and ?, which are special in its URI, got {path}. "
            f"Give another paths.store, a database elsewhere (tracking.uri={SQLITE}<file>), or no tracker "
            "(tracking.uri=): the run folders keep every number"
        )
    return path


def uri_of(root: Path) -> str:
    """The URI of the default database of the store `root`."""
    return f"{SQLITE}{Path(root).absolute() / DATABASE}"
