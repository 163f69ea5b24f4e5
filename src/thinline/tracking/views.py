"""Saved views of MLflow's runs page: columns, filter, order and charts that compare the cells of a study.

Conventions

- MLflow stores a view as a tag of the experiment, `mlflow.sharedViewState.<key>`: a name, two times and the compressed
  state of the page. It opens by its name in the menu *Views* of the runs page, or by its address,
  `#/experiments/<id>/runs?viewStateShareKey=<key>`. The description of the experiment links to these addresses.
- Key and name are those of a study, so that its next sweep replaces its views. Another version of the page ignores the
  parts of the state that it does not know.
- A sweep has two views of its own, to which the links at its end lead: its cells, by the tag `sweeps`, and its
  conditions. The page ignores a view where the address has a filter as well, so one view for all sweeps cannot do. The
  views of the last `KEPT` sweeps stay.
- Factors are columns of params, since dotted factors (`class_weight.value`) are stored nowhere else. The tag `study` of
  a run may name several studies, so the filter searches in it.
- A description that a user wrote is not changed.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from thinline.metrics.catalogue import less_is_better
from thinline.tracking.addresses import SERVER
from thinline.tracking.condition_runs import OF_SWEEP_TAG, SUFFIXES, iou_tag
from thinline.tracking.push import FOLDER_TAG, STUDY_TAG, SWEEPS_TAG, metric_name

VIEW_TAG: Final = "mlflow.sharedViewState."
KEY: Final = "thinline-"
SWEEP_KEY: Final = "sweep."
KEPT: Final = 20
FIRST: Final = "test/iou"
LOCAL_PAGE: Final = "http://127.0.0.1:5000"
"""The address that `mlflow ui` has without a port."""
RUN_NAME: Final = "attributes.`Run Name`"
_NAME_PX: Final = 260
_TEXT_PX: Final = 180
_METRIC_PX: Final = 150
_NAME_LENGTH: Final = 60
_ID_LENGTH: Final = 12
_RUNS: Final = 20
_NOTE: Final = "Compare cells, their factors as columns: "
_WHOLE_NOTE: Final = (
    "\n\nA sweep is a parent run; its children are the cells that it trained and a run for each condition, with mean "
    "and interval over seeds. Charts are grouped by `split/measure`. The artifact `metrics.json` of a run has every "
    "number, also those of the perturbed truth (`oracle_*`)."
)
_SECTION: Final = {"display": True, "isReordered": False, "deleted": False, "isGenerated": True}
# bars that the page did not generate: it would draw a line of one point for a metric of the last step
_CHART: Final = {"type": "BAR", "runsCountToCompare": _RUNS, "deleted": False, "isGenerated": False}


@dataclass(frozen=True)
class Comparison:
    """The factors that a study varies (without the seed) and its `measures` (as `test/iou`), of `classes`.

    Columns and charts have the classes after the background. The first measure orders the runs. Without a `study` the
    views are those of any sweep.
    """

    study: str | None
    factors: tuple[str, ...]
    measures: tuple[str, ...]
    classes: tuple[str, ...]


def views_of(comparison: Comparison, *, time_ms: int) -> dict[str, str]:
    """The tags of an experiment with the views of a comparison: its cells, best first, and means over seeds."""
    name = comparison.study or "all sweeps"
    key = f"{VIEW_TAG}{KEY}{comparison.study or 'sweeps'}"
    # the page lists the latest view first
    return {
        key: _view(f"{name}: cells", _state(comparison, ("seed",)), time_ms + 1),
        f"{key}-means": _view(f"{name}: mean over seeds", _state(comparison) | _grouped(comparison), time_ms),
    }


def views_of_sweep(comparison: Comparison, sweep_id: str, name: str, *, time_ms: int) -> dict[str, str]:
    """The tags of an experiment with the views of one sweep: its cells, best first, and its conditions.

    The IoU of each curve comes first, whatever the study compares.
    """
    comparison = replace(comparison, measures=tuple(dict.fromkeys((FIRST, *comparison.measures))))
    cells = _scores_first(_state(comparison, ("seed",)), comparison)
    cells |= {"searchFilter": f"tags.{SWEEPS_TAG} LIKE '%{sweep_id}%'"}
    texts = [f"tags.`{iou_tag(name)}`" for name in comparison.classes[1:]]
    conditions = _scores_first(_state(comparison, suffixes=SUFFIXES, texts=texts), comparison)
    conditions |= {"searchFilter": f"tags.{OF_SWEEP_TAG} = '{sweep_id}'"}
    keys = (VIEW_TAG + key for key in keys_of_sweep(sweep_id))
    labels = (f"sweep {name[:_NAME_LENGTH]}: {what}" for what in ("cells", "mean and interval over seeds"))
    states = zip(keys, labels, (cells, conditions), strict=True)
    return {key: _view(label, state, time_ms) for key, label, state in states}


def keys_of_sweep(sweep_id: str) -> tuple[str, str]:
    """The keys of the views of a sweep: cells, conditions."""
    key = f"{KEY}{SWEEP_KEY}{sweep_id[-_ID_LENGTH:]}"
    return key, f"{key}.conditions"


def links_of_sweep(uri: str, experiment_id: str, sweep_id: str) -> tuple[str, str]:
    """The addresses of the views of a sweep at the tracking URI `uri`: cells, conditions.

    A database has the page that `mlflow ui` starts.
    """
    page = f"{uri if uri.startswith(SERVER) else LOCAL_PAGE}/{_page(experiment_id)}"
    cells, conditions = keys_of_sweep(sweep_id)
    return page + cells, page + conditions


def show(client: MlflowClient, experiment_id: str, views: Mapping[str, str]) -> None:
    """Save the views in the experiment, and links to all views of thinline in its description."""
    if not views:
        return
    for key, value in views.items():
        client.set_experiment_tag(experiment_id, key, value)
    tags = client.get_experiment(experiment_id).tags
    for key in _outdated(tags):
        with suppress(MlflowException):  # a server of an older version cannot delete a tag
            client.delete_experiment_tag(experiment_id, key)
    if tags.get(MLFLOW_RUN_NOTE, _NOTE).startswith(_NOTE):
        client.set_experiment_tag(experiment_id, MLFLOW_RUN_NOTE, note_of(experiment_id, tags))


def note_of(experiment_id: str, tags: Mapping[str, str]) -> str:
    """The description of an experiment with these `tags`; its first line links to the views."""
    keys = sorted(key.removeprefix(VIEW_TAG) for key in tags if key.startswith(VIEW_TAG + KEY) and not _of_sweep(key))
    page = _page(experiment_id)
    links = [f"[{json.loads(tags[VIEW_TAG + key])['name']}]({page}{key})" for key in keys]
    return _NOTE + " · ".join(links) + _WHOLE_NOTE


def _page(experiment_id: str) -> str:
    """The address of a view of the experiment, up to its key."""
    return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey="


def _of_sweep(key: str) -> bool:
    return key.startswith(VIEW_TAG + KEY + SWEEP_KEY)


def _outdated(tags: Mapping[str, str]) -> list[str]:
    """The keys of the views of all sweeps but the last `KEPT`."""
    created = {key: int(json.loads(value)["createdAt"]) for key, value in tags.items() if _of_sweep(key)}
    return sorted(created, key=lambda key: (created[key], key))[: -2 * KEPT]


def _view(name: str, state: Mapping[str, Any], time_ms: int) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": time_ms, "updatedAt": time_ms, "state": f"deflate;{packed}"})


def _state(
    comparison: Comparison,
    params: tuple[str, ...] = (),
    *,
    suffixes: Sequence[str] = ("",),
    texts: Sequence[str] = (),
) -> dict[str, Any]:
    """Cells as rows; factors, `params` and metrics as columns; the charts of the metrics above all others.

    The columns `texts` stand before the metrics, and each metric has a column for each of `suffixes`.
    """
    metrics = [metric_name(f"{measure}/{name}") for measure in comparison.measures for name in comparison.classes[1:]]
    of_study = [] if comparison.study is None else [f"tags.{STUDY_TAG} LIKE '%{comparison.study}%'"]
    columns = [f"params.`{metric_name(name)}`" for name in (*comparison.factors, *params)]
    columns += texts
    columns += [f"metrics.`{name}{suffix}`" for name in metrics for suffix in suffixes]
    return {
        "searchFilter": " and ".join([*of_study, f"tags.{FOLDER_TAG} != ''"]),
        "orderByKey": f"metrics.`{metrics[0]}`",
        "orderByAsc": less_is_better(comparison.measures[0].partition("/")[2]),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": columns,
        "columnOrder": [RUN_NAME, *columns],
        "columnWidths": {RUN_NAME: _NAME_PX, **dict.fromkeys(texts, _TEXT_PX)}
        | {name: _METRIC_PX for name in columns if name.startswith("metrics.")},
        "runsHiddenMode": f"FIRST_{_RUNS}_RUNS",
        "isAccordionReordered": True,  # else the page puts its own sections first
        "compareRunCharts": [
            {"uuid": f"chart {measure}/{name}", "metricSectionId": f"section {measure}", "displayName": name}
            | {"metricKey": metric_name(f"{measure}/{name}")}
            | _CHART
            for measure in comparison.measures
            for name in comparison.classes[1:]
        ],
        "compareRunSections": [
            {"uuid": f"section {measure}", "name": measure} | _SECTION for measure in comparison.measures
        ],
    }


def _scores_first(state: Mapping[str, Any], comparison: Comparison) -> dict[str, Any]:
    """`state` with its texts, or else the first measure of each curve, in front of the factors.

    So they are in sight in a narrow window; the name of a run says its levels.
    """
    metrics = [f"metrics.`{metric_name(f'{comparison.measures[0]}/{name}')}`" for name in comparison.classes[1:]]
    columns = list(state["selectedColumns"])
    first = [name for name in columns if name.startswith("tags.")] or metrics
    return {**state, "columnOrder": [RUN_NAME, *first, *(name for name in columns if name not in first)]}


def _grouped(comparison: Comparison) -> dict[str, Any]:
    keys = [{"mode": "param", "groupByData": metric_name(name)} for name in comparison.factors]
    return {"groupBy": {"aggregateFunction": "average", "groupByKeys": keys}, "useGroupedValuesInCharts": True}
