"""Send a run folder, or the record of a sweep, to MLflow: during a run, at its end, and in `thinline replay`.

Conventions

- Sending is idempotent: MLflow may have nothing, a part, or all of the run.
- A run is complete in MLflow when its params, tags, points, last values, artifacts, status and parent are there. Only
  then is `pending` removed from the manifest.
- A child finds its parent through the record of the sweep, because the parent may have got its MLflow id later or in
  another store.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mlflow.tracking import MlflowClient

from thinline.runs import parent_runs
from thinline.runs.folder import RunFolder
from thinline.runs.manifest import Manifest, Tracking
from thinline.runs.parent_runs import Sweep
from thinline.system.atomic_files import StorageError
from thinline.tracking import push, views

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
    push.send_facts(client, run_id, params, tags)
    if there is None or run_id != tracking.run_id:
        there = push.held(client, run_id) if exists else {}
    push.send_lines(client, run_id, folder.history(), there)
    return run_id, there


def complete_run(
    client: MlflowClient, experiment_id: str, folder: RunFolder, status: str, there: push.Held | None = None
) -> str:
    """Send the whole run with artifacts and status; returns its id. Removes `pending` from the manifest."""
    run_id, there = send_run(client, experiment_id, folder, there)
    push.send_last_values(client, run_id, folder.history(), there)
    manifest = folder.begun()
    tracking = tracking_of(manifest)
    orphan = tracking.parent_id is not None and parent_of(client, experiment_id, folder.root, tracking) is None
    complete = replace(tracking, pending=orphan)
    for path in folder.artifacts():
        client.log_artifact(run_id, str(path), "overlays" if path.parent == folder.overlays else None)
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
    """The id of the sweep's parent run, created if missing. Saves the views of the sweep in the experiment."""
    views.show(client, experiment_id, sweep.views)
    existing = find_sweep(client, experiment_id, sweep)
    if existing is not None:
        return existing
    tags = {**sweep.tags, SWEEP_TAG: sweep.sweep_id}
    return str(client.create_run(experiment_id, None, tags, sweep.name).info.run_id)


def settle_sweep(client: MlflowClient, experiment_id: str, sweep: Sweep) -> Sweep:
    """Send the final status of a sweep; returns the updated record."""
    run_id = open_sweep(client, experiment_id, sweep)
    if sweep.failures:
        client.set_tag(run_id, FAILURES_TAG, push.cut("; ".join(sweep.failures), push.TAG_LENGTH))
    client.set_terminated(run_id, sweep.status)
    return replace(sweep, run_id=run_id, pending=False)


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
