"""Read one image with its mask as they are trained on: checked, of one size, trimmed, at the scale of the folder.

A problem is a `PictureError` whose message is one line of a list of problems.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from thinline.data.folder.image_files import PictureError, read_image, read_mask, resized
from thinline.data.folder.keys import Folder
from thinline.data.folder.scaling import scaled_image, scaled_labels
from thinline.vocabulary import IGNORE, UInt8

Stamps = tuple[tuple[str, int, int], ...]

_VALUES_SHOWN: Final = 5
_SKEWED: Final = 0.01  # by how much the proportions of an image and of its mask may differ where it is resized


def stamps_of(*files: Path) -> Stamps:
    """Name, size and time of files; the name alone of a file without status."""
    stamps: list[tuple[str, int, int]] = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            stamps.append((str(path), 0, 0))
        else:
            stamps.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(stamps)


@lru_cache(maxsize=1)  # pieces of one image are rendered in a row
def read_pair(folder: Folder, image: Path, mask: Path, stamps: Stamps) -> tuple[UInt8, UInt8, str]:
    """Grey levels and labels [H,W] as they are trained on, and the digest of the image as it was read.

    `stamps` of the files are part of the cache key, so that a changed file is read again.
    """
    grey = _with_path(image, read_image)
    labels, unknown = folder.class_map.labels(_with_path(mask, read_mask))
    if unknown:
        raise PictureError(f"{mask}: {_outside(unknown, mask.suffix)} (the map is {folder.class_map})")
    pixels = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()
    if grey.shape != labels.shape:
        grey = _fitted(folder, image, grey, labels)
    labels = _trimmed(labels, folder.margin_px)
    if folder.scale != 1:
        grey, labels = scaled_image(grey, folder.scale), scaled_labels(labels, folder.scale)
    if (labels == IGNORE).all():
        margin = f" or lies in the margin of {folder.margin_px} px" if folder.margin_px else ""
        raise PictureError(f"{mask}: no pixel is counted, each is `ignore` in class_map{margin}; leave the image out")
    if not folder.allow_empty and not ((labels > 0) & (labels != IGNORE)).any():
        raise PictureError(f"{mask}: the mask is empty, nothing but background; allow_empty=true lets it pass")
    return 255 - grey if folder.invert else grey, labels, pixels


def _with_path(path: Path, read: Callable[[Path], Any]) -> Any:
    """The result of `read`; its error with the path of the file in front."""
    try:
        return read(path)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def _outside(unknown: Mapping[int, int], suffix: str) -> str:
    """Values outside the class map with their number of pixels, and advice."""
    values = [f"{value} ({pixels:,} px)" for value, pixels in unknown.items()]
    listed = ", ".join(values[:_VALUES_SHOWN])
    if len(values) > _VALUES_SHOWN:
        listed += f" and {len(values) - _VALUES_SHOWN} other values ({sum(unknown.values()):,} px in all)"
    if suffix.lower() in (".jpg", ".jpeg"):
        advice = "JPEG changes values at edges: save masks as PNG, or map ranges as 0-127"
    else:
        advice = "add them to data_mix.class_map, as ranges (0-127) where edges are soft, or correct the mask"
    return f"values {listed} are outside data_mix.class_map; {advice}"


def _fitted(folder: Folder, path: Path, grey: UInt8, labels: UInt8) -> UInt8:
    """The image at the size of its mask, if that is allowed and keeps its proportions."""
    sizes = f"{path}: {grey.shape[0]} x {grey.shape[1]} px, but its mask {labels.shape[0]} x {labels.shape[1]}"
    if not folder.resize_images:
        raise PictureError(f"{sizes}; resize_images=true resizes the image")
    height, width = (new / old for new, old in zip(labels.shape, grey.shape, strict=True))
    if abs(height / width - 1) > _SKEWED:
        raise PictureError(f"{sizes}, of other proportions; was one of them cut or turned?")
    return resized(grey, (labels.shape[0], labels.shape[1]))


def _trimmed(labels: UInt8, margin: int) -> UInt8:
    """The labels with the pixels along the edges ignored."""
    if margin:
        labels[:margin] = labels[-margin:] = IGNORE
        labels[:, :margin] = labels[:, -margin:] = IGNORE
    return labels


def digest_of(image: UInt8, labels: UInt8) -> str:
    """SHA-256 of an image and its labels, as trained on."""
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes() + labels.tobytes()).hexdigest()
