"""Read the directories of a TIFF file, one mapping of tags to values per page; classic TIFF and BigTIFF.

Conventions
    Only the tags that decoding needs are read. Values are tuples of numbers; of ASCII and UNDEFINED, bytes.
    A directory or value beyond the end of the file, or a chain of directories that returns to itself, is a ScanError:
    nothing is guessed from a damaged header.

References
    TIFF revision 6.0 (Adobe, 1992); BigTIFF (libtiff, 2007).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from PIL import TiffTags

from thinline.images.page import ScanError

Values = tuple[int | float, ...] | bytes

_TAGS: Final = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 281, 282, 283, 284, 292, 293, 296, 317, 320),
        *(322, 323, 324, 325, 332, 338, 339, 347, 530),
    )
)
MOST_PAGES: Final = 4096
_MOST_VALUE_BYTES: Final = 1 << 23
_FORMATS: Final = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
_FORMATS_ALL: Final = _FORMATS | {13: "I", 16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class Directory:
    """The tags of page `number`, counted from 1; `order` is the byte order of the file, `<` or `>`."""

    number: int
    order: str
    tags: Mapping[int, Values]

    def name(self, tag: int) -> str:
        """The tag as named in messages."""
        return _name(tag, self.number)

    def numbers(self, tag: int, otherwise: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The integers of a tag, or `otherwise`. ScanError for text and fractions."""
        values = self.tags.get(tag)
        if values is None:
            return otherwise
        if isinstance(values, bytes) or any(isinstance(value, float) for value in values):
            raise ScanError(f"expected whole numbers in {self.name(tag)}; the header is damaged: copy the file again")
        return tuple(int(value) for value in values)

    def number_of(self, tag: int, otherwise: int | None = None) -> int:
        """The first integer of a tag, or `otherwise`. ScanError if it is missing and there is no `otherwise`."""
        values = self.numbers(tag) or (() if otherwise is None else (otherwise,))
        if not values:
            raise ScanError(f"expected {self.name(tag)}, it is missing; the header is damaged: copy the file again")
        return values[0]


@dataclass(frozen=True)
class _Kind:
    """Byte order and width of offsets of a file."""

    order: str
    big: bool

    @property
    def pointer(self) -> str:
        return self.order + ("Q" if self.big else "I")


def _name(tag: int, page: int) -> str:
    return f"tag {tag} ({TiffTags.lookup(tag).name}) of page {page}"


def directories(path: Path) -> tuple[Directory, ...]:
    """The directories of a TIFF file in the order of its chain. ScanError for a damaged header."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        kind = _Kind("<" if start[:2] == b"II" else ">", start[2:4] in (b"+\0", b"\0+"))
        offset = _first(kind, start)
        chain: dict[int, Directory] = {}
        while offset:
            number = len(chain) + 1
            if offset in chain or offset >= size or number > MOST_PAGES:
                raise ScanError(
                    f"expected the directory of page {number} within {size:,} bytes and not before, got it at "
                    f"{offset:,}; the header is damaged or the file is cut short: copy it again"
                )
            chain[offset], offset = _directory(file, kind, offset, number, size)
    return tuple(chain.values())


def _first(kind: _Kind, start: bytes) -> int:
    if not kind.big:
        return int(struct.unpack(kind.pointer, start[4:8].ljust(4, b"\0"))[0])
    if len(start) < 16 or struct.unpack(kind.order + "HH", start[4:8]) != (8, 0):
        raise ScanError("expected a BigTIFF with offsets of 8 bytes; the header is damaged: copy the file again")
    return int(struct.unpack(kind.pointer, start[8:16])[0])


def _directory(file: BinaryIO, kind: _Kind, offset: int, number: int, size: int) -> tuple[Directory, int]:
    """One directory, and the offset of the next one, 0 after the last."""
    head, entry = ("Q", "HHQ8s") if kind.big else ("H", "HHI4s")
    (count,) = struct.unpack(kind.order + head, _read(file, offset, struct.calcsize("<" + head), number))
    step = struct.calcsize("<" + entry)
    offset += struct.calcsize("<" + head)
    if not 1 <= count <= 4096:
        raise ScanError(f"expected 1 to 4096 tags on page {number}, got {count:,}; the header is damaged")
    table = _read(file, offset, count * step, number)
    tags: dict[int, Values] = {}
    for tag, form, length, inline in struct.iter_unpack(kind.order + entry, table):
        if tag in _TAGS:
            if tag in tags:
                raise ScanError(f"expected {_name(tag, number)} once, got it twice")
            tags[tag] = _values(file, kind, (tag, form, length, inline), number)
    (after,) = struct.unpack(kind.pointer, _read(file, offset + count * step, struct.calcsize(kind.pointer), number))
    return Directory(number, kind.order, tags), int(after)


def _values(file: BinaryIO, kind: _Kind, entry: tuple[int, int, int, bytes], number: int) -> Values:
    tag, form, length, inline = entry
    what = _name(tag, number)
    if form not in _FORMATS_ALL or not length > 0:
        raise ScanError(
            f"expected values of a known type in {what}, got {length} of type {form}; the header is damaged"
        )
    code = _FORMATS_ALL[form]
    size = length * struct.calcsize("<" + code)
    if size > _MOST_VALUE_BYTES:
        raise ScanError(f"expected at most {_MOST_VALUE_BYTES:,} bytes in {what}, got {size:,}; the header is damaged")
    if size > len(inline):
        inline = _read(file, int(struct.unpack(kind.pointer, inline)[0]), size, number, what)
    if code == "s":
        return inline[:size]
    values = struct.unpack(f"{kind.order}{length * len(code)}{code[0]}", inline[:size])
    if len(code) == 1:
        return values
    pairs = zip(values[::2], values[1::2], strict=True)
    return tuple(above / below if below else 0.0 for above, below in pairs)


def _read(file: BinaryIO, offset: int, size: int, number: int, what: str = "") -> bytes:
    file.seek(min(offset, 1 << 62))
    content = file.read(size)
    if len(content) < size:
        raise ScanError(
            f"expected {what or f'the directory of page {number}'} within the file, got it at {offset:,}, beyond its "
            "end; the file is cut short or damaged: copy it again"
        )
    return content
