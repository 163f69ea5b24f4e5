"""Cached truth maps: computed once per sheet, in a memory-mapped file beside that of the sheets.

Conventions
    A map of a sheet `[H, W]` has c planes, uint8, or float16 where it was computed as float32. The name of the file
    `<key>.maps` is the SHA-256 of the file format, the key of the sheets, and the `name` of the map. The layout is that
    of record_file.py; a record holds the planes of one sheet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinline.data.cached_sheets import CachedSheets
from thinline.data.record_file import FORMAT, Header, Progress, read_records, reopened, write_records
from thinline.system.shared_file import HEADER, read_or_write
from thinline.vocabulary import UInt8

WHAT = "maps of the truth"
KEPT_AS = {"uint8": "uint8", "float32": "float16"}

Make = Callable[[int], NDArray[Any]]
"""From the number of a sheet to its map [c,H,W], uint8 or float32."""


@dataclass(frozen=True, kw_only=True)
class MapHeader(Header):
    """The header of a file of maps with c = `channels`. TypeError for another dtype than those of KEPT_AS."""

    channels: int
    dtype: str

    def __post_init__(self) -> None:
        if self.dtype not in KEPT_AS.values():
            raise TypeError(f"`dtype` of maps must be one of {', '.join(KEPT_AS.values())}, got {self.dtype!r}")

    @property
    def stride(self) -> int:
        """Bytes of one record."""
        return self.channels * self.height * self.width * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, eq=False)
class CachedMaps:
    """`planes [N,c,H,W]`, uint8 or float16, read-only; a pickled copy holds the path and reopens the file.

    Where sheets differ in size they lie in several files, and `planes` are N arrays [c,H,W]: see `CachedSheets`.
    """

    path: Path
    planes: NDArray[Any] | tuple[NDArray[Any], ...]
    parts: tuple[CachedMaps, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.planes)

    def __reduce__(self) -> tuple[Callable[..., CachedMaps], tuple[object, ...]]:
        return (_joined, (self.parts, self.rows)) if self.parts else (_reopened, (self.path,))

    def beside(self, sheets: CachedSheets) -> Iterator[tuple[NDArray[Any], UInt8]]:
        """Each map and the image it belongs to."""
        return zip(self.planes, sheets.images, strict=True)


def open_maps(
    sheets: CachedSheets,
    *,
    name: str,
    make: Make,
    folder: Path,
    on_progress: Progress | None = None,
) -> CachedMaps:
    """The maps of all `sheets`, in their order; computed now if `folder` holds no whole file of this content.

    `make` must be a function of the sheet alone, and `name` must change with its result. Raises
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
    return read_or_write(path, lambda: read(path, key=key), lambda: _build(path, sheets, make, on_progress), what=WHAT)


def read(path: Path, *, key: str | None = None) -> CachedMaps | None:
    """The mapped file; None if it is missing, unfinished, damaged, or not the content of `key`."""
    records = read_records(path, MapHeader, key=key)
    if records is None:
        return None
    content, header, _ = records
    shape = (header.sheets, header.channels, header.height, header.width)
    return CachedMaps(path, np.ndarray(shape, header.dtype, buffer=content, offset=HEADER))


def _reopened(path: Path) -> CachedMaps:
    return reopened(path, read, what=WHAT)


def _of_part(make: Make, rows: Sequence[int], sheet: int) -> NDArray[Any]:
    return make(rows[sheet])


def _joined(parts: tuple[CachedMaps, ...], rows: tuple[tuple[int, ...], ...]) -> CachedMaps:
    """Several files as one set of maps, in the order of the joined sheets."""
    planes = {row: part.planes[i] for part, numbers in zip(parts, rows, strict=True) for i, row in enumerate(numbers)}
    return CachedMaps(parts[0].path, tuple(planes[row] for row in sorted(planes)), parts=parts, rows=rows)


def _build(path: Path, sheets: CachedSheets, make: Make, on_progress: Progress | None) -> None:
    """Compute the maps sheet by sheet into the file."""
    first = make(0)
    height, width = sheets.images[0].shape
    if first.ndim != 3 or first.shape[1:] != (height, width) or first.dtype.name not in KEPT_AS:
        raise ValueError(
            f"a map must be [c,{height},{width}] as its sheet, uint8 or float32, got {list(first.shape)} "
            f"{first.dtype}; make it of the sheet's own labels and strokes"
        )
    dtype = KEPT_AS[first.dtype.name]
    header = MapHeader(key=path.stem, sheets=len(sheets), height=height, width=width, channels=len(first), dtype=dtype)
    maps = (make(row) if row else first for row in range(len(sheets)))
    records = ((np.ascontiguousarray(each, dtype), ()) for each in maps)
    write_records(path, header, records, what=WHAT, on_progress=on_progress)
