"""What the whole suite shares: few threads, and a tiny cell that trains in a second."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hypothesis import settings
from omegaconf import DictConfig

import train
from thinline.config.schema import FACTORS, compose_config

settings.register_profile("shared machine", deadline=None)  # a busy core is no failure
settings.load_profile("shared machine")
torch.set_num_threads(1)  # tiny tensors: a second thread only waits


LONG = ("test_launchers.py", "test_mlflow_page.py", "test_studies.py", "test_train.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take many seconds come first: at the end one of two processes would wait for the other."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered sheets, shared by all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tiny(tmp_path: Path, cache: Path) -> Callable[..., tuple[DictConfig, dict[str, str]]]:
    """`tiny("loss=dice", ...)`: a configuration of the smoke budget without tracker, and the options it chose."""

    def make(*overrides: str) -> tuple[DictConfig, dict[str, str]]:
        given = [f"paths.store={tmp_path / 'store'}", f"paths.cache={cache}", "tracking.uri=''", "budget=smoke"]
        given += ["network.widths=[4,8]", "overlays=1", "optimiser.warmup_steps=2"]
        all_of_them = [*given, *overrides]
        if any(text.startswith("network=") for text in overrides):
            all_of_them.remove("network.widths=[4,8]")
        config = compose_config(all_of_them)
        defaults = {"loss": "dice", "head": "softmax", "class_weight": "none", "data_mix": "fresh"}
        defaults |= {"resolution": "pen1", "network": "unet_slim", "budget": "smoke", "optimiser": "muon"}
        chosen = dict(text.split("=", 1) for text in overrides if "." not in text.split("=", 1)[0])
        return config, {name: chosen.get(name, defaults[name]) for name in FACTORS}

    return make


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the command line of a test puts its runs."""
    return tmp_path / "store"


@pytest.fixture
def given(store: Path, cache: Path) -> list[str]:
    """What makes a cell of the command line tiny."""
    small = ["budget=smoke", "network.widths=[4,8]", "overlays=1", "optimiser.warmup_steps=2"]
    return [*small, f"paths.store={store}", f"paths.cache={cache}"]


@pytest.fixture
def log_handlers() -> Iterator[None]:
    """Hydra gives the root logger handlers that write to the captured output of a test; they end with it."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, given: list[str], log_handlers: None) -> Callable[..., int]:
    """`main("-m", "loss=dice,focal")` -> exit code, of train.py in this process."""

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", [train.__file__, *arguments, *given])
        monkeypatch.setenv("COLUMNS", "200")
        GlobalHydra.instance().clear()
        try:
            train.main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return call
