"""Turn the data sections of a LAS file into tables of numbers.

Conventions
    Data sections with the same columns and nulls form one table, so a section that continues another extends its
    curves. A word that is not a number spoils its column; if the column has numbers elsewhere, the line is named.
    Rows joined from several lines must have the depths of one row each (`check_joined`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thinline.curves.las.curve import LasError
from thinline.curves.las.header import Header, headers
from thinline.curves.las.rows import Rows, read_rows
from thinline.curves.las.text import Section, content
from thinline.curves.las.values import as_number, as_numbers, point_decimals
from thinline.vocabulary import Float64


@dataclass(frozen=True)
class Table:
    """Data sections with the same columns: `values [R,C]`, NaN for words that mean null.

    `lines [R]` are line numbers, `sections [R]` numbers of data sections. `words` counts the words treated as null of
    each column; `spoilt` has the reason of each column with text; `joined` and `cut` as in `Rows`.
    """

    header: Header
    values: Float64
    lines: list[int]
    sections: list[int]
    words: list[Counter[str]]
    spoilt: dict[int, str]
    joined: bool
    cut: str
    warnings: list[str]


def read_tables(sections: Sequence[Section], *, ends: bool) -> list[Table]:
    """The tables of a file; `ends`: its last line has a line end. LasError, without the file name, for damage."""
    tables: dict[tuple[object, ...], Table] = {}
    for number, (header, section) in enumerate(headers(sections)):
        table = _table(header, section, number=number, ends=ends or section is not sections[-1])
        key = (header.columns, header.nulls)
        tables[key] = _stacked(tables[key], table) if key in tables else table
    return list(tables.values())


def _table(header: Header, section: Section, *, number: int, ends: bool) -> Table:
    """The table of one data section."""
    lines = content(section)
    names = [name for name, _ in header.columns]
    rows = read_rows(lines, names=names, declared=header.delimiter, wrap=header.wrap, ends=ends)
    commas = any("," in line for _, line in lines) and _decimal_commas(rows)
    columns: list[Float64] = []
    counts: list[Counter[str]] = []
    spoilt: dict[int, str] = {}
    for i, words in enumerate(zip(*rows.words, strict=True)):
        numbers = as_numbers(words)
        if None in numbers:
            spoilt[i] = _spoilt(numbers, words, rows.lines)
        counts.append(Counter(w or "empty" for w, n in zip(words, numbers, strict=True) if n == "nan"))
        columns.append(np.full(len(numbers), np.nan) if i in spoilt else np.array(numbers, np.float64))
    return Table(
        header,
        np.stack(columns, axis=1),
        rows.lines,
        [number] * len(rows.lines),
        counts,
        spoilt,
        rows.joined,
        rows.cut,
        [*header.warnings, *rows.warnings, *(["decimal commas are read as points"] if commas else [])],
    )


def _decimal_commas(rows: Rows) -> bool:
    """Replace decimal commas by points, in place; False if there are none. LasError if a comma is ambiguous."""
    numbers = (
        (line, word)
        for line, row in zip(rows.lines, rows.words, strict=True)
        for word in row
        if "," in word and as_number(word.replace(",", "")) not in (None, "nan")
    )
    line, word = next(numbers, (0, ""))
    if not word:
        return False
    replaced = point_decimals(rows.words)
    if replaced is None:
        raise LasError(
            f"line {line}: expected numbers with decimal points, got {word[:40]!r}: the comma may be a delimiter or "
            "part of a number; say DLM COMMA in the header, or export the file with points"
        )
    rows.words = replaced
    return True


def _spoilt(numbers: Sequence[str | None], words: Sequence[str], lines: Sequence[int]) -> str:
    """The reason why a column is not numeric."""
    texts = [i for i, number in enumerate(numbers) if number is None]
    if sum(number is not None and number != "nan" for number in numbers) <= len(texts):
        return "text, not numbers"
    others = f", nor are {len(texts) - 1} others" if len(texts) > 1 else ""
    return f"{words[texts[0]][:20]!r} in line {lines[texts[0]]} is no number{others}"


def _stacked(first: Table, second: Table) -> Table:
    return replace(
        first,
        values=np.concatenate((first.values, second.values)),
        lines=first.lines + second.lines,
        sections=first.sections + second.sections,
        words=[a + b for a, b in zip(first.words, second.words, strict=True)],
        spoilt=first.spoilt | second.spoilt,
        joined=first.joined or second.joined,
        cut=first.cut or second.cut,
        warnings=list(dict.fromkeys(first.warnings + second.warnings)),
    )


def check_joined(table: Table, index: int) -> None:
    """LasError if rows joined from several lines are not one row each; the depth is column `index`.

    A lost line shifts all words after it, so the depth is irregular for several rows (a repeat pass turns it round only
    once). Lines that are whole rows with blank values have another step than that of the header, or a column that lies
    between one depth and the next in all rows.
    """
    depth = table.values[:, index]
    irregular = [
        _first_irregular(depth, np.flatnonzero(np.asarray(table.sections) == number)) for number in set(table.sections)
    ]
    first = min((row for row in irregular if row is not None), default=None)
    if first is not None:
        raise LasError(
            f"line {table.lines[first]}: expected a depth near {depth[first - 1]:g}, got {depth[first]:g}; a line or a "
            "value is missing here or above"
        )
    if table.cut:
        raise LasError(table.cut)
    step, own = abs(table.header.step), abs(float(np.nanmedian(np.diff(depth)))) if len(depth) > 1 else np.nan
    if step > 0 and abs(own - step) > 0.1 * step:
        reason = f"the depth steps by {own:g}, and the header says {step:g}"
    else:
        between = [i for i in range(table.values.shape[1]) if i != index and _between(table.values[:, i], depth)]
        if not between:
            return
        reason = f"{table.header.columns[between[0]][0]} lies between one depth and the next in all rows"
    raise LasError(
        f"line {table.lines[0]}: expected rows over several lines, got lines that may be whole rows with blank values "
        f"({reason}); write blank values as the null value"
    )


def _first_irregular(depth: Float64, rows: NDArray[np.intp]) -> int | None:
    """The first of `rows` at which the depth turns round next to another irregular step, or None."""
    steps = np.diff(depth[rows])
    middle = float(np.nanmedian(steps)) if len(steps) else 0.0
    along = steps * np.sign(middle)
    turns = along < 0
    wild = turns | (along > 10 * abs(middle))
    odd = turns & (np.append(wild[1:], False) | np.insert(wild[:-1], 0, False))
    return int(rows[np.flatnonzero(odd)[0] + 1]) if odd.any() else None


def _between(values: Float64, depth: Float64) -> bool:
    """Whether each of `values [R]` lies between the depth of its row and that of the next."""
    low, high = np.minimum(depth[:-1], depth[1:]), np.maximum(depth[:-1], depth[1:])
    return len(depth) > 2 and bool(np.all((values[:-1] > low) & (values[:-1] < high)))
