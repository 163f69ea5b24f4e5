"""Roof: one job of Hydra, alone or in a sweep: run the cell, say how it ended, never lose why it failed."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from hydra.conf import HydraConf
from hydra.errors import InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig

from hairline import ledger, sweep
from hairline.cell import Ended, Ledgers, run_cell
from hairline.launch import ProcessesError, launch, launched, rank_and_world
from hairline.ledger.atomic import LedgerError
from hairline.ledger.tracker import Tracker
from hairline.signals import Killed, stoppable
from hairline.tables import show
from hairline.training.task import TrainingDivergedError

EXPLAINED = (ValueError, OSError, LedgerError, TrainingDivergedError, ProcessesError, InstantiationException)
"""Errors whose message says what, expected, got and next step: a traceback would only hide it."""


def run_job(config: DictConfig, hydra: HydraConf) -> None:
    """Run the cell of `config`. In a sweep a failure is noted and told at the end; alone it ends the program with 1."""
    alone = hydra.mode == RunMode.RUN
    try:
        with stoppable():
            ended = _run(config, hydra, alone)
    except Killed as stop:
        sweep.CONSOLE.print(f"{stop}. The same command goes on from the last checkpoint.", highlight=False)
        sweep.close(config, ledger.KILLED, [])
        raise
    except Exception as error:
        if alone:
            _tell(error)
            sys.exit(1)
        _note_failure(hydra, error)
        return
    if launched():
        return
    if not alone:
        sweep.append(Path(hydra.sweep.dir), sweep.Line(sweep.job_of(hydra), ended.name, ended.status))
        return
    rows = ledger.read(Path(config.paths.store))
    order = [ended.name]
    show(sweep.CONSOLE, rows[rows["run"] == ended.name], order=order, commands=sweep.commands(config, order))


def _run(config: DictConfig, hydra: HydraConf, alone: bool) -> Ended:
    """In this process, or in several that torchrun starts; what those leave is then read from the run folder."""
    choices = hydra.runtime.choices
    if config.trainer.processes > 1 and not launched():
        _tracker(config, alone)
        launch(config.trainer.processes, list(hydra.overrides.task), script=Path(sys.argv[0]))
        settled = config.copy()
        settled.force = False  # it has just been run
        return run_cell(settled, choices, Ledgers(study=os.environ.get(sweep.STUDY)))
    tracker = _tracker(config, alone) if rank_and_world()[0] == 0 else None
    return run_cell(config, choices, Ledgers(tracker, os.environ.get(sweep.PARENT), os.environ.get(sweep.STUDY)))


def _tracker(config: DictConfig, alone: bool) -> Tracker | None:
    """The way to MLflow; a job of a sweep finds the store made by its parent."""
    if not config.tracking.uri:
        return None
    tracker = Tracker(config.tracking.uri, config.tracking.experiment, Path(config.paths.store))
    if alone:
        tracker.initialise()
    return tracker


def _note_failure(hydra: HydraConf, error: Exception) -> None:
    job = sweep.job_of(hydra)
    text = f"{type(error).__name__}: {error}"
    sweep.append(Path(hydra.sweep.dir), sweep.Line(job, "", sweep.FAILED, text))
    sweep.CONSOLE.print(f"job '{job}' failed, the sweep goes on", style="red", highlight=False)
    _tell(error)


def _tell(error: Exception) -> None:
    if not isinstance(error, EXPLAINED):
        traceback.print_exception(error)
    sweep.CONSOLE.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
