"""Download the finished runs of a study from MLflow into run folders.

Conventions

- A run is fetched when it is finished, active, not superseded, and belongs to the study: by its tag `study`, or by its
  manifest where the run has no such tag. Of two such runs of one cell the later one is fetched.
- `into/runs/<name>/` gets manifest.json, config.yaml and both tables, but no pictures, history or checkpoints.
- Files are written to `into/incoming/<MLflow id>/`, which is renamed when it is complete. A reader sees only complete
  runs, and an interrupted download resumes.
- A run that exists locally is not changed, except that the study is added to its manifest. A different or unfinished
  run of the same cell is not overwritten.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
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
    """The experiment that runs are downloaded from."""

    client: MlflowClient
    uri: str
    experiment: str


def fetch(uri: str, study: str, into: Path, *, experiment: str) -> list[str]:
    """Download the finished runs of `study` into run folders under `into`; returns their sorted names.

    Raises `StorageError` for a missing experiment or study, for a run that lacks a file, and for a different run in
    `into`; raises `ServerAwayError` for a server that does not answer. After an error the same call resumes.
    """
    with _explained(uri):
        source = _Source(_client(uri), uri, experiment)
        finished = _newest(_finished_runs(source))
        manifests = {run.info.run_id: _manifest(source, run) for run in finished if _may_belong(run, study)}
    wanted = [run for run in finished if _belongs(run, manifests.get(run.info.run_id), study)]
    if not wanted:
        raise StorageError(_no_run_message(source, study, finished, manifests.values()))
    for run in wanted:
        manifest = manifests[run.info.run_id]
        if study not in manifest.studies:  # the tag of a run may be newer than its manifest
            manifest = replace(manifest, studies=(*manifest.studies, study))
        with _explained(uri):
            _fetch_run(source, run, manifest, into, study)
    with suppress(OSError):
        (into / INCOMING).rmdir()
    return sorted(run.data.tags[FOLDER_TAG] for run in wanted)


def _client(uri: str) -> MlflowClient:
    if uri.startswith(addresses.SQLITE):
        database = addresses.database_file(uri)
        if not database.is_file():  # MLflow would create an empty one
            raise StorageError(
                f"expected an MLflow database at {database}, got no such file; give the URI the runs were logged to, "
                "as sqlite:///mlruns/mlflow.db or http://<server>"
            )
        store.check_database(database)
        return MlflowClient(tracking_uri=f"{addresses.SQLITE}{database}")
    return MlflowClient(tracking_uri=uri)


def _finished_runs(source: _Source) -> Iterator[Run]:
    """Every finished, active run of the experiment with a run folder that was not superseded, newest first."""
    experiment = source.client.get_experiment_by_name(source.experiment)
    if experiment is None or experiment.lifecycle_stage != "active":
        names = sorted(each.name for each in source.client.search_experiments())
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
    """The first run of each run folder."""
    newest: dict[str, Run] = {}
    for run in runs:
        newest.setdefault(run.data.tags[FOLDER_TAG], run)
    return list(newest.values())


def _may_belong(run: Run, study: str) -> bool:
    tag = run.data.tags.get(STUDY_TAG)
    return tag is None or study in tag.split(",")


def _belongs(run: Run, manifest: Manifest | None, study: str) -> bool:
    return manifest is not None and (STUDY_TAG in run.data.tags or study in manifest.studies)


def _manifest(source: _Source, run: Run) -> Manifest:
    text = _download(source, run, MANIFEST).decode()
    return Manifest.from_json(text, f"{MANIFEST} of MLflow run {run.info.run_id} at {source.uri}")


def _fetch_run(source: _Source, run: Run, manifest: Manifest, into: Path, study: str) -> None:
    name = run.data.tags[FOLDER_TAG]
    if not _NAME.fullmatch(name):
        raise StorageError(
            f"MLflow run {run.info.run_id} at {source.uri}: expected the tag {FOLDER_TAG} to be the name of a folder, "
            f"got {name!r}; correct or delete that run"
        )
    folder = RunFolder.open(into.absolute() / "runs" / name)
    if _exists(folder, manifest):
        folder.join_study(study)
        return
    incoming = into / INCOMING / run.info.run_id
    make_folder(incoming)
    sizes = {artifact.path: artifact.file_size for artifact in source.client.list_artifacts(run.info.run_id)}
    for file in FILES:
        if not (incoming / file).exists():
            write_bytes(incoming / file, _download(source, run, file, sizes.get(file)))
    write_bytes(incoming / MANIFEST, manifest.to_json().encode())
    make_folder(folder.path.parent)
    with explained(folder.path):
        incoming.rename(folder.path)


def _exists(folder: RunFolder, manifest: Manifest) -> bool:
    """Whether `folder` holds the run of `manifest`. Raises `StorageError` when it holds something else."""
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
    """The content of an artifact. Raises `StorageError` when it is missing or has not `size` bytes."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            content = Path(source.client.download_artifacts(run.info.run_id, file, folder)).read_bytes()
    except (MlflowException, OSError) as error:
        raise StorageError(
            f"{file} of MLflow run {run.info.run_name} ({run.info.run_id}): expected it among the artifacts at "
            f"{run.info.artifact_uri}, got {store.first_line(error)}. Fetch where that address can be reached, or send "
            "the run again from the machine that trained it: thinline replay --everything"
        ) from error
    if size is not None and len(content) != size:
        raise StorageError(
            f"{file} of MLflow run {run.info.run_id}: expected {size:,} bytes, got {len(content):,}; fetch again"
        )
    return content


def _no_run_message(source: _Source, study: str, runs: Sequence[Run], manifests: Iterable[Manifest]) -> str:
    tagged = {name for run in runs for name in run.data.tags.get(STUDY_TAG, "").split(",") if name}
    studies = sorted(tagged | {name for manifest in manifests for name in manifest.studies})
    return (
        f"expected finished runs of study '{study}' in MLflow experiment '{source.experiment}' at {source.uri}, got "
        f"{len(runs)} finished runs of {', '.join(studies) or 'no study'}; check the name of the study, or send what "
        "MLflow lacks from the machine that trained it: thinline replay"
    )


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn any error of MLflow, its database driver or its server into a `StorageError` with the next step."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:  # drivers of databases raise errors of their own
        kind = store.ServerAwayError if uri.startswith(addresses.SERVER) else StorageError
        raise kind(
            f"expected MLflow to answer at {uri}, got {store.first_line(error)}. Check the address or start the "
            "server, then fetch again: files that have arrived are not fetched twice"
        ) from error
