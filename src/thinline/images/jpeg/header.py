"""Read the header of a JPEG stream: frame, components, and tables that differ slightly from standard ones.

Nearly all programs write the tables of T.81, annex K (quantisation scaled by a quality of 1 to 100). A table that
differs from one of these in a few entries was damaged, and changes every pixel.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from PIL import Image

from thinline.images.page import ScanError

_FEW: Final = 3
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NAMES: Final = {0xDB: "quantisation", 0xC4: "Huffman"}


def frame(stream: bytes) -> tuple[int, int, int, int]:
    """(bits, height, width, components) of a stream. ScanError if it has no frame."""
    for marker, offset in segments(stream):
        if marker in _FRAMES and offset + 10 <= len(stream):
            bits = stream[offset + 4]
            height, width = (int.from_bytes(stream[at : at + 2], "big") for at in (offset + 5, offset + 7))
            return bits, height, width, stream[offset + 9]
    raise ScanError("expected a JPEG with a frame, got none; the file is damaged: copy it again")


def segments(stream: bytes) -> Iterator[tuple[int, int]]:
    """(marker, offset) of each segment up to the first scan."""
    offset = 2
    while offset + 4 <= len(stream):
        if stream[offset] != 0xFF:
            return
        marker = stream[offset + 1]
        if marker == 0xFF:
            offset += 1
            continue
        yield marker, offset
        if marker in (0xDA, 0xD9):
            return
        offset += 2 + max(2, int.from_bytes(stream[offset + 2 : offset + 4], "big"))


def component_names(stream: bytes) -> bytes:
    """One byte per component of a stream with a frame."""
    offset = next(offset for marker, offset in segments(stream) if marker in _FRAMES)
    return stream[offset + 10 : offset + 10 + 3 * stream[offset + 9] : 3]


def changed_table(stream: bytes) -> str:
    """The reason why a table of a stream is damaged; empty for standard tables and for quite different ones."""
    for marker, table in _tables(stream):
        known = _known(marker)
        if table not in known and any(_nearly(table, other) for other in known if len(other) == len(table)):
            return f"a {_NAMES[marker]} table that is a standard one but for a few entries"
    return ""


def _nearly(table: bytes, other: bytes) -> bool:
    return sum(a != b for a, b in zip(table, other, strict=True)) <= _FEW


@lru_cache
def _known(marker: int) -> frozenset[bytes]:
    """The standard tables of a marker, as Pillow writes them."""
    tables = set()
    for quality in range(1, 101) if marker == 0xDB else (75,):
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
        tables |= {table for kind, table in _tables(file.getvalue()) if kind == marker}
    return frozenset(tables)


def _tables(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content) of each table in the header."""
    for marker, offset in segments(stream):
        content = stream[offset + 4 : offset + 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")]
        while marker in _NAMES and len(content) > 17:
            length = 64 << bool(content[0] >> 4) if marker == 0xDB else 16 + sum(content[1:17])
            yield marker, content[1 : 1 + length]
            content = content[1 + length :]
