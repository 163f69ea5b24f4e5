import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from mlflow.tracking import MlflowClient
from mlflow.utils.validation import (
    MAX_ENTITY_KEY_LENGTH,
    MAX_METRICS_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
    _validate_metric_name,
)
from run_cases import EXPERIMENT, cell

from thinline.runs import Manifest, Origin
from thinline.runs.history import Line
from thinline.runs.manifest import Tracking
from thinline.tracking import push


@pytest.fixture
def run_id(client):
    experiment = client.get_experiment_by_name(EXPERIMENT)
    return client.create_run(experiment.experiment_id, run_name="r").info.run_id


def points(client, run_id, name):
    return sorted((point.step, point.value) for point in client.get_metric_history(run_id, name))


def test_limits_are_those_of_mlflow():
    assert (push.NAME_LENGTH, push.PARAM_LENGTH) == (MAX_ENTITY_KEY_LENGTH, MAX_PARAM_VAL_LENGTH)
    assert push.TAG_LENGTH == MAX_TAG_VAL_LENGTH
    assert push._BATCH_METRICS <= MAX_METRICS_PER_BATCH
    assert push._BATCH_PARAMS <= MAX_PARAMS_TAGS_PER_BATCH


@given(st.text(min_size=1).filter(push.metric_name))
def test_every_name_becomes_one_that_mlflow_accepts(name):
    taken = push.metric_name(name)
    _validate_metric_name(taken)
    assert push.metric_name(taken) == taken


@pytest.mark.parametrize("name", ["test/iou/curve_1", "tuned/val/f1/curve_2", "train/loss", "a b.c-d:e"])
def test_names_of_measures_are_unchanged(name):
    assert push.metric_name(name) == name


def test_points_are_sent_once_however_often_they_are_offered(client, run_id):
    lines = [Line(step, 1000 + step, {"test/iou/curve_1": step / 10, "train/loss": 1.0}) for step in range(5)]
    for late in (0, 7):
        offered = [Line(line.step, line.time_ms + late, line.metrics) for line in lines]
        push.send_lines(client, run_id, offered, push.held(client, run_id))
    assert points(client, run_id, "test/iou/curve_1") == [(step, step / 10) for step in range(5)]
    assert len(points(client, run_id, "train/loss")) == 5


def test_more_points_than_one_call_takes(client, run_id):
    lines = [Line(step, step, {f"m{number}": float(step) for number in range(10)}) for step in range(210)]
    push.send_lines(client, run_id, lines, {})
    assert points(client, run_id, "m7") == [(step, float(step)) for step in range(210)]


def test_nan_stays_nan_and_an_infinity_becomes_the_largest_float(client, run_id):
    line = Line(0, 0, {"nan": math.nan, "inf": math.inf, "low": -math.inf})
    push.send_lines(client, run_id, [line], {})
    shown = client.get_run(run_id).data.metrics
    assert math.isnan(shown["nan"])
    assert (shown["inf"], shown["low"]) == (sys.float_info.max, -sys.float_info.max)
    # nothing to mend: these are the folder's values as MLflow holds them
    push.send_last_values(client, run_id, [line], push.held(client, run_id))
    assert len(points(client, run_id, "nan")) == len(points(client, run_id, "inf")) == 1


def test_mlflow_ends_with_the_last_value_of_the_folder_and_earlier_points_are_not_doubled(client, run_id):
    push.send_lines(client, run_id, [Line(step, step, {"loss": 0.5}) for step in range(4)], {})
    folder = [Line(step, step, {"loss": 0.25}) for step in range(4)]
    for _ in range(2):
        there = push.held(client, run_id)
        push.send_lines(client, run_id, folder, there)
        push.send_last_values(client, run_id, folder, there)
    assert client.get_run(run_id).data.metrics["loss"] == 0.25
    assert points(client, run_id, "loss") == [(0, 0.5), (1, 0.5), (2, 0.5), (3, 0.25), (3, 0.5)]


def test_a_resumed_run_does_not_replace_points_of_later_steps(client, run_id):
    push.send_lines(client, run_id, [Line(step, step, {"loss": 0.5}) for step in range(9)], {})
    push.send_last_values(client, run_id, [Line(4, 4, {"loss": 0.75})], push.held(client, run_id))
    assert client.get_run(run_id).data.metrics["loss"] == 0.5
    assert len(points(client, run_id, "loss")) == 9


def test_long_params_and_tags_are_cut_and_many_are_sent(client, run_id):
    params = {f"p.{number}": str(number) for number in range(230)} | {"long": "x" * 9000}
    push.send_facts(client, run_id, params, {"t": "y" * 9000} | {f"t{number}": "1" for number in range(130)})
    data = client.get_run(run_id).data
    assert data.params["p.229"] == "229"
    assert len(data.params["long"]) == MAX_PARAM_VAL_LENGTH
    assert data.params["long"].endswith("(cut, see config.yaml)")
    assert len(data.tags["t"]) == MAX_TAG_VAL_LENGTH
    assert data.tags["t129"] == "1"


def test_only_a_missing_or_deleted_run_is_not_active(client, run_id, monkeypatch):
    assert push.is_active(client, run_id)
    assert not push.is_active(client, "0" * 32)
    client.delete_run(run_id)
    assert not push.is_active(client, run_id)

    def busy(*_):
        raise MlflowException("database is locked", error_code=TEMPORARILY_UNAVAILABLE)

    monkeypatch.setattr(MlflowClient, "get_run", busy)
    with pytest.raises(MlflowException, match="locked"):
        push.is_active(client, run_id)


def test_a_run_outside_git_has_no_commit_tags():
    tracking = Tracking("sqlite:////x.db", EXPERIMENT, "r", tags={"extra": "1"})
    manifest = Manifest("RUNNING", cell(), Origin(None, None, {}), "2026-01-01T00:00:00+00:00")
    tags = push.tags_of(manifest, tracking, None)
    assert tags == {"loss": "dice", "seed": "0", "dataset_digest": "d1ce5e7", "extra": "1"}


def test_a_param_keeps_its_first_value_since_mlflow_cannot_change_it(client, run_id):
    push.send_facts(client, run_id, {"workers": "4"}, {"host": "a"})
    push.send_facts(client, run_id, {"workers": "8", "new": "1"}, {"host": "b"})
    data = client.get_run(run_id).data
    assert (data.params, data.tags["host"]) == ({"workers": "4", "new": "1"}, "b")
