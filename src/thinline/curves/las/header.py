"""The header of LAS data: version, delimiter, nulls, interval and columns, read by lasio.

Conventions
    A data section belongs to the last version, well and curve sections before it; in LAS 3.0 to the definition whose
    number its title names. lasio reads the four lines of the well section that matter, and the curve section.
    lasio needs long times for long lines of dots, so lines are cut after WIDEST characters.
"""

from __future__ import annotations

import io
import logging
import math
import re
import warnings as python_warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import lasio
import numpy as np

from thinline.curves.las.curve import LasError
from thinline.curves.las.index import Named
from thinline.curves.las.rows import DELIMITERS
from thinline.curves.las.text import Section, content
from thinline.curves.las.values import as_number
from thinline.vocabulary import Float64

VERSIONS = (1.0, 1.2, 2.0, 2.1, 2.2, 3.0)
WIDEST = 256
MOST_COLUMNS = 10_000

_VERSION_LINE = re.compile(r"\s*(VERS|WRAP|DLM)\s*\.\s*([^\s:]*)", re.IGNORECASE)
_WELL_LINE = re.compile(r"\s*(STRT|STOP|STEP|NULL)\s*\.", re.IGNORECASE)
_NULL_LINE = re.compile(r"\s*NULL\b", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """What a data section needs to know.

    `delimiter` is a key of `rows.DELIMITERS`, or empty where the header names none. `start`, `stop` are the depths
    that the header announces, NaN where it does not. `text` is the header as lasio reads it.
    """

    version: float
    wrap: bool
    delimiter: str
    nulls: tuple[float, ...]
    start: float
    stop: float
    step: float
    columns: tuple[Named, ...]
    text: str
    warnings: tuple[str, ...]


def headers(sections: Sequence[Section]) -> list[tuple[Header, Section]]:
    """Each data section with its header, in their order in the file.

    Raises LasError, without the name of the file, when there is none, or one has no curve section.
    """
    if not sections:
        raise LasError("expected sections that begin with ~, got none; is this file LAS?")
    latest: dict[str, Section] = {}
    definitions: dict[int, Section] = {}
    used: set[int] = set()
    read = []
    for section in sections:
        if section.kind == "C":
            open_one = definitions.get(section.number)
            if open_one and open_one.line not in used:
                raise LasError(
                    f"line {section.line}: expected data after the curve section of line {open_one.line}, got a second "
                    "curve section; the file is damaged, or two files in one: remove one of them"
                )
            definitions[section.number] = section
        elif section.kind == "A":
            curves = definitions.get(section.number)
            if curves is None:
                raise LasError(
                    f"line {section.line}: expected a ~Curve section with a depth column before the data, got none"
                    f"{f' with the number {section.number}' if section.number > 1 else ''}; is this file LAS?"
                )
            used.add(curves.line)
            read.append((read_header(latest.get("V"), latest.get("W"), curves), section))
        else:
            latest[section.kind] = section
    if not read:
        raise LasError("expected a data section (~A, or ~Log_Data), got none; the file is cut, or is no LAS file")
    return read


def read_header(version: Section | None, well: Section | None, curves: Section) -> Header:
    """The header of one data section. Raises LasError, without the name of the file, for what lasio cannot read."""
    warnings: list[str] = []
    spelled = _version_words(version)
    number = _version(spelled.get("VERS"), warnings)
    well_lines = [] if well is None else content(well)
    kept = [(line, text) for line, text in well_lines if _WELL_LINE.match(text)]
    warnings += [
        f"line {line}: could not read the null value from {text.strip()[:40]!r}"
        for line, text in well_lines
        if _NULL_LINE.match(text) and not _WELL_LINE.match(text)
    ]
    numbered = [(0, "~Version"), (0, f"VERS. {'1.2' if number < 2 else '2.0'} :"), (0, "WRAP. NO :"), (0, "~Well")]
    numbered += [*kept, (0, "~Curve"), *content(curves)]
    text = "\n".join(re.sub(r"\s{2,}", "  ", line.strip())[:WIDEST] for _, line in numbered) + "\n"
    las = _through_lasio(text, [line for line, _ in numbered], ignore_data=True)
    if not 0 < len(las.curves) <= MOST_COLUMNS:
        raise LasError(
            f"line {curves.line}: expected a ~Curve section with a depth column, got {len(las.curves)} curves; "
            "is this file LAS?"
        )
    return Header(
        number,
        spelled.get("WRAP", "").upper().startswith("Y"),
        _delimiter(spelled.get("DLM", "")),
        _nulls(las, warnings),
        _number(las, "STRT"),
        _number(las, "STOP"),
        _number(las, "STEP"),
        tuple((str(item.mnemonic), str(item.unit or "")) for item in las.curves),
        text,
        tuple(warnings),
    )


def read_numbers(header: Header, rows: Sequence[Sequence[str]]) -> Float64:
    """`rows [R][C]` of numbers and `nan` as float64 `[R,C]`, as lasio reads them beneath `header`.

    lasio gets one row a line, separated by spaces, and takes no value for a null. Raises LasError, without the name of
    the file, when it does not give back as many rows and columns.
    """
    text = header.text + "~A\n" + "\n".join(map(" ".join, rows)) + "\n"
    las = _through_lasio(text, [], engine="normal", read_policy=(), null_policy="none")
    shape = (len(rows), len(header.columns))
    data = [np.asarray(item.data) for item in las.curves]
    if len(data) != shape[1] or any(column.shape != shape[:1] or column.dtype.kind != "f" for column in data):
        raise LasError(f"expected {shape[0]} rows of {shape[1]} numbers from lasio, got other ones; report this file")
    return np.stack(data, axis=1)


def _through_lasio(text: str, numbers: Sequence[int], **options: Any) -> Any:
    """What lasio reads, in silence; `numbers` are those of the lines of the header in the file."""
    try:
        with _quiet_lasio():
            return lasio.read(io.StringIO(text), mnemonic_case="upper", **options)
    except lasio.exceptions.LASHeaderError as error:
        match = re.match(r"Line (\d+)", str(error))
        line = numbers[int(match[1]) - 1] if match and int(match[1]) <= len(numbers) else 0
        raise LasError(
            f"line {line}: expected NAME.UNIT VALUE : DESCRIPTION, got {_line(text, match)!r}; mend the line"
        ) from error
    except Exception as error:  # lasio raises whatever its parser trips over: KeyError, IndexError, its own types
        raise LasError(
            f"expected LAS 1.2, 2.0 or 3.0, lasio could not read it ({error}); open and export it again"
        ) from error


def _line(text: str, match: re.Match[str] | None) -> str:
    lines = text.split("\n")
    return lines[int(match[1]) - 1].strip() if match and int(match[1]) <= len(lines) else ""


@contextmanager
def _quiet_lasio() -> Iterator[None]:
    """Keep lasio's log lines and warnings from the terminal: what matters of them is said by our reports and errors."""
    logger = logging.getLogger("lasio")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _version_words(section: Section | None) -> dict[str, str]:
    lines: Iterable[tuple[int, str]] = content(section) if section else ()
    return {match[1].upper(): match[2] for _, line in lines if (match := _VERSION_LINE.match(line))}


def _version(word: str | None, warnings: list[str]) -> float:
    if word is None:
        warnings.append("the header names no version (VERS); read as LAS 2.0")
        return 2.0
    try:
        number = float(word.replace(",", "."))
    except ValueError:
        warnings.append(f"the version (VERS) is {word[:20]!r}; read as LAS 2.0")
        return 2.0
    if number not in VERSIONS:
        raise LasError(f"expected VERS 1.2, 2.0, 2.1 or 3.0, got {word[:20]}; export the file as LAS 2.0")
    return number


def _delimiter(word: str) -> str:
    name = word.upper()
    if name and name not in DELIMITERS:
        raise LasError(f"expected DLM SPACE, TAB or COMMA, got {word[:20]!r}; export the file with one of these")
    return name


def _nulls(las: Any, warnings: list[str]) -> tuple[float, ...]:
    """The declared nulls; a sentence where there is none, or more than one."""
    values = [item.value for item in las.well if item.original_mnemonic.upper() == "NULL"]
    numbers = tuple(dict.fromkeys(float(value) for value in values if _is_number(value)))
    if not numbers and not (values and as_number(str(values[0])) == "nan"):
        shown = f"NULL as {str(values[0])[:20]!r}" if values else "no null value (NULL)"
        warnings.append(f"the header declares {shown}; only the common nulls are taken out")
    if len(numbers) > 1:
        warnings.append(
            f"the header declares several nulls, {', '.join(f'{value:g}' for value in numbers)}; all are used"
        )
    return numbers


def _number(las: Any, name: str) -> float:
    values = [item.value for item in las.well if item.original_mnemonic.upper() == name]
    return float(values[0]) if len(values) == 1 and _is_number(values[0]) else math.nan


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(float(value))
