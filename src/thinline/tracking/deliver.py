"""Send a run folder, or the record of a sweep, to MLflow: during a run, at its end, and in `thinline replay`.

Conventions

- Sending is idempotent: MLflow may have nothing, a part, or all of the run.
- A run is complete in MLflow when its params, tags, datasets, points, last values, artifacts, model, status and parent
  are there. Only then is `pending` removed from the manifest.
- Points are those of headline numbers (`page_content.py`); the table `metrics.json` has every number.
- A child finds its parent through the record of the sweep, because the parent may have got its MLflow id later or in
  another store.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from thinline.runs import parent_runs
from thinline.runs.folder import RUNS, RunFolder
from thinline.runs.history import Line
from thinline.runs.manifest import FINISHED, Manifest, Tracking
from thinline.runs.parent_runs import Sweep
from thinline.system.atomic_files import StorageError
from thinline.tracking import lineage, push, views
from thinline.tracking.condition_runs import send_conditions
from thinline.tracking.page_content import NOTE_TAG, TABLE, Headline, headline_of, run_note, sweep_note, table_text

SWEEP_TAG = "sweep_id"
FAILURES_TAG = "failures"


def send_run(
    client: MlflowClient, experiment_id: str, folder: RunFolder, there: push.Held | None = None
) -> tuple[str, push.Held]:
    """Send params, tags and points of the run; returns the MLflow id and the steps that MLflow now has.

    `there` holds the steps that MLflow is known to have; without it MLflow is queried, one call per metric. The folder
    must be locked and have a tracking record (`RunFolder.track`).
    """
    manifest = folder.begun()
    tracking = tracking_of(manifest)
    run_id = push.find(client, experiment_id, folder.name, tracking.run_id, manifest.superseded)
    exists = run_id is not None
    if run_id is None:
        tags = {push.FOLDER_TAG: folder.name}
        started_ms = _milliseconds(manifest.started)
        run_id = client.create_run(experiment_id, started_ms, tags, tracking.name).info.run_id
    if run_id != tracking.run_id:
        folder.track(replace(tracking, run_id=run_id))
    push.mark_superseded(client, manifest.superseded, run_id)
    parent_id = parent_of(client, experiment_id, folder.root, tracking)
    params, tags = push.params_of(manifest, tracking), push.tags_of(manifest, tracking, parent_id)
    push.send_facts(client, run_id, params, {NOTE_TAG: run_note(folder, manifest)} | tags)
    lineage.send_datasets(client, run_id, manifest)
    if there is None or run_id != tracking.run_id:
        there = push.held(client, run_id) if exists else {}
    push.send_lines(client, run_id, headline_lines(folder), there)
    return run_id, there


def headline_lines(folder: RunFolder) -> list[Line]:
    """The history of a run with the numbers that MLflow gets."""
    return headline_of_run(folder).lines(folder.history())


def headline_of_run(folder: RunFolder) -> Headline:
    """Which numbers of the run MLflow gets; its sweep may compare more measures than others do."""
    manifest = folder.begun()
    parent_id = tracking_of(manifest).parent_id
    sweep = None if parent_id is None else parent_runs.read(folder.root, parent_id)
    return headline_of(manifest, () if sweep is None else sweep.measures)


def complete_run(
    client: MlflowClient, experiment_id: str, folder: RunFolder, status: str, there: push.Held | None = None
) -> str:
    """Send the whole run with artifacts and status; returns its id. Removes `pending` from the manifest."""
    run_id, there = send_run(client, experiment_id, folder, there)
    lines = headline_lines(folder)
    push.send_last_values(client, run_id, lines, there)
    manifest = folder.begun()
    tracking = tracking_of(manifest)
    orphan = tracking.parent_id is not None and parent_of(client, experiment_id, folder.root, tracking) is None
    complete = replace(tracking, pending=orphan)
    for path in folder.artifacts():
        client.log_artifact(run_id, str(path), "overlays" if path.parent == folder.overlays else None)
    client.log_text(run_id, table_text(folder), TABLE)
    client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([{"path": TABLE, "type": "table"}]))
    if status == FINISHED:
        lineage.send_model(client, client.get_run(run_id), folder, lines)
    client.log_text(run_id, replace(manifest, mlflow=complete).to_json(), folder.manifest_path.name)
    client.set_terminated(run_id, status, None if manifest.finished is None else _milliseconds(manifest.finished))
    folder.track(complete)
    return run_id


def send_studies(client: MlflowClient, folder: RunFolder) -> bool:
    """Update the studies of a run in MLflow; returns whether MLflow had the run with other studies.

    A finished run joins a study only in its folder, because the sweep that skips it sends nothing.
    """
    manifest = folder.begun()
    run_id = None if manifest.mlflow is None else manifest.mlflow.run_id
    studies = push.studies_text(manifest)
    if run_id is None or not studies or not push.is_active(client, run_id):
        return False
    if client.get_run(run_id).data.tags.get(push.STUDY_TAG) == studies:
        return False
    client.log_text(run_id, manifest.to_json(), folder.manifest_path.name)
    client.set_tag(run_id, push.STUDY_TAG, studies)
    return True


def open_sweep(client: MlflowClient, experiment_id: str, sweep: Sweep) -> str:
    """The id of the sweep's parent run, created if missing."""
    existing = find_sweep(client, experiment_id, sweep)
    if existing is not None:
        return existing
    tags = {**sweep.tags, SWEEP_TAG: sweep.sweep_id}
    return str(client.create_run(experiment_id, None, tags, sweep.name).info.run_id)


def settle_sweep(client: MlflowClient, experiment_id: str, sweep: Sweep, root: Path) -> Sweep:
    """Send views, conditions and final status of a sweep of the store `root`; returns the updated record."""
    views.show(client, experiment_id, sweep.views)
    run_id = open_sweep(client, experiment_id, sweep)
    if sweep.failures:
        client.set_tag(run_id, FAILURES_TAG, push.cut("; ".join(sweep.failures), push.TAG_LENGTH))
    join_cells(client, sweep, root)
    send_conditions(client, experiment_id, run_id, sweep)
    if sweep.conditions and client.get_run(run_id).data.tags.get(NOTE_TAG) == sweep.tags.get(NOTE_TAG):
        client.set_tag(run_id, NOTE_TAG, push.cut(sweep_note(sweep), push.TAG_LENGTH))
    client.set_terminated(run_id, sweep.status)
    return replace(sweep, run_id=run_id, pending=False)


def join_cells(client: MlflowClient, sweep: Sweep, root: Path) -> None:
    """Add the cells that `sweep` skipped to it in MLflow, where MLflow has them."""
    for cell in sweep.cells:
        _join_sweep(client, RunFolder.open(Path(root) / RUNS / cell), sweep)


def _join_sweep(client: MlflowClient, folder: RunFolder, sweep: Sweep) -> None:
    """Add a run to the cells of `sweep` in MLflow, with the measures of `sweep`, if another sweep trained it."""
    manifest = folder.manifest()
    tracking = None if manifest is None else manifest.mlflow
    if manifest is None or tracking is None or tracking.run_id is None or tracking.parent_id == sweep.sweep_id:
        return
    if tracking.uri != sweep.uri or not push.is_active(client, tracking.run_id):
        return
    push.send_facts(client, tracking.run_id, {}, {push.SWEEPS_TAG: sweep.sweep_id})
    lines = headline_of(manifest, sweep.measures).lines(folder.history())
    known = set(client.get_run(tracking.run_id).data.metrics)
    new = [Line(line.step, line.time_ms, {n: v for n, v in line.metrics.items() if n not in known}) for line in lines]
    push.send_lines(client, tracking.run_id, new, {})


def find_sweep(client: MlflowClient, experiment_id: str, sweep: Sweep) -> str | None:
    """The id of the sweep's parent run in this store, or None."""
    if sweep.run_id is not None and push.is_active(client, sweep.run_id):
        return sweep.run_id
    runs = client.search_runs([experiment_id], f"tags.{SWEEP_TAG} = '{sweep.sweep_id}'")
    return str(runs[0].info.run_id) if runs else None


def parent_of(client: MlflowClient, experiment_id: str, root: Path, tracking: Tracking) -> str | None:
    """The MLflow id of a run's parent in this store, or None where it has none there."""
    if tracking.parent_id is None:
        return None
    sweep = parent_runs.read(root, tracking.parent_id)
    if sweep is not None:
        return find_sweep(client, experiment_id, sweep)
    return tracking.parent_id if push.is_active(client, tracking.parent_id) else None


def tracking_of(manifest: Manifest) -> Tracking:
    """The tracking record of the manifest. Raises `StorageError` without one."""
    if manifest.mlflow is None:
        raise StorageError("expected a manifest with a tracking record, got none; call track first")
    return manifest.mlflow


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
