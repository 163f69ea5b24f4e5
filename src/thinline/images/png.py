"""Read the header chunks of a PNG, and check the CRC of every chunk.

References
    W3C, Portable Network Graphics, third edition (2025).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from thinline.images.page import ScanError

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"acTL")
_MOST_KEPT: Final = 1 << 24
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Png:
    """Sizes in px, bits per sample, colour type, and the chunks that describe the pixels."""

    height: int
    width: int
    bits: int
    colour: int
    chunks: dict[bytes, bytes]

    @property
    def frames(self) -> int:
        """Number of pictures; above 1 in an animation."""
        return int.from_bytes(self.chunks.get(b"acTL", b"\0\0\0\1")[:4], "big")


def png_of(path: Path) -> Png:
    """The header of a PNG whose chunks are all intact. ScanError names a damaged chunk."""
    chunks: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        file.seek(8)
        while True:
            head = file.read(8)
            kind, name = head[4:], ascii(head[4:].decode("latin-1"))
            if len(head) < 8:
                raise ScanError(
                    "expected a whole image, got a PNG without its end; the file is cut short: copy it again"
                )
            left, crc, kept = int.from_bytes(head[:4], "big"), zlib.crc32(kind), b""
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    raise ScanError(
                        f"expected a whole image, got a PNG that ends within its chunk {name}; the file is cut "
                        "short: copy it again"
                    )
                left, crc = left - len(block), zlib.crc32(block, crc)
                if kind in _KEPT and len(kept) < _MOST_KEPT:
                    kept += block
            if file.read(4) != crc.to_bytes(4, "big"):
                raise ScanError(
                    f"expected a whole image, got a PNG whose chunk {name} fails its check (CRC); the file is "
                    "damaged: copy it again, or open it in an image viewer and save it anew"
                )
            if kind in _KEPT:
                chunks.setdefault(kind, kept)
            if kind == b"IEND":
                break
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise ScanError("expected a PNG with a header (IHDR), got none; the file is damaged: copy it again")
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    return Png(height, width, header[8], header[9], chunks)
