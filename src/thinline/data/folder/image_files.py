"""Read a user's images and masks from PNG, TIFF and JPEG as grey levels or mask values.

Conventions
    An image becomes grey uint8 [H,W], 0 black and 255 white, as `thinline.images` reads a scan: 12 and 16 bits are
    scaled by the range they use, transparent paper is white, orientation tags apply to images and masks. A mask keeps
    its values, uint8 or uint16 [H,W]: 1, 2 and 4 bits are scaled to 0..255; a palette of greys gives the greys, another
    palette the indices; if only the transparency varies it is the value. Damaged, truncated and multi-page files raise
    an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.images import Page, ScanError, pages_of
from thinline.vocabulary import UInt8

Values = NDArray[np.uint8] | NDArray[np.uint16]
SUFFIXES: Final = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
_MM_PER_INCH: Final = 25.4


class PictureError(ValueError):
    """A file that is no image, or no mask. The message is one line of a list of problems."""


def read_image(path: Path) -> UInt8:
    """Grey levels [H,W] of an image. Raises PictureError."""
    page = _page(path)
    try:
        grey = page.rows(0, page.height)
    except ScanError as error:
        raise _unreadable(path, error) from error
    if page.damage:
        first, last, reason = page.damage[0]
        raise PictureError(f"cannot be read: rows {first} to {last - 1} are damaged ({reason}); copy it again")
    return np.ascontiguousarray(grey)


def image_px_per_mm(path: Path) -> float | None:
    """The resolution in an image file, the smaller of both directions; None without one. Raises PictureError."""
    dpi = min(_page(path).dpi)
    return dpi / _MM_PER_INCH if dpi > 0 else None


def read_mask(path: Path) -> Values:
    """Values [H,W] of a mask. Raises PictureError for unreadable files, colours and fractions."""
    page = _page(path)
    try:
        return cast(Values, page.values())
    except ScanError as error:
        raise _unreadable(path, error) from error


def resized(image: UInt8, shape: tuple[int, int]) -> UInt8:
    """The image at another size: cubic interpolation if larger, mean over the area if smaller."""
    method = cv2.INTER_CUBIC if shape[0] >= image.shape[0] else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=method), np.uint8)


def _page(path: Path) -> Page:
    """The one page of a file."""
    try:
        opened = pages_of(path, training=True)
    except ScanError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.strerror:
            raise PictureError(f"cannot be read ({cause.strerror}); save it again as PNG") from error
        raise _unreadable(path, error) from error
    if len(opened.pages) != 1:
        raise PictureError(f"expected one page, got {len(opened.pages)} pages; save each page as a file of its own")
    return opened.pages[0]


def _unreadable(path: Path, error: ScanError) -> PictureError:
    return PictureError(f"cannot be read: {str(error).removeprefix(f'{path}: ')}")
