"""Decode one band of a TIFF page, a strip or a row of tiles, to numbers, or name the damage.

A band is right or damaged as a whole. It is damaged if its decoder says so, or if its bytes are fewer or more than its
rows need.

Conventions of numbers
    Each row begins at a byte. Samples of fewer than 8 bits, or of a number of bits that is no multiple of 8, are packed
    without gaps, the highest bit first. Samples of several bytes are in the byte order of the file. `kind` is `u`, `i`
    or `f`: unsigned integers, signed integers, floating point.

References
    TIFF revision 6.0, section 14; Adobe Photoshop TIFF Technical Note 3 (predictor 3).
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

import numpy as np

from thinline.images.jpeg import stream
from thinline.images.page import Samples
from thinline.images.tiff import fax, lzw
from thinline.images.tiff import layout as tiff
from thinline.images.tiff.layout import Layout
from thinline.vocabulary import UInt8

_REVERSED: Final = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
_SPARE: Final = 1 << 16  # bytes read beyond the limit for small strips
_WORST: Final = 8  # most bytes of codes per byte of pixels
_AT_ONCE: Final = 1 << 22  # bits that are unpacked together


def rows_of(layout: Layout, band: int) -> int:
    """Number of rows of the page in a band."""
    return min(layout.band_rows, layout.height - band * layout.band_rows)


def read_band(file: BinaryIO, layout: Layout, band: int, *, strict: bool) -> tuple[Samples | None, str]:
    """Numbers [rows, width, samples] of a band, or None and the reason. `strict` as in `fax.decode`."""
    rows, together = rows_of(layout, band), layout.samples_stored_together
    whole: Samples | None = None
    for plane in range(layout.planes):
        for across in range(layout.tiles_across):
            raw = _stored(file, layout, (plane, band, across))
            part, reason = _decoded(layout, raw, layout.band_rows if layout.tiled else rows, strict)
            if part is None:
                return None, reason
            if layout.planes == layout.tiles_across == 1:
                return part[:rows, : layout.width], ""
            if whole is None:
                whole = np.empty((rows, layout.width, layout.samples), part.dtype)
            left = across * layout.tile_width
            kept = part[:rows, : layout.width - left]
            whole[:, left : left + layout.tile_width, plane * together : (plane + 1) * together] = kept
    return whole, ""


def has_strict_codes(file: BinaryIO, layout: Layout) -> bool:
    """Whether a page in G3 or G4 follows T.4 and T.6 strictly: at least half of up to nine bands decode strictly."""
    bands = sorted({round(band) for band in np.linspace(0, layout.offsets.shape[1] - 1, 9)})
    strict = 0
    for band in bands:
        raw = _stored(file, layout, (0, band, 0))
        rows = layout.band_rows if layout.tiled else rows_of(layout, band)
        strict += not fax.decode(raw, rows, layout.tile_width, _fax_mode(layout), strict=True)[1]
    return strict * 2 >= len(bands)


def _stored(file: BinaryIO, layout: Layout, part: tuple[int, int, int]) -> UInt8:
    """Bytes of one strip or tile (plane, band, tile across)."""
    file.seek(int(layout.offsets[part]))
    limit = _WORST * layout.band_rows * layout.row_bytes + _SPARE
    raw = np.frombuffer(file.read(min(int(layout.counts[part]), limit)), np.uint8)
    return _REVERSED[raw] if layout.reversed_bits and layout.compression != tiff.JPEG else raw


def _decoded(layout: Layout, raw: UInt8, rows: int, strict: bool) -> tuple[Samples | None, str]:
    """Numbers [rows, tile width, samples stored together] of one strip or tile."""
    shape = (rows, layout.tile_width, layout.samples_stored_together)
    if layout.compression == tiff.JPEG:
        return stream.strip(raw.tobytes(), layout.jpeg_tables, shape, ycbcr=layout.photometric == tiff.YCBCR)
    if layout.compression in (tiff.RLE, tiff.GROUP3, tiff.GROUP4):
        pixels, reason = fax.decode(raw, rows, layout.tile_width, _fax_mode(layout), strict=strict)
        return (None, reason) if reason else (pixels.reshape(shape), "")
    content, reason = _decompressed(layout, raw, rows)
    if reason:
        return None, reason
    plain = _undone(content, shape, layout.bits, layout.predictor, layout.order)
    return _unpacked(plain, shape, layout.bits, layout.kind, layout.order), ""


def _fax_mode(layout: Layout) -> int:
    if layout.compression == tiff.GROUP3:
        return fax.TWO if layout.fax_options & 1 else fax.ONE
    return fax.FOUR if layout.compression == tiff.GROUP4 else fax.ROW_BYTES


def _decompressed(layout: Layout, raw: UInt8, rows: int) -> tuple[UInt8, str]:
    size = rows * layout.row_bytes
    if layout.compression == tiff.LZW:
        return lzw.unpack_lzw(raw, size)
    if layout.compression == tiff.PACKBITS:
        return lzw.unpack_packbits(raw, size)
    if layout.compression == tiff.NONE:
        padded = layout.band_rows * layout.row_bytes  # some programs pad the last strip
        if len(raw) in (size, padded):
            return raw[:size], ""
        return raw, f"{len(raw):,} bytes where its rows need {size:,}"
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(raw.tobytes(), size + 1)
        if len(content) == size and not inflater.eof:
            content += inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        return raw, f"deflate data that cannot be decoded ({error})"
    if len(content) != size or not inflater.eof:
        return raw, f"deflate data that are not the {size:,} bytes its rows need"
    return np.frombuffer(content, np.uint8), ""


def _unpacked(raw: UInt8, shape: tuple[int, int, int], bits: int, kind: str, order: str) -> Samples:
    """Numbers [rows, width, samples] of rows of bytes [rows * row_bytes]."""
    if bits in (8, 16, 32, 64):
        numbers = np.frombuffer(raw, np.dtype(f"{order}{kind}{bits // 8}")).reshape(shape)
        return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    rows, across = shape[0], shape[1] * shape[2]
    lines = raw.reshape(rows, -1)
    numbers = np.empty((rows, across), np.uint8 if bits < 8 else np.uint16)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(numbers.dtype)
    step = max(1, _AT_ONCE // (lines.shape[1] * 8))
    for top in range(0, rows, step):
        ones = np.unpackbits(lines[top : top + step], axis=1, count=across * bits)
        numbers[top : top + step] = (
            ones if bits == 1 else ones.reshape(-1, across, bits).astype(numbers.dtype) @ weights
        )
    return (_signed(numbers, bits) if kind == "i" else numbers).reshape(shape)


def _signed(numbers: Samples, bits: int) -> Samples:
    """Unsigned numbers of `bits` bits read as two's complement."""
    wide = numbers.astype(np.int32)
    return np.where(wide >= 1 << (bits - 1), wide - (1 << bits), wide)


def _undone(raw: UInt8, shape: tuple[int, int, int], bits: int, predictor: int, order: str) -> UInt8:
    """Undo the predictor of rows that were stored as differences: 2 for integers, 3 for floating point."""
    rows, width, samples = shape
    if predictor == 1:
        return raw
    if predictor == 2:
        steps = np.frombuffer(raw, np.dtype(f"{order}u{bits // 8}")).reshape(shape)
        native = np.cumsum(steps, axis=1, dtype=steps.dtype.newbyteorder("="))
        return np.frombuffer(native.astype(steps.dtype).tobytes(), np.uint8)
    size = bits // 8
    steps = raw.reshape(rows, width * size, samples)
    planes = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(rows, size, width * samples)  # highest bytes first
    planes = planes if order == ">" else planes[:, ::-1]
    return np.ascontiguousarray(planes.transpose(0, 2, 1)).reshape(-1)
