import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT, begun, finished

from thinline.runs import StorageError
from thinline.runs.manifest import Tracking
from thinline.runs.parent_runs import Sweep
from thinline.tracking import database, deliver


@pytest.fixture
def client(place):
    return MlflowClient(tracking_uri=place.uri)


@pytest.fixture
def experiment_id(place):
    return database.initialise(place.uri, EXPERIMENT, place.root / "artifacts")


def test_a_sweep_is_found_by_its_tag_when_its_id_was_never_noted(place, client, experiment_id):
    sweep = Sweep("pending-3", place.uri, EXPERIMENT, "sweep", status="FINISHED")
    assert deliver.find_sweep(client, experiment_id, sweep) is None
    run_id = deliver.open_sweep(client, experiment_id, sweep)
    assert deliver.open_sweep(client, experiment_id, sweep) == run_id
    done = deliver.settle_sweep(client, experiment_id, sweep)
    assert (done.run_id, done.pending) == (run_id, False)


def test_the_manifest_in_mlflow_says_that_nothing_is_missing(place, client, experiment_id):
    folder = finished(place.root)
    folder.track(Tracking(place.uri, EXPERIMENT, "dice"))
    run_id = deliver.complete_run(client, experiment_id, folder, "FINISHED")
    shown = Path(client.download_artifacts(run_id, "manifest.json", str(place.root))).read_text()
    assert json.loads(shown) == json.loads(folder.manifest_path.read_text())
    assert json.loads(shown)["mlflow"]["pending"] is False


def test_a_parent_that_nobody_recorded_is_taken_at_its_word_while_it_is_there(place, client, experiment_id):
    parent = client.create_run(experiment_id).info.run_id
    tracking = Tracking(place.uri, EXPERIMENT, "dice", parent_id=parent)
    assert deliver.parent_of(client, experiment_id, place.root, tracking) == parent
    client.delete_run(parent)
    assert deliver.parent_of(client, experiment_id, place.root, tracking) is None


def test_a_run_that_was_not_noted_is_told(place, client, experiment_id):
    with pytest.raises(StorageError, match="call track first"):
        deliver.send_run(client, experiment_id, begun(place.root))
