"""Pages of a scan: grey rows of one page, decoded as far as its file allows and no further.

Conventions
    A page gives grey uint8 [h,W], 0 black and 255 white, as a viewer shows it: colours and CMYK by their luma (ITU-R
    BT.601), 16 bits by their upper 8, transparency over white paper, orientation tags obeyed.
    A page of **strips** (a TIFF that is stored by rows) is decoded strip by strip: each is handed to Pillow as a TIFF
    of its own, and only those that hold the rows asked for are held. Everything else (PNG, JPEG, a TIFF in tiles or
    turned by its orientation tag) is decoded **whole**. Only the rows asked for are turned to grey.
    What is decoded at once is known from the header and refused above `MOST_BYTES` before any of it is allocated:
    1 byte a pixel for 1-bit, grey and JPEG, 2 for 16 bits, 4 for other colour, CMYK and transparency. (A turned page
    is held twice while it is turned.)

References
    TIFF revision 6.0 (Adobe, 1992).
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin
from typing_extensions import override

from hairline.vocabulary import UInt8

MOST_BYTES: Final = 1 << 30
LEAST_DPI: Final = 20
MOST_DPI: Final = 4800
"""What may be decoded at once: 200,000 rows of 5,000 px in grey."""

_WIDTH, _LENGTH, _COMPRESSION, _OFFSETS, _ROWS, _COUNTS, _TURN = 256, 257, 259, 273, 278, 279, 274
# what a strip needs besides its place and size: bits, compression, photometric, fill order, samples, planes, options
# of G3 and G4, predictor, colour map, extra samples, sample format, JPEG tables, YCbCr
_KEPT: Final = (_WIDTH, 258, _COMPRESSION, 262, 266, 277, 284, 292, 293, 317, 320, 338, 339, 347, 530, 532)
_PLANES, _OLD_JPEG, _THUMBNAIL = 284, 6, 254
_BYTES: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_ODD: Final = {"I": "32-bit whole numbers", "F": "fractions"}


class ScanError(ValueError):
    """A file that is no scan this program can read, or one too large for it; the message names the next step."""


class Page(ABC):
    """One page: `height` x `width` px at `dpi`, across and down, 0 where the file does not say."""

    height: int
    width: int
    dpi: tuple[float, float]

    @abstractmethod
    def rows(self, start: int, stop: int) -> UInt8:
        """Grey levels [stop - start, W]. ScanError for what cannot be decoded."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of what was decoded."""


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
        with _decoding(self.path):
            if self._image is None:
                with self.path.open("rb") as file:
                    self._image = self._decoded(file)
            return _grey_rows(self._image, start, stop)

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


@dataclass(eq=False)
class StripPage(Page):
    """A TIFF page of strips; `tags` are those each strip needs."""

    path: Path
    height: int
    width: int
    dpi: tuple[float, float]
    tags: TiffImagePlugin.ImageFileDirectory_v2
    strip_rows: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    _strips: dict[int, Image.Image] = field(default_factory=dict, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        wanted = range(start // self.strip_rows, -(-stop // self.strip_rows))
        self._strips = {number: kept for number, kept in self._strips.items() if number in wanted}
        parts = []
        with _decoding(self.path):
            for number in wanted:
                if number not in self._strips:
                    self._strips[number] = self._decoded(number)
                top, strip = number * self.strip_rows, self._strips[number]
                parts.append(_grey_rows(strip, max(start - top, 0), min(stop - top, strip.height)))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @override
    def forget(self) -> None:
        self._strips = {}

    def _decoded(self, number: int) -> Image.Image:
        with self.path.open("rb") as file:
            file.seek(self.offsets[number])
            raw = file.read(self.counts[number])
        height = min(self.strip_rows, self.height - number * self.strip_rows)
        image = Image.open(_as_file(self.tags, raw, height))
        image.load()
        return image


@dataclass(eq=False)
class TurnedPage(Page):
    """A page of strips that its orientation tag, 2 to 8, turns or mirrors."""

    page: StripPage
    turn: int
    height: int
    width: int
    dpi: tuple[float, float]
    _grey: UInt8 | None = field(default=None, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        if self._grey is None:
            self._grey = turned(self.page.rows(0, self.page.height), self.turn)
            self.page.forget()
        return self._grey[start:stop]

    @override
    def forget(self) -> None:
        self._grey = None


def turned(grey: UInt8, turn: int) -> UInt8:
    """[h,W] as orientation tag `turn`, 1 to 8, asks for."""
    if turn >= 5:  # the first row of the file is a column of the picture
        grey = grey.T
    mirrored, upended = turn in (2, 3, 6, 7), turn in (3, 4, 7, 8)
    return np.ascontiguousarray(grey[:: -1 if upended else 1, :: -1 if mirrored else 1])


def pages_of(path: Path) -> tuple[Page, ...]:
    """The pages of an image file in their order, nothing decoded yet. ScanError says what is wrong with one."""
    found: list[Page] = []
    with _decoding(path), path.open("rb") as file:
        image = Image.open(file)
        for number in range(getattr(image, "n_frames", 1) if image.format == "TIFF" else 1):
            if number:
                image.seek(number)
            if _tag(image, _THUMBNAIL, 0) & 1:
                continue  # a thumbnail of another page
            found.append(_page(path, image, number))
    return tuple(found)


def grey_of(image: Image.Image) -> UInt8:
    """Grey levels [H,W] of a decoded image. ScanError for values that have no known white."""
    if image.mode in _ODD:
        raise ScanError(f"expected 1, 8 or 16 bits a channel, got {_ODD[image.mode]}; save it as 8-bit grey")
    if image.mode.startswith("I;16"):
        return np.asarray(np.asarray(image) >> 8, np.uint8)
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    if image.mode not in ("L", "1"):
        image = image.convert("L")
    grey = np.asarray(image)
    return np.where(grey, np.uint8(255), np.uint8(0)) if grey.dtype == np.bool_ else np.asarray(grey, np.uint8)


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Errors of Pillow and libtiff as ScanError with the name of the file; Pillow's own limit of size off.

    This module has a limit that knows what a strip is, and checks it before anything is decoded.
    """
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    except ScanError as error:
        raise ScanError(f"{path}: {error}") from error
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError) as error:
        raise ScanError(
            f"{path}: expected a whole image, could not decode it ({error}); was the file cut short on its way? copy "
            "it again, or open it in an image viewer and save it anew"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _page(path: Path, image: Image.Image, number: int) -> Page:
    dpi = _dpi(image)
    bytes_a_pixel = 1 if image.format == "JPEG" and image.mode == "RGB" else _BYTES.get(image.mode, 4)
    tags: TiffImagePlugin.ImageFileDirectory_v2 | None = getattr(image, "tag_v2", None)
    strips = None if tags is None else _strips(path, tags, dpi)
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


def _strips(path: Path, tags: TiffImagePlugin.ImageFileDirectory_v2, dpi: tuple[float, float]) -> StripPage | None:
    """The page by its strips; None where it is not stored so. ScanError where strips lie beyond the end of the file."""
    if _OFFSETS not in tags or tags.get(_PLANES, 1) != 1 or tags.get(_COMPRESSION, 1) == _OLD_JPEG:
        return None
    height, width = int(tags[_LENGTH]), int(tags[_WIDTH])
    rows = min(int(tags.get(_ROWS, height)), height)
    offsets, counts = (tuple(int(it) for it in _many(tags.get(tag, ()))) for tag in (_OFFSETS, _COUNTS))
    needed = -(-height // max(rows, 1))
    size = path.stat().st_size
    whole = [offset + count <= size for offset, count in zip(offsets, counts, strict=False)]
    if min(rows, height, width) < 1 or not len(offsets) == len(counts) == needed or not all(whole):
        raise ScanError(
            f"expected {needed} strips of rows for {width} x {height} px within {size:,} bytes, got "
            f"{len(offsets)}, {sum(whole)} of them in the file; the file is cut short or damaged: copy it again"
        )
    return StripPage(path, height, width, dpi, tags, rows, offsets, counts)


def _as_file(tags: TiffImagePlugin.ImageFileDirectory_v2, raw: bytes, height: int) -> io.BytesIO:
    """One strip as a TIFF file of its own."""
    order = b"II*\0" if tags.prefix == b"II" else b"MM\0*"
    own = TiffImagePlugin.ImageFileDirectory_v2(ifh=order + b"\0\0\0\0")
    for tag in _KEPT:
        if tag in tags:
            own.tagtype[tag] = tags.tagtype[tag]
            own[tag] = tags[tag]
    for tag, value in ((_LENGTH, height), (_ROWS, height), (_OFFSETS, 0), (_COUNTS, len(raw))):
        own.tagtype[tag] = 4
        own[tag] = value
    file = io.BytesIO()
    own.save(file)  # moves the offset, 0, to behind the tags
    file.write(raw)
    file.seek(0)
    return file


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


def _grey_rows(image: Image.Image, start: int, stop: int) -> UInt8:
    return grey_of(image.crop((0, start, image.width, stop)))


def _turn(image: Image.Image) -> int:
    """The orientation tag, 1 where there is none; of a PNG, only one that stands before its pixels, so none is read."""
    return int(image.getexif().get(_TURN, 1)) if "exif" in image.info or image.format != "PNG" else 1


def _tag(image: Image.Image, tag: int, otherwise: int) -> int:
    tags = getattr(image, "tag_v2", None)
    return otherwise if tags is None else int(tags.get(tag, otherwise))


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
