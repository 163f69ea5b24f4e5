"""An exclusive file lock that records its holder. The operating system frees the lock when its holder dies.

Conventions

- The lock is `flock` on a small file, taken by the library filelock, which also closes locks that a forked child
  inherits: a data-loading worker that outlives its killed parent does not keep the parent's lock.
- The file names the holder (process, host, start time) for messages only. An outdated name after a kill is harmless.
- On a network file system the lock works between hosts where the server supports it (NFS on Linux does).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import filelock

from thinline.system.atomic_files import StorageError, explained

_POLL_S = 0.02
_TRY_S = 0.1  # longer than `taken` of another process holds its shared lock, which must not look like a holder


class FileLock:
    """An exclusive lock on the file `path`. Each holder needs its own object, also within one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = filelock.FileLock(path, thread_local=False, poll_interval=_POLL_S)

    @property
    def held(self) -> bool:
        """Whether this object, in this process, holds the lock."""
        return self._lock.is_locked

    def try_acquire(self) -> bool:
        """Take the lock if it is free; False when another object or process holds it. A second call does nothing."""
        return self._acquired_within(_TRY_S)

    def acquire(self, *, wait_s: float) -> None:
        """Take the lock, waiting at most `wait_s` seconds. Raises `StorageError` with the holder after that."""
        if not self._acquired_within(max(wait_s, _TRY_S)):
            raise StorageError(
                f"{self.path} is locked: expected it free within {wait_s:g} s, got {self.holder()}. "
                "Wait for that process or stop it, then start the same command again"
            )

    def release(self) -> None:
        """Release the lock if it is held."""
        self._lock.release(force=True)

    def taken(self) -> bool:
        """Whether any process holds the lock. Needs no right to write."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def holder(self) -> str:
        """A phrase that names the process that took the lock last. It may have ended since."""
        try:
            record = json.loads(self.path.read_text())
            return f"process {record['pid']} on {record['host']} since {record['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "a process that left no name"

    def _acquired_within(self, seconds: float) -> bool:
        if self.held:
            return True
        with explained(self.path):
            self.path.parent.stat()  # raises for a missing folder, which filelock would create
            try:
                self._lock.acquire(timeout=seconds)
            except filelock.Timeout:
                return False
        record = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        with suppress(OSError):  # a full disk must not stop a process that only needs the lock
            self.path.write_text(json.dumps(record))
        return True
