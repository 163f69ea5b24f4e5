"""Read one LAS file into its curves and a report of what was read, treated as null, and dropped.

Conventions
    A section or a stretch of rows that logs the same depths again is a pass of its own (depth.py): `, pass 2` is
    appended to the names of its curves, and to those of further sections with other columns and a name already used.
    A curve is **usable** if it is numeric, is not a scale (a second depth, a time), and has SHORTEST values and a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from thinline.curves.las.curve import SHORTEST, LasCurve, LasError
from thinline.curves.las.depth import Rows, find_index, is_scale, split_passes
from thinline.curves.las.header import Header
from thinline.curves.las.table import Table, check_joined, read_tables
from thinline.curves.las.text import read_text, split_sections
from thinline.curves.las.values import SENTINELS, is_null, suspect, without_nulls
from thinline.vocabulary import Float64

NAMED = 12
"""Number of names that a list of the summary shows."""


@dataclass(frozen=True)
class CurveReport:
    """A usable curve: `samples` readings of `low` to `high` between `depth_first` and `depth_last`.

    `gaps` is the number of gaps between readings; `nulls` counts the values treated as null by their spelling.
    """

    name: str
    unit: str
    samples: int
    depth_first: float
    depth_last: float
    low: float
    high: float
    gaps: int
    nulls: Mapping[str, int]


@dataclass(frozen=True)
class LasReport:
    """A file: its `curves`, those `dropped` with their reasons, and `warnings`; `error` if it cannot be read."""

    file: str
    encoding: str = ""
    version: float = 0.0
    index: str = ""
    index_unit: str = ""
    rows: int = 0
    curves: tuple[CurveReport, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


def read_las_file(path: Path) -> tuple[tuple[LasCurve, ...], LasReport]:
    """The usable curves of one LAS file in the order of its columns, pass after pass, and the report.

    LasError if the file is missing, is not LAS, has a damaged row or no depth column, or has no usable curve (each
    dropped curve is then named with its reason).
    """
    path = Path(path)
    text, encoding = read_text(path)
    try:
        tables = read_tables(split_sections(text), ends=text.endswith("\n"))
        report = LasReport(path.name, encoding, tables[0].header.version)
        curves: list[LasCurve] = []
        for table in tables:
            more, report = _curves(table, report, {curve.name for curve in curves})
            curves += more
    except LasError as error:
        raise LasError(f"{path}: {error}") from error
    if not curves:
        columns = ", ".join(f"{name} ({reason})" for name, reason in report.dropped) or "only the depth column"
        raise LasError(
            f"{path}: expected at least one curve with {SHORTEST} or more varying samples, got {columns}; "
            "use another file or leave this one out"
        )
    return tuple(curves), report


def _curves(table: Table, report: LasReport, taken: set[str]) -> tuple[list[LasCurve], LasReport]:
    """The usable curves of a table, pass after pass, and `report` extended by them; `taken` are used names."""
    index, by_unit = find_index(table.header.columns, table.values)
    name, unit = table.header.columns[index]
    if index in table.spoilt:
        raise LasError(
            f"expected a numeric depth column, got {name} with text ({table.spoilt[index]}); re-export the file"
        )
    depth = _depth(table.values[:, index], table.header.nulls)
    if table.joined:
        check_joined(table, index)
    passes, warnings = split_passes(depth, table.lines, table.sections)
    warnings = [*table.warnings, *([by_unit] if by_unit else []), *warnings, *_interval(depth, table.header, passes)]
    curves: list[LasCurve] = []
    reports: list[CurveReport] = []
    dropped: list[tuple[str, str]] = []
    for number, rows in enumerate(passes, start=1):
        for i, column in enumerate(table.header.columns):
            if i == index:
                continue
            title = _title(column[0], number, taken)
            values, nulls = without_nulls(table.values[rows, i], table.header.nulls)
            curve = LasCurve(title, column[1], depth[rows], values, unit, report.file)
            reason = table.spoilt.get(i) or ("a scale, not a curve" if is_scale(column) else _unusable(curve))
            if reason:
                dropped.append((title, reason))
                continue
            curves.append(curve)
            reports.append(_reported(curve, nulls + table.words[i] if number == 1 else Counter()))
            if sentence := suspect(curve.values):
                warnings.append(f"{title}: {sentence}")
    return curves, replace(
        report,
        index=report.index or name,
        index_unit=report.index_unit or unit,
        rows=report.rows + len(depth),
        curves=report.curves + tuple(reports),
        dropped=report.dropped + tuple(dropped),
        warnings=tuple(dict.fromkeys(report.warnings + tuple(warnings))),
    )


def _depth(values: Float64, nulls: Sequence[float]) -> Float64:
    """Depth with NaN for nulls. An elevation may pass -999, so only values outside the other depths are nulls."""
    null = is_null(values, (*nulls, *SENTINELS))
    others = values[np.isfinite(values) & ~null]
    if len(others):
        null &= (values < others.min()) | (values > others.max())
    return np.where(null, np.nan, values)


def _interval(depth: Float64, header: Header, passes: Sequence[Rows]) -> list[str]:
    """A warning if the header announces other depths than the rows have, as in a file that was cut."""
    if not passes:
        return []
    ends = [value for value in (header.start, header.stop) if np.isfinite(value)]
    first, last = float(np.nanmin(depth)), float(np.nanmax(depth))
    own = depth[passes[0]]
    step = float(np.median(np.diff(own))) if len(own) > 1 else np.inf
    if len(ends) < 2 or max(abs(min(ends) - first), abs(max(ends) - last)) <= 1.5 * step:
        return []
    return [
        f"the header announces depths {header.start:g} to {header.stop:g}, the rows hold {first:g} to {last:g}; "
        "the file may be cut, or the header is of another file"
    ]


def _unusable(curve: LasCurve) -> str:
    """The reason why a curve cannot be used, or an empty string."""
    count = int(np.count_nonzero(np.isfinite(curve.values)))
    if count == 0:
        return "all nulls" if len(curve.values) else "no samples"
    if count < SHORTEST:
        return f"{count} sample{'s' if count > 1 else ''}"
    if np.nanmin(curve.values) == np.nanmax(curve.values):
        return "constant"
    return "" if curve.runs() else f"no varying run of {SHORTEST} samples"


def _reported(curve: LasCurve, nulls: Counter[str]) -> CurveReport:
    known = np.isfinite(curve.values)
    at = curve.depth[known]
    low, high = float(np.nanmin(curve.values)), float(np.nanmax(curve.values))
    return CurveReport(
        curve.name, curve.unit, int(known.sum()), float(at[0]), float(at[-1]), low, high, curve.gaps(), dict(nulls)
    )


def summary(reports: Sequence[LasReport]) -> str:
    """`2 LAS files: 5 curves used (1,800 samples), 1 dropped: SP of a.las (all nulls); 1 warning`."""
    curves = [curve for report in reports for curve in report.curves]
    dropped = [f"{name} of {report.file} ({reason})" for report in reports for name, reason in report.dropped]
    refused = [report for report in reports if report.error]
    warnings = sum(len(report.warnings) for report in reports)
    parts = [
        f"{_plural(len(reports), 'LAS file')}: {_plural(len(curves), 'curve')} used "
        f"({sum(curve.samples for curve in curves):,} samples), {_named(dropped, 'dropped')}"
    ]
    if refused:
        parts.append(_named([report.file for report in refused], f"file{'s' * (len(refused) > 1)} without a curve"))
    if warnings:
        parts.append(f"{_plural(warnings, 'warning')}")
    return "; ".join(parts)


def _named(names: Sequence[str], what: str) -> str:
    listed = f": {', '.join(names[:NAMED])}" if names else ""
    return f"{len(names)} {what}{listed}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _title(name: str, number: int, taken: set[str]) -> str:
    """The name of a curve in pass `number`, with the next number that is not `taken` by an earlier table."""
    title = f"{name}, pass {number}" if number > 1 else name
    while title in taken:
        number += 1
        title = f"{name}, pass {number}"
    return title
