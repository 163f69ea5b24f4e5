"""One LAS file -> its curves in order of depth, and the report of what was read, taken for null, and dropped.

Conventions
    A section or a stretch of rows that logs the same depths again is a pass of its own (`passes`): its curves get
    `, pass 2` after their names, as do curves of further sections with other columns whose names are taken already.
    A curve is **usable** when it is numeric, is no scale (a second depth, a time), and has SHORTEST values and a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from thinline.curves.las.curve import SHORTEST, LasCurve, LasError
from thinline.curves.las.header import Header
from thinline.curves.las.index import find_index, is_scale
from thinline.curves.las.passes import Rows, split_passes
from thinline.curves.las.report import CurveReport, LasReport
from thinline.curves.las.table import Table, check_joined, read_tables
from thinline.curves.las.text import read_text, split_sections
from thinline.curves.las.values import SENTINELS, is_null, suspect, without_nulls
from thinline.vocabulary import Float64


def read_las_file(path: Path) -> tuple[tuple[LasCurve, ...], LasReport]:
    """The usable curves of one LAS file in the order of its columns, passes one after the other, and the report.

    Raises LasError when the file is missing, is not LAS, has a damaged row or no depth column, or has no usable curve
    (each dropped curve is then named with its reason).
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
        seen = ", ".join(f"{name} ({reason})" for name, reason in report.dropped) or "only the depth column"
        raise LasError(
            f"{path}: expected at least one curve with {SHORTEST} or more varying samples, got {seen}; "
            "use another file or leave this one out"
        )
    return tuple(curves), report


def _curves(table: Table, report: LasReport, taken: set[str]) -> tuple[list[LasCurve], LasReport]:
    """The usable curves of a table, pass after pass, and the report with them."""
    index, odd = find_index(table.header.columns, table.values)
    name, unit = table.header.columns[index]
    if index in table.spoilt:
        raise LasError(
            f"expected a numeric depth column, got {name} with text ({table.spoilt[index]}); re-export the file"
        )
    depth = _depth(table.values[:, index], table.header.nulls)
    if table.joined:
        check_joined(table, index)
    passes, warnings = split_passes(depth, table.lines, table.sections)
    warnings = [*table.warnings, *([odd] if odd else []), *warnings, *_interval(depth, table.header, passes)]
    curves: list[LasCurve] = []
    reports: list[CurveReport] = []
    dropped: list[tuple[str, str]] = []
    for number, rows in enumerate(passes, start=1):
        for i, column in enumerate(table.header.columns):
            if i == index:
                continue
            plain = f"{column[0]}, pass {number}" if number > 1 else column[0]
            named = plain if plain not in taken else f"{plain}, pass {number + 1}"
            values, nulls = without_nulls(table.values[rows, i], table.header.nulls)
            curve = LasCurve(named, column[1], depth[rows], values, unit, report.file)
            reason = table.spoilt.get(i) or ("a scale, not a curve" if is_scale(column) else _unusable(curve))
            if reason:
                dropped.append((named, reason))
                continue
            curves.append(curve)
            reports.append(_reported(curve, nulls + table.words[i] if number == 1 else Counter()))
            warnings += [f"{named}: {sentence}" for sentence in [suspect(curve.values)] if sentence]
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
    """Depth with NaN for nulls. An elevation may pass -999: a null is one only outside the depths of the other rows."""
    null = is_null(values, (*nulls, *SENTINELS))
    others = values[np.isfinite(values) & ~null]
    if len(others):
        null &= (values < others.min()) | (values > others.max())
    return np.where(null, np.nan, values)


def _interval(depth: Float64, header: Header, passes: Sequence[Rows]) -> list[str]:
    """A sentence where the header announces other depths than there are: the file may be cut."""
    if not passes:
        return []
    said = [value for value in (header.start, header.stop) if np.isfinite(value)]
    first, last = float(np.nanmin(depth)), float(np.nanmax(depth))
    own = depth[passes[0]]
    step = float(np.median(np.diff(own))) if len(own) > 1 else np.inf
    warnings = []
    if len(said) == 2 and (abs(min(said) - first) > 1.5 * step or abs(max(said) - last) > 1.5 * step):
        warnings.append(
            f"the header announces depths {header.start:g} to {header.stop:g}, the rows hold {first:g} to {last:g}; "
            "the file may be cut, or the header is of another file"
        )
    return warnings


def _unusable(curve: LasCurve) -> str:
    """Why a curve cannot be used, or nothing."""
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
