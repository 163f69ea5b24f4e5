"""Which batches a run sees; that of a step is a pure function of (seed, step), so a resumed run sees the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from thinline.data.device_tiles import ResidentTiles, bytes_on_device
from thinline.data.tiles import Batch, EvaluationTiles, TrainingTiles
from thinline.training.memory import free_bytes

SHARE_OF_DEVICE: Final = 0.25
"""Of the memory that is free on the device, as much may be sheets; the rest is the network's."""


@dataclass(frozen=True)
class Stretch(Sampler[int]):
    """The optimiser steps `first .. first + count - 1`, in order."""

    first: int
    count: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.first + self.count))

    def __len__(self) -> int:
        return self.count


def resident_bytes(tiles: TrainingTiles, device: torch.device) -> int:
    """What the sheets of a run will take on its device; 0 on a CPU, and where there is no room for them."""
    need = bytes_on_device(tiles)
    return need if device.type != "cpu" and need < SHARE_OF_DEVICE * free_bytes(device) else 0


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
        self._resident: ResidentTiles | None = None

    def train_dataloader(self) -> DataLoader[Batch]:
        """The next stretch of steps; Lightning asks again after every validation."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        steps = Stretch(epoch * self.validate_every, self.validate_every)
        return DataLoader(self._tiles(), batch_size=None, sampler=steps)

    def _tiles(self) -> Dataset[Batch]:
        """On an accelerator with room for all sheets they are sent once, and batches are cut there."""
        if self._resident is None and self.trainer is not None:
            device = self.trainer.strategy.root_device
            if resident_bytes(self.training, device):
                self._resident = ResidentTiles(self.training, device)
        return self._resident or self.training

    def val_dataloader(self) -> DataLoader[Batch]:
        """Whole validation sheets, in order."""
        return DataLoader(self.validation, batch_size=None, shuffle=False)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Whole test sheets, in order."""
        return DataLoader(self.testing, batch_size=None, shuffle=False)
