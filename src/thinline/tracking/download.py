"""MLflow -> run folders: the finished runs of a study, from any tracking URI, to be read as if trained here.

Conventions

- A run is fetched when it is finished, active, not superseded, and belongs to the study: the study stands in its tag
  `study`, or, where the run has no such tag, in its manifest. Two such runs of one cell: the later one.
- `into/runs/<name>/` gets manifest.json, config.yaml and both tables. Pictures, history and checkpoints stay behind.
- Files are gathered in `into/incoming/<MLflow id>/`, each written in one step, and the folder is moved into its place
  when it is whole. So a reader sees whole runs alone, and fetching again goes on where it was stopped.
- A run that is there already is left as it is, but for the name of the study in its manifest. Another run of the same
  cell, or one that is not finished, is not overwritten.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from thinline.runs.folder import PER_CLASS, PER_SHEET, RunFolder
from thinline.runs.manifest import FINISHED, Manifest
from thinline.system.atomic_files import StorageError, explained, make_folder, write_bytes
from thinline.tracking import addresses
from thinline.tracking import database as store
from thinline.tracking.push import FOLDER_TAG, STUDY_TAG, SUPERSEDED_TAG

MANIFEST: Final = "manifest.json"
FILES: Final = ("config.yaml", PER_CLASS, PER_SHEET)
INCOMING: Final = "incoming"
_PAGE: Final = 1000
_NAME: Final = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class _Source:
    """Where runs come from, in words too."""

    client: MlflowClient
    uri: str
    experiment: str


def fetch(uri: str, study: str, into: Path, *, experiment: str) -> list[str]:
    """Bring the finished runs of `study` into run folders under `into`; returns their names in order.

    `runs.read(into, study)` then reads them. Raises `StorageError` for an experiment or a study that is not there, for
    a run that lacks a file, and for a folder of `into` in the way, and `ServerAwayError` for a server that does not
    answer. What has arrived stays; the same call goes on.
    """
    with _explained(uri):
        source = _Source(_client(uri), uri, experiment)
        found = _newest(_finished_runs(source))
        told = {run.info.run_id: _manifest(source, run) for run in found if _may_belong(run, study)}
    mine = [run for run in found if run.info.run_id in told and _belongs(run, told[run.info.run_id], study)]
    if not mine:
        raise StorageError(_none(source, study, found, told.values()))
    for run in mine:
        manifest = _joined(told[run.info.run_id], study)
        with _explained(uri):
            _bring(source, run, manifest, into, study)
    with suppress(OSError):
        (into / INCOMING).rmdir()
    return sorted(run.data.tags[FOLDER_TAG] for run in mine)


def _client(uri: str) -> MlflowClient:
    if uri.startswith(addresses.SQLITE):
        database = addresses.database_file(uri)
        if not database.is_file():  # MLflow would make an empty one
            raise StorageError(
                f"expected an MLflow database at {database}, got no such file; give the URI the runs were logged to, "
                "as sqlite:///mlruns/mlflow.db or http://<server>"
            )
        store.check_database(database)
        return MlflowClient(tracking_uri=f"{addresses.SQLITE}{database}")
    return MlflowClient(tracking_uri=uri)


def _finished_runs(source: _Source) -> Iterator[Run]:
    """Every finished, active run of the experiment that shows a run folder and was not replaced, newest first."""
    experiment = source.client.get_experiment_by_name(source.experiment)
    if experiment is None or experiment.lifecycle_stage != "active":
        names = sorted(it.name for it in source.client.search_experiments())
        raise StorageError(
            f"expected the MLflow experiment '{source.experiment}' at {source.uri}, got {', '.join(names) or 'none'}; "
            "give one of these names, or the URI that the runs were logged to"
        )
    token = None
    while True:
        page = source.client.search_runs(
            [experiment.experiment_id],
            f"attributes.status = '{FINISHED}' and tags.{FOLDER_TAG} != ''",
            ViewType.ACTIVE_ONLY,
            _PAGE,
            ["attributes.end_time DESC"],
            token,
        )
        yield from (run for run in page if SUPERSEDED_TAG not in run.data.tags)
        token = page.token
        if not token:
            return


def _newest(runs: Iterator[Run]) -> list[Run]:
    """The first run of every folder's name."""
    found: dict[str, Run] = {}
    for run in runs:
        found.setdefault(run.data.tags[FOLDER_TAG], run)
    return list(found.values())


def _may_belong(run: Run, study: str) -> bool:
    told = run.data.tags.get(STUDY_TAG)
    return told is None or study in told.split(",")


def _belongs(run: Run, manifest: Manifest, study: str) -> bool:
    return STUDY_TAG in run.data.tags or study in manifest.studies


def _joined(manifest: Manifest, study: str) -> Manifest:
    """The tag of a run may know a study that its manifest of that time does not."""
    return manifest if study in manifest.studies else replace(manifest, studies=(*manifest.studies, study))


def _manifest(source: _Source, run: Run) -> Manifest:
    text = _download(source, run, MANIFEST).decode()
    return Manifest.from_json(text, f"{MANIFEST} of MLflow run {run.info.run_id} at {source.uri}")


def _bring(source: _Source, run: Run, manifest: Manifest, into: Path, study: str) -> None:
    name = run.data.tags[FOLDER_TAG]
    if not _NAME.fullmatch(name):
        raise StorageError(
            f"MLflow run {run.info.run_id} at {source.uri}: expected the tag {FOLDER_TAG} to be the name of a folder, "
            f"got {name!r}; mend or delete that run"
        )
    folder = RunFolder.open(into.absolute() / "runs" / name)
    if _is_there(folder, manifest):
        folder.join_study(study)
        return
    incoming = into / INCOMING / run.info.run_id
    make_folder(incoming)
    sizes = {it.path: it.file_size for it in source.client.list_artifacts(run.info.run_id)}
    for file in FILES:
        if not (incoming / file).exists():
            write_bytes(incoming / file, _download(source, run, file, sizes.get(file)))
    write_bytes(incoming / MANIFEST, manifest.to_json().encode())
    make_folder(folder.path.parent)
    with explained(folder.path):
        incoming.rename(folder.path)


def _is_there(folder: RunFolder, manifest: Manifest) -> bool:
    """Whether `folder` holds the run of `manifest`; refuses a folder that holds something else."""
    here = folder.manifest()
    if here is None and not folder.path.exists():
        return False
    ended = None if here is None else f"{here.status}, begun {here.started}, ended {here.finished}"
    wanted = f"{manifest.status}, begun {manifest.started}, ended {manifest.finished}"
    if ended != wanted:
        raise StorageError(
            f"{folder.path}: expected no such folder, or the run that MLflow has ({wanted}), got "
            f"{ended or 'one without manifest'}; give an empty folder to fetch into, or remove this one"
        )
    return True


def _download(source: _Source, run: Run, file: str, size: int | None = None) -> bytes:
    """The content of an artifact, as large as MLflow says it is."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            content = Path(source.client.download_artifacts(run.info.run_id, file, folder)).read_bytes()
    except (MlflowException, OSError) as error:
        raise StorageError(
            f"{file} of MLflow run {run.info.run_name} ({run.info.run_id}): expected it among the artifacts at "
            f"{run.info.artifact_uri}, got {store.first_line(error)}. Fetch where that address can be reached, or send "
            "the run again from the machine that trained it: python -m thinline replay --everything"
        ) from error
    if size is not None and len(content) != size:
        raise StorageError(
            f"{file} of MLflow run {run.info.run_id}: expected {size:,} bytes, got {len(content):,}; fetch again"
        )
    return content


def _none(source: _Source, study: str, found: Iterable[Run], told: Iterable[Manifest]) -> str:
    runs = list(found)
    tagged = {name for run in runs for name in run.data.tags.get(STUDY_TAG, "").split(",") if name}
    studies = sorted(tagged | {name for manifest in told for name in manifest.studies})
    return (
        f"expected finished runs of study '{study}' in MLflow experiment '{source.experiment}' at {source.uri}, got "
        f"{len(runs)} finished runs of {', '.join(studies) or 'no study'}; check the name of the study, or send what "
        "MLflow lacks from the machine that trained it: python -m thinline replay"
    )


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn what MLflow, its database driver or its server raise into an error in plain words."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:  # drivers of databases raise errors of their own
        kind = store.ServerAwayError if uri.startswith(addresses.SERVER) else StorageError
        raise kind(
            f"expected MLflow to answer at {uri}, got {store.first_line(error)}. Check the address or start the "
            "server, then fetch again: what has arrived is not fetched twice"
        ) from error
