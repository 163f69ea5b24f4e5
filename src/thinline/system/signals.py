"""SIGINT (Ctrl-C) and SIGTERM: one line on the error stream and the exit code that shells expect.

Conventions

- While a run trains (`stoppable`), a signal raises `Killed`, so that the run is marked KILLED and can resume.
- Before and between runs (`ending_at_once`), a signal ends the process immediately. An exception raised while libraries
  are imported could be swallowed or replaced, and there is no run to mark.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Killed` inside the block. Does nothing outside the main thread."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Killed(signum)

    with _handled_by(stop):
        yield


@contextmanager
def ending_at_once() -> Iterator[None]:
    """SIGINT and SIGTERM end the process immediately inside the block. Does nothing outside the main thread."""
    with _handled_by(stop_at_once):
        yield


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
