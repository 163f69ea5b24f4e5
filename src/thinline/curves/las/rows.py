"""Split the data section of a LAS file into rows with one word per curve.

Conventions
    A row has C words, one for each line of the curve section.
    Delimiter: that of DLM is tried first, then white space, tab, comma, semicolon. A delimiter **fits** a line if it
    gives C words; the first that fits all lines is used, else the first that fits at least half of them.
    If each row is on one line, a line with another number of words is an error that names the line. A line whose
    numbers run together (`12.5-999.25`) is split as lasio's `run-on(-)` does, if that gives C words.
    If rows span several lines, C words are counted off. Each row must be broken as the first one is; with WRAP YES,
    where lines are filled up to 80 characters, only the depth must be alone on its line in every row.
"""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lasio.defaults import READ_SUBS

from thinline.curves.las.curve import LasError

DELIMITERS = {"SPACE": None, "TAB": "\t", "COMMA": ",", "SEMICOLON": ";"}
_QUOTED = re.compile(r'"[^"]*"|[^\s"]+')
_DIGITS_AFTER = re.compile(r"\.(\d*)")

Line = tuple[int, str]
Words = list[str]


@dataclass
class Rows:
    """`words [R][C]`, the line number of each row, and warnings.

    `joined`: rows were joined from several lines; `cut` is then the error about an incomplete last row, if any.
    """

    words: list[Words]
    lines: list[int]
    joined: bool = False
    cut: str = ""
    warnings: list[str] = field(default_factory=list)


def read_rows(lines: Sequence[Line], *, names: Sequence[str], declared: str, wrap: bool, ends: bool) -> Rows:
    """The rows of numbered `lines`; `declared` is a key of DELIMITERS, or empty.

    `ends`: the last line has its line end; without it, a last number shorter than those above it was cut off. LasError,
    without the name of the file, for a row with too few or too many words.
    """
    if not lines:
        raise LasError("expected rows of numbers in the data section, got none; export the file again with its data")
    count = len(names)
    delimiter, words = _split(lines, count, declared)
    fitting = sum(len(row) == count for row in words)
    if 2 * fitting >= len(lines):
        rows = _one_line_each(words, lines, names, delimiter)
    else:
        rows = _joined(words, [number for number, _ in lines], names=names, wrap=wrap)
        if not wrap:
            rows.warnings.append("WRAP is not YES, but each row spans several lines")
    if declared and delimiter != declared:
        rows.warnings.append(f"DLM is {declared}, but the rows are separated by {delimiter.lower()}")
    if not ends:
        _check_last(rows, lines)
    return rows


def _split(lines: Sequence[Line], count: int, declared: str) -> tuple[str, list[Words]]:
    """The delimiter that fits and the words of each line; if none fits, the declared one or white space."""
    first = declared or "SPACE"
    best: tuple[str, list[Words]] | None = None
    marked = any("," in line or ";" in line for _, line in lines)
    for name in dict.fromkeys((first, *DELIMITERS)):
        words = [_words(line, name) for _, line in lines]
        if all(len(row) == count + 1 and not row[-1] for row in words):  # each line ends with a delimiter
            words = [row[:-1] for row in words]
        fitting = sum(len(row) == count and (not marked or _whole(row, name)) for row in words)
        if fitting == len(words):
            return name, words
        if 2 * fitting >= len(words):
            best = best or (name, words)
    return best or (first, [_words(line, first, wrapped=True) for _, line in lines])


def _words(line: str, delimiter: str, *, wrapped: bool = False) -> Words:
    mark = DELIMITERS[delimiter]
    if mark is None:
        return line.split() if '"' not in line else _QUOTED.findall(line)
    line = line.strip(" ")
    words = line.split(mark)
    if '"' in line:
        with contextlib.suppress(csv.Error):
            words = next(csv.reader([line], delimiter=mark))
    words = [word.strip() for word in words]
    return words[:-1] if wrapped and len(words) > 1 and not words[-1] else words


def _whole(words: Words, delimiter: str) -> bool:
    """Whether no word contains what looks like another delimiter."""
    if delimiter == "SPACE":
        return not any(word[0] in ",;" or word[-1] in ",;" for word in words)
    return not any(" " in word and not word.strip("0123456789.,+- ") for word in words)


def _one_line_each(words: list[Words], lines: Sequence[Line], names: Sequence[str], delimiter: str) -> Rows:
    count = len(names)
    run_on = []
    for i, row in enumerate(words):
        if len(row) == count:
            continue
        number, line = lines[i]
        if delimiter == "SPACE":
            for pattern, replacement in READ_SUBS["run-on(-)"]:
                line = pattern.sub(replacement, line)
        split = line.split() if delimiter == "SPACE" else row
        if len(split) != count:
            last = ", the last line: the file may be cut" if i == len(words) - 1 else ""
            raise LasError(
                f"line {number}: expected {count} values ({', '.join(names)}), got {len(row)}{last}; blank values must "
                "be written as the null value"
            )
        words[i] = split
        run_on.append(number)
    rows = Rows(words, [number for number, _ in lines])
    if run_on:
        rows.warnings.append(f"numbers that run together were split before their minus signs, from line {run_on[0]} on")
    return rows


def _joined(words: list[Words], numbers: list[int], *, names: Sequence[str], wrap: bool) -> Rows:
    count = len(names)
    rows = Rows([], [], joined=True)
    row: Words = []
    start, broken = 0, list[int]()
    first: list[int] = []
    for number, line in zip(numbers, words, strict=True):
        start = number if not row else start
        row = row + line
        broken.append(len(line))
        if len(row) > count:
            lines = f"lines {start} to {number}" if number > start else f"line {start}"
            raise LasError(
                f"{lines}: expected rows of {count} values ({', '.join(names)}), got {len(row)} in lines of "
                f"{_sums(broken)} values; a value is missing or one too many"
            )
        if len(row) == count:
            first = first or broken
            if broken != first and not (wrap and broken[0] == first[0] == 1):
                raise LasError(
                    f"lines {start} to {number}: expected a row in lines of {_sums(first)} values as the first row, "
                    f"got {_sums(broken)}; a value is missing here or above"
                )
            rows.words.append(row)
            rows.lines.append(start)
            row, broken = [], []
    if row:  # a line may be missing far above; the depths are checked first, as they show where
        rows.cut = (
            f"line {numbers[-1]}: expected {count} values ({', '.join(names)}) in the last row, which begins in line "
            f"{start}, got {len(row)}; the file may be cut"
        )
    return rows


def _sums(counts: Sequence[int]) -> str:
    return " + ".join([*map(str, counts[:6]), *(["..."] if len(counts) > 6 else [])])


def _check_last(rows: Rows, lines: Sequence[Line]) -> None:
    """LasError if the last number of a file without a last line end has fewer decimals than those above it."""
    above = [row[-1] for row in rows.words[-21:-1]]
    if len(above) < 5:
        return
    decimals = min(_decimals(word) for word in above)
    widths = {len(line) for _, line in lines[-21:-1]}
    last_number, last_line = lines[-1]
    short = len(widths) == 1 and len(last_line) < min(widths)
    if _decimals(rows.words[-1][-1]) < decimals or (short and decimals > 0 and not rows.joined):
        raise LasError(
            f"line {last_number}: expected a last value like those above it, {above[-1]}, and a line end, got "
            f"{rows.words[-1][-1]} and the end of the file; the file is cut: copy or export it again"
        )


def _decimals(word: str) -> int:
    match = _DIGITS_AFTER.search(word)
    return len(match[1]) if match else 0
