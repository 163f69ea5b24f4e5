"""Send runs and sweeps that MLflow lacks, and mark runs of killed processes KILLED (`thinline replay`).

Conventions

- Idempotent: a second replay changes nothing.
- Runs and sweeps that a process holds are skipped. RUNNING with a free lock becomes KILLED, also in MLflow.
- One run that cannot be sent does not stop the others.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from thinline.runs import parent_runs
from thinline.runs.folder import RunFolder, run_folders
from thinline.runs.manifest import KILLED, RUNNING, Tracking
from thinline.system.atomic_files import StorageError
from thinline.tracking import addresses, database, deliver
from thinline.tracking.tracker import ARTIFACTS

SENT: Final = "sent"
COMPLETE: Final = "complete"
IN_USE: Final = "in use"
FAILED: Final = "failed"


@dataclass(frozen=True)
class Outcome:
    """The result of replay for one run or sweep; `status` is SENT, COMPLETE, IN_USE or FAILED."""

    run: str
    status: str
    detail: str = ""


def replay(root: Path, uri: str, *, experiment: str = "thinline", everything: bool = False) -> list[Outcome]:
    """Send every run under `root` of which MLflow at `uri` lacks anything; returns one outcome per sweep and run.

    `experiment` is for runs without a tracking record. `everything` sends complete runs as well, for a lost database.
    Raises `StorageError` for a store that cannot be used and `ServerAwayError` for a server that does not answer.
    """
    uri = addresses.canonical(uri)
    client = MlflowClient(tracking_uri=uri)
    artifacts = Path(root) / ARTIFACTS
    database.initialise(uri, experiment, artifacts)
    outcomes = []
    sweeps = [replace(each, uri=uri) for each in parent_runs.read_all(root) if everything or _lacks(each, uri)]
    for sweep in sweeps:
        outcomes.append(_replay_sweep(client, Path(root), sweep, artifacts))
    for folder in run_folders(root):
        outcomes.append(_replay_run(client, folder, Tracking(uri, experiment, folder.name), everything))
    for sweep in sweeps:  # a cell that a sweep skipped may have come just now
        with suppress(MlflowException, StorageError, OSError):  # the run was reported as failed
            deliver.join_cells(client, sweep, Path(root))
    return outcomes


def _lacks(sweep: parent_runs.Sweep, uri: str) -> bool:
    """Whether MLflow at `uri` may lack data of the sweep."""
    return sweep.pending or sweep.uri != uri


def settle_dead_sweeps(root: Path, uri: str) -> list[Outcome]:
    """Close the parent runs of sweeps whose process was killed; returns one outcome for each."""
    uri = addresses.canonical(uri)
    client = MlflowClient(tracking_uri=uri)
    running = (sweep for sweep in parent_runs.read_all(root) if sweep.status == RUNNING and sweep.uri == uri)
    outcomes = (_replay_sweep(client, Path(root), sweep, Path(root) / ARTIFACTS) for sweep in running)
    return [outcome for outcome in outcomes if outcome.status != IN_USE]


def _replay_sweep(client: MlflowClient, root: Path, sweep: parent_runs.Sweep, artifacts: Path) -> Outcome:
    lock = parent_runs.lock_of(root, sweep.sweep_id)
    if not lock.try_acquire():
        return Outcome(sweep.name, IN_USE, lock.holder())
    try:
        ended = replace(sweep, status=KILLED) if sweep.status == RUNNING else sweep
        experiment_id = database.initialise(sweep.uri, sweep.experiment, artifacts)
        parent_runs.write(root, deliver.settle_sweep(client, experiment_id, ended, root))
        return Outcome(sweep.name, SENT, ended.status)
    except (MlflowException, StorageError, OSError) as error:
        return Outcome(sweep.name, FAILED, database.first_line(error))
    finally:
        lock.release()


def _replay_run(client: MlflowClient, folder: RunFolder, unknown: Tracking, everything: bool) -> Outcome:
    if not folder.try_lock():
        return Outcome(folder.name, IN_USE, folder.holder())
    try:
        killed = folder.settle()
        manifest = folder.begun()
        tracking = manifest.mlflow or unknown
        if not (everything or killed or tracking.pending or tracking.uri != unknown.uri):
            joined = deliver.send_studies(client, folder)
            return Outcome(folder.name, SENT if joined else COMPLETE, manifest.status)
        folder.track(replace(tracking, uri=unknown.uri, pending=True))
        experiment_id = database.initialise(unknown.uri, tracking.experiment, folder.root / ARTIFACTS)
        deliver.complete_run(client, experiment_id, folder, manifest.status)
        return Outcome(folder.name, SENT, manifest.status)
    except (MlflowException, StorageError, OSError) as error:
        return Outcome(folder.name, FAILED, database.first_line(error))
    finally:
        folder.unlock()
