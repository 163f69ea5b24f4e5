"""Atomic file writes, and error messages that say what to do when the disk refuses one.

Conventions

- A file is written beside its target under a temporary name, flushed to the disk (fsync) and renamed over the target;
  then the folder is flushed. After a kill or a power cut a reader finds the old content or the new content, never a
  part of it.
- An `OSError` of the file system (full, read-only, quota, a file where a folder should be) becomes a `StorageError`
  that names the path, the system's message, the free bytes and the next step.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".tmp"
"""Suffix of temporary names. A file with this suffix was left by a killed writer."""

_TRIAL_BYTES = 64 * 1024  # about what Hydra and a run write before the first checkpoint


class StorageError(Exception):
    """A store of runs or an output folder cannot be read or written as requested."""


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` atomically. After a `StorageError` the old content is still there."""
    with explained(path), replacement(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacement(path: Path, *, temporary: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path to write; it replaces `path` when the block ends and is removed when the block raises.

    A fixed `temporary` is for writers that hold a lock: they overwrite the remains of a killed writer.
    """
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def make_folder(path: Path) -> None:
    """Create `path` and its parents. Raises `StorageError` where that is impossible."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)


def check_writable(path: Path) -> None:
    """Create the folder `path` and write a trial file in it. Raises `StorageError` where either is impossible."""
    make_folder(path)
    trial = path / f".trial.{os.getpid()}"
    write_bytes(trial, bytes(_TRIAL_BYTES))
    trial.unlink(missing_ok=True)


def remove_remains(folder: Path) -> None:
    """Remove the temporary files of killed writers. The caller must hold the lock of `folder`."""
    for path in folder.glob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an `OSError` while writing `path` into a `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: expected a writable folder with free space, got '{error.strerror or error}' "
            f"({free_space(path)}). Nothing written before is lost. Free some space, make the folder writable, or give "
            "another folder for the runs, and start the same command again: finished runs are skipped, the others "
            "resume"
        ) from error


def free_space(path: Path) -> str:
    """A phrase with the free bytes on the disk of `path`, or of its nearest parent that exists."""
    folder = next(parent for parent in (path, *path.parents) if parent.is_dir())
    usage = shutil.disk_usage(folder)
    return f"{usage.free:,} of {usage.total:,} bytes free on the disk of {folder}"


def _flush(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
