"""Do one run: skip, resume or train it, and record its status in the run folder and in MLflow.

A *cell* of a sweep or study is one of its runs. A finished run is skipped. The folder of a failed run is kept, with the
status FAILED and the error.

A process holds the lock of the folder while it runs (runs/folder.py: RUNNING with a free lock means killed). A killed
run goes on at its last checkpoint: `done_before` (locate.py) lets it through, `_begin` counts the attempt and cuts the
history back to the checkpoint, and `train` (training/fit.py) reads `last.ckpt`.
"""

from __future__ import annotations

import atexit
import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from omegaconf import OmegaConf

from thinline.config.schema import Conf
from thinline.metrics.catalogue import signatures
from thinline.pipeline.data_summary import dataset_records
from thinline.pipeline.locate import CellOutcome, RunLocation, done_before, locate
from thinline.pipeline.mlflow_run_names import cell_name, varied_levels
from thinline.pipeline.train import train_cell
from thinline.runs import FAILED, FINISHED, KILLED, Cell, Origin, RunFolder, git_state, library_versions
from thinline.system.launch import rank_and_world
from thinline.system.signals import Killed
from thinline.training.fit import check_device
from thinline.training.settings import LAST

if TYPE_CHECKING:  # importing MLflow takes seconds, and a run without a tracker does not need it
    from thinline.tracking.tracker import Tracker

logger = logging.getLogger(__name__)

WAIT_FOR_CELL_S: Final = 24 * 3600.0


@dataclass(frozen=True)
class Sinks:
    """Where a run is recorded in addition to its folder: in MLflow by `tracker`, and in `study`.

    `parent_id` is the parent run of the sweep in MLflow. `varied` are the keys in which the runs of the sweep differ;
    their values name the run in MLflow and in the progress bar. `position` is the position in the sweep, for example
    `1/3`.
    """

    tracker: Tracker | None = None
    parent_id: str | None = None
    study: str | None = None
    varied: tuple[str, ...] = ()
    position: str = ""


def run_cell(conf: Conf, choices: Mapping[str, str], sinks: Sinks | None = None, *, retry: bool = True) -> CellOutcome:
    """Train the run of `conf`, or skip it if it has finished. `choices` has the option of each config group.

    An error of the run is recorded in its folder and raised again. A run that failed before raises `FailedBeforeError`
    if `retry` is false (in a sweep without `retry_failed=true`). SIGINT and SIGTERM raise `Killed`.
    """
    sinks = sinks or Sinks()
    _collect_garbage()
    cell = locate(conf, choices)
    folder = cell.folder
    check_device(conf.trainer)
    if rank_and_world()[0] > 0:
        train_cell(conf, cell.planned, folder=folder, record=_record_nothing, title="")
        return CellOutcome(folder.name, FINISHED, folder.path)
    with _locked(folder):
        outcome = done_before(folder, force=conf.force, retry=retry, study=sinks.study)
        if outcome is not None:
            return outcome
        if folder.manifest() is not None and conf.force:
            folder.start_over()
        _begin(cell, sinks)
        _train_and_end(cell, sinks)
    return CellOutcome(folder.name, FINISHED, folder.path)


def _collect_garbage() -> None:
    """Free the memory of the previous run: its Trainer and task refer to each other, and so keep its sheets in memory.

    Objects that exist before the first run are imported code; later collections skip them, which saves seconds.
    """
    gc.collect()
    _freeze_once()


@cache
def _freeze_once() -> None:
    gc.freeze()
    atexit.register(gc.unfreeze)  # else libraries warn at exit of objects that are not collected


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    """Hold the lock of the folder. A second process waits for it, and then skips a run that has finished."""
    if not folder.try_lock():
        logger.info("%s is being trained by another process (%s); waiting for it", folder.name, folder.holder())
        folder.lock(wait_s=WAIT_FOR_CELL_S)
    try:
        yield
    finally:
        folder.unlock()


def _begin(location: RunLocation, sinks: Sinks) -> None:
    """Write manifest (RUNNING) and configuration, remove the history after the checkpoint, start the run in MLflow."""
    conf, folder = location.conf, location.folder
    datasets = dataset_records(conf, location.planned)
    cell = Cell(location.factors, conf.seed, conf.tree, location.planned.digest, signatures(), datasets)
    threads = conf.trainer.threads or torch.get_num_threads()
    initial = None if location.initial is None else location.initial.name
    origin = Origin(*git_state(Path.cwd()), library_versions(), threads, location.own_code, initial)
    folder.begin(cell, origin, study=sinks.study)
    folder.write_config(OmegaConf.to_yaml(OmegaConf.create(conf.tree)))
    folder.rewind(steps_done(folder.checkpoints / LAST))
    if sinks.tracker is not None:
        name = cell_name(cell.factors, sinks.varied) or folder.name
        sinks.tracker.start(folder, parent_id=sinks.parent_id, name=name)


def steps_done(checkpoint: Path) -> int:
    """Number of optimiser steps before a checkpoint; 0 if there is no checkpoint."""
    if not checkpoint.exists():
        return 0
    return int(torch.load(checkpoint, map_location="cpu", weights_only=False)["global_step"])


def _train_and_end(location: RunLocation, sinks: Sinks) -> None:
    """Train the run, and write its final status to the folder and to MLflow."""
    folder, tracker = location.folder, sinks.tracker
    title = f"{sinks.position} {varied_levels(location.factors, sinks.varied)}".strip()

    def record(step: int, metrics: Mapping[str, float]) -> None:
        line = folder.log(step, metrics)
        if tracker is not None:
            tracker.log(line)

    def end(status: str, error: BaseException | None = None) -> None:
        folder.finish(status, error)
        if tracker is not None:
            tracker.finish(status)

    try:
        train_cell(location.conf, location.planned, folder=folder, record=record, title=title)
    except (Killed, KeyboardInterrupt, SystemExit) as stop:
        end(KILLED, stop)
        raise
    except BaseException as error:
        end(FAILED, error)
        raise
    end(FINISHED)


def _record_nothing(step: int, metrics: Mapping[str, float]) -> None:
    """Used in place of `record` by all processes but the first."""
