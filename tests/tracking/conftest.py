"""A prepared SQLite store is made once (seconds) and copied per test (milliseconds)."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from run_cases import EXPERIMENT, Place

from thinline.tracking import database


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    database.initialise(f"sqlite:///{root}/mlflow.db", EXPERIMENT, root / "artifacts")
    return root / "mlflow.db"


@pytest.fixture
def place(prepared, tmp_path) -> Place:
    return copied(prepared, tmp_path / "mlruns")


@pytest.fixture
def elsewhere(prepared, tmp_path) -> Place:
    """A second, empty store."""
    return copied(prepared, tmp_path / "elsewhere" / "mlruns")


def copied(prepared: Path, root: Path) -> Place:
    root.mkdir(parents=True)
    shutil.copy(prepared, root / "mlflow.db")
    with closing(sqlite3.connect(root / "mlflow.db")) as connection:
        location = (root / "artifacts").as_uri()
        connection.execute("UPDATE experiments SET artifact_location = ? WHERE name = ?", (location, EXPERIMENT))
        connection.commit()
    return Place(root)
