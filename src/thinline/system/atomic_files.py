"""Writes that are whole or absent, and what to say when the disk refuses.

Conventions

- A file is written beside its target under a hidden temporary name, flushed to the disk (fsync), renamed over the
  target, and the folder is flushed too. After a kill or a power cut a reader sees the old content or the new one,
  never a part.
- An `OSError` of the file system (full, read-only, quota, a file where a folder should be) becomes
  `StorageError`, which says what was written where, what the system answered, how many bytes are free, and what to do.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".tmp"
"""Ending of temporary names; a file that ends so is the remains of a killed writer."""


_TRIAL_BYTES = 64 * 1024  # about what Hydra and a run write before the first checkpoint


class StorageError(Exception):
    """The store of runs cannot do what was asked; the message names what, expected, got and the next step."""


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step.

    Raises `StorageError` where the file system refuses; the old content is then still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    with explained(path):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _flush_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def make_folder(path: Path) -> None:
    """Create `path` and its parents; `StorageError` where that is impossible."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)


def check_writable(path: Path) -> None:
    """Create the folder `path` and try a file in it; `StorageError` where either is impossible."""
    make_folder(path)
    trial = path / f".trial.{os.getpid()}"
    write_bytes(trial, bytes(_TRIAL_BYTES))
    trial.unlink(missing_ok=True)


def remove_remains(folder: Path) -> None:
    """Remove what killed writers left in `folder`. Only the holder of the folder's lock may call this."""
    for path in folder.glob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the `OSError` of a write to `path` into a `StorageError` in plain words."""
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
    """How many bytes are free on the disk of `path`, in words; the nearest folder that exists answers."""
    folder = next(it for it in (path, *path.parents) if it.is_dir())
    usage = shutil.disk_usage(folder)
    return f"{usage.free:,} of {usage.total:,} bytes free on the disk of {folder}"


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
