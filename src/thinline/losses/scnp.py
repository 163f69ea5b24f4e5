"""Same-class neighbour penalisation (SCNP): each pixel is punished for its worst neighbour, under any loss.

    z~_p = min of z over the pixels of N(p) inside the class    if p is inside
    z~_p = max of z over the pixels of N(p) outside the class   if p is outside

for each channel by itself, with z the logits, N(p) the 3x3 window around p (p among them), and inside/outside from the
hard targets of the head. The loss, with probabilities, weights and smoothing, is computed from z~ in place of z, so the
gradient of a pixel goes to the logit of its worst neighbour. Only training does this: predictions use z.

Conventions: ignored pixels and what is beyond the tile are in no window; an ignored pixel keeps its logit. Of equal
logits the first in reading order gets the gradient. A prior of logit adjustment is a constant of each channel, so its
order with the pooling does not matter. All terms of a sum see z~.

Two implementations: on the CPU a compiled kernel, elsewhere (and in the tests) two max-poolings in torch.

References
----------
Valverde, Papadopoulos, Larsen and Dahl, "Towards high-quality image segmentation: improving topology accuracy by
penalizing neighbor pixels", CVPR 2026, arXiv 2603.18671.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from thinline.system.numba_kernels import call_in_parts, kernel

POOLINGS: Final = ("none", "scnp")
"""What an objective may do with the logits before the loss."""


def scnp(logits: Tensor, targets: Tensor, valid: Tensor | None) -> Tensor:
    """z~ of `logits`, `[B,c,H,W]` float32 or float64 as they are, with hard `targets` of that shape.

    `valid [B,1,H,W]` bool is false at ignored pixels, None if there are none.
    """
    if logits.numel() == 0 or logits.device.type != "cpu":
        return by_pooling(logits, targets, valid)
    side = (targets > 0.5).to(torch.uint8)
    if valid is not None:
        side = side.masked_fill(~valid, 2)
    pooled: Tensor = _Worst.apply(logits, side)
    return pooled


def by_pooling(logits: Tensor, targets: Tensor, valid: Tensor | None) -> Tensor:
    """z~ by max-poolings, on any device."""
    if logits.numel() == 0:
        return logits * 0
    inside = targets > 0.5
    counted = torch.ones_like(inside) if valid is None else valid.expand_as(inside)
    low = -F.max_pool2d((-logits).masked_fill(~(inside & counted), -torch.inf), 3, 1, 1)
    high = F.max_pool2d(logits.masked_fill(inside | ~counted, -torch.inf), 3, 1, 1)
    return torch.where(counted, torch.where(inside, low, high), logits)


class _Worst(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, side: Tensor) -> Tensor:
        planes = logits.detach().contiguous()
        pooled = torch.empty_like(planes)
        ctx.step = np.empty((planes.shape[0] * planes.shape[1], *planes.shape[2:]), np.int8)
        flat = (tensor.contiguous().flatten(0, 1).numpy() for tensor in (planes, side, pooled))
        call_in_parts(_pool, (*flat, ctx.step), threads=torch.get_num_threads())
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        slope = torch.zeros_like(grad, memory_format=torch.contiguous_format)
        grads, slopes = (tensor.flatten(0, 1).numpy() for tensor in (grad.contiguous(), slope))
        call_in_parts(_back, (grads, ctx.step, slopes), threads=torch.get_num_threads())
        return slope, None


@kernel
def _pool(planes, sides, pooled, steps):  # type: ignore[no-untyped-def]
    """Write z~ of `planes [N,H,W]` into `pooled`, and into `steps` which pixel of the window, 0..8, it comes from.

    `sides` are 0 outside, 1 inside, 2 ignored. The inner loops run over a row of a frame, so that they vectorise.
    """
    count, rows, columns = planes.shape
    bad = np.empty((rows + 2, columns + 2), planes.dtype)  # the larger, the worse
    side = np.empty((rows + 2, columns + 2), planes.dtype)
    worst = np.empty(columns, planes.dtype)
    step = np.empty(columns, planes.dtype)
    nothing = planes.dtype.type(-np.inf)
    for n in range(count):
        bad[:] = nothing
        side[:] = 2
        for r in range(rows):
            for c in range(columns):
                z, s = planes[n, r, c], sides[n, r, c]
                side[r + 1, c + 1] = s
                bad[r + 1, c + 1] = nothing if s == 2 else (-z if s == 1 else z)
        for r in range(rows):
            worst[:] = nothing
            step[:] = 4
            own = side[r + 1]
            for k in range(9):
                other, values, shift = side[r + k // 3], bad[r + k // 3], k % 3
                for c in range(columns):
                    worse = (other[c + shift] == own[c + 1]) & (values[c + shift] > worst[c])
                    worst[c] = values[c + shift] if worse else worst[c]
                    step[c] = k if worse else step[c]
            for c in range(columns):
                s = sides[n, r, c]
                pooled[n, r, c] = planes[n, r, c] if s == 2 else (-worst[c] if s == 1 else worst[c])
                steps[n, r, c] = np.int8(step[c])


@kernel
def _back(grads, steps, slopes):  # type: ignore[no-untyped-def]
    """Add the gradient of each pixel to that of the pixel it comes from; `slopes` begins with 0."""
    columns = grads.shape[2]
    offsets = np.array([row * columns + column for row in (-1, 0, 1) for column in (-1, 0, 1)])
    flat, step, out = grads.reshape(-1), steps.reshape(-1), slopes.reshape(-1)
    for i in range(len(flat)):
        out[i + offsets[step[i]]] += flat[i]
