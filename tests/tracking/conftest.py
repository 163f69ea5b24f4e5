"""A SQLite store is created once (seconds) and copied for each test (milliseconds)."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT, Place, copied

from thinline.tracking import database


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("prepared") / "deep" / "mlruns"
    database.initialise(f"sqlite:///{root}/mlflow.db", EXPERIMENT, root / "artifacts")
    return root / "mlflow.db"


@pytest.fixture
def client(place) -> MlflowClient:
    return MlflowClient(tracking_uri=place.uri)


@pytest.fixture
def place(prepared, tmp_path) -> Place:
    return copied(prepared, tmp_path / "mlruns")


@pytest.fixture
def elsewhere(prepared, tmp_path) -> Place:
    """A second, empty store."""
    return copied(prepared, tmp_path / "elsewhere" / "mlruns")
