"""A pool of worker processes that end with their parent.

Workers are spawned, because a fork of a process with threads may hang. A worker waits for tasks on a pipe that it holds
open itself, so it would not notice that its parent was killed: a thread of each worker watches the parent. Ctrl-C
reaches all processes of a terminal; workers block it, and the parent reports it once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import resource_tracker
from typing import ParamSpec, TypeVar

from typing_extensions import override

_P = ParamSpec("_P")
_T = TypeVar("_T")


def pool_of(
    processes: int, prepare: Callable[..., None] | None = None, arguments: tuple[object, ...] = ()
) -> ProcessPoolExecutor:
    """A pool of `processes` workers. Each worker first calls `prepare(*arguments)`; both are pickled."""
    resource_tracker.ensure_running()  # its start unblocks SIGINT, so it must come before the first worker
    spawn = multiprocessing.get_context("spawn")
    return _Pool(processes, spawn, initializer=_start_worker, initargs=(prepare, arguments))


class _Pool(ProcessPoolExecutor):
    """Workers start in `submit` and inherit its signal mask, so SIGINT stays blocked in them."""

    @override
    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(prepare: Callable[..., None] | None, arguments: tuple[object, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a worker of a pool waits for its parent"
    parent.join()
    os._exit(1)
