"""Processes that work beside this one, and end with it.

They start anew (`spawn`), since a fork of a process with threads may hang. Whoever waits for work waits on a pipe that
it holds open itself, so that nobody would tell it that the process which gives the work was killed: each one watches.
Ctrl-C reaches all processes of a terminal. These leave it to the one that gives the work, which says it once.
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


def _nothing() -> None:
    """Prepare nothing."""


def pool_of(
    processes: int, prepare: Callable[..., None] = _nothing, arguments: tuple[object, ...] = ()
) -> ProcessPoolExecutor:
    """A pool of so many processes, in each of which `prepare(*arguments)` is called first; both are pickled."""
    resource_tracker.ensure_running()  # its start lets SIGINT through again, so it comes before the first process
    spawn = multiprocessing.get_context("spawn")
    return _Pool(processes, spawn, initializer=_begin, initargs=(prepare, arguments))


class _Pool(ProcessPoolExecutor):
    """A process starts when work is given, with the signal mask of who gives it: SIGINT stays blocked there."""

    @override
    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(prepare: Callable[..., None], arguments: tuple[object, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process of a pool waits for its parent"
    parent.join()
    os._exit(1)
