"""Open an image file as a sequence of pages from their headers, without decoding pixels.

Conventions
    A page of a TIFF is decoded band by band (a strip, or a row of tiles); PNG, JPEG and turned pages are decoded whole.
    The memory that is decoded at once follows from the header, at 1 byte per sample up to 8 bits and 2 up to 16, and is
    refused above `MOST_BYTES` before it is allocated. (A turned page is briefly held twice.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from thinline.images.grey import LIBPNG, OPENCV, PILLOW
from thinline.images.jpeg.header import frame
from thinline.images.page import Page, ScanError, TurnedPage, decoding
from thinline.images.png import Png, png_of
from thinline.images.tiff.directory import Directory, directories
from thinline.images.tiff.layout import MASK, layout_of
from thinline.images.tiff.page import TiffPage
from thinline.images.whole_page import WholePage

MOST_BYTES: Final = 1 << 30
"""Most bytes that are decoded at once, as 200,000 rows of 5,000 grey pixels."""

LEAST_DPI: Final = 20
MOST_DPI: Final = 4800

_TURN: Final = 274
_PNG_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
KNOWN: Final = (*_TIFF, _PNG, _JPEG)


@dataclass(frozen=True, eq=False)
class Pages:
    """The pages of a file in their order, and notices on those that were left out."""

    pages: tuple[Page, ...]
    left_out: tuple[str, ...] = ()


def pages_of(path: Path, *, training: bool = False) -> Pages:
    """The pages of an image file. ScanError for a file that cannot be read.

    Colours are converted to grey as Pillow does for scans, and as OpenCV does for images of `training`.
    """
    with decoding(path):
        with path.open("rb") as file:
            start = file.read(8)
        if start.startswith(_TIFF):
            return _tiff(path, training)
        if start.startswith((_PNG, _JPEG)):
            return Pages((_whole(path, png_of(path) if start == _PNG else None, training),))
        raise ScanError("expected a TIFF, PNG or JPEG, got another kind of file; save the image as one of these")


def _tiff(path: Path, training: bool) -> Pages:
    pages: list[Page] = []
    left_out: list[str] = []
    for tags in directories(path):
        if kind := _secondary_kind(tags):
            left_out.append(f"page {tags.number} is {kind} of another page and was left out")
            continue
        layout = layout_of(tags, path.stat().st_size)
        turn = layout.turn if layout.turn in range(2, 9) else 1
        rows = layout.height if turn > 1 else min(layout.band_rows, layout.height)
        tile = layout.band_rows * layout.tile_width if layout.tiled else 0
        _check_room((rows, layout.width), layout.bytes_a_pixel, tile)
        page = TiffPage(path, tags.number, layout, OPENCV if training else PILLOW, _plausible(layout.dpi))
        pages.append(TurnedPage(page, turn) if turn > 1 else page)
    return Pages(tuple(pages), tuple(left_out))


def _secondary_kind(tags: Directory) -> str:
    """The kind of a page that only belongs to another one, else an empty string."""
    kind = tags.number_of(254, 0)
    if kind & 1 or tags.number_of(255, 1) == 2:
        return "a thumbnail"
    return "a transparency mask" if kind & 4 or tags.numbers(262) == (MASK,) else ""


def _whole(path: Path, png: Png | None, training: bool) -> Page:
    if png is not None and png.frames > 1:
        raise ScanError(f"expected one picture, got an animated PNG of {png.frames} pictures; save one of them")
    size, bytes_a_pixel = _declared(path, png)
    _check_room(size, bytes_a_pixel, 0)
    with Image.open(path) as image:
        dpi, turn = _dpi(image), _orientation(image, png)
    luma = PILLOW if not training else LIBPNG if png is not None else OPENCV
    page = WholePage(path, 1, *size, dpi, png, luma)
    return TurnedPage(page, turn) if turn in range(2, 9) else page


def _declared(path: Path, png: Png | None) -> tuple[tuple[int, int], int]:
    """(height, width) and bytes per pixel that the header declares."""
    if png is not None:
        return (png.height, png.width), _PNG_SAMPLES.get(png.colour, 4) * (2 if png.bits == 16 else 1)
    bits, height, width, samples = frame(path.read_bytes())
    if bits != 8:
        raise ScanError(f"expected a JPEG of 8 bits, got {bits} bits; save it as 8-bit grey")
    if min(height, width) < 1:
        raise ScanError(f"expected a JPEG of at least 1 x 1 px, got {width} x {height}; the file is damaged")
    return (height, width), 1 if samples in (1, 3) else 4


def _check_room(size: tuple[int, int], bytes_a_pixel: int, tile: int) -> None:
    height, width = size
    needed = max(height * width, tile) * bytes_a_pixel
    if needed > MOST_BYTES:
        raise ScanError(
            f"at most {MOST_BYTES:,} bytes may be decoded at once, got {width:,} x {height:,} px of "
            f"{bytes_a_pixel} bytes that can only be decoded together ({needed:,}); save it as a 1-bit or grey TIFF in "
            "strips of some hundred rows, or cut it into pages"
        )


def _dpi(image: Image.Image) -> tuple[float, float]:
    try:
        across, down = (float(value) for value in image.info.get("dpi", (0.0, 0.0)))
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0, 0.0
    return _plausible((across, down))


def _plausible(dpi: tuple[float, float]) -> tuple[float, float]:
    """`dpi` (across, down), or 0 if missing or implausible."""
    return dpi if all(math.isfinite(value) and LEAST_DPI <= value <= MOST_DPI for value in dpi) else (0.0, 0.0)


def _orientation(image: Image.Image, png: Png | None) -> int:
    """The orientation tag, 1 if there is none; for a PNG from its eXIf chunk at any position."""
    if png is not None and b"eXIf" in png.chunks:
        exif = Image.Exif()
        exif.load(png.chunks[b"eXIf"])
        return int(exif.get(_TURN, 1))
    return int(image.getexif().get(_TURN, 1)) if png is None or "exif" in image.info else 1
