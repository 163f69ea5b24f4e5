"""Tables of a JPEG that are almost a standard one: a flipped bit in the header, and every pixel is another.

Nearly all programs write the tables of T.81, annex K, the quantisation ones scaled by a quality of 1 to 100. A table
that differs from one of these in a few entries was changed on its way.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from PIL import Image

_FEW: Final = 3
_NAMES: Final = {0xDB: "quantisation", 0xC4: "Huffman"}


def changed_table(stream: bytes) -> str:
    """What is wrong with the tables of a stream, nothing for those that are right or all their program's own."""
    for marker, table in _tables(stream):
        known = _known(marker)
        if table not in known and any(_nearly(table, other) for other in known if len(other) == len(table)):
            return f"a {_NAMES[marker]} table that is a standard one but for a few entries"
    return ""


def _nearly(table: bytes, other: bytes) -> bool:
    return sum(one != two for one, two in zip(table, other, strict=True)) <= _FEW


@lru_cache
def _known(marker: int) -> frozenset[bytes]:
    """The standard tables, as Pillow writes them."""
    tables = set()
    for quality in range(1, 101) if marker == 0xDB else (75,):
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
        tables |= {table for kind, table in _tables(file.getvalue()) if kind == marker}
    return frozenset(tables)


def _tables(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each table before the first pixels."""
    place = 2
    while place + 4 <= len(stream) and stream[place] == 0xFF and stream[place + 1] != 0xDA:
        marker, size = stream[place + 1], int.from_bytes(stream[place + 2 : place + 4], "big")
        content = stream[place + 4 : place + 2 + size]
        while marker in _NAMES and len(content) > 17:
            length = 64 << bool(content[0] >> 4) if marker == 0xDB else 16 + sum(content[1:17])
            yield marker, content[1 : 1 + length]
            content = content[1 + length :]
        place += 2 + max(2, size)
