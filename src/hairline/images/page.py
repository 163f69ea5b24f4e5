"""What a page of a scan gives: grey rows, from whatever a file holds.

Conventions
    A page gives grey uint8 [h,W], 0 black and 255 white, as a viewer shows it: colours and CMYK by their luma (ITU-R
    BT.601), 16 bits by their upper 8, transparency over white paper, orientation tags obeyed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from hairline.vocabulary import UInt8

_ODD: Final = {"I": "32-bit whole numbers", "F": "fractions"}


class ScanError(ValueError):
    """A file that is no scan this program can read, or one too large for it; the message names the next step."""


@dataclass(frozen=True)
class Damage:
    """Rows `first_row` up to but without `last_row` of the scan, over all its pages, that could not be decoded.

    They lie on page `page`, counted from 1, and are read as white. `reason` is a phrase for a message.
    """

    first_row: int
    last_row: int
    page: int
    reason: str


class Page(ABC):
    """One page: `height` x `width` px at `dpi`, across and down, 0 where the file does not say.

    `damage` are the rows of the page that could not be decoded, by their reason, as far as they have been read.
    `notices` are sentences on how the page was read; each begins with what follows after "page 3".
    """

    height: int
    width: int
    dpi: tuple[float, float]

    @property
    def damage(self) -> tuple[tuple[int, int, str], ...]:
        """First row, row after the last, and reason of what was damaged, in order; known after it was read."""
        return ()

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user must know though the page could be read; known after it was read."""
        return ()

    @abstractmethod
    def rows(self, start: int, stop: int) -> UInt8:
        """Grey levels [stop - start, W]. ScanError for what cannot be decoded."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of what was decoded."""


def turned(grey: UInt8, turn: int) -> UInt8:
    """[h,W] as orientation tag `turn`, 1 to 8, asks for."""
    if turn >= 5:  # the first row of the file is a column of the picture
        grey = grey.T
    mirrored, upended = turn in (2, 3, 6, 7), turn in (3, 4, 7, 8)
    return np.ascontiguousarray(grey[:: -1 if upended else 1, :: -1 if mirrored else 1])


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


def grey_rows(image: Image.Image, start: int, stop: int) -> UInt8:
    """`grey_of` of the rows from `start` up to `stop` alone."""
    return grey_of(image.crop((0, start, image.width, stop)))


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Errors of Pillow and libtiff as ScanError with the name of the file; Pillow's own limit of size off.

    `pages.py` has a limit that knows what a strip is, and checks it before anything is decoded.
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
