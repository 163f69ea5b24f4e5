import base64
import json
import zlib

import pytest
from mlflow.tracking import MlflowClient
from mlflow.utils.validation import MAX_EXPERIMENT_TAG_VAL_LENGTH
from run_cases import EXPERIMENT

from thinline.runs import parent_runs
from thinline.tracking import views
from thinline.tracking.resend import replay
from thinline.tracking.tracker import Tracker
from thinline.tracking.views import VIEW_TAG, Comparison, keys_of_sweep, links_of_sweep, views_of, views_of_sweep

NOTE = "mlflow.note.content"
MINE = Comparison("mine", ("loss", "class_weight.value"), ("test/iou", "test/hd95_px"), ("background", "a", "b"))


def result(value: str) -> tuple[str, dict]:
    """Name and state of a view."""
    view = json.loads(value)
    scheme, _, packed = view["state"].partition(";")
    assert scheme == "deflate"
    return view["name"], json.loads(zlib.decompress(base64.b64decode(packed)))


@pytest.fixture
def client(mlflow_store):
    return MlflowClient(tracking_uri=mlflow_store.uri)


def tags(client):
    return client.get_experiment_by_name(EXPERIMENT).tags


def test_factors_then_metrics_of_the_classes_after_the_background_are_columns():
    made = views_of(MINE, time_ms=5)
    assert list(made) == [f"{VIEW_TAG}thinline-mine", f"{VIEW_TAG}thinline-mine-means"]
    (name, cells), (other, means) = map(result, made.values())
    assert (name, other) == ("mine: cells", "mine: mean over seeds")
    metrics = [f"metrics.`test/{name}`" for name in ("iou/a", "iou/b", "hd95_px/a", "hd95_px/b")]
    factors = ["params.`loss`", "params.`class_weight.value`"]
    assert cells["selectedColumns"] == [*factors, "params.`seed`", *metrics]
    assert means["selectedColumns"] == [*factors, *metrics]
    assert cells["columnOrder"] == ["attributes.`Run Name`", *cells["selectedColumns"]]
    assert cells["searchFilter"] == "tags.study LIKE '%mine%' and tags.run_folder != ''"
    assert (cells["orderByKey"], cells["orderByAsc"]) == ("metrics.`test/iou/a`", False)
    assert "groupBy" not in cells
    assert [key["groupByData"] for key in means["groupBy"]["groupByKeys"]] == ["loss", "class_weight.value"]


def test_each_measure_has_a_section_with_charts_of_the_curves():
    _, state = result(next(iter(views_of(MINE, time_ms=5).values())))
    sections = {section["uuid"]: section["name"] for section in state["compareRunSections"]}
    assert list(sections.values()) == ["test/iou", "test/hd95_px"]
    shown = [(sections[chart["metricSectionId"]], chart["metricKey"]) for chart in state["compareRunCharts"]]
    assert shown == [(measure, f"{measure}/{name}") for measure in ("test/iou", "test/hd95_px") for name in ("a", "b")]
    assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(shown)


def test_a_sweep_without_study_shows_every_cell_and_an_error_sorts_upwards():
    value = next(iter(views_of(Comparison(None, ("loss",), ("test/hd95_px",), ("bg", "a")), time_ms=0).values()))
    name, state = result(value)
    assert (name, state["searchFilter"], state["orderByAsc"]) == ("all sweeps: cells", "tags.run_folder != ''", True)


def test_opening_a_sweep_saves_its_views_and_links_to_them(mlflow_store, client):
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    for study in ("one", "two", "one"):
        compared = Comparison(study, ("loss",), ("test/iou",), ("background", "a"))
        tracker.close_parent(tracker.open_parent(study, {"study": study}, compared), "FINISHED")
        assert tags(client).keys() >= views_of(compared, time_ms=5).keys()
    actual = [key for key in tags(client) if key.startswith(VIEW_TAG) and "-sweep." not in key]
    assert len(actual) == 4
    assert sum(key.startswith(f"{VIEW_TAG}thinline-sweep.") for key in tags(client)) == 2 * 3
    first = tags(client)[NOTE].splitlines()[0]
    for key in actual:
        name = json.loads(tags(client)[key])["name"]
        assert f"[{name}](#/experiments/1/runs?" in first
        assert f"viewStateShareKey={key.removeprefix(VIEW_TAG)})" in first
    assert first.count("](") == 4


def test_a_description_by_a_user_stays(mlflow_store, client):
    client.set_experiment_tag("1", NOTE, "ours since 2019")
    Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root).open_parent("mine", {}, MINE)
    assert tags(client)[NOTE] == "ours since 2019"
    assert sum(key.startswith(VIEW_TAG) for key in tags(client)) == 4


def test_views_of_a_sweep_that_mlflow_missed_come_with_replay(mlflow_store, client):
    tracker = Tracker("http://127.0.0.1:9", EXPERIMENT, mlflow_store.root)
    parent = tracker.open_parent("mine", {}, MINE)
    assert tracker.close_parent(parent, "FINISHED") is None  # no links to a page that does not answer
    stored = parent_runs.read(mlflow_store.root, parent).views
    assert stored.keys() == views_of(MINE, time_ms=5).keys() | views_of_sweep(MINE, parent, "mine", time_ms=5).keys()
    replay(mlflow_store.root, mlflow_store.uri)
    assert tags(client).items() >= stored.items()


def test_the_links_of_a_sweep_lead_to_its_cells_and_conditions(mlflow_store, client):
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    parent = tracker.open_parent("mine", {}, MINE)
    links = tracker.close_parent(parent, "FINISHED")
    keys = [link.partition("viewStateShareKey=")[2] for link in links]
    assert [link.partition("/#/")[0] for link in links] == ["http://127.0.0.1:5000"] * 2
    (_, cells), (_, conditions) = (result(tags(client)[f"{VIEW_TAG}{key}"]) for key in keys)
    assert cells["searchFilter"] == f"tags.sweeps LIKE '%{parent}%'"
    assert conditions["searchFilter"] == f"tags.condition_of = '{parent}'"
    scores = ["metrics.`test/iou/a`", "metrics.`test/iou/b`"]
    assert cells["columnOrder"][:4] == ["attributes.`Run Name`", *scores, "params.`loss`"]
    assert conditions["columnOrder"][1:4] == ["tags.`IoU a`", "tags.`IoU b`", "params.`loss`"]
    assert sorted(cells["columnOrder"][1:]) == sorted(cells["selectedColumns"])
    wanted = ["tags.`IoU a`", "tags.`IoU b`", "metrics.`test/iou/a`", "metrics.`test/iou/a sd`"]
    assert conditions["selectedColumns"][2:6] == wanted
    assert links_of_sweep("https://server/mlflow", "7", parent)[0].startswith("https://server/mlflow/#/experiments/7/")


def test_the_views_of_a_sweep_show_iou_first_whatever_its_study_compares():
    of_f1 = Comparison("a_study", ("loss",), ("test/f1",), ("background", "a"))
    for value in views_of_sweep(of_f1, "0" * 32, "mine", time_ms=5).values():
        state = result(value)[1]
        assert state["orderByKey"] == "metrics.`test/iou/a`"
        assert "metrics.`test/f1/a`" in state["selectedColumns"]


def test_the_views_of_the_last_sweeps_stay(mlflow_store, client, monkeypatch):
    monkeypatch.setattr(views, "KEPT", 2)
    tracker = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    client.set_experiment_tag("1", f"{VIEW_TAG}of-a-user", "{}")
    parents = [tracker.open_parent(f"sweep {number}", {}, MINE) for number in range(4)]
    kept = {key for parent in parents[-2:] for key in keys_of_sweep(parent)}
    actual = {key.removeprefix(VIEW_TAG) for key in tags(client) if key.startswith(VIEW_TAG)}
    assert actual == kept | {"of-a-user", "thinline-mine", "thinline-mine-means"}


def test_the_views_of_a_sweep_of_every_factor_fit_into_a_tag():
    names = tuple(f"class_weight.a_long_name_{number}" for number in range(20))
    measures = ("test/iou", "test/precision", "test/recall", "test/nsd_1px", "test/hd95_px", "tuned/f1")
    every = Comparison("a_study", names[:8], measures, ("background", *names))
    assert all(
        len(value) < MAX_EXPERIMENT_TAG_VAL_LENGTH / 2
        for value in views_of_sweep(every, "0" * 32, "name " * 50, time_ms=10**13).values()
    )
