"""The output folder: the bands that are read are kept beside the output, and the files of a job are replaced together.

Conventions
    `OUT/.partial/` holds `job.json` with the digest of all that decides what is read, `skew.npz`, `findings.json`
    (damaged rows and notices, which a scan knows once it is read), and one `band_00000.npz` for each finished band;
    each is written whole or not at all. A folder whose digest is that of the job is gone on with, band by band the same
    numbers as if nothing had happened; it goes when the output is written. An output folder that exists is otherwise
    refused. With `force` it is written into.

    **Results** are the files named in RESULT. Those of a job are written into `OUT/.partial/ready/` first. When all
    are there, the earlier results go, `curves.csv` first, and the new ones are renamed into place, `curves.csv` last.
    So results of two jobs never lie together, and whoever finds `curves.csv` finds the whole set it belongs to. After
    a kill in between, the same command goes on and ends with the whole set.
    A job that ends without being published (an error, a damaged scan, Ctrl-C) removes the earlier results: nothing in
    the folder passes for its own. Other files in the folder are never touched.
"""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

import numpy as np

from thinline.digitise.deskew import Skew
from thinline.digitise.inference import Band
from thinline.digitise.scan import Scan, ScanError
from thinline.images import Damage
from thinline.system.atomic_files import StorageError, explained, make_folder, write_bytes
from thinline.system.file_lock import FileLock

PARTIAL: Final = ".partial"
RESULT: Final = re.compile(r"curves\.csv|curves\.las|class_map\.png|overlay(_\d{3,})?\.png")
_READY, _FINDINGS, _LOCK = "ready", "findings.json", ".lock"


class OutputError(ValueError):
    """An output folder that may not be written."""


def results(out: Path) -> list[Path]:
    """The results in an output folder, `curves.csv` first."""
    names = [path for path in out.iterdir() if RESULT.fullmatch(path.name)] if out.is_dir() else []
    return sorted(names, key=lambda path: (path.name != "curves.csv", path.name))


def remove_results(out: Path) -> None:
    """Remove the results of an earlier job, unless another process is writing into the folder."""
    if not FileLock(out / PARTIAL / _LOCK).taken():
        _remove(out)


def _remove(out: Path) -> None:
    with explained(out):
        for path in results(out):
            path.unlink()


class Partial:
    """What an unfinished job has read so far, and the files it is about to publish."""

    def __init__(self, out: Path, digest: str) -> None:
        self.out = out
        self.folder = out / PARTIAL
        self.digest = digest
        self._staged: list[str] = []

    @contextmanager
    def held(self, *, force: bool) -> Iterator[None]:
        """Hold the output folder; on a good end what was kept goes. OutputError where it may not be written."""
        self._check_ours(force)
        make_folder(self.folder)
        lock = FileLock(self.folder / _LOCK)
        if not lock.try_acquire():
            raise OutputError(f"{self.out}: another process ({lock.holder()}) writes it; give another --out, or wait")
        try:
            self._begin(force)
            yield
        except BaseException as error:
            with suppress(StorageError):  # the error that ended the job is the one to tell
                _remove(self.out)
            lock.release()
            if isinstance(error, ScanError) or not self.finished(1):
                self._leave()  # there is nothing to go on with
            raise
        lock.release()
        self._leave()

    def _begin(self, force: bool) -> None:
        shutil.rmtree(self.folder / _READY, ignore_errors=True)
        if force or not self._same():
            for path in (*self.folder.glob("*.npz"), self.folder / _FINDINGS):
                path.unlink(missing_ok=True)
            write_bytes(self.folder / "job.json", json.dumps({"digest": self.digest}).encode())

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

    def keep_findings(self, scan: Scan) -> None:
        """Keep what the scan has found beside what was kept before; call it before what was read is kept."""
        damage, notices = self.findings()
        more = damage.union(scan.damage()), tuple(dict.fromkeys((*notices, *scan.notices)))
        if more != (damage, notices):
            found = {"damage": sorted(astuple(one) for one in more[0]), "notices": more[1]}
            write_bytes(self.folder / _FINDINGS, json.dumps(found).encode())

    def findings(self) -> tuple[frozenset[Damage], tuple[str, ...]]:
        """The damaged rows and the notices of the scan that were kept."""
        try:
            found = json.loads((self.folder / _FINDINGS).read_text())
        except FileNotFoundError:
            return frozenset(), ()
        return frozenset(Damage(*row) for row in found["damage"]), tuple(found["notices"])

    def stage(self, name: str, content: bytes) -> None:
        """Write one result where it waits for the others."""
        if not self._staged:
            make_folder(self.folder / _READY)
        write_bytes(self.folder / _READY / name, content)
        self._staged.append(name)

    def publish(self) -> tuple[Path, ...]:
        """Replace the earlier results by those that are staged; their paths, in the order they were staged."""
        _remove(self.out)
        with explained(self.out):
            for name in sorted(self._staged, key=lambda name: name == "curves.csv"):
                (self.folder / _READY / name).replace(self.out / name)
        return tuple(self.out / name for name in self._staged)

    def _band(self, number: int) -> Path:
        return self.folder / f"band_{number:05d}.npz"

    def _write(self, path: Path, arrays: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_bytes(path, buffer.getvalue())

    def _same(self) -> bool:
        try:
            job = json.loads((self.folder / "job.json").read_text())
        except (FileNotFoundError, ValueError):
            return False
        return bool(job.get("digest") == self.digest)

    def _check_ours(self, force: bool) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{self.out}: expected a folder to write into, got a file; give another --out")
        if force or not self.out.exists() or self._same():
            return
        unfinished = " with an unfinished job of another scan, run or options" if self.folder.exists() else ""
        raise OutputError(
            f"{self.out}: expected a folder that does not exist yet, got one{unfinished}; nothing is overwritten "
            "unless you say --force, or give another --out"
        )
