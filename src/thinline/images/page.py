"""The interface of a page of an image file, errors and damage, and pages that their orientation tag turns.

Conventions
    A page gives grey uint8 [h,W], 0 black and 255 white (grey.py), after its orientation tag is applied.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import override

from thinline.vocabulary import UInt8

Rows = tuple[tuple[int, int, str], ...]
"""(first row, row after the last, reason) of damaged stretches of rows."""

Samples = NDArray[Any]
"""Numbers of pixels, [h,W,samples] or [h,W]."""

_FAULTS: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError),
    *(RuntimeError, UserWarning, struct.error, zlib.error, cv2.error),
)
_DARK: Final = 0.5
_INK: Final = 128


class ScanError(ValueError):
    """A file that cannot be read as an image, or is too large; the message names the next step."""


@dataclass(frozen=True)
class Damage:
    """Rows `first_row`..`last_row - 1` of the scan (all pages together) that could not be decoded and are white.

    They lie on page `page`, counted from 1. `reason` is a phrase for a message.
    """

    first_row: int
    last_row: int
    page: int
    reason: str


class Page(ABC):
    """Page `number`, counted from 1, of `height` x `width` px at `dpi` (across, down; 0 if the file does not state it).

    `damage` and `notices` are complete after all rows were read.
    """

    number: int
    height: int
    width: int
    dpi: tuple[float, float]

    @property
    def damage(self) -> Rows:
        """Rows that could not be decoded, as far as they have been read, in order."""
        return ()

    @property
    def notices(self) -> tuple[str, ...]:
        """Remarks on how the page was read; each continues a sentence that begins with "page 3"."""
        return ()

    @abstractmethod
    def rows(self, start: int, stop: int) -> UInt8:
        """Grey levels [stop - start, W] of rows; damaged rows are white. ScanError if nothing can be decoded."""

    @abstractmethod
    def values(self) -> Samples:
        """Values [H,W] of a mask, whole numbers 0..65535. ScanError for damage, colours and fractions."""

    @abstractmethod
    def forget(self) -> None:
        """Release the decoded pixels."""


def turned(grey: NDArray[Any], turn: int) -> NDArray[Any]:
    """`grey [h,W]` with orientation tag `turn`, 1 to 8, applied."""
    if turn >= 5:  # rows of the file are columns of the picture
        grey = grey.T
    mirrored, upended = turn in (2, 3, 6, 7), turn in (3, 4, 7, 8)
    return np.ascontiguousarray(grey[:: -1 if upended else 1, :: -1 if mirrored else 1])


@dataclass(eq=False)
class TurnedPage(Page):
    """`page` with its orientation tag `turn`, 2 to 8, applied; it is decoded as a whole."""

    page: Page
    turn: int
    _grey: UInt8 | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        page, self.number = self.page, self.page.number
        self.height, self.width, self.dpi = page.height, page.width, page.dpi
        if self.turn >= 5:
            self.height, self.width, self.dpi = page.width, page.height, page.dpi[::-1]

    @property
    @override
    def damage(self) -> Rows:
        damage = self.page.damage
        if not damage or self.turn in (1, 2):
            return damage
        if self.turn >= 5:  # damaged rows of the file are columns of the picture, so no row is whole
            return ((0, self.height, damage[0][2]),)
        return tuple((self.height - last, self.height - first, reason) for first, last, reason in reversed(damage))

    @property
    @override
    def notices(self) -> tuple[str, ...]:
        return (f"was turned or mirrored by its orientation tag ({self.turn})", *self.page.notices)

    @override
    def rows(self, start: int, stop: int) -> UInt8:
        if self._grey is None:
            self._grey = turned(self.page.rows(0, self.page.height), self.turn)
            self.page.forget()
        return self._grey[start:stop]

    @override
    def values(self) -> Samples:
        return np.ascontiguousarray(turned(self.page.values(), self.turn))

    @override
    def forget(self) -> None:
        self._grey = None
        self.page.forget()


@dataclass
class DarkRows:
    """The share of dark pixels of each row that was read."""

    dark: NDArray[np.float32] | None = None

    def add(self, first: int, grey: UInt8, height: int) -> None:
        """Record rows of a page of `height` rows, from row `first` on."""
        if self.dark is None:
            self.dark = np.full(height, np.nan, np.float32)
        self.dark[first : first + len(grey)] = (grey < _INK).mean(axis=1)

    def notices(self) -> tuple[str, ...]:
        """A notice if most pixels recorded so far are dark."""
        known = self.dark[np.isfinite(self.dark)] if self.dark is not None else ()
        share = float(np.mean(known)) if len(known) else 0.0
        if share <= _DARK:
            return ()
        return (f"is mostly dark ({share:.0%} of its pixels): black and white may be exchanged in its header",)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Convert errors of the libraries to ScanError with the name of the file, and switch off Pillow's size limit.

    `pages.py` checks the size before anything is decoded.
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
