"""The three soft areas that region losses are made of, summed over the whole batch.

    hits_c      = sum p_c t_c        inside prediction and truth
    predicted_c = sum p_c
    truth_c     = sum t_c

over batch, rows and columns, with no squares, in at least float32 (a float16 sum overflows at 65,504). The gradient is
closed: d hits / dp = t, d predicted / dp = 1; one pass over the pixels however the areas are combined afterwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Overlap(NamedTuple):
    """Soft areas in pixels, each `[c]`."""

    hits: Tensor
    predicted: Tensor
    truth: Tensor


def overlap(probabilities: Tensor, targets: Tensor) -> Overlap:
    """Soft areas of `probabilities [B,c,H,W]` and float `targets [B,c,H,W]`."""
    return Overlap(*_Overlap.apply(probabilities, targets))


class _Overlap(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(targets)
        pixels = (0, 2, 3)
        areas = ((probabilities * targets).sum(pixels), probabilities.sum(pixels), targets.sum(pixels))
        ctx.mark_non_differentiable(areas[2])
        return areas

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, hits: Tensor, predicted: Tensor, _truth: Tensor) -> tuple[Tensor, None]:
        (targets,) = ctx.saved_tensors
        return (targets * hits.view(1, -1, 1, 1)).add_(predicted.view(1, -1, 1, 1)), None
