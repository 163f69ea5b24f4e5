"""A writer of TIFF files for the tests: any bits, byte order, planes, strips or tiles; G3, G4 and LZW by libtiff.

It shares nothing with the reader but the specification.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

NONE, GROUP3, GROUP4, LZW, DEFLATE, PACKBITS = 1, 3, 4, 5, 8, 32773
_LIBTIFF = {GROUP3: "group3", GROUP4: "group4", LZW: "tiff_lzw"}


@dataclass
class Way:
    """How a page is written. `tile` is height and width; `tags` come last and replace others."""

    bits: int = 8
    photometric: int = 1
    compression: int = NONE
    rows: int = 16
    tile: tuple[int, int] | None = None
    order: str = "<"
    big: bool = False
    planar: int = 1
    predictor: int = 1
    reversed_bits: bool = False
    form: int = 1
    dpi: float = 200.0
    tags: dict[int, tuple[int, ...]] = field(default_factory=dict)


def tiff(path: Path, pages: list[tuple[np.ndarray, Way]]) -> Path:
    """Write pages of numbers [H,W] or [H,W,samples], as they are stored."""
    order, big = pages[0][1].order, pages[0][1].big
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head = magic + (struct.pack(order + "HHQ", 8, 0, 0) if big else struct.pack(order + "I", 0))
    content, link = bytearray(head), len(head) - (8 if big else 4)
    for numbers, way in pages:
        link = _page(content, link, numbers if numbers.ndim == 3 else numbers[..., None], way, (order, big))
    path.write_bytes(content)
    return path


def _page(content: bytearray, link: int, numbers: np.ndarray, way: Way, kind: tuple[str, bool]) -> int:
    order, big = kind
    height, width, samples = numbers.shape
    offsets, counts = [], []
    for part in _parts(numbers, way):
        stored = _stored(part, way, order)
        offsets.append(len(content))
        counts.append(len(stored))
        content += stored + b"\0" * (len(stored) % 2)
    at, sizes = (324, 325) if way.tile else (273, 279)
    tags: dict[int, tuple[int, ...] | tuple[float, ...]] = {
        256: (width,),
        257: (height,),
        258: (way.bits,) * samples,
        259: (way.compression,),
        262: (way.photometric,),
        266: (2 if way.reversed_bits else 1,),
        277: (samples,),
        282: (way.dpi,),
        283: (way.dpi,),
        284: (way.planar,),
        296: (2,),
        317: (way.predictor,),
        339: (way.form,) * samples,
    }
    tags |= {at: tuple(offsets), sizes: tuple(counts)}
    tags |= {322: (way.tile[1],), 323: (way.tile[0],)} if way.tile else {278: (way.rows,)}
    tags |= way.tags
    start = len(content)
    content[link : link + (8 if big else 4)] = struct.pack(order + ("Q" if big else "I"), start)
    inline, step = (8, 20) if big else (4, 12)
    entries_at = start + (8 if big else 2)
    spare = entries_at + step * len(tags) + inline
    entries, more = b"", b""
    for tag, values in sorted(tags.items()):
        form, packed = _packed(tag, values, order)
        if len(packed) > inline:
            packed, more = struct.pack(order + ("Q" if big else "I"), spare + len(more)), more + packed
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, form, len(values)) + packed.ljust(inline, b"\0")
    content += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + b"\0" * inline + more
    return spare - inline


def _packed(tag: int, values: tuple[float, ...], order: str) -> tuple[int, bytes]:
    if tag in (282, 283):
        return 5, struct.pack(order + "II", round(values[0] * 100), 100)
    if tag in (254, 256, 257, 273, 278, 279, 292, 324, 325):
        return 4, struct.pack(f"{order}{len(values)}I", *(int(value) for value in values))
    return 3, struct.pack(f"{order}{len(values)}H", *(int(value) for value in values))


def _parts(numbers: np.ndarray, way: Way):
    planes = [numbers[..., plane : plane + 1] for plane in range(numbers.shape[2])] if way.planar == 2 else [numbers]
    rows, across = way.tile or (way.rows, numbers.shape[1])
    for plane in planes:
        for top in range(0, plane.shape[0], rows):
            for left in range(0, plane.shape[1], across):
                part = plane[top : top + rows, left : left + across]
                if way.tile:
                    missing = ((0, rows - part.shape[0]), (0, across - part.shape[1]), (0, 0))
                    part = np.pad(part, missing, mode="edge")
                yield part


def _stored(part: np.ndarray, way: Way, order: str) -> bytes:
    if way.predictor == 2:
        part = np.concatenate([part[:, :1], np.diff(part, axis=1)], axis=1)
    rows = _rows(part, way.bits, order)
    stored = _compressed(rows, part.shape[1], way)
    if way.reversed_bits:
        stored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in stored)
    return stored


def _rows(part: np.ndarray, bits: int, order: str) -> np.ndarray:
    """Bytes [rows, row bytes]."""
    flat = part.reshape(part.shape[0], -1)
    if bits >= 8 and bits & (bits - 1) == 0:
        kind = "f" if part.dtype.kind == "f" else "u"
        swapped = flat.astype(f"{kind}{bits // 8}").astype(f"{order}{kind}{bits // 8}")
        return np.frombuffer(swapped.tobytes(), np.uint8).reshape(len(flat), -1)
    ones = (flat[..., None].astype(np.int64) >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(ones.reshape(len(flat), -1).astype(np.uint8), axis=1)


def _compressed(rows: np.ndarray, width: int, way: Way) -> bytes:
    if way.compression == NONE:
        return rows.tobytes()
    if way.compression == DEFLATE:
        return zlib.compress(rows.tobytes())
    if way.compression == PACKBITS:
        return b"".join(packbits(row.tobytes()) for row in rows)
    if way.compression == LZW:
        return strip_of_libtiff(Image.fromarray(rows), LZW)
    return strip_of_libtiff(Image.fromarray(np.unpackbits(rows, axis=1, count=width) > 0), way.compression, way.tags)


def packbits(row: bytes) -> bytes:
    packed, start = b"", 0
    while start < len(row):
        run = 1
        while run < 128 and row[start : start + run + 1] == row[start : start + 1] * (run + 1):
            run += 1
        if run > 1:
            packed += bytes([257 - run, row[start]])
        else:
            packed += bytes([0, row[start]])
        start += run
    return packed


def strip_of_libtiff(image: Image.Image, compression: int, tags: dict[int, tuple[int, ...]] | None = None) -> bytes:
    """The one strip of an image as libtiff compresses it."""
    file = io.BytesIO()
    options = {tag: values[0] for tag, values in (tags or {}).items() if tag in (292, 293)}
    image.save(file, "TIFF", compression=_LIBTIFF[compression], strip_size=1 << 30, tiffinfo=options)
    with Image.open(file) as written:
        (offset,), (count,) = written.tag_v2[273], written.tag_v2[279]
    return file.getvalue()[offset : offset + count]
