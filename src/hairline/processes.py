"""Processes that work beside this one, and end with it.

They start anew (`spawn`), since a fork of a process with threads may hang. Whoever waits for work waits on a pipe that
it holds open itself, so that nobody would tell it that the process which gives the work was killed: each one watches.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def _nothing() -> None:
    """Prepare nothing."""


def pool_of(
    processes: int, prepare: Callable[..., None] = _nothing, arguments: tuple[object, ...] = ()
) -> ProcessPoolExecutor:
    """A pool of so many processes, in each of which `prepare(*arguments)` is called first; both are pickled."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, spawn, initializer=_begin, initargs=(prepare, arguments))


def _begin(prepare: Callable[..., None], arguments: tuple[object, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process of a pool waits for its parent"
    parent.join()
    os._exit(1)
