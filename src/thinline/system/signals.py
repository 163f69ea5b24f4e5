"""SIGINT (Ctrl-C) and SIGTERM: one line on the error stream and the exit code that shells expect.

Conventions

- While a run trains (`stoppable`), a signal raises `Killed`, so that the run is marked KILLED and can resume.
- During a call of a kernel in the main thread (`after_kernel`), `Killed` is raised when the kernel has returned. numba
  makes the Python objects of its result without looking for an exception: one raised there becomes a SystemError, so
  that a stopped run would be marked FAILED, or ends the process with a segmentation fault.
- During a call to MLflow (`delayed`), a signal waits for the end of the call. An exception in the middle of a database
  transaction leaves the database locked, and the status KILLED cannot be written.
- Before and between runs (`ending_at_once`), a signal ends the process immediately. An exception raised while libraries
  are imported could be swallowed or replaced, and there is no run to mark.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN_S: Final = 0.05


class Killed(BaseException):
    """The process received a stop signal. A BaseException, so that no handler takes it for a failed job."""

    def __init__(self, signum: int):
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum
        self.shown = False

    @property
    def exit_code(self) -> int:
        """128 plus the number of the signal, the convention of shells."""
        return 128 + self.signum


def stop_at_once(signum: int, frame: FrameType | None = None) -> None:
    """Signal handler: print one line on the error stream and end the process."""
    # neither `print` nor `sys.exit`: the interrupted code may hold their locks or catch the exception
    os.write(2, f"{Killed(signum)}\n".encode())
    os._exit(Killed(signum).exit_code)


def end_at_once() -> None:
    """Make SIGINT and SIGTERM end this process immediately, until a context manager of this module changes that."""
    for number in _SIGNALS:
        signal.signal(number, stop_at_once)


class _Kernel:
    """Whether a kernel runs in the main thread, and the signal that arrived meanwhile; 0 is none."""

    running = False
    signum = 0


_kernel = _Kernel()


def after_kernel(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a kernel; a signal that arrives meanwhile raises `Killed` afterwards, if the call is in `stoppable`."""
    if threading.get_ident() != threading.main_thread().ident:
        return function(*arguments)
    _kernel.running = True
    try:
        return function(*arguments)
    finally:
        _kernel.running = False
        if _kernel.signum:
            signum, _kernel.signum = _kernel.signum, 0
            raise Killed(signum)


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Killed` inside the block. Does nothing outside the main thread."""

    def stop(signum: int, frame: FrameType | None) -> None:
        if _kernel.running:
            _kernel.signum = signum
        else:
            raise Killed(signum)

    with _handled_by(stop), _sent_again_where_ignored():
        yield


@contextmanager
def _sent_again_where_ignored() -> Iterator[None]:
    """Python ignores an exception raised in a destructor or callback: send the signal again a moment later."""
    before = sys.unraisablehook

    def hook(ignored: sys.UnraisableHookArgs) -> None:
        if isinstance(ignored.exc_value, Killed):
            threading.Timer(AGAIN_S, os.kill, (os.getpid(), ignored.exc_value.signum)).start()
        else:
            before(ignored)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def ending_at_once() -> Iterator[None]:
    """SIGINT and SIGTERM end the process immediately inside the block. Does nothing outside the main thread."""
    with _handled_by(stop_at_once):
        yield


@contextmanager
def delayed() -> Iterator[None]:
    """SIGINT and SIGTERM take effect at the end of the block, a second one at once. Only in the main thread."""
    received: list[int] = []

    def keep(signum: int, frame: FrameType | None) -> None:
        received.append(signum)
        if len(received) > 1:
            _deliver(signum, before, frame)

    before: dict[int, object] = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        with _handled_by(keep):
            yield
    finally:
        if len(received) == 1:
            _deliver(received[0], before, None)


def _deliver(signum: int, handlers: Mapping[int, object], frame: FrameType | None) -> None:
    handler = handlers[signum]
    if callable(handler):
        handler(signum, frame)
    elif handler == signal.SIG_DFL:
        stop_at_once(signum)


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    try:
        before = {number: signal.signal(number, handler) for number in _SIGNALS}
    except ValueError:
        before = {}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
