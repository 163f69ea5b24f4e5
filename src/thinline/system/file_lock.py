"""One process at a time: a lock that the operating system gives back when its holder dies.

Conventions

- The lock is `flock` on a small file, which says who holds it (process, host, since when). The text is for messages
  only; the lock itself decides, so a stale text after a kill does no harm and nothing has to be cleaned up.
- `flock` belongs to the open file and is inherited by forked children. A data-loading worker that outlives its killed
  parent would go on holding it, so every child closes the locks it inherited right after the fork. The parent keeps
  them.
- On a network file system the lock works between hosts where the server supports it (NFS on Linux does).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from thinline.system.atomic_files import StorageError, explained

_held: set[int] = set()
_POLL_S = 0.2
_GLANCE_S = 0.01
_TRIES = 8


class FileLock:
    """An exclusive lock on `path`; create one per holder, not one per program."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._owner = 0

    @property
    def held(self) -> bool:
        """Whether this object, in this process, holds the lock."""
        return self._descriptor is not None and self._owner == os.getpid()

    def try_acquire(self) -> bool:
        """Take the lock now if it is free; False when somebody else has it. Taking it twice is harmless."""
        if self.held:
            return True
        with explained(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _exclusive(descriptor):
            os.close(descriptor)
            return False
        _held.add(descriptor)
        self._descriptor, self._owner = descriptor, os.getpid()
        self._sign(descriptor)
        return True

    def acquire(self, *, wait_s: float) -> None:
        """Take the lock, waiting at most `wait_s` seconds; `StorageError` names the holder after that."""
        deadline = time.monotonic() + wait_s
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                raise StorageError(
                    f"{self.path} is locked: expected it free within {wait_s:g} s, got {self.holder()}. "
                    "Wait for that process or stop it, then start the same command again"
                )
            time.sleep(_POLL_S)

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self.held and self._descriptor is not None:
            _held.discard(self._descriptor)
            os.close(self._descriptor)
        self._descriptor = None

    def taken(self) -> bool:
        """Whether anybody holds the lock."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            # shared: two who only look do not see each other as holders
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def holder(self) -> str:
        """Who took the lock last, in words. It may be gone by now."""
        try:
            told = json.loads(self.path.read_text())
            return f"process {told['pid']} on {told['host']} since {told['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "a process that left no name"

    def _sign(self, descriptor: int) -> None:
        text = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
        # a full disk must not stop who only wants the lock: the text is a courtesy
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(text).encode(), 0)


def _exclusive(descriptor: int) -> bool:
    # who only looks (`taken`) holds a shared lock for an instant: more tries tell a look from a holder
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_GLANCE_S)
        else:
            return True
    return False


def _close_inherited() -> None:
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_inherited)
