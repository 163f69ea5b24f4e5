"""Log the files of a study (report, verdicts, tables) to MLflow, as artifacts of its newest parent run.

Conventions

- A sweep belongs to a study if its record has the study as tag `study`. If no sweep has this tag, the sweeps whose
  children count among the study are used.
- Sending again replaces files of the same name. A failure is one warning, because the files stay on the disk.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from thinline.runs import parent_runs, table
from thinline.runs.parent_runs import Sweep
from thinline.system.atomic_files import StorageError
from thinline.tracking import addresses, database, deliver
from thinline.tracking.push import STUDY_TAG
from thinline.tracking.tracker import ARTIFACTS

logger = logging.getLogger(__name__)

REPORT: Final = "report"


def attach(uri: str, study: str, files: Sequence[Path], *, root: Path, experiment: str) -> str | None:
    """Log `files` under `report/` of the newest parent run of the study; returns its id, or None after a failure.

    `root` is the store with the records of the sweeps. Raises `StorageError` for a missing file.
    """
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise StorageError(f"expected files to log to MLflow, got none at {', '.join(missing)}; write them first")
    try:
        uri = addresses.canonical(uri)
        client = MlflowClient(tracking_uri=uri)
        run_id = _newest_parent(client, uri, study, root, experiment)
        for file in files:
            client.log_artifact(run_id, str(file), REPORT)
    except (StorageError, MlflowException, OSError) as error:
        logger.warning(
            "MLflow at %s did not get the report of %s (%s). Nothing is lost: the files are in %s",
            uri,
            study,
            database.first_line(error),
            ", ".join(sorted({str(file.parent) for file in files})),
        )
        return None
    return run_id


def _newest_parent(client: MlflowClient, uri: str, study: str, root: Path, experiment: str) -> str:
    database.initialise(uri, experiment, root / ARTIFACTS)
    parents = {}
    for sweep in _sweeps_of(study, root):
        experiment_id = database.initialise(uri, sweep.experiment, root / ARTIFACTS)
        run_id = deliver.find_sweep(client, experiment_id, sweep)
        if run_id is not None:
            parents[run_id] = client.get_run(run_id).info.start_time
    if not parents:
        raise StorageError(
            f"expected a parent run of study '{study}', got none; a sweep creates one, thinline replay sends it"
        )
    return max(parents, key=lambda run_id: (parents[run_id], run_id))


def _sweeps_of(study: str, root: Path) -> list[Sweep]:
    """The sweeps with the tag of the study, or else the parents of its runs."""
    sweeps = parent_runs.read_all(root)
    tagged = [sweep for sweep in sweeps if sweep.tags.get(STUDY_TAG) == study]
    trackings = (manifest.mlflow for manifest in table.manifests(root, study).values())
    parents = {tracking.parent_id for tracking in trackings if tracking is not None}
    return tagged or [sweep for sweep in sweeps if sweep.sweep_id in parents]
