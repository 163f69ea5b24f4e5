"""Cells that several tests of a module read."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tiny_cells import tiny_cell

from thinline.config.schema import Conf


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Callable[..., tuple[Conf, dict[str, str]]]:
    """As `tiny`, in a store of the module: a cell that one test has run is skipped by the next. Only for reading."""
    return partial(tiny_cell, tmp_path_factory.mktemp("shared") / "store", cache)
