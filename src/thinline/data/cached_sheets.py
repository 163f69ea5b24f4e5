"""Cached sheets: the layout of the file of rendered sheets, and its content as arrays.

Conventions
    `N` sheets of one size `[H, W]` with K curves. Four planes of uint8 are kept of every sheet: `image`, `labels`,
    `strokes` (bit k is set on the pixels of curve k + 1) and `layers` (the bits of the vocabulary). A byte has
    MAX_CURVES bits: more curves than that must not cross; then their plane `strokes` is empty and `labels` holds them.

Layout
    That of record_file.py. A record holds the four planes, padded to a multiple of ALIGN bytes. After the checksum the
    table holds the pixels per class id 0..K and of the ignored id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from mmap import mmap
from pathlib import Path

import numpy as np

from thinline.data.record_file import Header, read_records, reopened
from thinline.sheets import Sheet
from thinline.system.shared_file import HEADER
from thinline.vocabulary import IGNORE, Float64, Int64, UInt8

ALIGN = 64
PLANES = 4
MAX_CURVES = 8  # one bit of a byte each
WHAT = "rendered sheets"

Planes = UInt8 | tuple[UInt8, ...]


@dataclass(frozen=True, kw_only=True)
class SheetHeader(Header):
    """The header of a file of sheets with K = `curves`."""

    curves: int

    @property
    def stride(self) -> int:
        """Bytes of one record."""
        return -(-PLANES * self.height * self.width // ALIGN) * ALIGN

    @property
    def columns(self) -> int:
        """Columns of the table: CRC, ids 0..K, ignored."""
        return self.curves + 3


@dataclass(frozen=True, eq=False)
class CachedSheets:
    """N rendered sheets as read-only views of one mapped file; a pickled copy holds the path and reopens the file.

    `images`, `labels`, `strokes`, `layers`: uint8 [N,H,W], or where sheets differ in size N planes [H,W]. `pixels
    [N, K+2]` int64: pixels of each sheet with class id 0..K and, last, with the ignored id. `curves` is K. `path` is
    the file. Where several files are joined it is the first, `parts` are the files and `rows` the numbers of their
    sheets.
    """

    path: Path
    images: Planes
    labels: Planes
    strokes: Planes
    layers: Planes
    pixels: Int64
    curves: int
    parts: tuple[CachedSheets, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def __reduce__(self) -> tuple[Callable[..., CachedSheets], tuple[object, ...]]:
        return (joined, (self.parts, self.rows)) if self.parts else (_reopened, (self.path,))

    @cached_property
    def sizes(self) -> Int64:
        """Height and width of every sheet, int64 [N,2]."""
        return np.array([plane.shape for plane in self.images], dtype=np.int64)

    @property
    def crossing(self) -> bool:
        """Whether `strokes` holds the curves. Otherwise no two curves share a pixel and `labels` holds them."""
        return self.curves <= MAX_CURVES

    def class_counts(self, classes: int, *, order: Int64 | None = None) -> Int64:
        """Pixels per class id as int64 [C], of each sheet once or as often as in `order [M]`. Reads no pixel.

        Ignored pixels are not counted. Raises ValueError when a sheet holds an id of `classes` or more.
        """
        pixels = self.pixels if order is None else self.pixels[order]
        total = pixels[:, :-1].sum(axis=0)
        if total[classes:].any():
            needed = int(np.flatnonzero(total)[-1]) + 1
            raise ValueError(
                f"`classes` must cover every id of the sheets, expected {needed} or more, got {classes}; "
                "list all classes of the sheets in `classes`"
            )
        counts = np.zeros(classes, dtype=np.int64)
        counts[: len(total)] = total[:classes]
        return counts

    def shares(self, classes: int, *, order: Int64 | None = None) -> Float64:
        """Share of every class among the counted pixels, float64 [C]; NaN when no pixel is counted."""
        counts = self.class_counts(classes, order=order)
        total = counts.sum()
        return counts / total if total else np.full(classes, np.nan)


def joined(parts: Sequence[CachedSheets], rows: Sequence[Sequence[int]]) -> CachedSheets:
    """Several files as one set of sheets: sheet i of part p is number `rows[p][i]`, which together are 0..N-1."""
    order = np.argsort(np.concatenate([np.asarray(numbers) for numbers in rows])).tolist()

    def planes(name: str) -> tuple[UInt8, ...]:
        unordered = [plane for part in parts for plane in getattr(part, name)]
        return tuple(unordered[n] for n in order)

    pixels = np.concatenate([part.pixels for part in parts])[order]
    kept = tuple(tuple(numbers) for numbers in rows)
    four = (planes("images"), planes("labels"), planes("strokes"), planes("layers"))
    return CachedSheets(parts[0].path, *four, pixels, parts[0].curves, parts=tuple(parts), rows=kept)


def with_more(sheets: CachedSheets, more: CachedSheets) -> CachedSheets:
    """Both sets as one, those of `more` after the others. ValueError where they differ in their number of curves."""
    if sheets.curves != more.curves:
        raise ValueError(f"`more` must have sheets of {sheets.curves} curves, got {more.curves}; draw them alike")
    parts, rows = sheets.parts or (sheets,), sheets.rows or (tuple(range(len(sheets))),)
    return joined([*parts, more], [*rows, range(len(sheets), len(sheets) + len(more))])


def fill(record: UInt8, sheet: Sheet, header: SheetHeader) -> Int64:
    """Write the planes of `sheet` into `record [stride]`; return its pixels per class, int64 [K + 2].

    Raises ValueError when size or number of curves differ from the header's, or a label is no class id.
    """
    size = (header.height, header.width)
    shapes = {plane.shape for plane in (sheet.image, sheet.labels, sheet.layers)} | {sheet.strokes.shape[1:]}
    if shapes != {size} or len(sheet.strokes) != header.curves:
        raise ValueError(
            f"sheets of one cache must be alike, expected {size} px and {header.curves} curves as on the first, got "
            f"{sorted(shapes)} px and {len(sheet.strokes)} curves; keep other sizes in a cache of their own"
        )
    planes = record[: PLANES * header.height * header.width].reshape(PLANES, *size)
    planes[0], planes[1], planes[2], planes[3] = sheet.image, sheet.labels, 0, sheet.layers
    if header.curves > MAX_CURVES:
        _check_apart(sheet)
    else:
        for bit, stroke in enumerate(sheet.strokes):
            planes[2] |= stroke.view(np.uint8) << np.uint8(bit)
    return _pixels_per_class(sheet.labels, header.curves)


def _check_apart(sheet: Sheet) -> None:
    """ValueError where curves cross, so that the labels do not hold all of their pixels."""
    if any((stroke != (sheet.labels == k)).any() for k, stroke in enumerate(sheet.strokes, start=1)):
        raise ValueError(
            f"a cached sheet must have at most {MAX_CURVES} curves, got {len(sheet.strokes)} that cross; draw fewer on "
            "a sheet, or curves whose strokes are those of the labels"
        )


def read(path: Path, *, key: str | None = None) -> CachedSheets | None:
    """The mapped file; None if it is missing, unfinished, damaged, or not the content of `key`."""
    records = read_records(path, SheetHeader, key=key)
    return None if records is None else _views(path, *records)


def _pixels_per_class(labels: UInt8, curves: int) -> Int64:
    """Pixels with id 0..curves and, last, with the ignored id; any other id is an error."""
    counts = np.bincount(labels.reshape(-1), minlength=IGNORE + 1)
    unknown = np.flatnonzero(counts[curves + 1 : IGNORE]) + curves + 1
    if len(unknown):
        raise ValueError(
            f"`labels` of a sheet with {curves} curves must hold ids 0..{curves} or {IGNORE}, got {unknown.tolist()}; "
            "was it drawn with another vocabulary?"
        )
    return np.append(counts[: curves + 1], counts[IGNORE])


def _views(path: Path, content: mmap, header: SheetHeader, table: Int64) -> CachedSheets:
    """The planes as plain arrays over the mapped bytes; slicing a numpy memmap is several times slower."""
    area = header.height * header.width
    shape, strides = (header.sheets, header.height, header.width), (header.stride, header.width, 1)
    offsets = range(HEADER, HEADER + PLANES * area, area)
    images, labels, strokes, layers = (
        np.ndarray(shape, np.uint8, buffer=content, offset=offset, strides=strides) for offset in offsets
    )
    return CachedSheets(path, images, labels, strokes, layers, table[:, 1:].astype(np.int64), header.curves)


def _reopened(path: Path) -> CachedSheets:
    return reopened(path, read, what=WHAT)
