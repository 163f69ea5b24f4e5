"""Sheets rendered once and shared by every cell: one content-addressed, memory-mapped file.

Conventions
    `<folder>/<key>.sheets` is laid out as `sheet_file.py` says. `key` is the SHA-256 of the file format, the version of
    the renderer, px_per_mm and the digests of the specs in their order: another content has another name.

Why a reader may trust what it gets
    A writer works on `<key>.partial` under an exclusive lock on `<key>.lock`, which the system drops when the process
    dies. Header last, fsync, then the rename: a file without `.partial` was whole once. One that was cut short or
    damaged since is found by its checksums and rendered again. The lock file stays: were it removed, two processes
    could each hold "the" lock, on two files of one name.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from hairline.data.sheet_file import FORMAT, HEADER, CachedSheets, CacheError, Header, fill, read
from hairline.sheets import Sheet

Progress = Callable[[int, int], None]
"""Called with (sheets done, sheets in all) after every rendered sheet."""


class Drawable(Protocol):
    """What a sheet is made from: a SheetSpec, or a piece of a user's image."""

    @property
    def digest(self) -> str:
        """Names everything its pixels depend on, but for the scale."""
        ...

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width."""
        ...


Render = Callable[[Any], Sheet]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def open_sheets(
    specs: Sequence[Drawable],
    *,
    px_per_mm: float,
    folder: Path,
    render: Render,
    version: int,
    on_progress: Progress | None = None,
) -> CachedSheets:
    """The rendered `specs`, in their order; rendered now if `folder` holds no whole file of this content.

    `render` must be a function of the spec and of `px_per_mm` alone; raise `version` whenever it draws differently.
    Processes that ask at once wait for the one that renders; one sheet at a time is in memory. Raises ValueError for no
    specs, sheets of different sizes, more than 8 curves that cross or labels that are no class id; CacheError when the
    folder cannot be written or has no room.
    """
    _demand_alike(specs)
    key = content_key(specs, px_per_mm=px_per_mm, version=version)
    path = Path(folder) / f"{key}.sheets"
    with _explained(path):
        found = read(path, key=key)
        if found is not None:
            return found
        with _locked(path.with_suffix(".lock")):
            found = read(path, key=key)  # somebody else may have written it while this process waited
            if found is None:
                _build(path, specs, render, on_progress or _silent)
                found = read(path, key=key)
    if found is None:
        raise CacheError(errno.EIO, "sheets were written and cannot be read back; check the disk", str(path))
    return found


def content_key(specs: Sequence[Drawable], *, px_per_mm: float, version: int) -> str:
    """Name of the content: SHA-256, in hex, of everything its pixels depend on."""
    head = json.dumps({"format": FORMAT, "version": version, "px_per_mm": float(px_per_mm)}, sort_keys=True)
    return hashlib.sha256("\n".join([head, *(spec.digest for spec in specs)]).encode()).hexdigest()


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def _demand_alike(specs: Sequence[Drawable]) -> None:
    """Refuse, before anything is drawn, what cannot lie in one file."""
    if len(specs) == 0:
        raise ValueError("`specs` must hold at least one sheet, got none; raise the count of this split")
    sizes = sorted({spec.size_mm for spec in specs})
    if len(sizes) > 1:
        raise ValueError(
            f"`specs` must have one size, expected all {specs[0].size_mm} mm as the first, got {sizes}; "
            "keep other sizes in a cache of their own"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of a cache file; waits for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the system says about a folder into what to do about it."""
    try:
        yield
    except CacheError:
        raise
    except OSError as error:
        text = f"expected a folder for rendered sheets that can be written, got '{error.strerror}'; set `paths.cache`"
        raise CacheError(error.errno, text, str(path.parent)) from error


def _build(path: Path, specs: Sequence[Drawable], render: Render, on_progress: Progress) -> None:
    """Render into a partial file and move it into place when it is whole. Whatever goes wrong, no partial stays."""
    partial = path.with_suffix(".partial")  # the lock is ours: what a killed writer left here is overwritten
    first = render(specs[0])
    curves = len(first.strokes)
    height, width = first.image.shape
    header = Header(path.stem, len(specs), height, width, curves)
    try:
        with partial.open("wb") as file:
            _demand_room(path.parent, header.size)
            _write(file, header, (render(spec) if row else first for row, spec in enumerate(specs)), on_progress)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise _no_room(path.parent, header.size) from error
        raise


def _write(file: BinaryIO, header: Header, sheets: Iterator[Sheet], on_progress: Progress) -> None:
    """Blank header, records, table, and at last the true header."""
    file.write(bytes(HEADER))
    record = np.zeros(header.stride, dtype=np.uint8)
    table = np.zeros((header.sheets, header.columns), dtype="<i8")
    for row, sheet in enumerate(sheets):
        try:
            table[row] = fill(record, sheet, header)
        except ValueError as error:
            error.add_note(f"this was sheet {row} of {header.sheets}")
            raise
        file.write(record.data)
        on_progress(row + 1, header.sheets)
    file.write(table.tobytes())
    file.seek(0)
    file.write(replace(header, table_crc=zlib.crc32(table.tobytes())).packed())


def _demand_room(folder: Path, needed: int) -> None:
    """Refuse before the first byte what the disk has no room for."""
    if shutil.disk_usage(folder).free < needed:
        raise _no_room(folder, needed)


def _no_room(folder: Path, needed: int) -> CacheError:
    free = shutil.disk_usage(folder).free
    text = (
        f"expected {needed:,} bytes of room for rendered sheets, got {free:,} free; "
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
