"""A page of a TIFF that is stored by rows: decoded strip by strip, only those that hold the rows asked for are held.

Each strip is handed to Pillow as a TIFF of its own.

References
    TIFF revision 6.0 (Adobe, 1992).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, TiffImagePlugin
from typing_extensions import override

from hairline.images.page import Page, ScanError, decoding, grey_rows, turned
from hairline.vocabulary import UInt8

_WIDTH, _LENGTH, _COMPRESSION, _OFFSETS, _ROWS, _COUNTS = 256, 257, 259, 273, 278, 279
# what a strip needs besides its place and size: bits, compression, photometric, fill order, samples, planes, options
# of G3 and G4, predictor, colour map, extra samples, sample format, JPEG tables, YCbCr
_KEPT: Final = (_WIDTH, 258, _COMPRESSION, 262, 266, 277, 284, 292, 293, 317, 320, 338, 339, 347, 530, 532)
_PLANES, _OLD_JPEG = 284, 6


@dataclass(eq=False)
class StripPage(Page):
    """A TIFF page of strips; `tags` are those each strip needs."""

    path: Path
    height: int
    width: int
    dpi: tuple[float, float]
    tags: TiffImagePlugin.ImageFileDirectory_v2
    strip_rows: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    _strips: dict[int, Image.Image] = field(default_factory=dict, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        wanted = range(start // self.strip_rows, -(-stop // self.strip_rows))
        self._strips = {number: kept for number, kept in self._strips.items() if number in wanted}
        parts = []
        with decoding(self.path):
            for number in wanted:
                if number not in self._strips:
                    self._strips[number] = self._decoded(number)
                top, strip = number * self.strip_rows, self._strips[number]
                parts.append(grey_rows(strip, max(start - top, 0), min(stop - top, strip.height)))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @override
    def forget(self) -> None:
        self._strips = {}

    def _decoded(self, number: int) -> Image.Image:
        with self.path.open("rb") as file:
            file.seek(self.offsets[number])
            raw = file.read(self.counts[number])
        height = min(self.strip_rows, self.height - number * self.strip_rows)
        image = Image.open(_as_file(self.tags, raw, height))
        image.load()
        return image


@dataclass(eq=False)
class TurnedPage(Page):
    """A page of strips that its orientation tag, 2 to 8, turns or mirrors."""

    page: StripPage
    turn: int
    height: int
    width: int
    dpi: tuple[float, float]
    _grey: UInt8 | None = field(default=None, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        if self._grey is None:
            self._grey = turned(self.page.rows(0, self.page.height), self.turn)
            self.page.forget()
        return self._grey[start:stop]

    @override
    def forget(self) -> None:
        self._grey = None


def strips_of(path: Path, tags: TiffImagePlugin.ImageFileDirectory_v2, dpi: tuple[float, float]) -> StripPage | None:
    """The page by its strips; None where it is not stored so. ScanError where strips lie beyond the end of the file."""
    if _OFFSETS not in tags or tags.get(_PLANES, 1) != 1 or tags.get(_COMPRESSION, 1) == _OLD_JPEG:
        return None
    height, width = int(tags[_LENGTH]), int(tags[_WIDTH])
    rows = min(int(tags.get(_ROWS, height)), height)
    offsets, counts = (tuple(int(it) for it in _many(tags.get(tag, ()))) for tag in (_OFFSETS, _COUNTS))
    needed = -(-height // max(rows, 1))
    size = path.stat().st_size
    whole = [offset + count <= size for offset, count in zip(offsets, counts, strict=False)]
    if min(rows, height, width) < 1 or not len(offsets) == len(counts) == needed or not all(whole):
        raise ScanError(
            f"expected {needed} strips of rows for {width} x {height} px within {size:,} bytes, got "
            f"{len(offsets)}, {sum(whole)} of them in the file; the file is cut short or damaged: copy it again"
        )
    return StripPage(path, height, width, dpi, tags, rows, offsets, counts)


def _as_file(tags: TiffImagePlugin.ImageFileDirectory_v2, raw: bytes, height: int) -> io.BytesIO:
    """One strip as a TIFF file of its own."""
    order = b"II*\0" if tags.prefix == b"II" else b"MM\0*"
    own = TiffImagePlugin.ImageFileDirectory_v2(ifh=order + b"\0\0\0\0")
    for tag in _KEPT:
        if tag in tags:
            own.tagtype[tag] = tags.tagtype[tag]
            own[tag] = tags[tag]
    for tag, value in ((_LENGTH, height), (_ROWS, height), (_OFFSETS, 0), (_COUNTS, len(raw))):
        own.tagtype[tag] = 4
        own[tag] = value
    file = io.BytesIO()
    own.save(file)  # moves the offset, 0, to behind the tags
    file.write(raw)
    file.seek(0)
    return file


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
