"""The run folder: all files of one run. MLflow gets copies of them; nothing is read back from MLflow.

Conventions

    mlruns/runs/<slug>-<digest>/
      manifest.json       factor levels, code version and status (`manifest.py`)
      config.yaml         the resolved configuration
      history.jsonl       one line per logged step (`history.py`)
      per_class.parquet   split, measure, class, value, support, signature
      per_sheet.parquet   the same columns and sheet
      checkpoints/        written by the trainer
      overlays/           PNG pictures
      overlays.html       the page that shows them
      .lock               held by the process that trains the run (`system/file_lock.py`)

- All files but history and checkpoints are written atomically. At the end of a run the results are written first, then
  the manifest with FINISHED. A run that is killed between the two writes can be resumed.
- A writer holds the lock. A reader needs no lock.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from thinline.runs.history import History, Line
from thinline.runs.manifest import FINISHED, KILLED, RUNNING, Cell, Failure, Manifest, Origin, Tracking, now
from thinline.runs.parent_runs import SWEEPS
from thinline.system.atomic_files import StorageError, make_folder, remove_remains, write_bytes
from thinline.system.file_lock import FileLock

RUNS = "runs"
PER_CLASS = "per_class.parquet"
PER_SHEET = "per_sheet.parquet"
CLASS_COLUMNS = ("split", "measure", "class", "value", "support", "signature")
SHEET_COLUMNS = (*CLASS_COLUMNS, "sheet")


class RunFolder:
    """The folder of one run under `root` (`mlruns`). Creating the object changes no file."""

    def __init__(self, root: Path, slug: str, digest: str) -> None:
        self.root = Path(root)
        self.name = f"{slug}-{digest}"
        self.path = self.root / RUNS / self.name
        self.manifest_path = self.path / "manifest.json"
        self.config_path = self.path / "config.yaml"
        self.checkpoints = self.path / "checkpoints"
        self.overlays = self.path / "overlays"
        self.contact_sheet = self.path / "overlays.html"
        self._history = History(self.path / "history.jsonl")
        self._lock = FileLock(self.path / ".lock")

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The run folder at `path`, whose name is `<slug>-<digest>`."""
        slug, _, digest = Path(path).name.rpartition("-")
        return cls(Path(path).parent.parent, slug, digest)

    def try_lock(self) -> bool:
        """Create the folder and lock it; False when another process holds the lock."""
        make_folder(self.path)
        return self._lock.try_acquire()

    def lock(self, *, wait_s: float) -> None:
        """Create the folder and lock it. Raises `StorageError` with the holder if this takes longer than `wait_s`."""
        make_folder(self.path)
        self._lock.acquire(wait_s=wait_s)

    def unlock(self) -> None:
        """Release the lock."""
        self._lock.release()

    def in_use(self) -> bool:
        """Whether any process, this one included, holds the lock."""
        return self._lock.taken()

    def holder(self) -> str:
        """A phrase that names the process that holds or last held the lock."""
        return self._lock.holder()

    def manifest(self) -> Manifest | None:
        """The manifest, or None if no run has begun."""
        try:
            text = self.manifest_path.read_text()
        except FileNotFoundError:
            return None
        return Manifest.from_json(text, str(self.manifest_path))

    def begun(self) -> Manifest:
        """The manifest. Raises `StorageError` if no run has begun."""
        manifest = self.manifest()
        if manifest is None:
            raise StorageError(
                f"run {self.name}: expected a run that has begun, got a folder without manifest; call begin first"
            )
        return manifest

    @property
    def finished(self) -> bool:
        """Whether the run is FINISHED."""
        manifest = self.manifest()
        return manifest is not None and manifest.status == FINISHED

    def begin(self, cell: Cell, origin: Origin, *, study: str | None = None) -> Manifest:
        """Write a manifest with status RUNNING. A resumed run keeps its start time and has one more attempt."""
        self._must_hold_lock()
        for folder in (self.checkpoints, self.overlays):
            make_folder(folder)
        remove_remains(self.path)
        old = self.manifest()
        if old is None:
            return self._write(Manifest(RUNNING, cell, origin, now(), studies=_with(() if study is None else (study,))))
        if old.status == FINISHED:
            raise StorageError(
                f"run {self.name}: expected an unfinished run, got one that is FINISHED; skip it, or start it over "
                "(force=true)"
            )
        again = replace(old, status=RUNNING, cell=cell, origin=origin, finished=None, exception=None)
        return self._write(replace(again, attempts=old.attempts + 1, studies=_with(old.studies, study)))

    def start_over(self) -> None:
        """Remove all results of the run, but keep the ids of the MLflow runs that it replaces. Needs the lock."""
        self._must_hold_lock()
        old = self.manifest()
        for folder in (self.checkpoints, self.overlays):
            shutil.rmtree(folder, ignore_errors=True)
        for name in ("history.jsonl", PER_CLASS, PER_SHEET, "config.yaml", self.contact_sheet.name):
            (self.path / name).unlink(missing_ok=True)
        if old is None:
            return
        replaced = (old.mlflow.run_id,) if old.mlflow and old.mlflow.run_id else ()
        # KILLED, not removed: after a crash before `begin` the folder must still resume, from step 0
        emptied = replace(old, status=KILLED, attempts=0, started=now(), mlflow=None, exception=None)
        self._write(replace(emptied, superseded=(*old.superseded, *replaced)))

    def join_study(self, study: str) -> None:
        """Add `study` to the studies of this run, also if the run is finished and the sweep of the study skips it."""
        old = self.begun()
        if study not in old.studies:
            self._write(replace(old, studies=_with(old.studies, study)))

    def track(self, tracking: Tracking) -> None:
        """Record the MLflow run of this folder."""
        self._write(replace(self.begun(), mlflow=tracking))

    def finish(self, status: str, error: BaseException | None = None) -> Manifest:
        """Write the final status, the last write of a run. FINISHED is allowed only if the results are written."""
        if status == FINISHED and not (self.path / PER_CLASS).exists():
            raise StorageError(
                f"run {self.name}: FINISHED needs {PER_CLASS}, got none; write the results before the status"
            )
        self._history.flush()
        failure = None if error is None else Failure.of(error)
        begun = self.begun()
        return self._write(replace(begun, status=status, finished=max(now(), begun.started), exception=failure))

    def settle(self) -> bool:
        """Mark a run KILLED whose status is RUNNING although no process held its lock. Returns whether it was so.

        Call this with the lock. The end of the run is the time of its last history line, or its start if that is later,
        because a clock may have been set back.
        """
        self._must_hold_lock()
        manifest = self.manifest()
        if manifest is None or manifest.status != RUNNING:
            return False
        lines = self.history()
        last = datetime.fromtimestamp(lines[-1].time_ms / 1000, UTC).isoformat("T", "seconds") if lines else now()
        self._write(replace(manifest, status=KILLED, finished=max(last, manifest.started)))
        return True

    def write_config(self, text: str) -> None:
        """Write config.yaml."""
        write_bytes(self.config_path, text.encode())

    def log(self, step: int, metrics: Mapping[str, float]) -> Line:
        """Append one line of history and return it."""
        return self._history.append(step, metrics)

    def history(self) -> list[Line]:
        """The history, one line per step, in order of steps."""
        return self._history.read()

    def rewind(self, step: int) -> int:
        """Drop the history after `step`, at which a resumed run continues; returns the number of dropped lines."""
        return self._history.rewind(step)

    def write_overlay(self, name: str, png: bytes) -> Path:
        """Write one overlay picture and return its path."""
        path = self.overlays / f"{name}.png"
        write_bytes(path, png)
        return path

    def write_contact_sheet(self, page: str) -> Path:
        """Write the page that shows the overlays and return its path."""
        write_bytes(self.contact_sheet, page.encode())
        return self.contact_sheet

    def write_results(self, per_class: pd.DataFrame, per_sheet: pd.DataFrame) -> None:
        """Write both tables. A row is one number with its split, measure, class, support and signature."""
        for name, table, columns in ((PER_CLASS, per_class, CLASS_COLUMNS), (PER_SHEET, per_sheet, SHEET_COLUMNS)):
            if set(table.columns) != set(columns):
                raise StorageError(
                    f"{name} of run {self.name}: expected columns {', '.join(columns)}, got "
                    f"{', '.join(map(str, table.columns))}; add or remove columns to match"
                )
            buffer = io.BytesIO()
            table.loc[:, list(columns)].to_parquet(buffer, index=False)
            write_bytes(self.path / name, buffer.getvalue())

    def artifacts(self) -> list[Path]:
        """Existing files, besides the manifest, that are logged to MLflow."""
        files = [self.config_path, self.path / PER_CLASS, self.path / PER_SHEET, self.contact_sheet]
        return [path for path in files if path.exists()] + sorted(self.overlays.glob("*.png"))

    def _write(self, manifest: Manifest) -> Manifest:
        write_bytes(self.manifest_path, manifest.to_json().encode())
        return manifest

    def _must_hold_lock(self) -> None:
        if not self._lock.held:
            raise StorageError(f"run {self.name}: expected to hold its lock, got none; call try_lock or lock first")


def run_folders(root: Path) -> list[RunFolder]:
    """Every run folder with a manifest under `root`, sorted by name; empty if there is no store."""
    return [RunFolder.open(path.parent) for path in sorted((Path(root) / RUNS).glob("*/manifest.json"))]


def check_store(root: Path) -> None:
    """Raise `StorageError` when `root` is not a store of runs."""
    if not any((Path(root) / name).is_dir() for name in (RUNS, SWEEPS)):
        got = "one without runs" if Path(root).is_dir() else "no such folder"
        raise StorageError(f"expected a store of runs at {root}, got {got}; check --store, python train.py makes one")


def _with(studies: tuple[str, ...], study: str | None = None) -> tuple[str, ...]:
    return studies if study is None or study in studies else (*studies, study)
