"""Curves in files: LAS (log ASCII standard), a file or a folder at a time.

`read_las_file` and `read_las_folder` give the curves with a report of what was read, taken for null and dropped;
`read_las` and `read_las_dir` give the curves alone, and the second warns of what was left out and what is odd.
How a file is read stands in the modules `text` (encodings, sections), `header`, `rows` (delimiters, wrapped
rows), `values` (nulls), `index` (which column is the depth), `passes` (repeat passes), `table` and
`file`; what a curve is, in `curve`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from thinline.curves.las.curve import BRIDGE, SHORTEST, LasCurve, LasError
from thinline.curves.las.file import read_las_file
from thinline.curves.las.report import LasReport, summary

__all__ = [
    "BRIDGE",
    "SHORTEST",
    "LasCurve",
    "LasError",
    "LasFolder",
    "LasReport",
    "read_las",
    "read_las_dir",
    "read_las_file",
    "read_las_folder",
]


@dataclass(frozen=True, eq=False)
class LasFolder:
    """The usable `curves` of a folder, and the report of each file, in order of the names of the files."""

    folder: Path
    curves: tuple[LasCurve, ...]
    reports: tuple[LasReport, ...]

    def summary(self) -> str:
        """One sentence: files, curves, samples, what was dropped and why."""
        return summary(self.reports)

    def odd(self) -> tuple[str, ...]:
        """Sentences about refused files and what is odd; the summary names the dropped curves."""
        return tuple(line for report in self.reports for line in _odd(report))

    def left_out(self) -> tuple[str, ...]:
        """Sentences about refused files, dropped curves and what is odd, in order of the files."""
        return tuple(line for report in self.reports for line in _left_out(report))

    def checked(self) -> LasFolder:
        """Itself; raises LasError when no curve is usable."""
        if not self.curves:
            listed = "\n  ".join(report.error for report in self.reports)
            count = len(self.reports)
            raise LasError(
                f"{self.folder}: expected a LAS file with a usable curve, got {count} without one:\n  {listed}"
            )
        return self


def read_las(path: Path) -> tuple[LasCurve, ...]:
    """Read the usable curves of one LAS file, in the order of its columns. Raises what `read_las_file` raises.

    What was dropped, and what is odd, stands in the report of `read_las_file`.
    """
    return read_las_file(path)[0]


def read_las_dir(folder: Path) -> tuple[LasCurve, ...]:
    """Read the usable curves of every `*.las` file (any case) of a folder, files in order of their names.

    Files without a usable curve, dropped curves and what is odd are named in one warning. Raises LasError when the
    folder is missing, holds no LAS file, or nothing usable is left.
    """
    read = read_las_folder(folder).checked()
    refused = sum(bool(report.error) for report in read.reports)
    if read.left_out():
        files = f"left out {refused} of {len(read.reports)} LAS files" if refused else read.summary()
        warnings.warn("\n  ".join((f"{files}:", *read.left_out())), stacklevel=2)
    return read.curves


def read_las_folder(folder: Path) -> LasFolder:
    """Read the usable curves of a folder as `read_las_dir` does, or of one file, with the reports; warns of nothing.

    Raises LasError when the folder is missing or holds no LAS file.
    A file that cannot be read has a report with `error`.
    """
    folder = Path(folder)
    if folder.is_file():
        files = [folder]
    elif not folder.is_dir():
        raise LasError(f"{folder}: expected a folder of LAS files, found no such folder; check the path")
    else:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".las")
    if not files:
        raise LasError(f"{folder}: expected *.las files, found none; point to the folder that holds them")
    curves: list[LasCurve] = []
    reports: list[LasReport] = []
    for path in files:
        try:
            read, report = read_las_file(path)
        except LasError as error:
            report = LasReport(path.name, error=str(error))
        else:
            curves.extend(read)
        reports.append(report)
    return LasFolder(folder, tuple(curves), tuple(reports))


def _odd(report: LasReport) -> list[str]:
    return [*([report.error] if report.error else []), *(f"{report.file}: {warning}" for warning in report.warnings)]


def _left_out(report: LasReport) -> list[str]:
    return _odd(report) + [f"{report.file}: dropped {name} ({reason})" for name, reason in report.dropped]
