"""Stores that are copies of the prepared MLflow database."""

import pytest
from mlflow.tracking import MlflowClient
from run_cases import MlflowStore, copied


@pytest.fixture
def client(mlflow_store) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_store.uri)


@pytest.fixture
def mlflow_store(prepared, tmp_path) -> MlflowStore:
    return copied(prepared, tmp_path / "mlruns")


@pytest.fixture
def elsewhere(prepared, tmp_path) -> MlflowStore:
    """A second, empty store."""
    return copied(prepared, tmp_path / "elsewhere" / "mlruns")
