"""The batches of a run. The batch of a step depends only on (seed, step), so a resumed run gets the same batches."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from thinline.data.device_tiles import ResidentTiles, bytes_on_device
from thinline.data.tiles import Batch, EvaluationTiles, TrainingTiles
from thinline.training.memory import free_bytes
from thinline.training.scoring_workers import Scorer

SHARE_OF_DEVICE: Final = 0.25
"""Largest share of the free memory of a device that sheets may take; the rest is left to the network."""


def resident_bytes(tiles: TrainingTiles, device: torch.device) -> int:
    """Bytes that the training sheets take on `device`; 0 on a CPU, and if they do not fit (then they are not sent)."""
    need = bytes_on_device(tiles)
    return need if device.type != "cpu" and need < SHARE_OF_DEVICE * free_bytes(device) else 0


class TestSet(NamedTuple):
    """A further test set: the name of its split, its sheets, and the scorer of the metrics beyond pixels."""

    name: str
    tiles: EvaluationTiles
    scorer: Scorer


class Sheets(pl.LightningDataModule):
    """Batches for fit, validate and test. One Lightning "epoch" is the steps between two validations."""

    def __init__(
        self, training: TrainingTiles, validation: EvaluationTiles, testing: EvaluationTiles, *, validate_every: int
    ):
        super().__init__()
        self.more_tests: tuple[TestSet, ...] = ()
        self.training = training
        self.validation = validation
        self.testing = testing
        self.validate_every = validate_every
        self._resident: ResidentTiles | None = None

    def train_dataloader(self) -> DataLoader[Batch]:
        """The batches up to the next validation; Lightning calls this method again after every validation."""
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        first = epoch * self.validate_every
        return DataLoader(self._tiles(), batch_size=None, sampler=range(first, first + self.validate_every))

    def _tiles(self) -> Dataset[Batch]:
        """The training tiles. An accelerator with enough memory gets all sheets once, and batches are cut there."""
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
