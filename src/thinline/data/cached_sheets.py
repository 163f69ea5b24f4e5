"""The file of rendered sheets: how its bytes lie, how it is written, how a reader knows that it is whole.

Conventions
    `N` sheets of one size `[H, W]` with K curves. Of every sheet four planes of uint8 are kept: `image`, `labels`,
    `strokes` (bit k set where the ink of curve k + 1 lies) and `layers` (the bits of the vocabulary). A byte has
    MAX_CURVES bits: more curves than that must not cross, and then the strokes are what the labels say and their plane
    is empty.

Layout
    header   HEADER bytes: a JSON object padded with blanks; says sizes and holds the mark `"complete": true`
    records  N blocks of `stride` bytes: the four planes of one sheet, padded to a multiple of ALIGN
    table    N rows of little-endian int64: CRC-32 of the record, then pixels per class id 0..K and of the ignored id

    The header goes in last. A reader checks the header, the length of the file, and the CRC-32 of the table and of
    every record.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from mmap import mmap
from pathlib import Path

import numpy as np

from thinline.sheets import Sheet
from thinline.system.shared_file import HEADER, CacheError, header_block, header_fields, mapped, records_match
from thinline.vocabulary import IGNORE, Float64, Int64, UInt8

FORMAT = 1
ALIGN = 64
PLANES = 4
MAX_CURVES = 8  # one bit of a byte each


Planes = UInt8 | tuple[UInt8, ...]


@dataclass(frozen=True)
class Header:
    """What the first block of a file says. `table_crc` guards the table, the table guards the records."""

    key: str
    sheets: int
    height: int
    width: int
    curves: int
    table_crc: int = 0
    format: int = FORMAT
    complete: bool = True

    @property
    def stride(self) -> int:
        """Bytes of one record."""
        return -(-PLANES * self.height * self.width // ALIGN) * ALIGN

    @property
    def columns(self) -> int:
        """Columns of the table: CRC, ids 0..K, ignored."""
        return self.curves + 3

    @property
    def table_start(self) -> int:
        """Offset of the table in the file."""
        return HEADER + self.sheets * self.stride

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.table_start + self.sheets * self.columns * 8

    def packed(self) -> bytes:
        """The header as a block of HEADER bytes."""
        return header_block(asdict(self))

    @staticmethod
    def unpacked(block: bytes) -> Header | None:
        """The header of a block, or None when the block is none, or one of another format or without the mark."""
        fields = header_fields(block)
        try:
            header = Header(**fields) if fields is not None else None
        except TypeError:
            return None
        if header is None or header.format != FORMAT:
            return None
        sizes = (header.sheets, header.height, header.width, header.curves, header.table_crc)
        return header if all(isinstance(value, int) for value in sizes) else None


@dataclass(frozen=True, eq=False)
class CachedSheets:
    """N rendered sheets as read-only views of one mapped file; a pickled copy reopens the file instead of carrying it.

    `images`, `labels`, `strokes`, `layers`: uint8 [N,H,W], or where sheets differ in size N planes [H,W]. `pixels
    [N, K+2]` int64: pixels of each sheet with class id 0..K and, last, with the ignored id. `curves` is K. `path` is
    the file, the first where several are joined: `parts` then are the files, and `rows` where their sheets stand.
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
        return (joined, (self.parts, self.rows)) if self.parts else (_reopen, (self.path,))

    @cached_property
    def sizes(self) -> Int64:
        """Height and width of every sheet, int64 [N,2]."""
        return np.array([plane.shape for plane in self.images], dtype=np.int64)

    @property
    def crossing(self) -> bool:
        """Whether `strokes` holds the curves; else no two of them share a pixel, and `labels` says where they are."""
        return self.curves <= MAX_CURVES

    def class_counts(self, classes: int, *, order: Int64 | None = None) -> Int64:
        """Pixels per class id as int64 [C]; `order [M]` counts a sheet as often as it is shown. Reads no pixel.

        Ignored pixels are not counted. Raises ValueError when a sheet holds an id of `classes` or more.
        """
        shown = self.pixels if order is None else self.pixels[order]
        total = shown[:, :-1].sum(axis=0)
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
    places = [(part, i) for part, mine in zip(parts, rows, strict=True) for i in range(len(mine))]
    order = np.argsort(np.concatenate([np.asarray(mine) for mine in rows])).tolist()
    images, labels, strokes, layers = (
        tuple(getattr(places[n][0], name)[places[n][1]] for n in order)
        for name in ("images", "labels", "strokes", "layers")
    )
    pixels = np.concatenate([part.pixels for part in parts])[order]
    kept = tuple(tuple(mine) for mine in rows)
    return CachedSheets(
        parts[0].path, images, labels, strokes, layers, pixels, parts[0].curves, parts=tuple(parts), rows=kept
    )


def fill(record: UInt8, sheet: Sheet, header: Header) -> Int64:
    """Lay the planes of `sheet` into `record [stride]`; return its row of the table, int64 [K + 3].

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
    return np.concatenate(([zlib.crc32(record.data)], _pixels_per_class(sheet.labels, header.curves)))


def _check_apart(sheet: Sheet) -> None:
    """Refuse more curves than bits where the labels do not say all about them."""
    if any((stroke != (sheet.labels == k)).any() for k, stroke in enumerate(sheet.strokes, start=1)):
        raise ValueError(
            f"a cached sheet must have at most {MAX_CURVES} curves, got {len(sheet.strokes)} that cross; draw fewer on "
            "a sheet, or curves whose strokes are those of the labels"
        )


def read(path: Path, *, key: str | None = None) -> CachedSheets | None:
    """The mapped file, or None when it is missing, unfinished, damaged, or of another content than `key` names."""
    try:
        with path.open("rb") as file:
            header = Header.unpacked(file.read(HEADER))
            if header is None or os.fstat(file.fileno()).st_size != header.size or key not in (None, header.key):
                return None
            content = mapped(file)
    except FileNotFoundError:
        return None
    table = np.frombuffer(content, dtype="<i8", offset=header.table_start).reshape(header.sheets, header.columns)
    crcs = table[:, 0].tolist()
    if zlib.crc32(table.tobytes()) != header.table_crc or not records_match(content, header.stride, crcs):
        return None
    return _views(path, content, header, table)


def _pixels_per_class(labels: UInt8, curves: int) -> Int64:
    """Pixels with id 0..curves and, last, with the ignored id; any other id is an error."""
    counts = np.bincount(labels.reshape(-1), minlength=IGNORE + 1)
    strange = np.flatnonzero(counts[curves + 1 : IGNORE]) + curves + 1
    if len(strange):
        raise ValueError(
            f"`labels` of a sheet with {curves} curves must hold ids 0..{curves} or {IGNORE}, got {strange.tolist()}; "
            "was it drawn with another vocabulary?"
        )
    return np.append(counts[: curves + 1], counts[IGNORE])


def _views(path: Path, content: mmap, header: Header, table: Int64) -> CachedSheets:
    """The planes as arrays over the mapped bytes: plain ones, since slicing a numpy memmap is several times slower."""
    area = header.height * header.width
    shape, strides = (header.sheets, header.height, header.width), (header.stride, header.width, 1)
    offsets = range(HEADER, HEADER + PLANES * area, area)
    images, labels, strokes, layers = (
        np.ndarray(shape, np.uint8, buffer=content, offset=offset, strides=strides) for offset in offsets
    )
    return CachedSheets(path, images, labels, strokes, layers, table[:, 1:].astype(np.int64), header.curves)


def _reopen(path: Path) -> CachedSheets:
    """The sheets of a file that was open in another process."""
    found = read(path)
    if found is None:
        text = "expected the rendered sheets another process has opened, got no whole file; run again to render it anew"
        raise CacheError(errno.ENOENT, text, str(path))
    return found
