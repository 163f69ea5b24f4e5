"""Read the header of LAS data with lasio: version, delimiter, nulls, depth interval and columns.

Conventions
    A data section belongs to the last version, well and curve sections before it; in LAS 3.0 to the definition whose
    number its title names. lasio parses the relevant lines of the well section, and the curve section. Lines are cut
    after WIDEST characters, because lasio is very slow on long lines of dots.
"""

from __future__ import annotations

import io
import logging
import math
import re
import warnings as python_warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import lasio
import numpy as np

from thinline.curves.las.curve import LasError
from thinline.curves.las.depth import Named
from thinline.curves.las.rows import DELIMITERS
from thinline.curves.las.text import Section, content
from thinline.curves.las.values import as_number

VERSIONS = (1.0, 1.2, 2.0, 2.1, 2.2, 3.0)
WIDEST = 256
MOST_COLUMNS = 10_000

_VERSION_LINE = re.compile(r"\s*(VERS|WRAP|DLM)\s*\.\s*([^\s:]*)", re.IGNORECASE)
_WELL_LINE = re.compile(r"\s*(STRT|STOP|STEP|NULL)\s*\.", re.IGNORECASE)
_NULL_LINE = re.compile(r"\s*NULL\b", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """Header of one data section.

    `delimiter` is a key of `rows.DELIMITERS`, or empty; `start`, `stop` and `step` of the depth are NaN if missing.
    """

    version: float
    wrap: bool
    delimiter: str
    nulls: tuple[float, ...]
    start: float
    stop: float
    step: float
    columns: tuple[Named, ...]
    warnings: tuple[str, ...]


def headers(sections: Sequence[Section]) -> list[tuple[Header, Section]]:
    """Each data section with its header, in the order of the file.

    LasError, without the name of the file, if there is none, or one has no curve section.
    """
    if not sections:
        raise LasError("expected sections that begin with ~, got none; is this file LAS?")
    latest: dict[str, Section] = {}
    definitions: dict[int, Section] = {}
    used: set[int] = set()
    read = []
    for section in sections:
        if section.kind == "C":
            previous = definitions.get(section.number)
            if previous and previous.line not in used:
                raise LasError(
                    f"line {section.line}: expected data after the curve section of line {previous.line}, got a second "
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
    """The header of one data section. LasError, without the name of the file, if lasio cannot read it."""
    warnings: list[str] = []
    version_lines = [match for _, line in (content(version) if version else ()) if (match := _VERSION_LINE.match(line))]
    words = {match[1].upper(): match[2] for match in version_lines}
    number = _version(words.get("VERS"), warnings)
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
    las = _parsed(text, [line for line, _ in numbered])
    if not 0 < len(las.curves) <= MOST_COLUMNS:
        raise LasError(
            f"line {curves.line}: expected a ~Curve section with a depth column, got {len(las.curves)} curves; "
            "is this file LAS?"
        )
    return Header(
        number,
        words.get("WRAP", "").upper().startswith("Y"),
        _delimiter(words.get("DLM", "")),
        _nulls(las, warnings),
        _number(las, "STRT"),
        _number(las, "STOP"),
        _number(las, "STEP"),
        tuple((str(item.mnemonic), str(item.unit or "")) for item in las.curves),
        tuple(warnings),
    )


def _parsed(text: str, numbers: Sequence[int]) -> Any:
    """The header as parsed by lasio without output; `numbers` are the line numbers of `text` in the file."""
    try:
        with _quiet_lasio():
            return lasio.read(io.StringIO(text), mnemonic_case="upper", ignore_data=True)
    except lasio.exceptions.LASHeaderError as error:
        match = re.match(r"Line (\d+)", str(error))
        at = int(match[1]) if match and int(match[1]) <= len(numbers) else 0
        number, line = (numbers[at - 1], text.split("\n")[at - 1].strip()) if at else (0, "")
        raise LasError(
            f"line {number}: expected NAME.UNIT VALUE : DESCRIPTION, got {line!r}; correct the line"
        ) from error
    except Exception as error:  # lasio raises KeyError, IndexError, its own types, ...
        raise LasError(
            f"expected LAS 1.2, 2.0 or 3.0, lasio could not read it ({error}); open and export it again"
        ) from error


@contextmanager
def _quiet_lasio() -> Iterator[None]:
    """Suppress log lines and warnings of lasio; reports and errors of this package cover them."""
    logger = logging.getLogger("lasio")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


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
    """The declared nulls; adds a warning if there is none, or more than one."""
    values = [item.value for item in las.well if item.original_mnemonic.upper() == "NULL"]
    numbers = tuple(dict.fromkeys(float(value) for value in values if _is_number(value)))
    if not numbers and not (values and as_number(str(values[0])) == "nan"):
        declared = f"NULL as {str(values[0])[:20]!r}" if values else "no null value (NULL)"
        warnings.append(f"the header declares {declared}; only the common nulls are taken out")
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
