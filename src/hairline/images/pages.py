"""Pages of a scan: each decoded as far as its file allows and no further.

Conventions
    A page of **strips** (a TIFF that is stored by rows) is decoded strip by strip (`strips.py`). Everything else (PNG,
    JPEG, a TIFF in tiles or turned by its orientation tag) is decoded **whole**. Only the rows asked for are turned to
    grey.
    What is decoded at once is known from the header and refused above `MOST_BYTES` before any of it is allocated:
    1 byte a pixel for 1-bit, grey and JPEG, 2 for 16 bits, 4 for other colour, CMYK and transparency. (A turned page
    is held twice while it is turned.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image, ImageOps, TiffImagePlugin
from typing_extensions import override

from hairline.images.page import Page, ScanError, decoding, grey_rows
from hairline.images.strips import TurnedPage, strips_of
from hairline.vocabulary import UInt8

MOST_BYTES: Final = 1 << 30
"""What may be decoded at once: 200,000 rows of 5,000 px in grey."""

LEAST_DPI: Final = 20
MOST_DPI: Final = 4800

_TURN, _THUMBNAIL = 274, 254
_BYTES: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}


@dataclass(eq=False)
class WholePage(Page):
    """Page `number` of a file, decoded in one piece and kept until it is told to forget."""

    path: Path
    number: int
    height: int
    width: int
    dpi: tuple[float, float]
    _image: Image.Image | None = field(default=None, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        with decoding(self.path):
            if self._image is None:
                with self.path.open("rb") as file:
                    self._image = self._decoded(file)
            return grey_rows(self._image, start, stop)

    @override
    def forget(self) -> None:
        self._image = None

    def _decoded(self, file: BinaryIO) -> Image.Image:
        image = Image.open(file)
        if self.number:
            image.seek(self.number)
        turn = _turn(image)
        image.draft("L", image.size)  # a JPEG then decodes to grey at once
        image.load()
        return ImageOps.exif_transpose(image) if turn in range(2, 9) else image


def pages_of(path: Path) -> tuple[Page, ...]:
    """The pages of an image file in their order, nothing decoded yet. ScanError says what is wrong with one."""
    found: list[Page] = []
    with decoding(path), path.open("rb") as file:
        image = Image.open(file)
        for number in range(getattr(image, "n_frames", 1) if image.format == "TIFF" else 1):
            if number:
                image.seek(number)
            if _tag(image, _THUMBNAIL, 0) & 1:
                continue  # a thumbnail of another page
            found.append(_page(path, image, number))
    return tuple(found)


def _page(path: Path, image: Image.Image, number: int) -> Page:
    dpi = _dpi(image)
    bytes_a_pixel = 1 if image.format == "JPEG" and image.mode == "RGB" else _BYTES.get(image.mode, 4)
    tags: TiffImagePlugin.ImageFileDirectory_v2 | None = getattr(image, "tag_v2", None)
    strips = None if tags is None else strips_of(path, tags, dpi)
    width, height = image.size
    if strips is None:
        _demand_room(height, width, bytes_a_pixel)
        if tags is None and _turn(image) >= 5:
            width, height = height, width  # of a TIFF, Pillow has turned the size already
        return WholePage(path, number, height, width, dpi)
    turn = _tag(image, _TURN, 1)
    if turn not in range(2, 9):
        _demand_room(strips.strip_rows, strips.width, bytes_a_pixel)
        return strips
    _demand_room(strips.height, strips.width, bytes_a_pixel)
    if turn >= 5:
        return TurnedPage(strips, turn, strips.width, strips.height, (dpi[1], dpi[0]))
    return TurnedPage(strips, turn, strips.height, strips.width, dpi)


def _demand_room(height: int, width: int, bytes_a_pixel: int) -> None:
    needed = height * width * bytes_a_pixel
    if needed > MOST_BYTES:
        raise ScanError(
            f"at most {MOST_BYTES:,} bytes may be decoded at once, got {width:,} x {height:,} px of "
            f"{bytes_a_pixel} bytes that can only be decoded together ({needed:,}); save it as a 1-bit or grey TIFF in "
            "strips of some hundred rows, or cut it into pages"
        )


def _dpi(image: Image.Image) -> tuple[float, float]:
    """Dots per inch across and down, 0 where the file does not say or says nonsense."""
    found = image.info.get("dpi", (0.0, 0.0))
    try:
        across, down = (float(value) for value in found)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0, 0.0
    return (across, down) if all(LEAST_DPI <= value <= MOST_DPI for value in (across, down)) else (0.0, 0.0)


def _turn(image: Image.Image) -> int:
    """The orientation tag, 1 where there is none; of a PNG, only one that stands before its pixels, so none is read."""
    return int(image.getexif().get(_TURN, 1)) if "exif" in image.info or image.format != "PNG" else 1


def _tag(image: Image.Image, tag: int, otherwise: int) -> int:
    tags = getattr(image, "tag_v2", None)
    return otherwise if tags is None else int(tags.get(tag, otherwise))
