"""Saved views of MLflow's runs page: columns, filter, order and charts that compare the cells of a study.

Conventions

- MLflow stores a view as a tag of the experiment, `mlflow.sharedViewState.<key>`: a name, two times and the compressed
  state of the page. It opens by its name in the menu *Views* of the runs page, or by its address,
  `#/experiments/<id>/runs?viewStateShareKey=<key>`. The description of the experiment links to these addresses.
- Key and name are those of a study, so that its next sweep replaces its views. Another version of the page ignores the
  parts of the state that it does not know.
- Factors are columns of params, since dotted factors (`class_weight.value`) are stored nowhere else. The tag `study` of
  a run may name several studies, so the filter searches in it.
- A description that a user wrote is left alone.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from thinline.metrics.catalogue import less_is_better
from thinline.tracking.push import FOLDER_TAG, STUDY_TAG, metric_name

VIEW_TAG: Final = "mlflow.sharedViewState."
KEY: Final = "thinline-"
RUN_NAME: Final = "attributes.`Run Name`"
_NAME_PX: Final = 300
_RUNS: Final = 20
_NOTE: Final = "Compare cells, their factors as columns: "
_WHOLE_NOTE: Final = (
    "\n\nA sweep is a parent run and the cells it trained are its children. Charts are grouped by `split/measure`; "
    "`oracle_*` are the scores of the perturbed truth on the same sheets."
)
_SECTION: Final = {"display": True, "isReordered": False, "deleted": False, "isGenerated": True}
# bars that the page did not generate: it would draw a line of one point for a metric of the last step
_CHART: Final = {"type": "BAR", "runsCountToCompare": _RUNS, "deleted": False, "isGenerated": False}


@dataclass(frozen=True)
class Comparison:
    """The factors that a study varies (without the seed) and its `measures` (as `test/iou`), of `classes`.

    Columns have the classes after the background, charts all classes. The first measure orders the runs. Without a
    `study` the views are those of any sweep.
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


def show(client: MlflowClient, experiment_id: str, views: Mapping[str, str]) -> None:
    """Save the views in the experiment, and links to all views of thinline in its description."""
    if not views:
        return
    for key, value in views.items():
        client.set_experiment_tag(experiment_id, key, value)
    tags = client.get_experiment(experiment_id).tags
    if tags.get(MLFLOW_RUN_NOTE, _NOTE).startswith(_NOTE):
        client.set_experiment_tag(experiment_id, MLFLOW_RUN_NOTE, note_of(experiment_id, tags))


def note_of(experiment_id: str, tags: Mapping[str, str]) -> str:
    """The description of an experiment with these `tags`; its first line links to the views."""
    keys = sorted(key.removeprefix(VIEW_TAG) for key in tags if key.startswith(VIEW_TAG + KEY))
    page = f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey="
    links = [f"[{json.loads(tags[VIEW_TAG + key])['name']}]({page}{key})" for key in keys]
    return _NOTE + " · ".join(links) + _WHOLE_NOTE


def _view(name: str, state: Mapping[str, Any], time_ms: int) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": time_ms, "updatedAt": time_ms, "state": f"deflate;{packed}"})


def _state(comparison: Comparison, params: tuple[str, ...] = ()) -> dict[str, Any]:
    """Cells as rows; factors, `params` and metrics as columns; the charts of the metrics above all others."""
    metrics = [metric_name(f"{measure}/{name}") for measure in comparison.measures for name in comparison.classes[1:]]
    of_study = [] if comparison.study is None else [f"tags.{STUDY_TAG} LIKE '%{comparison.study}%'"]
    columns = [f"params.`{metric_name(name)}`" for name in (*comparison.factors, *params)]
    columns += [f"metrics.`{name}`" for name in metrics]
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
        "columnWidths": {RUN_NAME: _NAME_PX},
        "runsHiddenMode": f"FIRST_{_RUNS}_RUNS",
        "isAccordionReordered": True,  # else the page puts its own sections first
        "compareRunCharts": [
            {"uuid": f"chart {measure}/{name}", "metricSectionId": f"section {measure}", "displayName": name}
            | {"metricKey": metric_name(f"{measure}/{name}")}
            | _CHART
            for measure in comparison.measures
            for name in comparison.classes
        ],
        "compareRunSections": [
            {"uuid": f"section {measure}", "name": measure} | _SECTION for measure in comparison.measures
        ],
    }


def _grouped(comparison: Comparison) -> dict[str, Any]:
    keys = [{"mode": "param", "groupByData": metric_name(name)} for name in comparison.factors]
    return {"groupBy": {"aggregateFunction": "average", "groupByKeys": keys}, "useGroupedValuesInCharts": True}
