"""The output folder: stored bands let a job resume, and result files are replaced only when all are complete.

Conventions
    `OUT/.partial/` has `job.json` with the digest of the inputs, `skew.npz`, `findings.json` (damaged rows and notices
    of the rows that have been read), and one `band_00000.npz` for each finished band. Each file is written atomically.
    A job with the same digest resumes from these files, with the same results as an uninterrupted job, and removes
    `OUT/.partial/` at its end. Any other output folder that exists is refused unless `force` is given.

    **Results** are the files that match RESULT. They are first written to `OUT/.partial/ready/`. When all are there,
    the earlier results are removed, `curves.csv` first, and the new ones are renamed into place, `curves.csv` last. So
    results of two jobs are never mixed, and if there is a `curves.csv`, the results are complete. If the process is
    killed during the renaming, the same command completes it. A job that ends without results (an error, Ctrl-C, an
    unreadable scan or one that is damaged in every row) removes the earlier results, so that nobody takes them for its
    results. Other files in the folder are never changed.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
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
_LEVEL: Final = 1
"""Of the compression of bands: at 6, as by NumPy, they take four times as long and are 15 % smaller."""

_READY, _FINDINGS, _LOCK = "ready", "findings.json", ".lock"


class OutputError(ValueError):
    """An output folder that must not be overwritten."""


def results(out: Path) -> list[Path]:
    """The results in an output folder, `curves.csv` first."""
    paths = [path for path in out.iterdir() if RESULT.fullmatch(path.name)] if out.is_dir() else []
    return sorted(paths, key=lambda path: (path.name != "curves.csv", path.name))


def remove_results(out: Path) -> None:
    """Remove the results of an earlier job, unless another process is writing into the folder."""
    if not FileLock(out / PARTIAL / _LOCK).taken():
        _remove(out)


def _remove(out: Path) -> None:
    with explained(out):
        for path in results(out):
            path.unlink()


class Partial:
    """The stored bands of an unfinished job, and its staged results."""

    def __init__(self, out: Path, digest: str) -> None:
        self.out = out
        self.folder = out / PARTIAL
        self.digest = digest
        self._staged: list[str] = []

    @contextmanager
    def held(self, *, force: bool) -> Iterator[None]:
        """Lock the output folder in this context, and remove the stored bands at a normal end. Raises OutputError for a
        refused folder."""
        self._check_output(force)
        make_folder(self.folder)
        lock = FileLock(self.folder / _LOCK)
        if not lock.try_acquire():
            raise OutputError(
                f"{self.out}: another process ({lock.holder()}) writes to it; give another --out, or wait"
            )
        try:
            self._begin(force)
            yield
        except BaseException as error:
            with suppress(StorageError):  # report the error that ended the job
                _remove(self.out)
            lock.release()
            if isinstance(error, ScanError) or not self.finished(1):
                self._leave()  # there is nothing to resume
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
        """Remove the stored bands, and the output folder if it is empty."""
        shutil.rmtree(self.folder)
        with suppress(OSError):
            self.out.rmdir()

    def finished(self, count: int) -> int:
        """The number of stored bands before the first missing one, at most `count`."""
        return next((n for n in range(count) if not self._band(n).exists()), count)

    def keep(self, number: int, band: Band) -> None:
        """Store one band."""
        planes = {"start": np.array(band.start), "labels": band.labels, "ink": band.ink}
        self._write(self._band(number), planes if band.centre is None else planes | {"centre": band.centre})

    def band(self, number: int) -> Band:
        """A stored band."""
        with np.load(self._band(number)) as file:
            return Band(int(file["start"]), file["labels"], file["ink"], file.get("centre"))

    def keep_skew(self, skew: Skew) -> None:
        """Store the skew."""
        self._write(
            self.folder / "skew.npz",
            {"knots": skew.knots, "moved": skew.shifts, "slope": np.array(skew.slope), "known": np.array(skew.known)},
        )

    def skew(self) -> Skew | None:
        """The stored skew, or None."""
        path = self.folder / "skew.npz"
        if not path.exists():
            return None
        with np.load(path) as file:
            return Skew(file["knots"], file["moved"], float(file["slope"]), bool(file.get("known", True)))

    def keep_findings(self, scan: Scan) -> None:
        """Add damage and notices of the scan to the stored ones.

        Call this before storing the skew or a band. A resumed job does not read the rows of a stored band again, so it
        needs the stored damage of these rows.
        """
        damage, notices = self.findings()
        more = damage.union(scan.damage()), tuple(dict.fromkeys((*notices, *scan.notices)))
        if more != (damage, notices):
            record = {"damage": sorted(astuple(part) for part in more[0]), "notices": more[1]}
            write_bytes(self.folder / _FINDINGS, json.dumps(record).encode())

    def findings(self) -> tuple[frozenset[Damage], tuple[str, ...]]:
        """The stored damaged rows and notices of the scan."""
        try:
            record = json.loads((self.folder / _FINDINGS).read_text())
        except FileNotFoundError:
            return frozenset(), ()
        return frozenset(Damage(*row) for row in record["damage"]), tuple(record["notices"])

    def stage(self, name: str, content: bytes) -> None:
        """Write one result into the staging folder."""
        if not self._staged:
            make_folder(self.folder / _READY)
        write_bytes(self.folder / _READY / name, content)
        self._staged.append(name)

    def publish(self) -> tuple[Path, ...]:
        """Replace the earlier results by the staged ones; returns the new paths in the order of staging."""
        _remove(self.out)
        with explained(self.out):
            for name in sorted(self._staged, key=lambda name: name == "curves.csv"):
                (self.folder / _READY / name).replace(self.out / name)
        return tuple(self.out / name for name in self._staged)

    def _band(self, number: int) -> Path:
        return self.folder / f"band_{number:05d}.npz"

    def _write(self, path: Path, arrays: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as file:  # what np.load reads
            for name, array in arrays.items():
                with file.open(f"{name}.npy", "w") as part:
                    np.lib.format.write_array(part, np.asarray(array), allow_pickle=False)
        write_bytes(path, buffer.getvalue())

    def _same(self) -> bool:
        try:
            job = json.loads((self.folder / "job.json").read_text())
        except (FileNotFoundError, ValueError):
            return False
        return bool(job.get("digest") == self.digest)

    def _check_output(self, force: bool) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{self.out}: expected a folder to write into, got a file; give another --out")
        if force or not self.out.exists() or self._same():
            return
        unfinished = " with an unfinished job of another scan, run or options" if self.folder.exists() else ""
        raise OutputError(
            f"{self.out}: expected a folder that does not exist yet, got one{unfinished}; nothing is overwritten "
            "without --force: add it, or give another --out"
        )
