"""What a page of an image file gives: grey rows, or the values of a mask, and what was wrong with it.

Conventions
    A page gives grey uint8 [h,W], 0 black and 255 white, as a viewer shows it (`grey.py`), orientation tags obeyed.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thinline.vocabulary import UInt8

Rows = tuple[tuple[int, int, str], ...]
"""First row, row after the last, and a phrase on them."""

_FAULTS: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError),
    *(RuntimeError, UserWarning, struct.error, zlib.error, cv2.error),
)
_DARK: Final = 0.5
_INK: Final = 128


class ScanError(ValueError):
    """A file that is no image this program can read, or one too large for it; the message names the next step."""


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
    """Page `number`, counted from 1: `height` x `width` px at `dpi`, across and down, 0 where the file does not say.

    `damage` are the rows of the page that could not be decoded, by their reason, as far as they have been read.
    `notices` are sentences on how the page was read; each begins with what follows after "page 3".
    """

    number: int
    height: int
    width: int
    dpi: tuple[float, float]

    @property
    def damage(self) -> Rows:
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
    def values(self) -> NDArray[Any]:
        """Whole numbers [H,W] of a mask, 0..65535. ScanError for damage, colours and fractions."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of what was decoded."""


def turned(grey: NDArray[Any], turn: int) -> NDArray[Any]:
    """[h,W] as orientation tag `turn`, 1 to 8, asks for."""
    if turn >= 5:  # the first row of the file is a column of the picture
        grey = grey.T
    mirrored, upended = turn in (2, 3, 6, 7), turn in (3, 4, 7, 8)
    return np.ascontiguousarray(grey[:: -1 if upended else 1, :: -1 if mirrored else 1])


@dataclass
class Tally:
    """How much of a page is dark; of each row once, in whatever order and how often rows are read."""

    dark: NDArray[np.float32] | None = None

    def add(self, first: int, grey: UInt8, height: int) -> None:
        """Count rows `first` and below of a page of `height` rows."""
        if self.dark is None:
            self.dark = np.full(height, np.nan, np.float32)
        self.dark[first : first + len(grey)] = (grey < _INK).mean(axis=1)

    def notices(self) -> tuple[str, ...]:
        """What is odd about the rows counted so far."""
        known = self.dark[np.isfinite(self.dark)] if self.dark is not None else ()
        share = float(np.mean(known)) if len(known) else 0.0
        if share <= _DARK:
            return ()
        return (f"is mostly dark ({share:.0%} of its pixels): black and white may be exchanged in its header",)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Errors of Pillow and libtiff as ScanError with the name of the file; Pillow's own limit of size off.

    `pages.py` has a limit that knows what a strip is, and checks it before anything is decoded.
    """
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", module="PIL")
            yield
    except ScanError as error:
        raise ScanError(f"{path}: {error}") from error
    except _FAULTS as error:
        raise ScanError(
            f"{path}: expected a whole image, could not decode it ({error}); was the file cut short on its way? copy "
            "it again, or open it in an image viewer and save it anew"
        ) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before
