"""Check the tags of a TIFF page and derive how it is stored; unsupported or damaged tags are refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.images.page import ScanError
from thinline.images.tiff.directory import Directory
from thinline.vocabulary import UInt8

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR = range(7)
NONE, RLE, GROUP3, GROUP4, LZW, JPEG, DEFLATE, PACKBITS = 1, 2, 3, 4, 5, 7, 8, 32773
_OLD_DEFLATE = 32946
_SAMPLES: Final = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_COMPRESSIONS: Final = {
    6: "old-style JPEG",
    **dict.fromkeys((9, 10, 34661), "JBIG"),
    **dict.fromkeys((33003, 33005, 34712), "JPEG 2000"),
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    34887: "LERC",
    32771: "CCITT RLE by words",
    32809: "ThunderScan",
    32766: "NeXT",
}
_PHOTOMETRICS: Final = {
    4: "a transparency mask",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "a raw camera",
}
_KINDS: Final = {1: "u", 2: "i", 3: "f", 4: "u"}
_SAVE: Final = "save it as an uncompressed or LZW TIFF of 8-bit grey"


@dataclass(frozen=True, eq=False)
class Layout:
    """Storage of one page: sizes in px, `kind` of its numbers (`u`, `i`, `f`), and its strips or tiles.

    A **band** is a strip or a row of tiles, `band_rows` rows of the page. `offsets` and `counts` [planes, bands, tiles
    across] are in bytes. `palette` is uint8 [2 ** bits, 3]; `alpha` is the index of the sample of transparency.
    """

    page: int
    order: str
    height: int
    width: int
    bits: int
    kind: str
    samples: int
    photometric: int
    compression: int
    predictor: int
    reversed_bits: bool
    planes: int
    band_rows: int
    tile_width: int
    tiled: bool
    offsets: np.ndarray
    counts: np.ndarray
    alpha: int | None
    premultiplied: bool
    palette: UInt8 | None
    most: int | None
    fax_options: int
    jpeg_tables: bytes
    turn: int
    dpi: tuple[float, float]

    @property
    def tiles_across(self) -> int:
        """Number of tiles in a band, 1 for strips."""
        return int(self.offsets.shape[2])

    @property
    def samples_stored_together(self) -> int:
        """Number of samples per pixel in one strip or tile."""
        return 1 if self.planes > 1 else self.samples

    @property
    def row_bytes(self) -> int:
        """Bytes per row of a strip or tile."""
        return (self.tile_width * self.samples_stored_together * self.bits + 7) // 8

    @property
    def bytes_a_pixel(self) -> int:
        """Bytes per decoded pixel."""
        return self.samples * max(1, -(-self.bits // 8))


def layout_of(tags: Directory, file_size: int) -> Layout:
    """The layout of a page. ScanError names a tag that is damaged or not supported."""
    height, width = tags.number_of(257), tags.number_of(256)
    samples, planar = tags.number_of(277, 1), tags.number_of(284, 1)
    bits, kind = _bits(tags, samples), _kind(tags)
    compression, photometric = _compression(tags), _photometric(tags, samples)
    fill, predictor = tags.number_of(266, 1), tags.number_of(317, 1)
    _check(tags, 284, planar, (1, 2))
    _check(tags, 266, fill, (1, 2) if bits == 1 else (1,))
    tiled = 322 in tags.tags or 324 in tags.tags
    band_rows, tile_width = _sizes(tags, height, width, tiled)
    planes = samples if planar == 2 and samples > 1 else 1
    grid = (planes, -(-height // band_rows), -(-width // tile_width) if tiled else 1)
    offsets, counts = _segments(tags, grid, file_size, tiled)
    alpha, premultiplied = _alpha(tags, photometric, samples)
    layout = Layout(
        page=tags.number,
        order=tags.order,
        height=height,
        width=width,
        bits=bits,
        kind=kind,
        samples=samples,
        photometric=photometric,
        compression=compression,
        predictor=predictor if compression in (LZW, DEFLATE) else 1,
        reversed_bits=fill == 2,
        planes=planes,
        band_rows=band_rows,
        tile_width=tile_width,
        tiled=tiled,
        offsets=offsets,
        counts=counts,
        alpha=alpha,
        premultiplied=premultiplied,
        palette=_palette(tags, bits) if photometric == PALETTE else None,
        most=tags.numbers(281)[0] if len(set(tags.numbers(281))) == 1 else None,
        fax_options=tags.number_of(292, 0) if compression == GROUP3 else tags.number_of(293, 0),
        jpeg_tables=_bytes(tags, 347),
        turn=tags.number_of(274, 1),
        dpi=_dpi(tags),
    )
    _check_together(tags, layout)
    return layout


def _check(tags: Directory, tag: int, value: int, known: tuple[int, ...]) -> None:
    if value not in known:
        raise ScanError(
            f"expected {' or '.join(map(str, known))} in {tags.name(tag)}, got {value}; {_SAVE}, or copy it again "
            "where its header is damaged"
        )


def _bits(tags: Directory, samples: int) -> int:
    bits = tags.numbers(258, (1,))
    if not 1 <= samples <= 16 or len(set(bits)) != 1 or len(bits) not in (1, samples):
        raise ScanError(
            f"expected 1 to 16 samples of equal bits in {tags.name(258)}, got {samples} samples of "
            f"{', '.join(map(str, bits[:16]))} bits; {_SAVE}"
        )
    if not (1 <= bits[0] <= 16 or bits[0] in (32, 64)):
        raise ScanError(f"expected 1 to 16, 32 or 64 bits in {tags.name(258)}, got {bits[0]} bits; {_SAVE}")
    return bits[0]


def _kind(tags: Directory) -> str:
    formats = set(tags.numbers(339, (1,)))
    if len(formats) != 1 or not formats <= set(_KINDS):
        raise ScanError(f"expected one of 1 to 4 in {tags.name(339)}, got {sorted(formats)}; {_SAVE}")
    return _KINDS[formats.pop()]


def _compression(tags: Directory) -> int:
    compression = tags.number_of(259, 1)
    if compression not in (NONE, RLE, GROUP3, GROUP4, LZW, JPEG, DEFLATE, _OLD_DEFLATE, PACKBITS):
        name = _COMPRESSIONS.get(compression, "an unknown one")
        raise ScanError(
            f"expected no compression, PackBits, LZW, deflate, G3, G4 or JPEG in {tags.name(259)}, got {compression}, "
            f"{name}; {_SAVE}"
        )
    return DEFLATE if compression == _OLD_DEFLATE else compression


def _photometric(tags: Directory, samples: int) -> int:
    photometric = tags.number_of(262)
    if photometric not in _SAMPLES:
        name = _PHOTOMETRICS.get(photometric, "an unknown one")
        raise ScanError(
            f"expected grey, RGB, a palette, CMYK or YCbCr in {tags.name(262)}, got {photometric}, {name}; {_SAVE}"
        )
    if samples < _SAMPLES[photometric] or (photometric == CMYK and tags.number_of(332, 1) != 1):
        raise ScanError(
            f"expected {_SAMPLES[photometric]} samples or more for {photometric} in {tags.name(262)}, got {samples} in "
            f"tag 277 (SamplesPerPixel), or other inks than CMYK; {_SAVE}"
        )
    return photometric


def _sizes(tags: Directory, height: int, width: int, tiled: bool) -> tuple[int, int]:
    """(rows of a band, width of a tile)."""
    rows = tags.number_of(323) if tiled else min(tags.number_of(278, height), height)
    across = tags.number_of(322) if tiled else width
    if min(height, width, rows, across) < 1 or max(height, width, rows, across) >= 1 << 32:
        raise ScanError(
            f"expected a page {tags.number} of at least 1 x 1 px in strips or tiles of as much, got {width} x {height} "
            f"px in parts of {across} x {rows}; the header is damaged: copy the file again"
        )
    return rows, across


def _segments(
    tags: Directory, grid: tuple[int, int, int], file_size: int, tiled: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and byte counts [planes, bands, tiles across]; ScanError if they leave the file or overlap."""
    parts = "tiles" if tiled else "strips of rows"
    needed = grid[0] * grid[1] * grid[2]
    at, sizes = (tags.numbers(tag) for tag in ((324, 325) if tiled else (273, 279)))
    inside = [at_ >= 8 and size > 0 and at_ + size <= file_size for at_, size in zip(at, sizes, strict=False)]
    if not len(at) == len(sizes) == needed or not all(inside):
        raise ScanError(
            f"expected {needed} {parts} of page {tags.number} within {file_size:,} bytes, got {len(at)}, {sum(inside)} "
            "of them in the file; the file is cut short or damaged: copy it again"
        )
    ends = np.array(sorted(zip(at, sizes, strict=True)), np.int64).reshape(-1, 2)
    over = np.flatnonzero(ends[1:, 0] < ends[:-1, 0] + ends[:-1, 1])
    if len(over) and not (np.diff(ends[:, 0])[over] == 0).all():  # identical parts may share their bytes
        raise ScanError(
            f"expected {parts} of page {tags.number} beside each other, got two that overlap at byte "
            f"{ends[over[0] + 1, 0]:,}; the header is damaged: copy the file again"
        )
    return np.array(at, np.int64).reshape(grid), np.array(sizes, np.int64).reshape(grid)


def _alpha(tags: Directory, photometric: int, samples: int) -> tuple[int | None, bool]:
    """(index of the sample of transparency, whether the colours are multiplied by it)."""
    extra = tags.numbers(338)
    for sample, meaning in enumerate(extra, start=samples - len(extra)):
        if meaning in (1, 2) and sample >= _SAMPLES[photometric]:
            return sample, meaning == 1
    return None, False


def _palette(tags: Directory, bits: int) -> UInt8:
    colours = tags.numbers(320)
    if bits > 8 or len(colours) != 3 << bits or min(colours) < 0 or max(colours) > 65535:
        raise ScanError(
            f"expected {3 << min(bits, 8)} colours of 16 bits in {tags.name(320)} for {bits} bits, got {len(colours)}; "
            f"{_SAVE}"
        )
    table = np.array(colours).reshape(3, -1).T
    return np.asarray(table if table.max() < 256 else table >> 8, np.uint8)  # some programs write 8 bits


def _bytes(tags: Directory, tag: int) -> bytes:
    values = tags.tags.get(tag, b"")
    return values if isinstance(values, bytes) else bytes(int(value) & 255 for value in values)


def _dpi(tags: Directory) -> tuple[float, float]:
    per_inch = {2: 1.0, 3: 2.54}.get(tags.number_of(296, 2), 0.0)
    across, down = (tags.tags.get(tag, (0.0,))[0] for tag in (282, 283))
    return float(across) * per_inch, float(down) * per_inch


def _check_together(tags: Directory, layout: Layout) -> None:
    """ScanError for tags that contradict each other."""
    page, bits, compression = f"page {layout.page}", layout.bits, layout.compression
    if layout.kind == "f" and bits not in (16, 32, 64):
        raise ScanError(f"expected fractions of 16, 32 or 64 bits in {tags.name(258)}, got {bits} bits; {_SAVE}")
    if compression in (RLE, GROUP3, GROUP4) and (bits, layout.samples) != (1, 1):
        raise ScanError(f"expected 1 bit a pixel with G3 or G4 on {page}, got {layout.samples} x {bits} bits; {_SAVE}")
    if compression == JPEG and (bits != 8 or layout.photometric == PALETTE or layout.kind != "u"):
        raise ScanError(f"expected 8 bits of grey or colour with JPEG in {tags.name(258)}, got {bits} bits; {_SAVE}")
    known = (1, 2) if layout.kind != "f" else (1, 3)
    _check(tags, 317, layout.predictor, known if bits in (8, 16, 32, 64) else (1,))
    if layout.photometric in (CMYK, YCBCR) and bits != 8:
        raise ScanError(f"expected 8 bits with CMYK or YCbCr in {tags.name(258)}, got {bits} bits; {_SAVE}")
    if layout.photometric == PALETTE and layout.kind != "u":
        raise ScanError(f"expected whole numbers with a palette in {tags.name(339)}; {_SAVE}")
    if layout.photometric == YCBCR and compression != JPEG and tags.numbers(530, (2, 2)) != (1, 1):
        raise ScanError(
            f"expected colour of full size without JPEG, got {tags.numbers(530, (2, 2))} in {tags.name(530)}; {_SAVE}"
        )
