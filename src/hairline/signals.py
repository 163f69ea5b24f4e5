"""Roof: Ctrl-C and SIGTERM as one exception, so that a stopped run is marked as such and can go on later."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Killed(BaseException):
    """The process was told to stop. No subclass of Exception, so that nothing between takes it for a failed job."""

    def __init__(self, signum: int):
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal, as shells have it."""
        return 128 + self.signum


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, SIGINT and SIGTERM raise `Killed` where the program stands. Outside the main thread nothing changes."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Killed(signum)

    try:
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
