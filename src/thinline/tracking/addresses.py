"""Addresses of MLflow stores: which are taken, and the one name that each has. Needs no MLflow.

Conventions

- A store is `sqlite:///<file>` or the http address of a tracking server. A relative file is relative to the directory
  of the call.
- `%` and `?` in the path of a database are refused: SQLAlchemy reads them as parts of a URL, from version 2.1 on
  otherwise than before, and MLflow makes a second folder of another name beside it.
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
    """`uri` with the database file made absolute, so that one store has one name; `StorageError` for other kinds."""
    return uri.rstrip("/") if uri.startswith(SERVER) else f"{SQLITE}{database_file(uri)}"


def database_file(uri: str) -> Path:
    """The file of a `sqlite:///` URI, absolute; `StorageError` for any other kind of URI."""
    name = uri.removeprefix(SQLITE)
    if not uri.startswith(SQLITE) or not name or name == ":memory:":
        raise StorageError(
            f"the MLflow URI must be {SQLITE}<file> or http(s)://<server>, got '{uri}'. MLflow no longer writes to "
            f"folders; for a store beside the runs give {SQLITE}mlruns/{DATABASE}"
        )
    path = Path(name).absolute()
    if any(character in str(path) for character in _PARTS_OF_URLS):
        raise StorageError(
            f"the path of an MLflow database must be free of % and ?, which mean something else in its URI, got {path}."
            f" Give another paths.store, a database elsewhere (tracking.uri={SQLITE}<file>), or no tracker "
            "(tracking.uri=): the run folders have every number"
        )
    return path


def uri_of(root: Path) -> str:
    """The URI of the database that lies in the store `root` by default."""
    return f"{SQLITE}{Path(root).absolute() / DATABASE}"
