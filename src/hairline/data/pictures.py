"""Reading a user's images and masks: PNG, TIFF (1-bit too), JPEG, to grey levels or values.

Conventions
    An image becomes grey uint8 [H,W], 0 black and 255 white: colours by their luma (ITU-R BT.601), 16 bits by their
    upper 8, transparency dropped. A mask keeps its values: uint8 or uint16 [H,W]; of one bit they are 0 and 255.
    A file that is cut short is unreadable, not half an image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from hairline.vocabulary import UInt8

Values = NDArray[np.uint8] | NDArray[np.uint16]
SUFFIXES: Final = (".png", ".tif", ".tiff", ".jpg", ".jpeg")


class PictureError(ValueError):
    """A file that is no image, or a mask whose values cannot be class values. The message is for a list of problems."""


def read_image(path: Path) -> UInt8:
    """Grey levels [H,W] as a viewer shows them (orientation tags obeyed). Raises PictureError."""
    return np.asarray(_decoded(path, cv2.IMREAD_GRAYSCALE), np.uint8)


def read_mask(path: Path) -> Values:
    """Values [H,W]. Raises PictureError for what cannot be read, for colours and for fractions."""
    mask = _decoded(path, cv2.IMREAD_UNCHANGED)
    if mask.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"expected a mask of 8 or 16 bits, got {mask.dtype}; save whole values")
    if mask.ndim == 3:
        colours = mask[..., :3] if mask.shape[2] > 2 else mask[..., :1]
        if (colours != colours[..., :1]).any():
            raise PictureError("expected a mask of one value a pixel, got colours; save class values in grey")
        mask = np.ascontiguousarray(mask[..., 0])
    return cast(Values, mask)


def resized(image: UInt8, shape: tuple[int, int]) -> UInt8:
    """An image at another size: cubic when it grows, mean over the area when it shrinks."""
    grows = shape[0] >= image.shape[0]
    way = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (shape[1], shape[0]), interpolation=way), np.uint8)


def _decoded(path: Path, how: int) -> NDArray[np.generic]:
    try:
        found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), how)
    except (OSError, cv2.error) as error:
        reason = error.strerror if isinstance(error, OSError) else "OpenCV refuses it"
        raise PictureError(f"cannot be read ({reason}); save it again as PNG") from error
    if found is None:
        raise PictureError("cannot be read: cut short, damaged or no image; save it again as PNG")
    return np.asarray(found)
