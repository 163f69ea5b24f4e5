"""Read well-log curves from LAS files (log ASCII standard), one file or a folder at a time.

`read_las_file` and `read_las_folder` return the curves with reports; `read_las` and `read_las_dir` return the curves
alone, and the latter warns of what was left out.

text     decode bytes (encoding), split the text into sections
header   version, delimiter, null values, depth interval, columns
rows     split data lines into rows: delimiters, wrapped rows
values   parse numbers, recognise null values (-999.25, ...)
table    data sections as tables of numbers
depth    which column is the depth; order of rows by depth, repeat passes
file     one file: usable curves, dropped curves with reasons, report
curve    the result: values over depth, missing samples, runs without long gaps
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from thinline.curves.las.curve import BRIDGE, SHORTEST, LasCurve, LasError
from thinline.curves.las.file import LasReport, read_las_file, summary

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
    """The usable `curves` of a folder and the report of each file, in the order of file names."""

    folder: Path
    curves: tuple[LasCurve, ...]
    reports: tuple[LasReport, ...]

    def summary(self) -> str:
        """One sentence: numbers of files, curves and samples, and what was dropped for which reason."""
        return summary(self.reports)

    def odd(self) -> tuple[str, ...]:
        """Errors and warnings of all files; dropped curves are in the summary."""
        return tuple(line for report in self.reports for line in _messages(report))

    def left_out(self) -> tuple[str, ...]:
        """Errors, warnings and dropped curves of all files, in the order of files."""
        dropped = [[f"{r.file}: dropped {name} ({reason})" for name, reason in r.dropped] for r in self.reports]
        return tuple(line for r, lines in zip(self.reports, dropped, strict=True) for line in (*_messages(r), *lines))

    def checked(self) -> LasFolder:
        """This folder. LasError if no curve is usable."""
        if not self.curves:
            listed = "\n  ".join(report.error for report in self.reports)
            count = len(self.reports)
            raise LasError(
                f"{self.folder}: expected a LAS file with a usable curve, got {count} without one:\n  {listed}"
            )
        return self


def read_las(path: Path) -> tuple[LasCurve, ...]:
    """The usable curves of one LAS file, in the order of its columns; errors as `read_las_file`."""
    return read_las_file(path)[0]


def read_las_dir(folder: Path) -> tuple[LasCurve, ...]:
    """The usable curves of every `*.las` file (any case) of a folder, in the order of file names.

    One warning lists files without a usable curve, dropped curves and the warnings of files. LasError if the folder is
    missing, has no LAS file, or has no usable curve.
    """
    read = read_las_folder(folder).checked()
    refused = sum(bool(report.error) for report in read.reports)
    if read.left_out():
        files = f"left out {refused} of {len(read.reports)} LAS files" if refused else read.summary()
        warnings.warn("\n  ".join((f"{files}:", *read.left_out())), stacklevel=2)
    return read.curves


def read_las_folder(folder: Path) -> LasFolder:
    """The usable curves of a folder, or of one file, with reports instead of a warning.

    A file that cannot be read has a report with `error`. LasError if the folder is missing or has no LAS file.
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


def _messages(report: LasReport) -> list[str]:
    return [*filter(None, [report.error]), *(f"{report.file}: {warning}" for warning in report.warnings)]
