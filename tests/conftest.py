"""Fixtures of the whole suite: one thread, and a tiny cell that trains in a second."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hypothesis import settings
from tiny_cells import TINY, tiny_cell

import train
from thinline.config.schema import Conf

settings.register_profile("shared machine", deadline=None)  # a busy core must not fail a test
settings.load_profile("shared machine")
torch.set_num_threads(1)  # a second thread does not speed up tiny tensors


LONG = ("test_launchers.py", "test_mlflow_page.py", "test_studies.py", "test_train.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come first, so that parallel processes end at about the same time."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered sheets, shared by all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tiny(tmp_path: Path, cache: Path) -> Callable[..., tuple[Conf, dict[str, str]]]:
    """`tiny("loss=dice", ...)`: see `tiny_cell`, with the store of this test."""
    return partial(tiny_cell, tmp_path / "store", cache)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The store of a test."""
    return tmp_path / "store"


@pytest.fixture
def given(store: Path, cache: Path) -> list[str]:
    """Overrides that make a cell of the command line tiny."""
    return ["budget=smoke", *TINY, f"paths.store={store}", f"paths.cache={cache}"]


@pytest.fixture
def log_handlers() -> Iterator[None]:
    """Removes the handlers that Hydra gives the root logger: they write to the captured output of the test."""
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
