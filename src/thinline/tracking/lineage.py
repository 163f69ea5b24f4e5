"""The data and the result of a run in MLflow: its datasets as inputs, and its checkpoint as a logged model.

Conventions

- Each split is one dataset with the digest of its images; equal images are one dataset of the experiment. The record is
  in the manifest (`datasets`), so that `thinline replay` sends the same.
- The model of a finished run is an external one: MLflow gets the path, the digest and the scores of the checkpoint,
  not a second copy of the weights. Another checkpoint of the same run (a resumed one) is another model.
- Sending again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Run,
)
from mlflow.exceptions import MlflowException
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.models.utils import get_external_mlflow_model_spec
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_MODEL_IS_EXTERNAL

from thinline.runs.folder import RunFolder
from thinline.runs.history import Line
from thinline.runs.manifest import Manifest
from thinline.tracking.page_content import NOTE_TAG, model_note
from thinline.tracking.push import metric_name

CHECKPOINT_TAG: Final = "checkpoint"
DIGEST_TAG: Final = "checkpoint_digest"
MODEL_TYPE: Final = "segmentation network"
CONTEXTS: Final = {"train": "training", "val": "validation", "test": "test"}
_LAST: Final = "last.ckpt"
_DIGEST_LENGTH: Final = 10


@dataclass(frozen=True)
class _Checkpoint:
    """The checkpoint of a run, with the digest that `thinline.load_run` puts into its name."""

    path: Path
    digest: str


def send_datasets(client: MlflowClient, run_id: str, manifest: Manifest) -> None:
    """Log the images of every split as inputs of the run; nothing for a run of an older version."""
    inputs = [
        DatasetInput(_dataset(each), [InputTag(MLFLOW_DATASET_CONTEXT, CONTEXTS.get(each["split"], each["split"]))])
        for each in manifest.cell.datasets
    ]
    if inputs:
        client.log_inputs(run_id, datasets=inputs)


def send_model(client: MlflowClient, run: Run, folder: RunFolder, lines: Sequence[Line]) -> str | None:
    """Log the checkpoint of `run` as a model with its test scores; returns its id.

    `lines` are the headline numbers of the history. None without a checkpoint, and from a server of MLflow 2, which has
    no such models.
    """
    path = folder.checkpoints / _LAST
    if not path.is_file():
        return None
    with path.open("rb") as file:
        checkpoint = _Checkpoint(path, hashlib.file_digest(file, "sha256").hexdigest()[:_DIGEST_LENGTH])
    try:
        return _sent(client, run, folder, checkpoint, lines)
    except MlflowException as error:
        if error.error_code == "ENDPOINT_NOT_FOUND":
            return None
        raise


def _sent(client: MlflowClient, run: Run, folder: RunFolder, checkpoint: _Checkpoint, lines: Sequence[Line]) -> str:
    model = _existing(client, run, checkpoint)
    if model is None:
        model = _create(client, run, folder, checkpoint)
        step = max((line.step for line in lines), default=0)
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step)])
    if not model.metrics:
        _send_scores(client, run, model, folder.begun(), lines)
    if model.status != LoggedModelStatus.READY:
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    return str(model.model_id)


def _dataset(record: Mapping[str, Any]) -> Dataset:
    source, profile = (json.dumps(record[name]) for name in ("source", "profile"))
    return Dataset(record["name"], record["digest"], record["source_type"], source, profile=profile)


def _existing(client: MlflowClient, run: Run, checkpoint: _Checkpoint) -> LoggedModel | None:
    outputs = [] if run.outputs is None else run.outputs.model_outputs
    models = [client.get_logged_model(output.model_id) for output in outputs]
    return next((model for model in models if model.tags.get(DIGEST_TAG) == checkpoint.digest), None)


def _create(client: MlflowClient, run: Run, folder: RunFolder, checkpoint: _Checkpoint) -> LoggedModel:
    manifest = folder.begun()
    tags = {MLFLOW_MODEL_IS_EXTERNAL: "true", DIGEST_TAG: checkpoint.digest}
    tags |= {CHECKPOINT_TAG: str(checkpoint.path.absolute()), NOTE_TAG: model_note(folder, checkpoint.path)}
    model = client.create_logged_model(
        run.info.experiment_id,
        # MLflow refuses some characters in the name of a model
        name=re.sub(r"[^\w\- ]", "_", run.info.run_name or folder.name),
        source_run_id=run.info.run_id,
        tags=tags,
        params={**manifest.cell.factors, "seed": str(manifest.cell.seed)},
        model_type=MODEL_TYPE,
    )
    with tempfile.TemporaryDirectory() as temporary:  # without this file the model could not be registered
        get_external_mlflow_model_spec(model).save(str(Path(temporary) / MLMODEL_FILE_NAME))
        client.log_model_artifacts(model.model_id, temporary)
    return model


def _send_scores(client: MlflowClient, run: Run, model: LoggedModel, manifest: Manifest, lines: Sequence[Line]) -> None:
    """Link the last test scores of the run to the model and the test images; the points of the run stay as they are."""
    last = {name: (value, line) for line in lines for name, value in line.metrics.items() if name.startswith("test/")}
    test = next((each for each in manifest.cell.datasets if each["split"] == "test"), None)
    scores = [
        Metric(
            metric_name(name),
            value,
            line.time_ms,
            line.step,
            model_id=model.model_id,
            run_id=run.info.run_id,
            dataset_name=None if test is None else test["name"],
            dataset_digest=None if test is None else test["digest"],
        )
        for name, (value, line) in last.items()
    ]
    if scores:
        client.log_batch(run.info.run_id, metrics=scores)
