"""Send params, tags and metrics of a run to MLflow. Sending a second time changes nothing.

Conventions

- A run in MLflow has the tag `run_folder`. The run of a folder is searched by the id in the manifest, then by this tag,
  and created only if both searches fail. So a crash between creating and recording a run leads to no second run.
- MLflow can neither change a param nor remove a point (value and step) of a metric history. Params that the run has are
  not sent again. A point is sent only if the run has none of the same name and step, so a resumed run has one point per
  step. If the last value of a metric then differs from that in the run folder (a resumed GPU run is not bit-equal), the
  value of the run folder is sent as one more point, so that MLflow's table shows it.
- The tag `sweeps` of a run lists every sweep that contains the run, also a later sweep that skipped it as finished.
- Names consist of letters, digits and `_-./: `; other characters become `_`. Values that are too long are cut;
  config.yaml has them in full. NaN stays NaN; MLflow stores an infinity as the largest float.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID

from thinline.runs.history import Line
from thinline.runs.identity import flatten
from thinline.runs.manifest import Manifest, Tracking
from thinline.tracking import page_content

FOLDER_TAG = "run_folder"
SUPERSEDED_TAG = "superseded_by"
STUDY_TAG = "study"
"""The studies of a run, separated by commas; for a parent run the study it was started for."""
SWEEPS_TAG = "sweeps"
"""The ids of the sweeps of a run, separated by commas."""
NAME_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
_MOST_SWEEPS = 100
_BATCH_PARAMS = 100
_BATCH_METRICS = 800
_CUT = " ... (cut, see config.yaml)"

Held = dict[str, set[int]]
"""The steps that MLflow has of each metric."""

_T = TypeVar("_T")


def find(
    client: MlflowClient, experiment_id: str, folder_name: str, run_id: str | None, superseded: Collection[str]
) -> str | None:
    """The active, not superseded MLflow run of a folder, or None; `run_id` is the id in the manifest."""
    if run_id is not None and is_active(client, run_id):
        return run_id
    same_folder = client.search_runs([experiment_id], f"tags.{FOLDER_TAG} = '{folder_name}'")
    active = [str(run.info.run_id) for run in same_folder if SUPERSEDED_TAG not in run.data.tags]
    return next((candidate for candidate in active if candidate not in superseded), None)


def is_active(client: MlflowClient, run_id: str) -> bool:
    """Whether the store has this run and it is not deleted."""
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return False
        raise


def params_of(manifest: Manifest, tracking: Tracking) -> dict[str, str]:
    """The resolved configuration under dotted keys, the factors, the seed, and the params of the run itself."""
    cell = manifest.cell
    return flatten(cell.config) | {**cell.factors, "seed": str(cell.seed)} | dict(tracking.params)


def tags_of(manifest: Manifest, tracking: Tracking, parent_id: str | None) -> dict[str, str]:
    """Factors, seed, data digest, parent, sweep, code version and studies, and the tags of the run itself."""
    cell, origin = manifest.cell, manifest.origin
    tags = {**cell.factors, "seed": str(cell.seed), "dataset_digest": cell.dataset_digest}
    if parent_id is not None:
        tags[MLFLOW_PARENT_RUN_ID] = parent_id
    if tracking.parent_id is not None:
        tags[SWEEPS_TAG] = tracking.parent_id
    if origin.git_commit is not None:
        tags |= {"git_commit": origin.git_commit, "git_dirty": str(origin.git_dirty).lower()}
        tags[MLFLOW_GIT_COMMIT] = origin.git_commit
    if manifest.studies:
        tags[STUDY_TAG] = studies_text(manifest)
    return tags | dict(tracking.tags)


def studies_text(manifest: Manifest) -> str:
    """The tag `study` of a run, for example `three_family,five_losses`; empty for a run without a study."""
    return cut(",".join(manifest.studies), TAG_LENGTH)


def send_facts(client: MlflowClient, run_id: str, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Send the params that the run lacks, and all tags.

    The sweep is appended to the tag `sweeps`. A description that a user wrote is not changed.
    """
    existing = client.get_run(run_id).data
    valid = {metric_name(name): cut(value, PARAM_LENGTH) for name, value in params.items()}
    new_params = [Param(name, value) for name, value in valid.items() if name not in existing.params]
    for param_batch in _batches(new_params, _BATCH_PARAMS):
        client.log_batch(run_id, params=param_batch)
    tags = dict(tags)
    if SWEEPS_TAG in tags:
        tags[SWEEPS_TAG] = with_sweep(existing.tags.get(SWEEPS_TAG, ""), tags[SWEEPS_TAG])
    if not page_content.is_ours(existing.tags.get(page_content.NOTE_TAG)):
        tags.pop(page_content.NOTE_TAG, None)
    all_tags = [RunTag(metric_name(name), cut(value, TAG_LENGTH)) for name, value in tags.items()]
    for tag_batch in _batches(all_tags, _BATCH_PARAMS):
        client.log_batch(run_id, tags=tag_batch)


def with_sweep(sweeps: str, sweep_id: str) -> str:
    """The tag `sweeps` with one more sweep; the oldest are dropped where it would be too long for MLflow."""
    ids = [each for each in sweeps.split(",") if each]
    return sweeps if sweep_id in ids else ",".join([*ids, sweep_id][-_MOST_SWEEPS:])


def held(client: MlflowClient, run_id: str) -> Held:
    """The steps of each metric that the run has in MLflow."""
    names = client.get_run(run_id).data.metrics
    return {name: {point.step for point in client.get_metric_history(run_id, name)} for name in names}


def send_lines(client: MlflowClient, run_id: str, lines: Iterable[Line], there: Held) -> None:
    """Send the points of `lines` that are not in `there`, in batches, and add them to `there`."""
    points = [
        Metric(metric_name(name), value, line.time_ms, line.step)
        for line in lines
        for name, value in line.metrics.items()
        if line.step not in there.get(metric_name(name), ())
    ]
    for batch in _batches(points, _BATCH_METRICS):
        client.log_batch(run_id, metrics=batch)
        for point in batch:
            there.setdefault(point.key, set()).add(point.step)


def send_points(client: MlflowClient, run_id: str, points: Sequence[Metric]) -> None:
    """Send `points` in batches."""
    for batch in _batches(points, _BATCH_METRICS):
        client.log_batch(run_id, metrics=batch)


def send_last_values(client: MlflowClient, run_id: str, lines: Iterable[Line], there: Held) -> None:
    """Send the last value of every name in `lines` where MLflow's table shows another value.

    A name with a later step in MLflow is skipped: the run was killed after its last checkpoint and has not reached that
    step again.
    """
    last = {metric_name(name): (value, line.step) for line in lines for name, value in line.metrics.items()}
    latest = client.get_run(run_id).data.metrics
    now_ms = time.time_ns() // 1_000_000
    wrong = [
        Metric(name, value, now_ms, step)
        for name, (value, step) in last.items()
        if step >= max(there.get(name, ()), default=0) and not same(latest.get(name, value), value)
    ]
    send_points(client, run_id, wrong)


def mark_superseded(client: MlflowClient, superseded: Collection[str], run_id: str) -> None:
    """Tag the runs that a forced run replaced with the id of the new run."""
    for old in superseded:
        if is_active(client, old):
            client.set_tag(old, SUPERSEDED_TAG, run_id)


def metric_name(name: str) -> str:
    """`name` in characters that MLflow accepts; `test/iou/curve_1` does not change."""
    parts = (re.sub(r"[^\w.\- :]", "_", part, flags=re.ASCII) for part in name.split("/"))
    return "/".join(part for part in parts if part.strip("."))[:NAME_LENGTH]


def cut(value: str, length: int) -> str:
    """`value` cut to MLflow's limit; config.yaml has the full value."""
    return value if len(value) <= length else value[: length - len(_CUT)] + _CUT


def same(latest: float | None, value: float) -> bool:
    """Whether `latest` is the number that MLflow stores for `value`; False if MLflow has no value (None)."""
    if latest is None:
        return False
    stored = math.copysign(sys.float_info.max, value) if math.isinf(value) else value
    return latest == stored or (math.isnan(latest) and math.isnan(stored))


def _batches(items: Sequence[_T], size: int) -> Iterable[list[_T]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))
