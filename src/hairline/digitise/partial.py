"""Resuming: the bands that are read, kept beside the output until it is written.

Conventions
    `OUT/.partial/` holds `job.json` with the digest of all that decides what is read, `skew.npz`, and one
    `band_00000.npz` for each finished band; each is written whole or not at all. A folder whose digest is that of the
    job is gone on with, band by band the same numbers as if nothing had happened; it goes when the output is written.
    An output folder that exists is otherwise refused. With `force` it is written into: files of the same names are
    replaced, others stay.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from hairline.digitise.deskew import Skew
from hairline.digitise.read import Band
from hairline.ledger.atomic import make_folder, write_bytes
from hairline.ledger.lock import FileLock

PARTIAL: Final = ".partial"


class OutputError(ValueError):
    """An output folder that may not be written."""


class Partial:
    """What an unfinished job has read so far."""

    def __init__(self, out: Path, digest: str) -> None:
        self.out = out
        self.folder = out / PARTIAL
        self.digest = digest

    @contextmanager
    def held(self, *, force: bool) -> Iterator[None]:
        """Hold the output folder; on a good end what was kept goes. OutputError where it may not be written."""
        self._demand_ours(force)
        make_folder(self.folder)
        lock = FileLock(self.folder / ".lock")
        if not lock.try_acquire():
            raise OutputError(f"{self.out}: another process ({lock.holder()}) writes it; give another --out, or wait")
        try:
            if force or not self._same():
                for path in self.folder.glob("*.npz"):
                    path.unlink()
                write_bytes(self.folder / "job.json", json.dumps({"digest": self.digest}).encode())
            yield
        except BaseException:
            lock.release()
            if not self.finished(1):
                self._leave()  # nothing was read: nothing to go on with
            raise
        lock.release()
        self._leave()

    def _leave(self) -> None:
        """Remove what was kept, and the output folder where nothing else was put into it."""
        shutil.rmtree(self.folder)
        with suppress(OSError):
            self.out.rmdir()

    def finished(self, count: int) -> int:
        """How many of `count` bands are kept, from the first on without a hole."""
        return next((n for n in range(count) if not self._band(n).exists()), count)

    def keep(self, number: int, band: Band) -> None:
        """Keep one band."""
        self._write(self._band(number), {"start": np.array(band.start), "labels": band.labels, "ink": band.ink})

    def band(self, number: int) -> Band:
        """A band that was kept."""
        with np.load(self._band(number)) as file:
            return Band(int(file["start"]), file["labels"], file["ink"])

    def keep_skew(self, skew: Skew) -> None:
        """Keep the skew."""
        self._write(self.folder / "skew.npz", {"knots": skew.knots, "moved": skew.moved, "slope": np.array(skew.slope)})

    def skew(self) -> Skew | None:
        """The skew that was kept, or None."""
        path = self.folder / "skew.npz"
        if not path.exists():
            return None
        with np.load(path) as file:
            return Skew(file["knots"], file["moved"], float(file["slope"]))

    def _band(self, number: int) -> Path:
        return self.folder / f"band_{number:05d}.npz"

    def _write(self, path: Path, arrays: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_bytes(path, buffer.getvalue())

    def _same(self) -> bool:
        try:
            told = json.loads((self.folder / "job.json").read_text())
        except (FileNotFoundError, ValueError):
            return False
        return bool(told.get("digest") == self.digest)

    def _demand_ours(self, force: bool) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{self.out}: expected a folder to write into, got a file; give another --out")
        if force or not self.out.exists() or self._same():
            return
        unfinished = " with an unfinished job of another scan, run or options" if self.folder.exists() else ""
        raise OutputError(
            f"{self.out}: expected a folder that does not exist yet, got one{unfinished}; nothing is overwritten "
            "unless you say --force, or give another --out"
        )
