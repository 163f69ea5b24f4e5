"""Fixtures of the whole suite: one thread, and a tiny cell that trains in a second.

pytest-xdist imports this file also in the process that hands out the tests and runs none, while the others wait. What
takes long to import (torch, pandas, Hydra) is therefore imported where it is used.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from made_once import made_once

if TYPE_CHECKING:
    from thinline.config.schema import Conf

settings.register_profile("shared machine", deadline=None, max_examples=50)  # a busy core must not fail a test
settings.load_profile("shared machine")

FIRST = (
    "test_cell.py",
    "test_report_page.py",
    "test_mlflow_page.py",
    "test_launchers.py",
    "test_user_images.py",
    "test_train.py",
    "test_studies.py",
    "test_at_recall.py",
    "test_objective.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Without the garbage collector, which takes a third of the time of the imports; later it skips what is alive."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(gc.unfreeze)  # else libraries warn at exit of objects that are not collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One thread of torch, and files that take longest come first, so that parallel processes end at the same time.

    Before the launchers come cells in one process and pages of a browser in the other: the cells compile the numba
    kernels of a new checkout once, which the processes of a launcher would else each do for themselves.
    """
    import torch

    torch.set_num_threads(1)  # a second thread does not speed up tiny tensors
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


def _do_not_synchronise(connection: sqlite3.Connection, _: object) -> None:
    with suppress(sqlite3.Error):  # a database that cannot be used is found by the first statement of the code
        connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """Nothing is flushed to the disk, which takes milliseconds for each file of a run and each change of a database."""
    if "sqlalchemy" in sys.modules:  # with MLflow; else no test of this process needs it
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        event.listen(Engine, "connect", _do_not_synchronise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # raises for what is no open file, as fsync does
        yield


@pytest.fixture(scope="session", autouse=True)
def skipped_survivors() -> Iterator[None]:
    """The collection of garbage before each run skips what survived the one before, which takes a tenth of a second.

    A program skips what there was before its first run alone: what it skips is never freed.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "thinline.pipeline.cell" in sys.modules:
            patch.setattr("thinline.pipeline.cell._freeze_once", gc.freeze)
        yield


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered sheets, shared by all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tiny(tmp_path: Path, cache: Path) -> Callable[..., tuple[Conf, dict[str, str]]]:
    """`tiny("loss=dice", ...)`: see `tiny_cell`, with the store of this test."""
    from tiny_cells import tiny_cell

    return partial(tiny_cell, tmp_path / "store", cache)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The store of a test."""
    return tmp_path / "store"


@pytest.fixture
def given(store: Path, cache: Path) -> list[str]:
    """Overrides that make a cell of the command line tiny."""
    from tiny_cells import TINY

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


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database as `thinline` creates it, which takes seconds; tests copy it."""

    def create(folder: Path) -> None:
        from run_cases import EXPERIMENT

        from thinline.tracking import database  # imports MLflow

        database.initialise(f"sqlite:///{folder}/deep/mlruns/mlflow.db", EXPERIMENT, folder / "deep/mlruns/artifacts")

    return made_once(tmp_path_factory, "prepared", create) / "deep" / "mlruns" / "mlflow.db"


@pytest.fixture(scope="session")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes computed together: see `run_two_ranks`."""
    from two_ranks import run_two_ranks  # imports torchmetrics

    return made_once(tmp_path_factory, "two_ranks", run_two_ranks)


@pytest.fixture
def main(
    monkeypatch: pytest.MonkeyPatch, given: list[str], store: Path, prepared: Path, log_handlers: None
) -> Callable[..., int]:
    """`main("-m", "loss=dice,focal")` -> exit code, of train.py in this process; a run with MLflow finds a database."""
    from hydra.core.global_hydra import GlobalHydra
    from run_cases import copied

    import train

    def call(*arguments: str) -> int:
        if not store.exists() and not any(text.startswith("tracking.uri=") for text in arguments):
            copied(prepared, store)
        monkeypatch.setattr(sys, "argv", [train.__file__, *arguments, *given])
        monkeypatch.setenv("COLUMNS", "200")
        GlobalHydra.instance().clear()
        try:
            train.main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return call
