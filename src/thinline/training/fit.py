"""Train and evaluate one run with Lightning: precision, devices, threads; resumes from `last.ckpt` if there is one."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytorch_lightning as pl
import torch
import torch.utils.deterministic as deterministic
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_utilities.core.rank_zero import rank_zero_only
from torch import nn

from thinline.system.kept_heap import keep_freed_memory
from thinline.training.batches import Sheets, TestSet
from thinline.training.callbacks import AtomicCheckpoint, BestCheckpoint, Record, Recorder
from thinline.training.evaluation import Evaluation, Outcome, outcome
from thinline.training.precision import on_gpu, precision_of
from thinline.training.progress import ClassProgress
from thinline.training.scoring_workers import ScoringWorkers
from thinline.training.settings import BEST, LAST, Checkpoints, Machine
from thinline.training.task import SegmentationTask

for _name in ("pytorch_lightning", "lightning", "lightning.pytorch"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # its notes on devices and tips would hide the numbers


class NoDeviceError(ValueError):
    """The machine lacks the device that a run needs."""


def check_device(machine: Machine) -> None:
    """Refuse a run whose devices torch does not see, before anything is written. Raises `NoDeviceError`."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if machine.accelerator == "mps" and not torch.backends.mps.is_available():
        raise NoDeviceError("`trainer.accelerator=mps` needs a GPU of Apple, torch sees none; say trainer=cpu")
    if machine.accelerator == "gpu" and torch.backends.mps.is_available():
        return
    if machine.accelerator in ("gpu", "cuda") and count < machine.processes:
        raise NoDeviceError(
            f"`trainer.accelerator={machine.accelerator}` needs {machine.processes} GPU, torch sees {count}; say "
            "trainer=cpu, or look for the reason with nvidia-smi and python -c 'import torch; torch.cuda.init()'"
        )


def repeats(machine: Machine) -> bool:
    """Whether a run repeats to the bit: on the CPU, not on a GPU.

    With deterministic algorithms torch enlarges images on a GPU by a slow replacement (torch/nn/functional.py,
    `interpolate`), and the gradient of attention is still not deterministic.
    """
    return not on_gpu(machine)


def halves_batch_norm(machine: Machine, network: nn.Module) -> bool:
    """Whether a batch norm would normalise over the rows of one process only, unlike in a run with one process."""
    norms = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())
    return machine.processes > 1 and norms and not on_gpu(machine)


def train(
    task: SegmentationTask,
    sheets: Sheets,
    *,
    machine: Machine,
    folder: Path,
    record: Record,
    title: str,
    checkpoints: Checkpoints | None = None,
) -> Outcome:
    """Train to the last step of `sheets`, or until `checkpoints` ends the training; then evaluate all other splits.

    Checkpoints are in `folder`; `record` gets the numbers of every validation; `title` is printed with the progress.
    Raises `TrainingDivergedError`, and ValueError if the head does not have the monitored class.
    """
    rule = checkpoints or Checkpoints()
    rule.check(task.classes)
    if machine.processes == 1:
        rank_zero_only.rank = 0  # type: ignore[attr-defined]  # read from the environment (RANK, SLURM_PROCID) when Lightning was imported
    if machine.channels_last:
        task.network.to(memory_format=torch.channels_last)
    if machine.compile:
        task.network.compile()
    if not on_gpu(machine):
        keep_freed_memory()
    checkpoint = folder / LAST
    # deterministic algorithms also fill every new tensor with NaN, to reveal reads of unwritten memory; there are none
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    with _quiet(), _threads(machine.threads):
        callbacks = [Recorder(record), AtomicCheckpoint(folder), ClassProgress(title)]
        if rule.monitor is not None:
            callbacks.append(BestCheckpoint(folder, rule))
        trainer = _trainer(task, sheets, machine, callbacks)
        trainer.fit(task, datamodule=sheets, ckpt_path=checkpoint if checkpoint.exists() else None, weights_only=False)
        if rule.test == "best":
            task.load_state_dict(torch.load(folder / BEST, map_location="cpu", weights_only=True)["state_dict"])
        trainer.validate(task, datamodule=sheets, verbose=False)
        validation = task.evaluation("val")
        task.tune(validation)
        trainer.test(task, datamodule=sheets, verbose=False)
        result = outcome(validation, task.evaluation("test"), task.classes)
        result = replace(result, label_maps=task.shown_sheets(result.per_sheet))
        more = [_tested_on(each, task, sheets, trainer) for each in sheets.more_tests]
    return result.joined(more, task.classes)


def _tested_on(test: TestSet, task: SegmentationTask, sheets: Sheets, trainer: pl.Trainer) -> Evaluation:
    """The counts of a further test set; label maps are not kept."""
    sheets.testing, task.pictures = test.tiles, 0
    with ScoringWorkers(test.scorer, processes=0 if task.scorers is None else task.scorers.processes) as task.scorers:
        trainer.test(task, datamodule=sheets, verbose=False)
        return task.evaluation(test.name)


def _trainer(task: SegmentationTask, sheets: Sheets, machine: Machine, callbacks: list[pl.Callback]) -> pl.Trainer:
    many = machine.processes > 1
    return pl.Trainer(
        accelerator=machine.accelerator,
        devices=machine.processes,
        strategy="ddp" if many else "auto",
        plugins=[TorchElasticEnvironment() if many else LightningEnvironment()],
        precision=precision_of(machine),
        max_steps=sheets.training.plan.steps,
        gradient_clip_val=task.schedule.clip_norm,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        sync_batchnorm=many and on_gpu(machine),  # torch has none for the CPU
        num_sanity_val_steps=0,
        log_every_n_steps=sheets.validate_every,
        deterministic=repeats(machine),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,  # `ClassProgress` instead
        callbacks=callbacks,
    )


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Compute with `number` CPU threads in this context; None changes nothing."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if number is not None:
            torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide Lightning's advice to load batches in worker processes: here they would only copy batches."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # Lightning 2.6 calls torch in a way that torch 2.15 deprecates
        warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")
        yield
