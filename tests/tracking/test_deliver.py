import json
from pathlib import Path

import pytest
from run_cases import EXPERIMENT, begun, finished

from thinline.runs import StorageError
from thinline.runs.manifest import Tracking
from thinline.runs.parent_runs import Sweep
from thinline.tracking import database, deliver


@pytest.fixture
def experiment_id(mlflow_store):
    return database.initialise(mlflow_store.uri, EXPERIMENT, mlflow_store.root / "artifacts")


def test_a_sweep_without_recorded_id_is_found_by_its_tag(mlflow_store, client, experiment_id):
    sweep = Sweep("pending-3", mlflow_store.uri, EXPERIMENT, "sweep", status="FINISHED")
    assert deliver.find_sweep(client, experiment_id, sweep) is None
    run_id = deliver.open_sweep(client, experiment_id, sweep)
    assert deliver.open_sweep(client, experiment_id, sweep) == run_id
    done = deliver.settle_sweep(client, experiment_id, sweep, mlflow_store.root)
    assert (done.run_id, done.pending) == (run_id, False)


def test_the_manifest_in_mlflow_is_not_pending(mlflow_store, client, experiment_id):
    folder = finished(mlflow_store.root)
    folder.track(Tracking(mlflow_store.uri, EXPERIMENT, "dice"))
    run_id = deliver.complete_run(client, experiment_id, folder, "FINISHED")
    shown = Path(client.download_artifacts(run_id, "manifest.json", str(mlflow_store.root))).read_text()
    assert json.loads(shown) == json.loads(folder.manifest_path.read_text())
    assert json.loads(shown)["mlflow"]["pending"] is False


def test_a_parent_without_record_is_used_while_it_exists(mlflow_store, client, experiment_id):
    parent = client.create_run(experiment_id).info.run_id
    tracking = Tracking(mlflow_store.uri, EXPERIMENT, "dice", parent_id=parent)
    assert deliver.parent_of(client, experiment_id, mlflow_store.root, tracking) == parent
    client.delete_run(parent)
    assert deliver.parent_of(client, experiment_id, mlflow_store.root, tracking) is None


def test_a_run_without_a_tracking_record_is_an_error(mlflow_store, client, experiment_id):
    with pytest.raises(StorageError, match="call track first"):
        deliver.send_run(client, experiment_id, begun(mlflow_store.root))
