"""What takes long to make is made by one process of the suite, and shared with the others."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, once for all processes of the suite: the second one waits for the first."""
    ours = tmp_path_factory.getbasetemp()
    folder = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / name
    with FileLock(folder.with_suffix(".lock")):
        if not folder.with_suffix(".done").exists():
            make(folder)
            folder.with_suffix(".done").touch()
    return folder
