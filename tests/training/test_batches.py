"""Batches are cut on the host, or on a device with enough memory for all sheets."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from noise_sheets import Drawing, noise

from thinline.data.cache import open_sheets
from thinline.data.device_tiles import ResidentTiles, bytes_on_device
from thinline.data.tiles import EvaluationTiles, Plan, TrainingTiles
from thinline.training import batches
from thinline.training.batches import Sheets, resident_bytes


@pytest.fixture
def sheets(tmp_path):
    cached = open_sheets([Drawing(i) for i in range(4)], px_per_mm=1.0, folder=tmp_path, render=noise, version=1)
    training = TrainingTiles(cached, np.arange(4), Plan(0, 6, 2, (16, 16)))
    evaluation = EvaluationTiles(cached, batch_size=2)
    return Sheets(training, evaluation, evaluation, validate_every=3)


def on(sheets: Sheets, device: str) -> Sheets:
    sheets.trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device(device)), current_epoch=1)
    return sheets


def test_on_the_cpu_batches_come_from_the_mapped_file(sheets):
    loader = on(sheets, "cpu").train_dataloader()
    assert loader.dataset is sheets.training
    assert list(loader.sampler) == [3, 4, 5]


def test_a_device_with_enough_memory_gets_all_sheets_once(sheets, monkeypatch):
    monkeypatch.setattr(batches, "free_bytes", lambda device: 10**6)
    first, second = (on(sheets, "meta").train_dataloader().dataset for _ in range(2))
    assert isinstance(first, ResidentTiles)
    assert first is second
    assert first[0].image.device.type == "meta"
    assert resident_bytes(sheets.training, torch.device("meta")) == bytes_on_device(sheets.training) > 0
    assert resident_bytes(sheets.training, torch.device("cpu")) == 0
    assert first[0].image.shape == (2, 1, 16, 16)


def test_without_enough_memory_they_stay_on_the_host(sheets, monkeypatch):
    monkeypatch.setattr(batches, "free_bytes", lambda device: 1000)
    assert on(sheets, "meta").train_dataloader().dataset is sheets.training
    assert resident_bytes(sheets.training, torch.device("meta")) == 0
