"""Cache files that several processes read and any of them may write.

Why a reader finds a complete file
    A writer fills `<key>.partial` under an exclusive lock on `<key>.lock`, which the operating system frees when the
    process dies. It writes the header last, flushes the file and renames it. Checksums find a file that was cut short
    or damaged later; it is written again. The lock file stays: if it were removed, two processes could lock two
    different files of the same name.

Layout
    header   HEADER bytes: a JSON object padded with blanks, with `"complete": true` and the fields of the cache
    records  N blocks of `stride` bytes
    table    checks of the records, among them their CRC-32
"""

from __future__ import annotations

import errno
import json
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from filelock import FileLock

from thinline.system.atomic_files import replacement

HEADER = 4096
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
T = TypeVar("T")


class CacheError(OSError):
    """A cache file cannot be written to, or read back from, its folder."""


def read_or_write(path: Path, read: Callable[[], T | None], write: Callable[[], None], *, what: str) -> T:
    """Return the result of `read`, calling `write` first when it is None. One process writes, the others wait for it.

    `what` names the content in messages. Raises CacheError when the folder is not writable or its disk is full.
    """
    with _explained(path, what):
        content = read()
        if content is not None:
            return content
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), thread_local=False):
            content = read()  # another process may have written it while this one waited
            if content is None:
                write()
                content = read()
    if content is None:
        raise CacheError(errno.EIO, f"{what} were written and cannot be read back; check the disk", str(path))
    return content


@contextmanager
def whole_file(path: Path, size: int, *, what: str) -> Iterator[BinaryIO]:
    """An open file for `size` bytes that becomes `path` when the block ends. Call it inside `write` of `read_or_write`.

    Raises CacheError when the disk has, or turns out to have, fewer than `size` bytes free.
    """
    if shutil.disk_usage(path.parent).free < size:
        raise _disk_full(path.parent, size, what)
    try:
        with replacement(path, temporary=path.with_suffix(".partial")) as partial, partial.open("wb") as file:
            yield file
    except OSError as error:
        if error.errno in DISK_FULL:
            raise _disk_full(path.parent, size, what) from error
        raise


def header_block(fields: dict[str, Any]) -> bytes:
    """A header as a block of HEADER bytes."""
    return json.dumps(fields).encode().ljust(HEADER)


def header_fields(block: bytes) -> dict[str, Any] | None:
    """The fields of a header block, or None when it is not JSON or lacks `"complete": true`."""
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
def _explained(path: Path, what: str) -> Iterator[None]:
    """Turn an `OSError` about the folder of `path` into a `CacheError` with the next step."""
    try:
        yield
    except CacheError:
        raise
    except OSError as error:
        text = f"expected a folder for {what} that can be written, got '{error.strerror}'; set `paths.cache`"
        raise CacheError(error.errno, text, str(path.parent)) from error


def _disk_full(folder: Path, needed: int, what: str) -> CacheError:
    free = shutil.disk_usage(folder).free
    text = (
        f"expected {needed:,} bytes of room for {what}, got {free:,} free; "
        "free some, ask for fewer sheets, or set `paths.cache` to another disk"
    )
    return CacheError(errno.ENOSPC, text, str(folder))
