"""Fixtures of the whole suite: one thread, and a tiny cell that trains in a second."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hypothesis import settings
from made_once import made_once
from tiny_cells import TINY, tiny_cell

import train
from thinline import runs
from thinline.cli.main import main as thinline_command
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


STUDY: Final = "data_mix"
"""The study of `trained` and `published`."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A store with two seeds of a study and one cell of a third, trained by the command line; tests only read it."""
    return made_once(tmp_path_factory, "trained", partial(_train, cache=cache))


def _train(store: Path, *, cache: Path) -> None:
    tiny = ["budget=smoke", "budget.steps=4", "budget.validate_every=2", *TINY, "trainer.threads=1"]
    tiny += [f"paths.store={store}", f"paths.cache={cache}"]
    with pytest.MonkeyPatch.context() as patch:
        for cells in (["seed=0,1"], ["seed=2", "data_mix=scarce", "loss=dice"]):
            patch.setattr(sys, "argv", [train.__file__, "-m", f"+experiment={STUDY}", *cells, *tiny])
            GlobalHydra.instance().clear()
            train.main()


@pytest.fixture(scope="session")
def published(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the command `study` writes; tests only read it."""

    def publish(folder: Path) -> None:
        level = runs.status(trained)["budget"].iloc[0]
        words = ["study", STUDY, "--store", str(trained), "--out", str(folder / STUDY), "--only", f"budget={level}"]
        assert thinline_command([*words, "--partial"]) == 0

    return made_once(tmp_path_factory, "published", publish) / STUDY
