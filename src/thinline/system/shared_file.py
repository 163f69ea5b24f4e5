"""A file that processes share and any of them may have to write: whole, or not there.

Why a reader may trust what it gets
    A writer works on `<key>.partial` under an exclusive lock on `<key>.lock`, which the system drops when the process
    dies. Header last, fsync, then the rename: a file without `.partial` was whole once. One that was cut short or
    damaged since is found by its checksums and written again. The lock file stays: were it removed, two processes
    could each hold "the" lock, on two files of one name.

Layout
    header   HEADER bytes: a JSON object padded with blanks, with the mark `"complete": true`; whatever else it says
    records  N blocks of `stride` bytes
    table    whatever guards the records, their CRC-32 among it
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

HEADER = 4096
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
T = TypeVar("T")


class CacheError(OSError):
    """The cache cannot be kept, or read back, where it was asked to be."""


def read_or_write(path: Path, read: Callable[[], T | None], write: Callable[[], None], *, what: str) -> T:
    """What `read` finds at `path`, or finds after `write`; processes that ask at once wait for the one that writes.

    `what` says in messages what the file holds. Raises CacheError when the folder cannot be written or has no room.
    """
    with _explained(path, what):
        found = read()
        if found is not None:
            return found
        with _locked(path.with_suffix(".lock")):
            found = read()  # somebody else may have written it while this process waited
            if found is None:
                write()
                found = read()
    if found is None:
        raise CacheError(errno.EIO, f"{what} were written and cannot be read back; check the disk", str(path))
    return found


@contextmanager
def whole_file(path: Path, size: int, *, what: str) -> Iterator[BinaryIO]:
    """A partial file to write `size` bytes into, moved into place at the end; whatever goes wrong, no partial stays.

    To be used under the lock of `read_or_write`.
    """
    partial = path.with_suffix(".partial")  # the lock is ours: what a killed writer left here is overwritten
    try:
        with partial.open("wb") as file:
            if shutil.disk_usage(path.parent).free < size:
                raise _no_room(path.parent, size, what)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise _no_room(path.parent, size, what) from error
        raise


def header_block(fields: dict[str, Any]) -> bytes:
    """A header as a block of HEADER bytes."""
    return json.dumps(fields).encode().ljust(HEADER)


def header_fields(block: bytes) -> dict[str, Any] | None:
    """What a header says, or None when the block is none or lacks the mark."""
    try:
        fields = json.loads(block)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and fields.get("complete") is True else None


def mapped(file: BinaryIO) -> mmap:
    """The bytes of an open file, read-only."""
    return mmap(file.fileno(), 0, access=ACCESS_READ)


def records_match(content: mmap, stride: int, expected: Sequence[int]) -> bool:
    """Whether every record has the CRC-32 of the table."""
    with memoryview(content) as view:
        for index, crc in enumerate(expected):
            start = HEADER + index * stride
            if zlib.crc32(view[start : start + stride]) != crc:
                return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of a cache file; waits for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _explained(path: Path, what: str) -> Iterator[None]:
    """Turn what the system says about a folder into what to do about it."""
    try:
        yield
    except CacheError:
        raise
    except OSError as error:
        text = f"expected a folder for {what} that can be written, got '{error.strerror}'; set `paths.cache`"
        raise CacheError(error.errno, text, str(path.parent)) from error


def _no_room(folder: Path, needed: int, what: str) -> CacheError:
    free = shutil.disk_usage(folder).free
    text = (
        f"expected {needed:,} bytes of room for {what}, got {free:,} free; "
        "free some, ask for fewer sheets, or set `paths.cache` to another disk"
    )
    return CacheError(errno.ENOSPC, text, str(folder))


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
