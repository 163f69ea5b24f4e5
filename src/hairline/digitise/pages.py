"""Pages of a scan: grey rows of one page, decoded as far as its file allows and no further.

Conventions
    A page gives grey uint8 [h,W], 0 black and 255 white, as a viewer shows it: colours and CMYK by their luma (ITU-R
    BT.601), 16 bits by their upper 8, transparency over white paper, orientation tags obeyed.
    A page of **strips** (a TIFF that is stored by rows) is decoded strip by strip: each is handed to Pillow as a TIFF
    of its own, and only those that hold the rows asked for are held. Everything else (PNG, JPEG, a TIFF in tiles or
    turned by its orientation tag) is decoded **whole**.
    What is decoded at once is known from the header and refused above `MOST_BYTES` before any of it is allocated:
    1 byte a pixel for 1-bit and grey, 2 for 16 bits, 4 for colour, CMYK and transparency.

References
    TIFF revision 6.0 (Adobe, 1992).
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin
from typing_extensions import override

from hairline.vocabulary import UInt8

MOST_BYTES: Final = 1 << 30
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
    """One page: `height` x `width` px at `dpi` (0 where the file does not say)."""

    height: int
    width: int
    dpi: float

    @abstractmethod
    def rows(self, start: int, stop: int) -> UInt8:
        """Grey levels [stop - start, W]. ScanError for what cannot be decoded."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of what was decoded."""


@dataclass(eq=False)
class WholePage(Page):
    """A page that is decoded in one piece, and kept until it is told to forget."""

    path: Path
    number: int
    height: int
    width: int
    dpi: float
    _grey: UInt8 | None = field(default=None, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        if self._grey is None:
            with opened(self.path) as image, _decoding(self.path):
                image.seek(self.number)
                image.draft("L", image.size)  # a JPEG then decodes to grey at once
                image.load()
                self._grey = grey_of(ImageOps.exif_transpose(image))
        return self._grey[start:stop]

    @override
    def forget(self) -> None:
        self._grey = None


@dataclass(eq=False)
class StripPage(Page):
    """A TIFF page of strips; `tags` are those each strip needs."""

    path: Path
    height: int
    width: int
    dpi: float
    tags: TiffImagePlugin.ImageFileDirectory_v2
    strip_rows: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    _strips: dict[int, UInt8] = field(default_factory=dict, repr=False)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        wanted = range(start // self.strip_rows, -(-stop // self.strip_rows))
        self._strips = {number: kept for number, kept in self._strips.items() if number in wanted}
        for number in wanted:
            if number not in self._strips:
                self._strips[number] = self._decoded(number)
        joined = [self._strips[number] for number in wanted]
        first = wanted[0] * self.strip_rows
        together = joined[0] if len(joined) == 1 else np.concatenate(joined)
        return together[start - first : stop - first]

    @override
    def forget(self) -> None:
        self._strips = {}

    def _decoded(self, number: int) -> UInt8:
        with self.path.open("rb") as file:
            file.seek(self.offsets[number])
            raw = file.read(self.counts[number])
        height = min(self.strip_rows, self.height - number * self.strip_rows)
        with _decoding(self.path), opened(_as_file(self.tags, raw, height)) as image:
            image.load()
            return grey_of(image)


def pages_of(path: Path) -> tuple[Page, ...]:
    """The pages of an image file in their order, nothing decoded yet. ScanError says what is wrong with one."""
    found: list[Page] = []
    with _decoding(path), opened(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
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


class opened:
    """An image file open, its own size limit off: this module has one that also knows what a strip is."""

    def __init__(self, source: Path | io.BytesIO) -> None:
        self.source = source

    def __enter__(self) -> Image.Image:
        self.limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            self.image: Image.Image = Image.open(self.source)
        except BaseException:
            Image.MAX_IMAGE_PIXELS = self.limit
            raise
        return self.image

    def __exit__(self, *_: object) -> None:
        Image.MAX_IMAGE_PIXELS = self.limit
        self.image.close()


class _decoding:
    """Errors of Pillow and libtiff as ScanError with the name of the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ScanError):
            if str(self.path) in str(error):
                return
            raise ScanError(f"{self.path}: {error}") from error
        if isinstance(error, (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError)):
            raise ScanError(
                f"{self.path}: expected a whole image, could not decode it ({error}); was the file cut short on its "
                "way? copy it again, or open it in an image viewer and save it anew"
            ) from error


def _page(path: Path, image: Image.Image, number: int) -> Page:
    dpi = _dpi(image)
    bytes_a_pixel = 1 if image.format == "JPEG" and image.mode == "RGB" else _BYTES.get(image.mode, 4)
    tags = getattr(image, "tag_v2", None)
    if tags is not None and tags.get(_TURN, 1) == 1:
        strips = _strips(path, tags, dpi)
        if strips is not None:
            _demand_room(path, min(strips.strip_rows, strips.height), strips.width, bytes_a_pixel)
            return strips
    width, height = image.size
    if image.getexif().get(_TURN, 1) >= 5 and tags is None:
        width, height = height, width  # of a TIFF, Pillow has turned the size already
    _demand_room(path, height, width, bytes_a_pixel)
    return WholePage(path, number, height, width, dpi)


def _strips(path: Path, tags: TiffImagePlugin.ImageFileDirectory_v2, dpi: float) -> StripPage | None:
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
            f"{path}: expected {needed} strips of rows for {width} x {height} px within {size:,} bytes, got "
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


def _demand_room(path: Path, height: int, width: int, bytes_a_pixel: int) -> None:
    needed = height * width * bytes_a_pixel
    if needed > MOST_BYTES:
        raise ScanError(
            f"{path}: at most {MOST_BYTES:,} bytes may be decoded at once, got {width:,} x {height:,} px of "
            f"{bytes_a_pixel} bytes that can only be decoded together ({needed:,}); save it as a 1-bit or grey TIFF in "
            "strips of some hundred rows, or cut it into pages"
        )


def _dpi(image: Image.Image) -> float:
    """Dots per inch down the page, 0 where the file does not say or says nonsense."""
    found = image.info.get("dpi", (0.0, 0.0))
    try:
        dpi = float(found[1])
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return 0.0
    return dpi if 20 <= dpi <= 4800 else 0.0


def _tag(image: Image.Image, tag: int, otherwise: int) -> int:
    tags = getattr(image, "tag_v2", None)
    return otherwise if tags is None else int(tags.get(tag, otherwise))


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
