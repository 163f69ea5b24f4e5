import base64
import json
import zlib

import pytest
from mlflow.tracking import MlflowClient
from run_cases import EXPERIMENT

from thinline.runs import parent_runs
from thinline.tracking.resend import replay
from thinline.tracking.tracker import Tracker
from thinline.tracking.views import VIEW_TAG, Comparison, views_of

NOTE = "mlflow.note.content"
MINE = Comparison("mine", ("loss", "class_weight.value"), ("test/iou", "test/hd95_px"), ("background", "a", "b"))


def result(value: str) -> tuple[str, dict]:
    """Name and state of a view."""
    view = json.loads(value)
    scheme, _, packed = view["state"].partition(";")
    assert scheme == "deflate"
    return view["name"], json.loads(zlib.decompress(base64.b64decode(packed)))


@pytest.fixture
def client(place):
    return MlflowClient(tracking_uri=place.uri)


def tags(client):
    return client.get_experiment_by_name(EXPERIMENT).tags


def test_factors_then_metrics_of_the_classes_after_the_background_are_columns():
    views = views_of(MINE, time_ms=5)
    assert list(views) == [f"{VIEW_TAG}thinline-mine", f"{VIEW_TAG}thinline-mine-means"]
    (name, cells), (other, means) = map(result, views.values())
    assert (name, other) == ("mine: cells", "mine: mean over seeds")
    metrics = [f"metrics.`test/{it}`" for it in ("iou/a", "iou/b", "hd95_px/a", "hd95_px/b")]
    factors = ["params.`loss`", "params.`class_weight.value`"]
    assert cells["selectedColumns"] == [*factors, "params.`seed`", *metrics]
    assert means["selectedColumns"] == [*factors, *metrics]
    assert cells["columnOrder"] == ["attributes.`Run Name`", *cells["selectedColumns"]]
    assert cells["searchFilter"] == "tags.study LIKE '%mine%' and tags.run_folder != ''"
    assert (cells["orderByKey"], cells["orderByAsc"]) == ("metrics.`test/iou/a`", False)
    assert "groupBy" not in cells
    assert [key["groupByData"] for key in means["groupBy"]["groupByKeys"]] == ["loss", "class_weight.value"]


def test_each_measure_has_a_section_with_charts_of_all_classes():
    _, state = result(next(iter(views_of(MINE, time_ms=5).values())))
    sections = {section["uuid"]: section["name"] for section in state["compareRunSections"]}
    assert list(sections.values()) == ["test/iou", "test/hd95_px"]
    shown = [(sections[chart["metricSectionId"]], chart["metricKey"]) for chart in state["compareRunCharts"]]
    assert shown == [(it, f"{it}/{name}") for it in ("test/iou", "test/hd95_px") for name in ("background", "a", "b")]
    assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(shown)


def test_a_sweep_without_study_shows_every_cell_and_an_error_sorts_upwards():
    value = next(iter(views_of(Comparison(None, ("loss",), ("test/hd95_px",), ("bg", "a")), time_ms=0).values()))
    name, state = result(value)
    assert (name, state["searchFilter"], state["orderByAsc"]) == ("all sweeps: cells", "tags.run_folder != ''", True)


def test_opening_a_sweep_saves_its_views_and_links_to_them(place, client):
    tracker = Tracker(place.uri, EXPERIMENT, place.root)
    for study in ("one", "two", "one"):
        views = views_of(Comparison(study, ("loss",), ("test/iou",), ("background", "a")), time_ms=5)
        tracker.close_parent(tracker.open_parent(study, {"study": study}, views), "FINISHED")
        assert tags(client).items() >= views.items()
    actual = [key for key in tags(client) if key.startswith(VIEW_TAG)]
    assert len(actual) == 4
    first = tags(client)[NOTE].splitlines()[0]
    for key in actual:
        name = json.loads(tags(client)[key])["name"]
        assert f"[{name}](#/experiments/1/runs?" in first
        assert f"viewStateShareKey={key.removeprefix(VIEW_TAG)})" in first
    assert first.count("](") == 4


def test_a_description_by_a_user_stays(place, client):
    client.set_experiment_tag("1", NOTE, "ours since 2019")
    Tracker(place.uri, EXPERIMENT, place.root).open_parent("mine", {}, views_of(MINE, time_ms=5))
    assert tags(client)[NOTE] == "ours since 2019"
    assert sum(key.startswith(VIEW_TAG) for key in tags(client)) == 2


def test_views_of_a_sweep_that_mlflow_missed_come_with_replay(place, client):
    tracker = Tracker("http://127.0.0.1:9", EXPERIMENT, place.root)
    parent = tracker.open_parent("mine", {}, views_of(MINE, time_ms=5))
    tracker.close_parent(parent, "FINISHED")
    assert parent_runs.read(place.root, parent).views == views_of(MINE, time_ms=5)
    replay(place.root, place.uri)
    assert tags(client).items() >= views_of(MINE, time_ms=5).items()
