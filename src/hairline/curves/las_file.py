"""One LAS file -> its curves in order of depth, and the report of what was read, taken for null, and dropped.

Conventions
    Data sections with the same columns are read as one table, so a section that continues another makes one curve, and
    one that logs the same depths again is a pass of its own (`las_passes`). Names of other passes and of further sections
    with other columns that are taken already get `, pass 2`.
    A curve is **usable** when it is numeric, is no scale (a second depth, a time), and has SHORTEST values and a run.
    A word that is no number drops a column: one with numbers elsewhere is damaged, and the line is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hairline.curves.las_curve import SHORTEST, LasCurve, LasError
from hairline.curves.las_header import Header, headers, read_numbers
from hairline.curves.las_index import find_index, is_scale
from hairline.curves.las_passes import Rows as PassRows
from hairline.curves.las_passes import split_passes
from hairline.curves.las_report import CurveReport, LasReport
from hairline.curves.las_rows import Rows, read_rows
from hairline.curves.las_text import Section, listed, read_text, split_sections
from hairline.curves.las_values import (
    SENTINELS,
    as_number,
    is_null,
    null_words,
    point_decimals,
    suspect,
    without_nulls,
)
from hairline.vocabulary import Float64


@dataclass
class _Table:
    """Data sections with the same columns: `values [R,C]` as lasio reads them, NaN for words that mean null.

    `spoilt` names the columns that hold text, with the reason; `words` counts the words taken for null by column.
    """

    header: Header
    values: Float64
    lines: list[int]
    sections: list[int]
    words: list[Counter[str]]
    spoilt: dict[int, str]
    joined: bool
    warnings: list[str] = field(default_factory=list)


def read_las_file(path: Path) -> tuple[tuple[LasCurve, ...], LasReport]:
    """The usable curves of one LAS file in the order of its columns, passes one after the other, and the report.

    Raises LasError when the file is missing, is not LAS, has a damaged row or no depth column, or has no usable curve
    (each dropped curve is then named with its reason).
    """
    path = Path(path)
    text, encoding = read_text(path)
    try:
        tables = _tables(split_sections(text), ends=text.endswith("\n"))
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


def _tables(sections: Sequence[Section], *, ends: bool) -> list[_Table]:
    tables: dict[tuple[object, ...], _Table] = {}
    for number, (header, section) in enumerate(headers(sections)):
        last = section is sections[-1]
        table = _table(header, section, number=number, ends=ends or not last)
        key = (header.columns, header.nulls)
        tables[key] = _stacked(tables[key], table) if key in tables else table
    return list(tables.values())


def _table(header: Header, section: Section, *, number: int, ends: bool) -> _Table:
    """One data section, its words checked and counted, its numbers read by lasio."""
    names = [name for name, _ in header.columns]
    lines = [(line, text.replace("\x1a", "")) for line, text in section.lines]
    rows = read_rows(
        [(line, text) for line, text in lines if text.strip() and not text.lstrip().startswith("#")],
        names=names,
        declared=header.delimiter,
        wrap=header.wrap,
        ends=ends,
    )
    warnings = [*header.warnings, *rows.warnings, *_decimal_commas(rows)]
    known: dict[str, str | None] = {}
    columns: list[list[str]] = []
    spoilt: dict[int, str] = {}
    for i, words in enumerate(zip(*rows.words, strict=True)):
        known.update({word: as_number(word) for word in set(words) - known.keys()})
        column = [known[word] for word in words]
        reason = _spoilt(column, words, rows.lines)
        if reason:
            spoilt[i] = reason
        columns.append(["nan" if word is None or i in spoilt else word for word in column])
    values = read_numbers(header, list(zip(*columns, strict=True)))
    counts = [null_words(words) for words in zip(*rows.words, strict=True)]
    return _Table(
        header, values, rows.lines, [number] * len(rows.lines), counts, spoilt, rows.joined, warnings
    )


def _decimal_commas(rows: Rows) -> list[str]:
    """Mend decimal commas in place, and say so. Raises LasError where commas may mean something else."""
    if not any("," in word and as_number(word.replace(",", "")) not in (None, "nan") for row in rows.words for word in row):
        return []
    mended = point_decimals(rows.words)
    if mended is None:
        number, word = next(
            (line, word) for line, row in zip(rows.lines, rows.words, strict=True) for word in row if "," in word
        )
        raise LasError(
            f"line {number}: expected numbers with decimal points, got {word[:40]!r}: the comma may be a delimiter or part "
            "of a number; say DLM COMMA in the header, or export the file with points"
        )
    rows.words = mended
    return ["decimal commas are read as points"]


def _spoilt(column: Sequence[str | None], words: Sequence[str], lines: Sequence[int]) -> str:
    """Why a column is not numeric, or nothing."""
    odd = [i for i, word in enumerate(column) if word is None]
    if not odd:
        return ""
    if sum(word is not None and word != "nan" for word in column) <= len(odd):
        return "text, not numbers"
    return f"{words[odd[0]][:20]!r} in line {lines[odd[0]]} is no number" + (
        f", nor are {len(odd) - 1} others" if len(odd) > 1 else ""
    )


def _stacked(first: _Table, second: _Table) -> _Table:
    return replace(
        first,
        values=np.concatenate((first.values, second.values)),
        lines=first.lines + second.lines,
        sections=first.sections + second.sections,
        words=[one + other for one, other in zip(first.words, second.words, strict=True)],
        spoilt=first.spoilt | second.spoilt,
        joined=first.joined or second.joined,
        warnings=list(dict.fromkeys(first.warnings + second.warnings)),
    )


def _curves(table: _Table, report: LasReport, taken: set[str]) -> tuple[list[LasCurve], LasReport]:
    """The usable curves of a table, pass after pass, and the report with them."""
    index, odd = find_index(table.header.columns, table.values)
    name, unit = table.header.columns[index]
    if index in table.spoilt:
        raise LasError(f"expected a numeric depth column, got {name} with text ({table.spoilt[index]}); re-export the file")
    depth = _depth(table.values[:, index], table.header.nulls)
    if table.joined:
        _check_joined(table, index, depth)
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
    """Depth with NaN for nulls: the declared ones, and the common ones outside the depths of the other rows."""
    depth = np.where(is_null(values, nulls), np.nan, values)
    common = is_null(depth, SENTINELS)
    others = depth[np.isfinite(depth) & ~common]
    if len(others):
        depth[common & ((depth < others.min()) | (depth > others.max()))] = np.nan
    return depth


def _check_joined(table: _Table, index: int, depth: Float64) -> None:
    """Raise when rows that were put together from several lines are in truth several rows with blank values."""
    known = depth[np.isfinite(depth)]
    steps = np.diff(known)
    turns = np.flatnonzero(np.sign(steps) != np.sign(np.median(steps))) if len(steps) else []
    step = abs(table.header.step)
    if len(turns):
        line, what = table.lines[int(turns[0]) + 1], "the depth turns round there"
    elif len(steps) and step > 0 and abs(abs(np.median(steps)) - step) > 0.1 * step:
        line, what = table.lines[1], f"the depth steps by {abs(np.median(steps)):g}, and the header says {step:g}"
    else:
        between = [i for i in range(table.values.shape[1]) if i != index and _between(table.values[:, i], depth)]
        if not between:
            return
        line, what = table.lines[0], f"{table.header.columns[between[0]][0]} lies between one depth and the next in all rows"
    raise LasError(
        f"line {line}: expected rows over several lines, got lines that may be whole rows with blank values ({what}); "
        "write blank values as the null value"
    )


def _between(values: Float64, depth: Float64) -> bool:
    low, high = np.minimum(depth[:-1], depth[1:]), np.maximum(depth[:-1], depth[1:])
    return len(depth) > 2 and bool(np.all((values[:-1] > low) & (values[:-1] < high)))


def _interval(depth: Float64, header: Header, passes: Sequence[PassRows]) -> list[str]:
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
