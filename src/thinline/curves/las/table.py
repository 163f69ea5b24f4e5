"""The data sections of a LAS file as tables of numbers, words that mean null and words that are no numbers taken out.

Conventions
    Data sections with the same columns and nulls are one table, so a section that continues another makes one curve.
    A word that is no number spoils its column: one with numbers elsewhere is damaged, and the line is named.
    Rows that were put together from several lines must have the depths of one row each, not of several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thinline.curves.las.curve import LasError
from thinline.curves.las.header import Header, headers, read_numbers
from thinline.curves.las.rows import Rows, read_rows
from thinline.curves.las.text import Section, content
from thinline.curves.las.values import as_number, as_numbers, point_decimals
from thinline.vocabulary import Float64


@dataclass(frozen=True)
class Table:
    """Data sections with the same columns: `values [R,C]` as lasio reads them, NaN for words that mean null.

    `lines [R]` number the lines of the rows, `sections [R]` their data sections. `words` counts the words
    taken for null by column; `spoilt` holds the reason of each column with text. `joined`: rows were put together from
    several lines, and `cut` says that words are left over.
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
    """The tables of a file; `ends` says that its last line has a line end.

    Raises LasError, without the name of the file, for what is damaged.
    """
    tables: dict[tuple[object, ...], Table] = {}
    for number, (header, section) in enumerate(headers(sections)):
        table = _table(header, section, number=number, ends=ends or section is not sections[-1])
        key = (header.columns, header.nulls)
        tables[key] = _stacked(tables[key], table) if key in tables else table
    return list(tables.values())


def _table(header: Header, section: Section, *, number: int, ends: bool) -> Table:
    """One data section, its words checked and counted, its numbers read by lasio."""
    lines = content(section)
    names = [name for name, _ in header.columns]
    rows = read_rows(lines, names=names, declared=header.delimiter, wrap=header.wrap, ends=ends)
    commas = any("," in line for _, line in lines) and _decimal_commas(rows)
    columns: list[list[str]] = []
    counts: list[Counter[str]] = []
    spoilt: dict[int, str] = {}
    for i, words in enumerate(zip(*rows.words, strict=True)):
        numbers = as_numbers(words)
        if None in numbers:
            spoilt[i] = _spoilt(numbers, words, rows.lines)
        null = "nan" in numbers
        counts.append(
            Counter(w or "empty" for w, n in zip(words, numbers, strict=True) if n == "nan") if null else Counter()
        )
        columns.append(["nan"] * len(numbers) if i in spoilt else [n or "" for n in numbers])
    return Table(
        header,
        read_numbers(header, list(zip(*columns, strict=True))),
        rows.lines,
        [number] * len(rows.lines),
        counts,
        spoilt,
        rows.joined,
        rows.cut,
        [*header.warnings, *rows.warnings, *(["decimal commas are read as points"] if commas else [])],
    )


def _decimal_commas(rows: Rows) -> bool:
    """Write decimal commas as points, in place; False where no number has one.

    Raises LasError where a comma may mean something else.
    """
    numbers = (
        (line, word)
        for line, row in zip(rows.lines, rows.words, strict=True)
        for word in row
        if "," in word and as_number(word.replace(",", "")) not in (None, "nan")
    )
    line, word = next(numbers, (0, ""))
    if not word:
        return False
    mended = point_decimals(rows.words)
    if mended is None:
        raise LasError(
            f"line {line}: expected numbers with decimal points, got {word[:40]!r}: the comma may be a delimiter or "
            "part of a number; say DLM COMMA in the header, or export the file with points"
        )
    rows.words = mended
    return True


def _spoilt(numbers: Sequence[str | None], words: Sequence[str], lines: Sequence[int]) -> str:
    """Why a column with words that are no numbers is not numeric."""
    odd = [i for i, number in enumerate(numbers) if number is None]
    if sum(number is not None and number != "nan" for number in numbers) <= len(odd):
        return "text, not numbers"
    others = f", nor are {len(odd) - 1} others" if len(odd) > 1 else ""
    return f"{words[odd[0]][:20]!r} in line {lines[odd[0]]} is no number{others}"


def _stacked(first: Table, second: Table) -> Table:
    return replace(
        first,
        values=np.concatenate((first.values, second.values)),
        lines=first.lines + second.lines,
        sections=first.sections + second.sections,
        words=[one + other for one, other in zip(first.words, second.words, strict=True)],
        spoilt=first.spoilt | second.spoilt,
        joined=first.joined or second.joined,
        cut=first.cut or second.cut,
        warnings=list(dict.fromkeys(first.warnings + second.warnings)),
    )


def check_joined(table: Table, index: int) -> None:
    """Raise LasError when rows put together from several lines are not one row each.

    A line that is lost shifts all words after it, so the depth, column `index`, leaves its course for several rows; a
    repeat pass turns it round once. Lines that are whole rows with blank values have another step than the header
    says, or a column that lies between one depth and the next in all rows.
    """
    depth = table.values[:, index]
    astray = [_astray(depth, np.flatnonzero(np.asarray(table.sections) == number)) for number in set(table.sections)]
    first = min((row for row in astray if row is not None), default=None)
    if first is not None:
        raise LasError(
            f"line {table.lines[first]}: expected a depth near {depth[first - 1]:g}, got {depth[first]:g}; a line or a "
            "value is missing here or above"
        )
    if table.cut:
        raise LasError(table.cut)
    step, own = abs(table.header.step), abs(float(np.nanmedian(np.diff(depth)))) if len(depth) > 1 else np.nan
    if step > 0 and abs(own - step) > 0.1 * step:
        what = f"the depth steps by {own:g}, and the header says {step:g}"
    else:
        between = [i for i in range(table.values.shape[1]) if i != index and _between(table.values[:, i], depth)]
        if not between:
            return
        what = f"{table.header.columns[between[0]][0]} lies between one depth and the next in all rows"
    raise LasError(
        f"line {table.lines[0]}: expected rows over several lines, got lines that may be whole rows with blank values "
        f"({what}); write blank values as the null value"
    )


def _astray(depth: Float64, rows: NDArray[np.intp]) -> int | None:
    """The first of `rows` from which the depth turns round and does not go on along its course, or None."""
    steps = np.diff(depth[rows])
    middle = float(np.nanmedian(steps)) if len(steps) else 0.0
    along = steps * np.sign(middle)
    turns = along < 0
    wild = turns | (along > 10 * abs(middle))
    odd = turns & (np.append(wild[1:], False) | np.insert(wild[:-1], 0, False))
    return int(rows[np.flatnonzero(odd)[0] + 1]) if odd.any() else None


def _between(values: Float64, depth: Float64) -> bool:
    low, high = np.minimum(depth[:-1], depth[1:]), np.maximum(depth[:-1], depth[1:])
    return len(depth) > 2 and bool(np.all((values[:-1] > low) & (values[:-1] < high)))
