"""Roof: Ctrl-C and SIGTERM, as one line and the exit code that shells expect, at every moment of a program.

Conventions

- While a run goes (`stoppable`) a signal raises `Killed`, so that the run is marked as such and can go on later.
- Before and between (`ending_at_once`) it ends the process on the spot. While libraries are imported an exception would
  be swallowed by whoever imports, or turned into another one, and nothing is begun that would have to be marked.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Killed(BaseException):
    """The process was told to stop. No subclass of Exception, so that nothing between takes it for a failed job."""

    def __init__(self, signum: int):
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum
        self.shown = False

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal, as shells have it."""
        return 128 + self.signum


def stop_at_once(signum: int, frame: FrameType | None = None) -> None:
    """A handler: one line on the error stream, and the end of this process."""
    # neither `print` nor `sys.exit`: whatever stood where the signal came may hold their locks or catch the exception
    os.write(2, f"{Killed(signum)}\n".encode())
    os._exit(Killed(signum).exit_code)


def at_once_from_here() -> None:
    """Let SIGINT and SIGTERM end this process on the spot until a context manager of this module says otherwise."""
    for number in _SIGNALS:
        signal.signal(number, stop_at_once)


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, SIGINT and SIGTERM raise `Killed` where the program stands. Outside the main thread nothing changes."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Killed(signum)

    with _handled_by(stop):
        yield


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Within, SIGINT and SIGTERM end the process on the spot. Outside the main thread nothing changes."""
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
