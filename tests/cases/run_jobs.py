"""Functions that the tests of tracking run in other processes."""

import multiprocessing
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from run_cases import EXPERIMENT, begun, cell

from thinline.tracking.tracker import Tracker

# The fork server imports MLflow once for all processes. The module must be installed: up to Python 3.12 the server does
# not know the path of the tests and skips modules that it cannot import.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["thinline.tracking.tracker"])


def write_two_runs(root: str, uri: str, number: int, steps: int) -> None:
    """Two threads, each with its own run, on a store that may not exist yet."""
    numpy.random.seed(0)  # noqa: NPY002 - the trap under test: every process uses the same seed
    random.seed(0)

    def work(thread: int) -> None:
        folder = begun(Path(root), cell(seed=10 * number + thread))
        tracker = Tracker(uri, EXPERIMENT, Path(root))
        tracker.initialise()
        tracker.start(folder, name=f"run-{number}-{thread}")
        for step in range(steps):
            metrics = {f"train/m{number}": float(step * number) for number in range(8)}
            tracker.log(folder.log(step, metrics))
        folder.finish("KILLED")
        assert tracker.finish("KILLED")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))


def die_while_running(root: str, uri: str) -> None:
    """A sweep with one run whose process is killed at step 5."""
    folder = begun(Path(root))
    tracker = Tracker(uri, EXPERIMENT, Path(root))
    parent = tracker.open_parent("a sweep", {})
    tracker.start(folder, parent_id=parent)
    for step in range(6):
        tracker.log(folder.log(step, {"train/loss": 1 / (step + 1)}))
    os.kill(os.getpid(), signal.SIGKILL)
