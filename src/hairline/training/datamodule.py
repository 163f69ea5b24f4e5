"""Which batches a run sees; that of a step is a pure function of (seed, step), so a resumed run sees the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Sampler

from hairline.data.tiles import Batch, EvaluationTiles, TrainingTiles


@dataclass(frozen=True)
class Stretch(Sampler[int]):
    """The optimiser steps `first .. first + count - 1`, in order."""

    first: int
    count: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.first + self.count))

    def __len__(self) -> int:
        return self.count


class Sheets(pl.LightningDataModule):
    """Batches for fit, validate and test. One Lightning "epoch" is the stretch of steps between two validations."""

    def __init__(
        self, training: TrainingTiles, validation: EvaluationTiles, testing: EvaluationTiles, *, validate_every: int
    ):
        super().__init__()
        self.training = training
        self.validation = validation
        self.testing = testing
        self.validate_every = validate_every

    def train_dataloader(self) -> DataLoader[Batch]:
        """The next stretch of steps; Lightning asks again after every validation."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        steps = Stretch(epoch * self.validate_every, self.validate_every)
        return DataLoader(self.training, batch_size=None, sampler=steps)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Whole validation sheets, in order."""
        return DataLoader(self.validation, batch_size=None, shuffle=False)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Whole test sheets, in order."""
        return DataLoader(self.testing, batch_size=None, shuffle=False)
