"""Pixels of a batch on a truth map, for losses that read only these; support, no loss. On a CPU.

A curve covers a few percent of a sheet, so a loss of the pixels on a map of curves takes a fraction of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from thinline.system.numba_kernels import call, vector_kernel

_BLOCK = 1024  # pixels; eight that are on no map are skipped at once


def pixels_on(maps: Tensor) -> Tensor:
    """Pixels `[P]` where any channel of CPU `maps [B,c,H,W]` is not 0, numbered as in `[B,H,W]`; int64, ascending."""
    marks = (maps if maps.dtype == torch.uint8 else maps != 0).view(torch.uint8).contiguous().flatten(2).numpy()
    out = np.empty(marks.shape[0] * marks.shape[2] + 1, np.int64)
    return torch.from_numpy(out[: call(_on, marks, out)].copy())


def picked_pixels(image: Tensor, on: Tensor) -> Tensor:
    """The pixels `on [P]` of `image [B,c,H,W]`, numbered as by `pixels_on`: `[1,c,1,P]`."""
    picked: Tensor = _Picked.apply(image, on)
    return picked


class _Picked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, on: Tensor) -> Tensor:
        channels, pixels = image.shape[1], image.shape[2] * image.shape[3]
        first = on + on.div(max(pixels, 1), rounding_mode="floor") * (channels - 1) * pixels
        index = (first + pixels * torch.arange(channels, device=on.device)[:, None]).flatten()
        ctx.save_for_backward(index)
        ctx.shape = image.shape
        return image.reshape(-1).index_select(0, index).view(1, channels, 1, -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        flat = grad.new_zeros(ctx.shape.numel())  # not put_, which torch refuses in the deterministic mode of a run
        return flat.scatter_(0, index, grad.flatten()).view(ctx.shape), None


@vector_kernel
def _on(marks, out):  # type: ignore[no-untyped-def]
    """Write the pixels where any channel of `marks` [B,c,N] uint8 is not 0 to `out`; return their number."""
    sheets, channels, pixels = marks.shape
    several, mark = 0, np.zeros(_BLOCK, np.uint8)
    words = mark.view(np.uint64)
    for sheet in range(sheets):
        for start in range(0, pixels, _BLOCK):
            for i in range(_BLOCK):
                mark[i] = 0
            for channel in range(channels):
                block = marks[sheet, channel, start : start + _BLOCK]
                for i in range(len(block)):
                    mark[i] |= block[i]
            for word in range(len(words)):
                if words[word] != 0:
                    for i in range(8 * word, 8 * word + 8):
                        out[several] = sheet * pixels + start + i
                        several += int(mark[i] != 0)
    return several
