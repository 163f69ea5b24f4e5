"""Batches of tensors from cached sheets, and the check of an image against its mask.

Conventions
    An image becomes float32 **darkness**: 0 is white paper (grey 255), 1 is black (grey 0), so that the zero padding of
    a convolution is paper and not a black frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thinline.data.cached_maps import CachedMaps
from thinline.data.cached_sheets import CachedSheets
from thinline.vocabulary import IGNORE, Int64, UInt8


class Batch(NamedTuple):
    """Contiguous tensors of one step.

    `image` float32 [B,1,H,W] darkness 0..1; `labels` int64 [B,H,W], 255 = ignore; `strokes` bool [B,K,H,W]; `index`
    int64 [B], the number of the unique sheet; `maps` by name [B,c,H,W] uint8 or float16, the truth maps of the loss, or
    None.
    """

    image: Tensor
    labels: Tensor
    strokes: Tensor
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which is not used
    maps: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class Window:
    """Part of a sheet: top left corner and size in pixels; `flip` mirrors it left to right."""

    row: int
    column: int
    height: int
    width: int
    flip: bool = False

    def copy(self, plane: NDArray[Any], out: NDArray[Any]) -> None:
        """Copy the part of one plane [H,W] into `out [height,width]`, contiguous."""
        part = plane[self.row : self.row + self.height, self.column : self.column + self.width]
        if self.flip:
            cv2.flip(part, 1, out)  # ten times faster than copying a view with a step of -1
        else:
            out[:] = part


def darkness_of(image: Tensor) -> Tensor:
    """Grey levels uint8 [...] to darkness float32 [...], 0 white to 1 black."""
    return image.float().mul_(-1 / 255).add_(1.0)


def batch_of(
    sheets: CachedSheets,
    indices: Sequence[int] | Int64,
    windows: Sequence[Window] | None = None,
    *,
    maps: Mapping[str, CachedMaps] | None = None,
) -> Batch:
    """The sheets `indices [B]` as a batch, of sheet b the part `windows[b]`; None takes whole sheets.

    `maps` of the same sheets are cut and flipped with them.

    Raises ValueError for windows of different sizes or beyond their sheet, and for whole sheets of different sizes.
    """
    count = len(indices)
    frames = [whole(sheets, index) for index in indices] if windows is None else windows
    _check_inside(sheets, indices, frames)
    size = (frames[0].height, frames[0].width)
    planes = np.empty((3, count, *size), dtype=np.uint8)
    for row, (index, frame) in enumerate(zip(indices, frames, strict=True)):
        for plane, source in enumerate((sheets.images, sheets.labels, sheets.strokes)):
            frame.copy(source[index], planes[plane, row])
    strokes = np.empty((count, sheets.curves, *size), dtype=np.bool_)
    for bit in range(sheets.curves):
        if sheets.crossing:
            np.not_equal(planes[2] & np.uint8(1 << bit), 0, out=strokes[:, bit])
        else:
            np.equal(planes[1], bit + 1, out=strokes[:, bit])
    return Batch(
        image=darkness_of(torch.from_numpy(planes[0])).unsqueeze(1),
        labels=torch.from_numpy(planes[1]).long(),
        strokes=torch.from_numpy(strokes),
        index=torch.from_numpy(np.array(indices, dtype=np.int64)),
        maps={name: _cut(cached, indices, frames) for name, cached in maps.items()} if maps else None,
    )


def _cut(maps: CachedMaps, indices: Sequence[int] | Int64, frames: Sequence[Window]) -> Tensor:
    """The part of each map in its window, `[B,c,H,W]`."""
    first = maps.planes[indices[0]]
    out = np.empty((len(frames), len(first), frames[0].height, frames[0].width), first.dtype)
    bits = np.dtype(f"i{out.itemsize}")  # OpenCV flips integers of any width, but no float16
    for row, (index, frame) in enumerate(zip(indices, frames, strict=True)):
        for plane, cut in zip(maps.planes[index].view(bits), out[row].view(bits), strict=True):
            frame.copy(plane, cut)
    return torch.from_numpy(out)


def whole(sheets: CachedSheets, index: int) -> Window:
    """The window of the whole sheet `index`."""
    return Window(0, 0, *sheets.images[index].shape)


def pair(image: UInt8, mask: UInt8, *, classes: int) -> tuple[UInt8, UInt8]:
    """An image and its mask of class ids, checked: uint8 [H,W] each, ids 0..classes-1 or 255.

    Raises TypeError for another dtype, ValueError for other dimensions, different sizes or unknown ids.
    """
    for name, array in (("image", image), ("mask", mask)):
        if array.dtype != np.uint8:
            raise TypeError(
                f"`{name}` must be uint8, got {array.dtype}; convert it, scaled to 0..255 if it is an image"
            )
        if array.ndim != 2:
            raise ValueError(f"`{name}` must be [H,W], got shape {array.shape}; turn colours to grey, drop channels")
    if image.shape != mask.shape:
        raise ValueError(
            f"`image` and `mask` must have one size, got {image.shape} and {mask.shape}; was one of them resized?"
        )
    ids = np.flatnonzero(np.bincount(mask.reshape(-1), minlength=256)).tolist()
    unknown = [number for number in ids if number >= classes and number != IGNORE]
    if unknown:
        raise ValueError(
            f"`mask` must hold ids 0..{classes - 1} or {IGNORE}, got {unknown[:10]}; "
            "was the mask drawn with another vocabulary, or is it a picture of the mask?"
        )
    return image, mask


def _check_inside(sheets: CachedSheets, indices: Sequence[int] | Int64, frames: Sequence[Window]) -> None:
    if len(indices) == 0 or len(frames) != len(indices):
        raise ValueError(
            f"a batch needs one window for each sheet and a sheet or more, got {len(frames)} for {len(indices)}"
        )
    if len({(frame.height, frame.width) for frame in frames}) > 1:
        raise ValueError("`windows` of one batch must have one size, got several; cut them to the smallest")
    for index, frame in zip(indices, frames, strict=True):
        height, width = sheets.images[index].shape
        if frame.row < 0 or frame.column < 0 or frame.row + frame.height > height or frame.column + frame.width > width:
            raise ValueError(
                f"`windows` must lie on the sheet of {height} x {width} px, got {frame}; move or shrink it"
            )
