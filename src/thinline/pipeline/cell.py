"""Roof: one cell, from a composed configuration to a run folder with its numbers, and beside it MLflow.

A cell that is finished is skipped, one that was killed goes on from its last checkpoint, one that fails is data: its
folder says FAILED and why.
"""

from __future__ import annotations

import atexit
import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from omegaconf import DictConfig, OmegaConf

from thinline.config.schema import Conf
from thinline.metrics.catalogue import signatures
from thinline.pipeline.locate import CellOutcome, done_before, locate, plain
from thinline.pipeline.mlflow_names import cell_name
from thinline.pipeline.sheets import Planned
from thinline.pipeline.train import machine_of, train_cell
from thinline.runs import FAILED, FINISHED, KILLED, Cell, Origin, RunFolder, git_state, library_versions
from thinline.system.launch import rank_and_world
from thinline.system.signals import Killed
from thinline.training.callbacks import LAST
from thinline.training.fit import check_device

if TYPE_CHECKING:  # MLflow takes seconds, and a run without a tracker needs none of it
    from thinline.tracking.tracker import Tracker

logger = logging.getLogger(__name__)

WAIT_FOR_CELL_S: Final = 24 * 3600.0


@dataclass(frozen=True)
class Sinks:
    """Where a cell is written beside its folder: MLflow under the parent of a sweep, and the study that counts it.

    `varied` are the keys in which the cells of the sweep differ, and which name them there.
    """

    tracker: Tracker | None = None
    parent_id: str | None = None
    study: str | None = None
    varied: tuple[str, ...] = ()


def run_cell(
    config: DictConfig, choices: Mapping[str, str], ledgers: Sinks | None = None, *, retry: bool = True
) -> CellOutcome:
    """Run the cell of `config`, or skip it when it is finished. `choices` are the options Hydra picked of each group.

    Raises what the cell raised, after writing it down, `FailedBeforeError` for one that failed before unless it may
    `retry`, and `Killed` on SIGINT and SIGTERM.
    """
    ledgers = ledgers or Sinks()
    _collect()
    place = locate(config, choices)
    conf, planned, folder = place.conf, place.planned, place.folder
    check_device(machine_of(conf))
    if rank_and_world()[0] > 0:
        train_cell(config, conf, planned, folder=folder, record=_nothing)
        return CellOutcome(folder.name, FINISHED, folder.path)
    with _held(folder):
        before = done_before(folder, force=conf.force, retry=retry, study=ledgers.study)
        if before is not None:
            return before
        if folder.manifest() is not None and conf.force:
            folder.start_over()
        cell = Cell(place.factors, conf.seed, plain(config), planned.digest, signatures())
        _begin(folder, cell, config, ledgers)
        _work_and_end(config, conf, planned, folder=folder, tracker=ledgers.tracker)
    return CellOutcome(folder.name, FINISHED, folder.path)


def _collect() -> None:
    """Let go of the cell before: a Trainer and its task refer to each other, and would hold its sheets.

    What was there at the first cell is imported code, which a collection need not look through again: that takes
    seconds in a large process.
    """
    gc.collect()
    if gc.get_freeze_count() == 0:
        gc.freeze()
        atexit.register(gc.unfreeze)  # at its end Python looks at all again; libraries complain of what it left


@contextmanager
def _held(folder: RunFolder) -> Iterator[None]:
    """Hold the folder's lock; two sweeps on one store train a cell once, the second waits and then skips it."""
    if not folder.try_lock():
        logger.info("%s is being trained by another process (%s); waiting for it", folder.name, folder.holder())
        folder.lock(wait_s=WAIT_FOR_CELL_S)
    try:
        yield
    finally:
        folder.unlock()


def _begin(folder: RunFolder, cell: Cell, config: DictConfig, ledgers: Sinks) -> None:
    """The manifest says RUNNING, the history ends where the checkpoint stands, and MLflow knows the run."""
    threads = OmegaConf.select(config, "trainer.threads") or torch.get_num_threads()
    folder.begin(cell, Origin(*git_state(Path.cwd()), library_versions(), threads), study=ledgers.study)
    folder.write_config(OmegaConf.to_yaml(config, resolve=True))
    folder.rewind(steps_done(folder.checkpoints / LAST))
    if ledgers.tracker is not None:
        name = cell_name(cell.factors, ledgers.varied) or folder.name
        ledgers.tracker.start(folder, parent_id=ledgers.parent_id, name=name)


def steps_done(checkpoint: Path) -> int:
    """Optimiser steps behind a checkpoint, 0 where there is none."""
    if not checkpoint.exists():
        return 0
    return int(torch.load(checkpoint, map_location="cpu", weights_only=False)["global_step"])


def _work_and_end(
    config: DictConfig, conf: Conf, planned: Planned, *, folder: RunFolder, tracker: Tracker | None
) -> None:
    """Train and write; whatever happens, the folder and MLflow say how it ended."""

    def record(step: int, metrics: Mapping[str, float]) -> None:
        folder.log(step, metrics)
        if tracker is not None:
            tracker.log(step, metrics)

    try:
        train_cell(config, conf, planned, folder=folder, record=record)
    except (Killed, KeyboardInterrupt, SystemExit) as stop:
        _end(folder, tracker, KILLED, stop)
        raise
    except BaseException as error:
        _end(folder, tracker, FAILED, error)
        raise
    _end(folder, tracker, FINISHED, None)


def _nothing(step: int, metrics: Mapping[str, float]) -> None:
    """What the processes beside the first one record."""


def _end(folder: RunFolder, tracker: Tracker | None, status: str, error: BaseException | None) -> None:
    folder.finish(status, error)
    if tracker is not None:
        tracker.finish(status)
