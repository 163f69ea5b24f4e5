"""Maps of the truth, made once per sheet and shared by every cell: one memory-mapped file beside that of the sheets.

Conventions
    Of N sheets `[H, W]` a map has c planes each, uint8, or float16 where it was made as float32. `<key>.maps` is
    content-addressed as the sheets are: `key` is the SHA-256 of the file format, the key of the sheets, and the `name`
    that says how the map was made. Written and trusted as `system/shared_file.py` says.

Layout
    header   sizes, dtype, and the CRC-32 of the table
    records  N blocks: the planes of one sheet
    table    N rows of little-endian int64: CRC-32 of the record
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinline.data.cached_sheets import CachedSheets
from thinline.system.shared_file import (
    HEADER,
    CacheError,
    header_block,
    header_fields,
    mapped,
    read_or_write,
    records_match,
    whole_file,
)
from thinline.vocabulary import UInt8

FORMAT = 1
WHAT = "maps of the truth"
KEPT_AS = {"uint8": "uint8", "float32": "float16"}

Make = Callable[[int], NDArray[Any]]
"""From the number of a sheet to its map [c,H,W], uint8 or float32."""


@dataclass(frozen=True)
class Header:
    """What the first block of a file says."""

    key: str
    sheets: int
    channels: int
    height: int
    width: int
    dtype: str
    table_crc: int = 0
    format: int = FORMAT
    complete: bool = True

    @property
    def stride(self) -> int:
        """Bytes of one record."""
        return self.channels * self.height * self.width * np.dtype(self.dtype).itemsize

    @property
    def table_start(self) -> int:
        """Offset of the table in the file."""
        return HEADER + self.sheets * self.stride

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.table_start + self.sheets * 8


@dataclass(frozen=True, eq=False)
class CachedMaps:
    """`planes [N,c,H,W]`, uint8 or float16, read-only; a pickled copy reopens the file instead of carrying it.

    Where sheets differ in size they lie in several files, and `planes` are N arrays [c,H,W]: see `CachedSheets`.
    """

    path: Path
    planes: NDArray[Any] | tuple[NDArray[Any], ...]
    parts: tuple[CachedMaps, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.planes)

    def __reduce__(self) -> tuple[Callable[..., CachedMaps], tuple[object, ...]]:
        return (_joined, (self.parts, self.rows)) if self.parts else (_reopen, (self.path,))

    def beside(self, sheets: CachedSheets) -> Iterator[tuple[NDArray[Any], UInt8]]:
        """Each map and the image it belongs to."""
        return zip(self.planes, sheets.images, strict=True)


def open_maps(
    sheets: CachedSheets,
    *,
    name: str,
    make: Make,
    folder: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> CachedMaps:
    """The maps of all `sheets`, in their order; made now if `folder` holds no whole file of this content.

    `make` must be a function of the sheet alone, and `name` must change whenever it draws differently. Raises
    ValueError for maps of another size than the sheets; CacheError when the folder cannot be written or has no room.
    """
    if sheets.parts:
        parts = tuple(
            open_maps(part, name=name, make=partial(_of_part, make, mine), folder=folder, on_progress=on_progress)
            for part, mine in zip(sheets.parts, sheets.rows, strict=True)
        )
        return _joined(parts, sheets.rows)
    text = json.dumps({"format": FORMAT, "sheets": sheets.path.stem, "name": name}, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()
    path = Path(folder) / f"{key}.maps"
    return read_or_write(
        path, lambda: read(path, key=key), lambda: _build(path, sheets, make, on_progress or _silent), what=WHAT
    )


def read(path: Path, *, key: str | None = None) -> CachedMaps | None:
    """The mapped file, or None when it is missing, unfinished, damaged, or of another content than `key` names."""
    try:
        with path.open("rb") as file:
            header = _header(file.read(HEADER))
            if header is None or os.fstat(file.fileno()).st_size != header.size or key not in (None, header.key):
                return None
            content = mapped(file)
    except FileNotFoundError:
        return None
    table = np.frombuffer(content, dtype="<i8", offset=header.table_start)
    if zlib.crc32(table.tobytes()) != header.table_crc or not records_match(content, header.stride, table.tolist()):
        return None
    shape = (header.sheets, header.channels, header.height, header.width)
    return CachedMaps(path, np.ndarray(shape, header.dtype, buffer=content, offset=HEADER))


def _header(block: bytes) -> Header | None:
    """The header of a block, or None when the block is none, or one of another format or without the mark."""
    fields = header_fields(block)
    try:
        header = Header(**fields) if fields is not None else None
    except TypeError:
        return None
    if header is None or header.format != FORMAT or header.dtype not in KEPT_AS.values():
        return None
    sizes = (header.sheets, header.channels, header.height, header.width, header.table_crc)
    return header if all(isinstance(value, int) for value in sizes) else None


def _of_part(make: Make, rows: Sequence[int], sheet: int) -> NDArray[Any]:
    return make(rows[sheet])


def _joined(parts: tuple[CachedMaps, ...], rows: tuple[tuple[int, ...], ...]) -> CachedMaps:
    """Several files as one set of maps, in the order of the joined sheets."""
    found = {row: part.planes[i] for part, mine in zip(parts, rows, strict=True) for i, row in enumerate(mine)}
    return CachedMaps(parts[0].path, tuple(found[row] for row in sorted(found)), parts=parts, rows=rows)


def _silent(done: int, total: int) -> None:
    """Report nothing."""


def _build(path: Path, sheets: CachedSheets, make: Make, on_progress: Callable[[int, int], None]) -> None:
    """Make the maps sheet by sheet: blank header, records, table, and at last the true header."""
    first = make(0)
    size = sheets.images[0].shape
    if first.ndim != 3 or first.shape[1:] != size or first.dtype.name not in KEPT_AS:
        raise ValueError(
            f"a map must be [c,{size[0]},{size[1]}] as its sheet, uint8 or float32, got {list(first.shape)} "
            f"{first.dtype}; make it of the sheet's own labels and strokes"
        )
    height, width = size
    header = Header(path.stem, len(sheets), len(first), height, width, KEPT_AS[first.dtype.name])
    table = np.zeros(len(sheets), dtype="<i8")
    with whole_file(path, header.size, what=WHAT) as file:
        file.write(bytes(HEADER))
        for row in range(len(sheets)):
            record = (make(row) if row else first).astype(header.dtype).tobytes()
            table[row] = zlib.crc32(record)
            file.write(record)
            on_progress(row + 1, len(sheets))
        file.write(table.tobytes())
        file.seek(0)
        file.write(header_block(asdict(replace(header, table_crc=zlib.crc32(table.tobytes())))))


def _reopen(path: Path) -> CachedMaps:
    """The maps of a file that was open in another process."""
    found = read(path)
    if found is None:
        text = "expected the maps another process has opened, got no whole file; run again to make it anew"
        raise CacheError(errno.ENOENT, text, str(path))
    return found
