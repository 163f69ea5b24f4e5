"""Decode the bytes of a LAS file to text, and split the text into sections with line numbers.

Conventions
    Lines are numbered from 1; LF, CR LF and CR end a line.
    Encodings: the byte order mark decides (UTF-8, UTF-16, UTF-32). Without one, text with zero bytes in every second
    position is UTF-16; else UTF-8 is tried, then cp1252, the code page of Windows programs that write LAS.
    A section begins with a line whose first character is `~`; the next letter gives its kind (V version, W well, C
    curve, A data). LAS 3.0 spells C and A as `Log_Definition` and `Log_Data`, numbered `[2]` if there are several; its
    other sections (`Core_Data`, `Tops_Definition`) hold no logs.

References
    Canadian Well Logging Society, LAS version 1.2 (1990), 2.0 (1992, updated 2017) and 3.0 (2000).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from thinline.curves.las.curve import LasError

MOST_BYTES = 64 * 2**20
"""The largest file that is read; a hundred curves of a 5 km well take a fifth of it."""

LINES = 3
"""Number of line numbers that a message lists."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TITLE = re.compile(r"~\s*([A-Za-z_0-9]*)\s*(?:\[(\d+)\])?")
_ASSOCIATED = re.compile(r"\|\s*[A-Za-z_]+\s*(?:\[(\d+)\])?")
_LOG = {"LOG_DATA": "A", "LOG_DEFINITION": "C", "LOG_PARAMETER": "P"}
_ROLES = ("_DATA", "_DEFINITION", "_PARAMETER")


@dataclass(frozen=True)
class Section:
    """A section of the file.

    `kind` is V, W, C, P, O or A, or empty for other sections; `line` is the line number of its title, `lines` are its
    numbered lines. `number` is the [2] of LAS 3.0, else 1; for data, that of its definition.
    """

    kind: str
    title: str
    line: int
    lines: list[tuple[int, str]]
    number: int


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file with `\\n` line ends, and its encoding. LasError if it is missing, too large, or not text."""
    if not path.is_file():
        raise LasError(f"{path}: expected a LAS file, found none; check the path")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise LasError(
            f"{path}: expected a LAS file of at most {MOST_BYTES // 2**20} MiB, got {size / 2**20:.0f} MiB; "
            "export fewer curves or a shorter interval"
        )
    data = path.read_bytes()
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "cp1252":
            raise LasError(
                f"{path}: expected {encoding.upper()} text as its first bytes say, could not decode byte "
                f"{error.start} ({error.reason}); the file is cut or damaged: copy or export it again"
            ) from error
        text = data.decode(encoding, errors="replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise LasError(f"{path}: expected text, got a zero byte in line {line}; the file is no LAS file, or damaged")
    return text, encoding.removesuffix("-sig")


def _encoding(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    head = data[:512]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = [byte == 0 for byte in head[first::2]]
        if sum(zeros) > 0.9 * len(zeros) and not any(byte == 0 for byte in head[1 - first :: 2]):
            return name
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def split_sections(text: str) -> list[Section]:
    """The sections of a file in their order; lines before the first one are skipped."""
    sections: list[Section] = []
    for number, line in enumerate(text.split("\n"), start=1):
        title = line.strip()
        if title.startswith("~"):
            sections.append(_section(title, number))
        elif sections:
            sections[-1].lines.append((number, line))
    return sections


def content(section: Section) -> list[tuple[int, str]]:
    """The lines of a section that are not empty and not a comment, without the end-of-file mark of DOS."""
    lines = ((number, line.replace("\x1a", "")) for number, line in section.lines)
    return [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("#")]


def listed(numbers: Iterable[int]) -> str:
    """`lines 3, 4, 5 and 12 more`, or `line 3`."""
    numbers = list(numbers)
    first = ", ".join(map(str, numbers[:LINES]))
    more = f" and {len(numbers) - LINES} more" if len(numbers) > LINES else ""
    return f"line{'s' if len(numbers) > 1 else ''} {first}{more}"


def _section(title: str, line: int) -> Section:
    match = _TITLE.match(title)
    name, number = (match[1].upper(), match[2]) if match else ("", None)
    letter = name[:1] if name[:1] in set("VWCPOA") else ""
    kind = _LOG.get(name, "") if name.endswith(_ROLES) else letter
    associated = _ASSOCIATED.search(title)
    if kind == "A" and associated:
        number = associated[1]
    return Section(kind, title, line, [], int(number or 1))
