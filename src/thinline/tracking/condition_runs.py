"""The conditions of an ended sweep in MLflow: a run for each, and metrics and a table of the parent run.

Conventions

- A condition is one configuration with all seeds of its sweep. The MLflow run of a condition has the tag
  `kind=condition` and is a child of the parent run. The mean of a metric over seeds has the name of the metric. With
  two or more seeds there are also `NAME sd`, the standard deviation over seeds, and `NAME ci95 low`, `NAME ci95 high`,
  the ends of the 95 % interval of the mean. The tags `IoU curve_1`, ... have these numbers as a text that fits one
  column of the page.
- The parent run has the numbers of the IoU of each curve as metrics `test/iou/curve_1/<condition>`, and all numbers in
  the artifact `conditions.json`.
- The numbers come from the record of the sweep (`parent_runs.py`). Sending them again changes nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Final

from mlflow.entities import Metric, Run
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS, MLFLOW_PARENT_RUN_ID

from thinline.runs.manifest import FINISHED
from thinline.runs.parent_runs import Condition, Sweep
from thinline.tracking import push
from thinline.tracking.page_content import BEGINNING, IOU, NOTE_TAG, interval_text, json_table

KIND_TAG: Final = "kind"
CONDITION: Final = "condition"
OF_SWEEP_TAG: Final = "condition_of"
SUFFIXES: Final = ("", " sd", " ci95 low", " ci95 high")
TABLE: Final = "conditions.json"
TABLE_COLUMNS: Final = ("condition", "metric", "seeds", "mean", "sd", "ci95 low", "ci95 high")


def send_conditions(client: MlflowClient, experiment_id: str, parent_id: str, sweep: Sweep) -> None:
    """Create or update the runs of the conditions of `sweep`, and the metrics and the table of its parent run."""
    if not sweep.conditions:
        return
    existing = _existing(client, experiment_id, sweep)
    for condition in sweep.conditions:
        run = existing.get(condition.name) or _create(client, experiment_id, parent_id, sweep, condition)
        push.send_facts(client, run.info.run_id, condition.params, tags_of(condition, parent_id))
        numbers = metrics_of(condition) | {"seeds": float(len(condition.seeds))}
        _send_numbers(client, run, numbers)
        client.set_terminated(run.info.run_id, FINISHED)
    _send_numbers(client, client.get_run(parent_id), parent_metrics(sweep))
    client.log_text(parent_id, json_table(TABLE_COLUMNS, list(_rows(sweep))), TABLE)
    client.set_tag(parent_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([{"path": TABLE, "type": "table"}]))


def tags_of(condition: Condition, parent_id: str) -> dict[str, str]:
    """The tags of the run of a condition that may change: its parent run, and the IoU of each curve as text."""
    scores = {name: values for name, values in condition.estimates.items() if name.startswith(IOU)}
    texts = {iou_tag(name.removeprefix(IOU)): interval_text(values) for name, values in scores.items()}
    return {MLFLOW_PARENT_RUN_ID: parent_id} | texts


def iou_tag(curve: str) -> str:
    """The tag with the IoU of a curve as text, as MLflow stores it."""
    return push.metric_name(f"IoU {curve}")


def metrics_of(condition: Condition) -> dict[str, float]:
    """The metrics of the run of a condition: mean, and where there are two seeds sd and interval."""
    return {
        f"{name}{suffix}": value
        for name, values in condition.estimates.items()
        for suffix, value in zip(SUFFIXES, values, strict=False)
    }


def parent_metrics(sweep: Sweep) -> dict[str, float]:
    """The metrics of a parent run, for example `test/iou/curve_1/dice-none` and `test/iou/curve_1/dice-none sd`."""
    return {
        f"{name}/{condition.name}{suffix}": value
        for condition in sweep.conditions
        for name, values in condition.estimates.items()
        if name.startswith(IOU)
        for suffix, value in zip(SUFFIXES, values, strict=False)
    }


def _existing(client: MlflowClient, experiment_id: str, sweep: Sweep) -> dict[str, Run]:
    """The runs of the conditions of this sweep, by name."""
    query = f"tags.{OF_SWEEP_TAG} = '{sweep.sweep_id}'"
    return {run.data.tags[CONDITION]: run for run in client.search_runs([experiment_id], query, max_results=5000)}


def _create(client: MlflowClient, experiment_id: str, parent_id: str, sweep: Sweep, condition: Condition) -> Run:
    seeds = ", ".join(map(str, condition.seeds))
    note = (
        f"{BEGINNING}means over the seeds {seeds} of `{condition.name}` in the sweep *{sweep.name}*.\n\n`sd` is the "
        "standard deviation over seeds; `ci95 low` and `ci95 high` are the ends of the 95 % interval of the mean "
        "(Student), which one seed does not have."
    )
    tags = {KIND_TAG: CONDITION, CONDITION: condition.name, OF_SWEEP_TAG: sweep.sweep_id, NOTE_TAG: note}
    return client.create_run(experiment_id, None, tags | {MLFLOW_PARENT_RUN_ID: parent_id}, condition.name)


def _send_numbers(client: MlflowClient, run: Run, numbers: Mapping[str, float]) -> None:
    """Send the numbers that the run lacks or shows otherwise."""
    now_ms = time.time_ns() // 1_000_000
    shown = run.data.metrics
    points = [
        Metric(push.metric_name(name), value, now_ms, 0)
        for name, value in numbers.items()
        if not push.same(shown.get(push.metric_name(name)), value)
    ]
    push.send_points(client, run.info.run_id, points)


def _rows(sweep: Sweep) -> Iterator[list[object]]:
    for condition in sweep.conditions:
        for name, values in condition.estimates.items():
            missing = [None] * (len(SUFFIXES) - len(values))
            yield [condition.name, name, len(condition.seeds), *values, *missing]
