"""One job of Hydra, alone or in a sweep: train a run, report how it ended, and record the reason of a failure.

A *cell* of a sweep or study is one of its runs.
"""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hydra.conf import HydraConf
from hydra.errors import HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from thinline import runs
from thinline.config.path_options import settle_paths
from thinline.config.schema import Conf, ConfigError, checked
from thinline.pipeline.locate import SKIPPED, CellOutcome, FailedBeforeError, done_before, locate
from thinline.pipeline.mlflow_run_names import varied_levels
from thinline.runs import RunFolder
from thinline.runs.folder import PER_CLASS, PER_SHEET
from thinline.runs.manifest import age
from thinline.sweep import callback
from thinline.sweep.shared_failure import SweepStopped, is_shared, stop, stopped_by
from thinline.sweep.tables import show
from thinline.system.atomic_files import StorageError
from thinline.system.entry import slow_imports
from thinline.system.launch import ProcessesError, forget_ranks, launch, launched, rank_and_world
from thinline.system.signals import Killed, stoppable
from thinline.system.user_code import raised

if TYPE_CHECKING:
    from thinline.tracking.tracker import Tracker

PROGRAM: Final = ("-m", "thinline", "train")
"""Arguments of `python` that start a run in a new process. They also work with an installed package, which has no
train.py, and in a job of submitit, where `sys.argv[0]` is another program."""

EXPLAINED = (
    ValueError,
    OSError,
    StorageError,
    FloatingPointError,
    ProcessesError,
    FailedBeforeError,
    HydraException,
    OmegaConfBaseException,
)
"""Errors whose message is complete; they are printed without a traceback."""


def run_job(config: DictConfig, hydra: HydraConf) -> None:
    """Train the run of `config`. A failure ends a single run with exit code 1; a sweep reports it at its end."""
    alone = hydra.mode == RunMode.RUN
    if not alone and stopped_by(Path(hydra.sweep.dir)) is not None:
        return
    try:
        _settle(config, Path(hydra.runtime.cwd))
        with stoppable():
            ended = _run(checked(config), hydra, alone)
            _check_results(ended)
    except Killed as stop:
        if not launched():  # else the launching process prints it
            callback.CONSOLE.print(
                f"{stop}. Run the same command again to continue from the last checkpoint.", soft_wrap=True
            )
        stop.shown = True
        callback.close(callback.folder_of(hydra), config, runs.KILLED, [])
        raise
    except Exception as error:
        if alone:
            _print_error(error)
            sys.exit(1)
        _note_failure(config, hydra, error)
        return
    if launched():
        return
    if ended.status == SKIPPED:
        _print_skipped(ended, hydra)
    if not alone:
        line = callback.Line(int(hydra.job.num), callback.job_of(hydra), ended.name, ended.status)
        callback.append(Path(hydra.sweep.dir), line)
        return
    order = [ended.name]
    rows = runs.read(Path(config.paths.store), runs=order)
    show(callback.CONSOLE, rows, order=order, commands=callback.commands(config, order))


def _settle(config: DictConfig, directory: Path) -> None:
    """Return to the `directory` of the command, make paths absolute, and ignore process ranks of another program."""
    if directory.is_dir():  # a machine of a cluster may lack the directory that the command was started in
        os.chdir(directory)
    settle_paths(config, directory)
    ignored = forget_ranks()
    if ignored:
        text = f"warning: ignored {', '.join(ignored)} in the environment, which belong to another program. "
        text += "For one run in several processes use trainer=ddp trainer.processes=2"
        callback.CONSOLE.print(text, style="yellow", soft_wrap=True)


def _check_results(ended: CellOutcome) -> None:
    """Raise `StorageError` for a run that ended without its manifest or tables; only in the first process of a run."""
    if rank_and_world()[0] > 0:
        return
    folder = RunFolder.open(ended.folder)
    lacking = [name for name in (PER_CLASS, PER_SHEET) if not (folder.path / name).is_file()]
    if lacking or not folder.finished:
        raise StorageError(
            f"{folder.path}: expected a finished run with {PER_CLASS} and {PER_SHEET}, but "
            f"{f'{lacking[0]} is missing' if lacking else 'its manifest says otherwise'}; run it again with force=true"
        )


def _run(conf: Conf, hydra: HydraConf, alone: bool) -> CellOutcome:
    """Train the run of `conf`, in this process or in new ones; of new processes the run folder has the result."""
    if alone and conf.study is not None and not launched():
        raise ValueError("a study has many cells, got a single run; use `python train.py -m +experiment=...`")
    if alone and conf.dry_run:
        raise ValueError("`dry_run=true` lists the cells of a sweep, got a single run; use `python train.py -m ...`")
    parent = callback.parent_of(callback.folder_of(hydra))
    study = None if parent is None else parent.study
    retry = alone or conf.retry_failed
    if not launched():
        run = locate(conf, hydra.runtime.choices).folder
        before = done_before(run, force=conf.force, retry=retry, study=study)
        if before is not None:
            return before
        if conf.trainer.processes > 1 or (conf.fresh_process and not alone):
            return _run_apart(conf, hydra, run)
    # imports torch, Lightning and MLflow, which take many seconds; finished cells and `fresh_process` need none of them
    with slow_imports():
        from thinline.pipeline.cell import Sinks, run_cell
        from thinline.pipeline.train import check_parts

    # a single run whose parts do not fit stops here and writes nothing; in a sweep such a run is recorded as FAILED
    if parent is None:
        check_parts(conf)
    tracker = _tracker(conf, alone and not launched()) if rank_and_world()[0] == 0 else None
    return run_cell(
        conf,
        hydra.runtime.choices,
        Sinks(tracker) if parent is None else Sinks(tracker, parent.run_id, study, parent.varied, _position(hydra)),
        retry=retry,
    )


def _run_apart(conf: Conf, hydra: HydraConf, run: RunFolder) -> CellOutcome:
    """Train in `trainer.processes` new processes. Raises `ProcessesError` with the error in the manifest of `run`."""
    folder = callback.folder_of(hydra)
    if folder is None:
        _tracker(conf, alone=True)
    # the new processes search modules where this one does: the identity of the run has digests of the user's modules
    environment = {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path), "PYTHONSAFEPATH": "1"}
    if folder is not None:
        environment |= {callback.SWEEP: str(folder.absolute()), callback.NUMBER: str(hydra.job.num)}
    try:
        overrides = [*_config_dir(hydra), *hydra.overrides.task]
        launch(conf.trainer.processes, overrides, program=PROGRAM, environment=environment)
    except ProcessesError as error:
        manifest = run.manifest()
        if manifest is None or manifest.exception is None:
            raise
        raise ProcessesError(f"{manifest.exception.type}: {manifest.exception.message}") from error
    return CellOutcome(run.name, runs.FINISHED, run.path)


def _config_dir(hydra: HydraConf) -> list[str]:
    """The option `--config-dir` of the command line, without which a new process lacks the user's own options."""
    folders = [source.path for source in hydra.runtime.config_sources if source.provider == "command-line"]
    return [f"--config-dir={folder}" for folder in folders]


def _tracker(conf: Conf, alone: bool) -> Tracker | None:
    """The tracker that writes to MLflow, or None without `tracking.uri`.

    A run `alone` creates the MLflow store if there is none. In a sweep the launching process has created it before.
    """
    if not conf.tracking.uri:
        return None
    with slow_imports():
        from thinline.tracking.tracker import Tracker

    tracking = conf.tracking
    tracker = Tracker(tracking.uri, tracking.experiment, Path(conf.paths.store), system_metrics=tracking.system_metrics)
    if alone:
        tracker.initialise()
    return tracker


def _position(hydra: HydraConf) -> str:
    """`1/3` for the first of three jobs of a sweep, empty for a single run."""
    parent = callback.parent_of(callback.folder_of(hydra))
    number = hydra.job.num if hydra.mode == RunMode.MULTIRUN else os.environ.get(callback.NUMBER)
    return "" if parent is None or number is None or not parent.jobs else f"{int(number) + 1}/{parent.jobs}"


def _print_skipped(ended: CellOutcome, hydra: HydraConf) -> None:
    """Print when the run finished and how to run it again."""
    manifest = RunFolder.open(ended.folder).manifest()
    if manifest is None or manifest.finished is None:
        return
    parent, now = callback.parent_of(callback.folder_of(hydra)), datetime.now().astimezone()
    cell = ended.name
    if parent is not None:
        cell = f"{_position(hydra)} {varied_levels(manifest.cell.factors, parent.varied)}"
    moment = f"{age(manifest.finished, now=now)} ({manifest.finished[:16].replace('T', ' ')} UTC)"
    callback.CONSOLE.print(f"skipped: {cell} finished {moment}; force=true runs it again", soft_wrap=True)


def _note_failure(config: DictConfig, hydra: HydraConf, error: Exception) -> None:
    """Append the line of a failed job and print its error. Stop the sweep if all jobs would fail with this error."""
    folder, job = Path(hydra.sweep.dir), callback.job_of(hydra)
    stops = _stops_sweep(config, hydra, error)
    text = f"{type(error).__name__}: {error}"
    callback.append(folder, callback.Line(int(hydra.job.num), job, "", callback.FAILED, text))
    ending = "and the others would fail for the same reason: the sweep stops" if stops else "the sweep goes on"
    callback.CONSOLE.print(f"job '{job}' failed, {ending}", style="red", soft_wrap=True)
    _print_error(error)
    if stops:
        stop(folder, job)
        parent = callback.parent_of(folder)
        if parent is not None and parent.process == os.getpid():
            raise SweepStopped


def _stops_sweep(config: DictConfig, hydra: HydraConf, error: Exception) -> bool:
    """Whether the sweep stops after `error`: none of its runs has finished, and all would fail with this error."""
    folder = Path(hydra.sweep.dir)
    parent = callback.parent_of(folder)
    if not config.fail_fast or parent is None or parent.jobs < 2 or isinstance(error, ConfigError):
        return False
    if any(line.status == runs.FINISHED for line in callback.lines(folder)):
        return False
    values = dict(text.lstrip("+").partition("=")[::2] for text in hydra.overrides.task)
    return is_shared(error, checked(config), {key: values.get(key, "") for key in parent.varied})


def _print_error(error: Exception) -> None:
    if not isinstance(error, EXPLAINED):
        traceback.print_exception(error)
    callback.CONSOLE.print(f"error: {_sentence(error)}", style="red", soft_wrap=True)


def _sentence(error: Exception) -> str:
    """The message of an error of EXPLAINED; of another error its type, message and line in the user's own code."""
    if not isinstance(error, EXPLAINED):
        return raised(error)
    what, variable, _ = str(error).partition(", set env var HYDRA_FULL_ERROR")
    if isinstance(error, InstantiationException) and variable:  # the reason is in its causes
        causes: list[Exception] = [error]
        while isinstance(causes[-1].__cause__, Exception):
            causes.append(causes[-1].__cause__)
        hint = "check the name, and with PYTHONPATH=. that Python finds a module of this folder"
        return f"{what}: {causes[-1]}; {hint}" if len(causes) > 1 else f"{what}; {hint}"
    return str(error)
