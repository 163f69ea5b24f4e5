"""Files of a study beside its runs in MLflow: report, verdicts and tables as artifacts of its newest parent run.

Conventions

- A sweep belongs to a study by the tag `study` of its record, or because runs of the study hang under it: a sweep that
  trained cells which a later study shares is a parent of that study too, though only where no sweep was started for it.
- Sending again replaces files of the same name. The folder on the disk is the truth, so what fails here is told in one
  warning and stops nothing.
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
    """Log `files` under `report/` of the newest parent run of the study; returns its id, None where that failed.

    `root` is the store with the records of the sweeps. Raises `StorageError` for a file that is not there.
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
            "MLflow at %s did not get the report of %s (%s). Nothing is lost: the files lie in %s",
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
            f"expected a parent run of study '{study}', got none; a sweep makes one, python -m thinline replay sends it"
        )
    return max(parents, key=lambda run_id: (parents[run_id], run_id))


def _sweeps_of(study: str, root: Path) -> list[Sweep]:
    """The sweeps started for the study, or else those under which its runs hang."""
    known = parent_runs.read_all(root)
    tagged = [sweep for sweep in known if sweep.tags.get(STUDY_TAG) == study]
    noted = (manifest.mlflow for manifest in table.manifests(root, study).values())
    parents = {tracking.parent_id for tracking in noted if tracking is not None}
    return tagged or [sweep for sweep in known if sweep.sweep_id in parents]
