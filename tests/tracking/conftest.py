"""Stores that are copies of the prepared MLflow database."""

import pytest
from mlflow.tracking import MlflowClient
from run_cases import Place, copied


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
