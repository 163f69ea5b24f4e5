"""Lightning callbacks: last and best checkpoint, and the record of numbers. The progress bar is in progress.py."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console
from typing_extensions import override

from thinline.system.atomic_files import replacement
from thinline.training.settings import BEST, LAST, Checkpoints

Record = Callable[[int, Mapping[str, float]], None]
"""Called with (optimiser step, numbers) after every validation and after the test."""


class CheckpointError(OSError):
    """A checkpoint cannot be written to disk."""


class AtomicCheckpoint(pl.Callback):
    """Writes `last.ckpt` after every validation: temporary file, fsync, rename. A kill leaves the previous file intact.

    The file has the state of torch's random generators, so that a network with dropout also resumes bit for bit.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    @override
    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["torch_rng"] = torch.get_rng_state()
        if torch.cuda.is_available():
            checkpoint["cuda_rng"] = torch.cuda.get_rng_state()

    @override
    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        torch.set_rng_state(checkpoint["torch_rng"].cpu())
        if torch.cuda.is_available() and "cuda_rng" in checkpoint:
            torch.cuda.set_rng_state(checkpoint["cuda_rng"].cpu())

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        _save(trainer, self.folder / LAST)


class BestCheckpoint(pl.Callback):
    """Writes `best.ckpt`, weights only, after a validation with the largest value so far of `rule.monitor`.

    It ends the training if `rule.patience` says so. Lightning's ModelCheckpoint is not used, because it does not write
    atomically and loses the best value if the store is moved; nor its EarlyStopping, which trains one more epoch if a
    run that it stopped is resumed for its test. The state of this callback is stored in `last.ckpt`, which is written
    after `best.ckpt`. A run that is killed between the two repeats the validation.
    """

    def __init__(self, folder: Path, rule: Checkpoints, *, console: Console | None = None):
        assert rule.monitor is not None
        self.folder, self.rule, self.monitor = folder, rule, rule.monitor
        self.console = console or Console(markup=False, highlight=False)
        self.value, self.step, self.waited = -math.inf, 0, 0

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value, "step": self.step, "waited": self.waited}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if (self.folder / BEST).is_file():  # without this file the next validation writes one
            self.value, self.step, self.waited = (state_dict[name] for name in ("value", "step", "waited"))

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = trainer.should_stop or self._has_waited()  # a stopped run that is resumed for its test

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != "fit":
            return
        value = float(pl_module.numbers[self.monitor])  # type: ignore[index]
        if math.isnan(value):
            raise ValueError(
                f"`checkpoint.monitor={self.monitor}` must be defined at every validation, got NaN at step "
                f"{trainer.global_step}: no validation image has a pixel of this class; monitor another class"
            )
        if value > self.value:
            self.value, self.step, self.waited = value, trainer.global_step, 0
            _save(trainer, self.folder / BEST, weights_only=True)
        else:
            self.waited += 1
            trainer.should_stop = trainer.should_stop or self._has_waited()

    def _has_waited(self) -> bool:
        return self.rule.patience is not None and self.waited >= self.rule.patience

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            text = f"best {self.monitor} {self.value:.3f} at step {self.step}, kept as {BEST}; tested: {self.rule.test}"
            if self._has_waited() and trainer.global_step < trainer.max_steps:
                text = f"stopped at step {trainer.global_step} of {trainer.max_steps} (checkpoint.patience); {text}"
            self.console.print(text, soft_wrap=True)


def _save(trainer: pl.Trainer, path: Path, *, weights_only: bool = False) -> None:
    """Write a checkpoint atomically. All processes must call this: saving is collective, and the first one writes."""
    try:
        if trainer.is_global_zero:
            with replacement(path, temporary=path.with_name(f"{path.name}.partial")) as partial:
                trainer.save_checkpoint(partial, weights_only)
        else:
            trainer.save_checkpoint(path, weights_only)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path} at step {trainer.global_step}: expected space for it, got "
            f"'{error.strerror or error}' ({shutil.disk_usage(path.parent).free:,} bytes free). The one before is "
            "whole. Free some space and start the same command again (a sweep with retry_failed=true): the run "
            "resumes from there"
        ) from error


class Recorder(pl.Callback):
    """Calls `record` with the numbers of every validation, and the speed and learning rate of the steps before it."""

    def __init__(self, record: Record):
        self.record = record
        self.started = math.nan
        self.from_step = 0

    @override
    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = time.perf_counter()
        self.from_step = trainer.global_step

    @override
    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit" and trainer.is_global_zero:
            seconds = time.perf_counter() - self.started
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            speed = (trainer.global_step - self.from_step) / seconds
            self.record(trainer.global_step, {"steps_per_second": speed, "learning_rate": rate})
            self.started = time.perf_counter()

    @override
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit" and trainer.is_global_zero:
            seconds = {"validation_seconds": time.perf_counter() - self.started}
            self.record(trainer.global_step, pl_module.numbers | seconds)  # type: ignore[operator]
