"""Run folder -> MLflow, idempotent: sending a second time changes nothing.

Conventions

- A run in MLflow carries the tag `run_folder`. It is looked for by the id in the manifest, then by the tag, and only
  then made, so a crash between making and noting it doubles nothing.
- MLflow can neither change a param nor remove a point of a curve. So a param that is there stays, and a point is
  sent only where the run has none for that name and step: a resumed run draws one continuous curve. Should the last
  value of a name differ all the same (a resumed GPU run is not bit-equal), the run folder's value is added at the end,
  so that MLflow's table shows what the folder holds.
- Names may hold letters, digits and `_-./: `; what else a class name may contain becomes `_`. Values that are too long
  are cut; config.yaml beside the run holds them in full. NaN is kept as NaN; MLflow stores an infinity as the largest
  float.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID

from thinline.runs.history import Line
from thinline.runs.identity import flatten
from thinline.runs.manifest import Manifest, Tracking

FOLDER_TAG = "run_folder"
SUPERSEDED_TAG = "superseded_by"
STUDY_TAG = "study"
"""Names of the studies that count a run among their own, with commas; of a parent the study it was started for."""
NAME_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
_BATCH_PARAMS = 100
_BATCH_METRICS = 800
_CUT = " ... (cut, see config.yaml)"

Held = dict[str, set[int]]
"""Which steps of which metric MLflow has."""

_T = TypeVar("_T")


def find(
    client: MlflowClient, experiment_id: str, folder_name: str, run_id: str | None, superseded: Collection[str]
) -> str | None:
    """The active run that shows this folder and was not replaced, or None; `run_id` is the one the manifest names."""
    if run_id is not None and is_active(client, run_id):
        return run_id
    same_folder = client.search_runs([experiment_id], f"tags.{FOLDER_TAG} = '{folder_name}'")
    alive = [str(run.info.run_id) for run in same_folder if SUPERSEDED_TAG not in run.data.tags]
    return next((it for it in alive if it not in superseded), None)


def is_active(client: MlflowClient, run_id: str) -> bool:
    """Whether the store has this run and nobody deleted it."""
    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return False
        raise


def params_of(manifest: Manifest, tracking: Tracking) -> dict[str, str]:
    """Every key of the resolved configuration by its dotted name, every factor, the seed, and what the run added."""
    cell = manifest.cell
    return flatten(cell.config) | {**cell.factors, "seed": str(cell.seed)} | dict(tracking.params)


def tags_of(manifest: Manifest, tracking: Tracking, parent_id: str | None) -> dict[str, str]:
    """Every factor, the parent, the code and the data that made the run, and what the run added."""
    cell, origin = manifest.cell, manifest.origin
    told = {**cell.factors, "seed": str(cell.seed), "dataset_digest": cell.dataset_digest}
    if parent_id is not None:
        told[MLFLOW_PARENT_RUN_ID] = parent_id
    if origin.git_commit is not None:
        told |= {"git_commit": origin.git_commit, "git_dirty": str(origin.git_dirty).lower()}
        told[MLFLOW_GIT_COMMIT] = origin.git_commit
    if manifest.studies:
        told[STUDY_TAG] = studies_text(manifest)
    return told | dict(tracking.tags)


def studies_text(manifest: Manifest) -> str:
    """The tag `study` of a run, `three_family,five_losses`; empty for a run of no study."""
    return cut(",".join(manifest.studies), TAG_LENGTH)


def send_facts(client: MlflowClient, run_id: str, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Params that the run lacks, and all tags."""
    there = client.get_run(run_id).data.params
    named = {metric_name(name): cut(value, PARAM_LENGTH) for name, value in params.items()}
    new = [Param(name, value) for name, value in named.items() if name not in there]
    for some in _batches(new, _BATCH_PARAMS):
        client.log_batch(run_id, params=some)
    marks = [RunTag(metric_name(name), cut(value, TAG_LENGTH)) for name, value in tags.items()]
    for few in _batches(marks, _BATCH_PARAMS):
        client.log_batch(run_id, tags=few)


def held(client: MlflowClient, run_id: str) -> Held:
    """What the run has in MLflow."""
    names = client.get_run(run_id).data.metrics
    return {name: {point.step for point in client.get_metric_history(run_id, name)} for name in names}


def send_lines(client: MlflowClient, run_id: str, lines: Iterable[Line], there: Held) -> None:
    """The points of `lines` that are not there yet, many in one call; `there` is brought up to date."""
    points = [
        Metric(metric_name(name), value, line.time_ms, line.step)
        for line in lines
        for name, value in line.metrics.items()
        if line.step not in there.get(metric_name(name), ())
    ]
    for some in _batches(points, _BATCH_METRICS):
        client.log_batch(run_id, metrics=some)
        for point in some:
            there.setdefault(point.key, set()).add(point.step)


def send_last_values(client: MlflowClient, run_id: str, lines: Iterable[Line], there: Held) -> None:
    """Make MLflow's table show the last value of every name in `lines` where it shows another.

    A name of which MLflow has a later step is left alone: the run was killed past its last checkpoint and is not there
    again yet.
    """
    last = {metric_name(name): (value, line.step) for line in lines for name, value in line.metrics.items()}
    shown = client.get_run(run_id).data.metrics
    now_ms = time.time_ns() // 1_000_000
    wrong = [
        Metric(name, value, now_ms, step)
        for name, (value, step) in last.items()
        if step >= max(there.get(name, ()), default=0) and not _same(shown.get(name, value), value)
    ]
    for some in _batches(wrong, _BATCH_METRICS):
        client.log_batch(run_id, metrics=some)


def mark_superseded(client: MlflowClient, superseded: Collection[str], run_id: str) -> None:
    """Mark the runs that a forced run replaced with the id of the new one."""
    for old in superseded:
        if is_active(client, old):
            client.set_tag(old, SUPERSEDED_TAG, run_id)


def metric_name(name: str) -> str:
    """`name` in characters that MLflow takes; `test/iou/curve_1` stays as it is."""
    parts = (re.sub(r"[^\w.\- :]", "_", part, flags=re.ASCII) for part in name.split("/"))
    return "/".join(part for part in parts if part.strip("."))[:NAME_LENGTH]


def cut(value: str, length: int) -> str:
    """`value` within MLflow's limit; what is cut off stands in config.yaml."""
    return value if len(value) <= length else value[: length - len(_CUT)] + _CUT


def _same(shown: float, value: float) -> bool:
    stored = math.copysign(sys.float_info.max, value) if math.isinf(value) else value
    return shown == stored or (math.isnan(shown) and math.isnan(stored))


def _batches(items: Sequence[_T], size: int) -> Iterable[list[_T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
