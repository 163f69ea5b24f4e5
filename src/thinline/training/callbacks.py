"""Lightning callbacks: the checkpoint and the record of numbers. The progress bar is in progress.py."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from typing_extensions import override

from thinline.system.atomic_files import replacement
from thinline.training.settings import LAST

Record = Callable[[int, Mapping[str, float]], None]
"""Called with (optimiser step, numbers) after every validation and after the test."""


class CheckpointError(OSError):
    """A checkpoint cannot be written to disk."""


class AtomicCheckpoint(pl.Callback):
    """Writes `last.ckpt` after every validation: temporary file, fsync, rename. A kill leaves the previous one whole.

    It holds the state of torch's random generators, so that a network with dropout also resumes bit for bit.
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
        path = self.folder / LAST
        try:
            if trainer.is_global_zero:
                with replacement(path, temporary=self.folder / f"{LAST}.partial") as partial:
                    trainer.save_checkpoint(partial)
            else:
                trainer.save_checkpoint(path)  # takes part in the collective call; only rank 0 writes
        except OSError as error:
            raise CheckpointError(
                f"cannot write {self.folder / LAST} at step {trainer.global_step}: expected space for it, got "
                f"'{error.strerror or error}' ({shutil.disk_usage(self.folder).free:,} bytes free). The one before is "
                "whole. Free some space and start the same command again (a sweep with retry_failed=true): the run "
                "resumes from there"
            ) from error


class Recorder(pl.Callback):
    """Hands the numbers of every validation to `record`, with the speed and learning rate of the steps before it."""

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
