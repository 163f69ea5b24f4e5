"""The Hydra callback at the start and end of a sweep, and the files by which its processes communicate.

A *cell* of a sweep is one of its runs; each job trains one cell. Before any job starts, the launching process creates
the database and the experiment, opens the parent run of MLflow, and writes the id of this run to `parent.json` in the
folder of the sweep, where jobs on any machine can read it. Every job appends a line to `cells.jsonl`; at its end the
sweep reads these lines. If a job failed, the sweep exits with code 1 after the other jobs. It stops before them only if
they would fail for the same reason (shared_failure.py).
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console

from thinline import runs
from thinline.config.path_options import check_one_store, settle_paths
from thinline.config.schema import check_seed, checked
from thinline.pipeline.locate import SKIPPED
from thinline.pipeline.mlflow_run_names import comparison, parent_name, parent_tags, varied
from thinline.runs import RunFolder, parent_runs
from thinline.runs.folder import RUNS
from thinline.runs.parent_runs import Condition
from thinline.study.design.study import Study
from thinline.sweep.jobs import covering, requested_jobs, seeds_of, study_of
from thinline.sweep.shared_failure import SweepStopped, stopped_by
from thinline.sweep.tables import show
from thinline.system.atomic_files import StorageError, check_writable, make_folder, write_bytes
from thinline.system.signals import Killed, stoppable
from thinline.tracking.addresses import SQLITE

PARENT: Final = "parent.json"
CELLS: Final = "cells.jsonl"
SWEEP: Final = "THINLINE_SWEEP"
"""Environment variable with the sweep's folder, for a process that runs one job of the sweep."""
NUMBER: Final = "THINLINE_JOB"
"""Environment variable with the number of the job in the sweep, for such a process."""
FAILED: Final = "FAILED"
Links = tuple[str, str] | None
"""Addresses of the cells and of the conditions of a sweep on MLflow's page."""
CONSOLE = Console(markup=False, highlight=False)


@dataclass(frozen=True)
class Line:
    """How one job of a sweep ended; `number` is its position in the sweep."""

    number: int
    job: str
    cell: str
    status: str
    error: str = ""


@dataclass(frozen=True)
class Parent:
    """Facts that all jobs of a sweep need: study, id of the parent run, launching process, varied keys, job count."""

    study: str
    run_id: str | None
    process: int
    varied: tuple[str, ...] = ()
    jobs: int = 0


def parent_of(folder: Path | None) -> Parent | None:
    """The content of `parent.json` in `folder`, the folder of a sweep; None without a sweep or after its end."""
    if folder is None:
        return None
    try:
        stored = json.loads((folder / PARENT).read_text())
    except FileNotFoundError:
        return None
    return Parent(**stored | {"varied": tuple(stored.get("varied", ()))})


def folder_of(hydra: HydraConf) -> Path | None:
    """The folder of the sweep that this job belongs to; None for a single run."""
    folder = hydra.sweep.dir if hydra.mode == RunMode.MULTIRUN else os.environ.get(SWEEP)
    return Path(folder) if folder else None


def append(folder: Path, line: Line) -> None:
    """Append a line in one write, so that several processes can append at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CELLS).open("a") as file:
        file.write(json.dumps(asdict(line)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def lines(folder: Path) -> list[Line]:
    """The lines that the jobs have written so far, in the order of the sweep."""
    texts = (folder / CELLS).read_text().splitlines() if (folder / CELLS).exists() else []
    return sorted((Line(**json.loads(text)) for text in texts), key=lambda line: line.number)


class Sweep(Callback):
    """Opens and closes the parent run of a sweep. For a single run it only checks the configuration and the store."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Exit with a message if the configuration is invalid or the store cannot be written."""
        with explained():
            settle_paths(config, Path(config.hydra.runtime.cwd))
            checked(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))
            check_writable(Path(config.paths.store))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Create the store and open the parent run; exit with a message if the jobs are invalid."""
        with explained():
            settle_paths(config, Path(config.hydra.runtime.cwd))
            jobs = requested_jobs(config)
            study = study_of(config)
            check_one_store(varied(jobs))
            for seed in seeds_of(jobs):
                check_seed(seed)
        if config.dry_run:
            return
        folder = Path(config.hydra.sweep.dir)
        with explained():
            check_jobs(config, jobs)
            check_writable(Path(config.paths.store))
            parent_id = self._open(config, study, jobs)
            name = folder.name if study is None else study.name
            parent = Parent(name, parent_id, os.getpid(), varied(jobs), len(jobs))
            make_folder(folder)
            write_bytes(folder / PARENT, json.dumps(asdict(parent)).encode())

    def _open(self, config: DictConfig, study: Study | None, jobs: list[list[str]]) -> str | None:
        """Open the parent run. Returns its id, or None without a tracker."""
        if not config.tracking.uri:
            return None
        from thinline.tracking.resend import settle_dead_sweeps
        from thinline.tracking.tracker import Tracker

        tracker = Tracker(config.tracking.uri, config.tracking.experiment, Path(config.paths.store))
        if tracker.initialise() is not None:
            settle_dead_sweeps(Path(config.paths.store), config.tracking.uri)
        overrides = list(config.hydra.overrides.task)
        tags = parent_tags(study, overrides, len(jobs))
        compared = comparison(study, varied(jobs), config.classes)
        return tracker.open_parent(parent_name(study, overrides), tags, compared)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the parent run, print the tables, and exit with code 1 if a job failed."""
        if config.dry_run:
            return
        folder = Path(config.hydra.sweep.dir)
        ended = lines(folder)
        failed = [line for line in ended if line.status == FAILED]
        cause = stopped_by(folder)
        try:
            lost = len(requested_jobs(config)) - len(ended)
            status = runs.FAILED if failed or lost > 0 else runs.FINISHED
            links = close(folder, config, status, [line.cell or line.job for line in failed])
            with explained():
                report(config, ended, links)
        except Exception as error:  # Hydra would turn it into a warning, and the exit code into 0
            traceback.print_exception(error)
            sys.exit(1)
        if lost > 0:
            of_all = f"{lost} of {lost + len(ended)}"
            text = f"error: {of_all} jobs ended without a result; start the same command again"
            if cause is not None:
                text = f"{of_all} cells were not started, because they would fail as '{cause}' did. Mend the cause and "
                text += "start the same command with retry_failed=true, or run all cells with fail_fast=false"
            CONSOLE.print(text, style="red", soft_wrap=True)
        if failed or not ended or lost > 0:
            sys.exit(1)


@contextmanager
def explained() -> Iterator[None]:
    """Catch an error of configuration or storage, print its message, and exit with code 1."""
    try:
        yield
    except (StorageError, ValueError, OSError, OmegaConfBaseException, HydraException) as error:
        CONSOLE.print(f"error: {error}", style="red", soft_wrap=True)
        sys.exit(1)


def check_jobs(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    """Compose and parse enough jobs to check every override once. Raises what Hydra and `checked` raise."""
    loader = GlobalHydra.instance().config_loader()
    for job in covering(jobs):
        composed = loader.load_sweep_config(config, list(job))
        settle_paths(composed, Path(config.hydra.runtime.cwd))
        checked(OmegaConf.masked_copy(composed, [str(key) for key in composed if key != "hydra"]))


@contextmanager
def stopped_as_one(config: DictConfig) -> Iterator[None]:
    """Run the jobs of a sweep in this context.

    A signal closes the parent run, also between two jobs. A failure that all jobs share ends the jobs.
    """
    try:
        with stoppable(), suppress(SweepStopped):
            yield
    except Killed as stop:
        if not stop.shown:
            CONSOLE.print(f"{stop}. Run the same command again to continue with the unfinished cells.", soft_wrap=True)
        stop.shown = True
        close(Path(config.hydra.sweep.dir), config, runs.KILLED, [])
        raise


def close(folder: Path | None, config: DictConfig, status: str, failures: list[str]) -> Links:
    """Close the parent run of the sweep in `folder`, if this process opened the run and has not closed it.

    Returns the links to the cells and to the conditions of the sweep on MLflow's page, or None if there are none.
    """
    parent = parent_of(folder)
    if folder is None or parent is None or parent.process != os.getpid():
        return None
    (folder / PARENT).unlink()
    if parent.run_id is None:
        return None
    from thinline.sweep.conditions import conditions_of
    from thinline.tracking.tracker import Tracker

    store = Path(config.paths.store)
    tracker = Tracker(config.tracking.uri, config.tracking.experiment, store)
    ended = lines(folder)
    cells = cells_of(ended)
    conditions: tuple[Condition, ...] = ()
    with suppress(StorageError):  # tables that are lost or mixed: `report` raises the error again
        opened = parent_runs.read(store, parent.run_id)
        measures = () if opened is None else opened.measures
        conditions = conditions_of(store, cells, varied=parent.varied, measures=measures)
    links = tracker.close_parent(parent.run_id, status, failures, cells=cells, conditions=conditions)
    tracker.send_studies([RunFolder.open(store / RUNS / line.cell) for line in ended if line.status == SKIPPED])
    return links


def cells_of(ended: Sequence[Line]) -> list[str]:
    """Names of the run folders of the jobs that did not fail, each once, in the order of the sweep."""
    return list(dict.fromkeys(line.cell for line in ended if line.status != FAILED))


def report(config: DictConfig, ended: list[Line], links: Links = None) -> None:
    """Print the tables of the cells of a sweep, then the failed jobs with their errors."""
    order = cells_of(ended)
    rows = runs.read(Path(config.paths.store), runs=order)
    if len(rows):
        CONSOLE.print()
        show(CONSOLE, rows, order=order, commands=commands(config, order, links))
    skipped = sum(line.status == SKIPPED for line in ended)
    if skipped:
        CONSOLE.print(
            f"{skipped} of {len(ended)} cells were finished before and not run again (force=true runs them again)"
        )
    for line in ended:
        if line.status == FAILED:
            CONSOLE.print(f"FAILED  {line.job}: {line.error}", style="red", soft_wrap=True)


def commands(config: DictConfig, order: list[str], links: Links = None) -> list[str]:
    """Shell commands that show the page of MLflow (its address, if it is a server), where there is a tracker, and the
    pictures of the first cell; then `links`."""
    pictures = quote(f"{nearby(config.paths.store)}/runs/{order[0]}/overlays")
    texts = [f"ls {pictures}        truth, prediction and errors as pictures"]
    if config.tracking.uri:
        uri, name = config.tracking.uri, config.tracking.uri.removeprefix(SQLITE)
        page = uri if name == uri else f"mlflow ui --backend-store-uri {quote(f'{SQLITE}{nearby(name)}')}"
        texts.insert(0, f"{page}        compare runs, curves, pictures")
    if links is not None:
        cells, conditions = links
        texts += [f"{cells}        this sweep on that page: IoU of each curve"]
        texts += [f"{conditions}        its means and 95 % intervals over seeds"]
    return texts


def nearby(path: str) -> str:
    """`path` relative to the working directory, where it lies below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def job_of(hydra: HydraConf) -> str:
    """The overrides of one job, e.g. `loss=dice class_weight=none`."""
    return " ".join(hydra.overrides.task) or "defaults"
