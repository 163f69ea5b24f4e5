"""One band of a TIFF page, a strip or a row of tiles: from the bytes of the file to numbers, or what is wrong with it.

A band is right or damaged as a whole. It is damaged where its decoder says so, and where its bytes are fewer or more
than its rows need.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

import numpy as np

from thinline.images.jpeg import stream
from thinline.images.tiff import fax, lzw
from thinline.images.tiff import layout as tiff
from thinline.images.tiff.layout import Layout
from thinline.images.tiff.samples import Samples, undone, unpacked
from thinline.vocabulary import UInt8

_REVERSED: Final = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]
_SPARE: Final = 1 << 16  # bytes that a small strip may need more than its pixels
_WORST: Final = 8  # by how much codes may be longer than the pixels


def rows_of(layout: Layout, band: int) -> int:
    """Rows of the page in a band."""
    return min(layout.band_rows, layout.height - band * layout.band_rows)


def read_band(file: BinaryIO, layout: Layout, band: int, *, strict: bool) -> tuple[Samples | None, str]:
    """Numbers [rows, width, samples] of a band, or None and why it cannot be read. `strict` is for G3 and G4."""
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


def keeps_to_the_letter(file: BinaryIO, layout: Layout) -> bool:
    """Whether the encoder of a page in G3 or G4 chose the codes that T.4 and T.6 ask for: so in half of nine bands."""
    bands = sorted({round(place) for place in np.linspace(0, layout.offsets.shape[1] - 1, 9)})
    kept = 0
    for band in bands:
        raw = _stored(file, layout, (0, band, 0))
        rows = layout.band_rows if layout.tiled else rows_of(layout, band)
        kept += fax.is_strict(raw, rows, layout.tile_width, _fax_mode(layout))
    return kept * 2 >= len(bands)


def _stored(file: BinaryIO, layout: Layout, place: tuple[int, int, int]) -> UInt8:
    file.seek(int(layout.offsets[place]))
    limit = _WORST * layout.band_rows * layout.row_bytes + _SPARE
    raw = np.frombuffer(file.read(min(int(layout.counts[place]), limit)), np.uint8)
    return _REVERSED[raw] if layout.reversed_bits and layout.compression != tiff.JPEG else raw


def _decoded(layout: Layout, raw: UInt8, rows: int, strict: bool) -> tuple[Samples | None, str]:
    """Numbers [rows, tile width, samples stored together] of one strip or tile."""
    shape = (rows, layout.tile_width, layout.samples_stored_together)
    if layout.compression == tiff.JPEG:
        return stream.strip(raw.tobytes(), layout.jpeg_tables, shape, ycbcr=layout.photometric == tiff.YCBCR)
    if layout.compression in (tiff.RLE, tiff.GROUP3, tiff.GROUP4):
        pixels, reason = fax.decode(raw, rows, layout.tile_width, _fax_mode(layout), strict=strict)
        return (None, reason) if reason else (pixels.reshape(shape), "")
    unpacked_bytes, reason = _inflated(layout, raw, rows)
    if reason:
        return None, reason
    plain = undone(unpacked_bytes, shape, layout.bits, layout.predictor, layout.order)
    return unpacked(plain, shape, layout.bits, layout.kind, layout.order), ""


def _fax_mode(layout: Layout) -> int:
    if layout.compression == tiff.GROUP3:
        return fax.TWO if layout.fax_options & 1 else fax.ONE
    return fax.FOUR if layout.compression == tiff.GROUP4 else fax.ROW_BYTES


def _inflated(layout: Layout, raw: UInt8, rows: int) -> tuple[UInt8, str]:
    size = rows * layout.row_bytes
    if layout.compression == tiff.LZW:
        return lzw.unpack_lzw(raw, size)
    if layout.compression == tiff.PACKBITS:
        return lzw.unpack_packbits(raw, size)
    if layout.compression == tiff.NONE:
        padded = layout.band_rows * layout.row_bytes  # some programs fill the last strip up
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
