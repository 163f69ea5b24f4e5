"""Roof: what Hydra calls at the start and end of a sweep, and what one job of it does.

The parent makes database and experiment before any job starts, opens the parent run, and passes its id on in the
environment. Every job appends one line to `cells.jsonl` in the sweep's folder, so the end of the sweep knows all cells
whatever launched them. A job that fails does not stop the others; the sweep then ends with exit code 1.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from hydra.conf import HydraConf
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console

from hairline import ledger
from hairline.ledger.atomic import LedgerError, make_folder
from hairline.tables import show

PARENT: Final = "HAIRLINE_PARENT_RUN"
STUDY: Final = "HAIRLINE_STUDY"
CELLS: Final = "cells.jsonl"
FAILED: Final = "FAILED"
CONSOLE = Console()


@dataclass(frozen=True)
class Line:
    """How one job of a sweep ended."""

    job: str
    cell: str
    status: str
    error: str = ""


def append(folder: Path, line: Line) -> None:
    """Add a line in one write; several processes may do so at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CELLS).open("a") as file:
        file.write(json.dumps(asdict(line)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def lines(folder: Path) -> list[Line]:
    """What the jobs have written so far."""
    path = folder / CELLS
    return [Line(**json.loads(text)) for text in path.read_text().splitlines()] if path.exists() else []


class Sweep(Callback):
    """The parent of a sweep; of a single run, only the look at the store before Hydra writes there."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """End the program with a clear message when the store cannot be written."""
        with _told():
            make_folder(Path(config.paths.store))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Make the store, open the parent run. Ends the program with a clear message when the store cannot be used."""
        self.on_run_start(config)
        folder = Path(config.hydra.sweep.dir)
        os.environ[STUDY] = folder.name if config.hydra.job.name is None else f"{config.hydra.job.name}-{folder.name}"
        os.environ.pop(PARENT, None)
        if not config.tracking.uri:
            return
        from hairline.ledger.tracker import Tracker

        with _told():
            tracker = Tracker(config.tracking.uri, config.tracking.experiment, Path(config.paths.store))
            tracker.initialise()
            overrides = " ".join(config.hydra.overrides.task)
            os.environ[PARENT] = tracker.open_parent(overrides or "sweep", {"overrides": overrides})

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Close the parent run, print the tables, and exit with 1 when a job failed."""
        done = lines(Path(config.hydra.sweep.dir))
        failed = [line for line in done if line.status == FAILED]
        close(config, ledger.FAILED if failed else ledger.FINISHED, [line.cell or line.job for line in failed])
        report(config, done)
        if failed or not done:
            sys.exit(1)


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be mended by running on ends the program with its message and exit code 1."""
    try:
        yield
    except (LedgerError, OSError) as error:
        CONSOLE.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)


def close(config: DictConfig, status: str, failures: list[str]) -> None:
    """Close the parent run, if there is one."""
    parent_id = os.environ.pop(PARENT, None)
    if parent_id is None:
        return
    from hairline.ledger.tracker import Tracker

    tracker = Tracker(config.tracking.uri, config.tracking.experiment, Path(config.paths.store))
    tracker.close_parent(parent_id, status, failures)


def report(config: DictConfig, done: list[Line]) -> None:
    """Tables of the cells of a sweep, then what failed and why."""
    order = list(dict.fromkeys(line.cell for line in done if line.status != FAILED))
    rows = ledger.read(Path(config.paths.store))
    rows = rows[rows["run"].isin(order)]
    if len(rows):
        CONSOLE.print()
        show(CONSOLE, rows, order=order, commands=commands(config, order))
    skipped = sum(line.status == "SKIPPED" for line in done)
    if skipped:
        CONSOLE.print(f"{skipped} of {len(done)} cells were finished before and not run again (force=true re-runs)")
    for line in done:
        if line.status == FAILED:
            CONSOLE.print(f"FAILED  {line.job}: {line.error}", style="red", highlight=False, soft_wrap=True)


def commands(config: DictConfig, order: list[str]) -> list[str]:
    """The two commands that show more."""
    shown = [f"ls {config.paths.store}/runs/{order[0]}/overlays        truth, prediction and misses as pictures"]
    if config.tracking.uri:
        shown.insert(0, f"mlflow ui --backend-store-uri {config.tracking.uri}        compare runs, curves, pictures")
    return shown


def job_of(hydra: HydraConf) -> str:
    """What the user asked of one job, as `loss=dice class_weight=none`."""
    return " ".join(hydra.overrides.task) or "defaults"
