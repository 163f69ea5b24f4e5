"""Focal loss: cross-entropy with lower weights of well classified pixels.

    F = (1 - p_t)^gamma (-log p_t)

with p_t the probability of the truth: of the pixel's class for a softmax, of the binary decision for a sigmoid channel.
It is a function of n = -log p_t alone, since p_t = exp(-n), and so the same for every head; gamma = 0 is cross-entropy.
The alpha of the paper is a class weight: see `class_weight`.

Conventions: 1 - p_t is at least the epsilon of the dtype, because for gamma < 1 the gradient of a power is infinite at
0.

References
----------
Lin, Goyal, Girshick, He and Dollar, "Focal Loss for Dense Object Detection", ICCV 2017, equation 4.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def focal(nll: Tensor, *, gamma: float) -> Tensor:
    """Terms F of any shape from `nll` = -log p_t >= 0 of hard targets."""
    terms: Tensor = _Focal.apply(nll, gamma)
    return terms


class _Focal(torch.autograd.Function):
    """dF/dn = m^(gamma-1) (m + gamma p_t n) with m = 1 - p_t."""

    @staticmethod
    def forward(ctx: Any, nll: Tensor, gamma: float) -> Tensor:
        miss = nll.neg().exp_().neg_().add_(1).clamp_min_(torch.finfo(nll.dtype).eps)
        ctx.gamma = gamma
        ctx.save_for_backward(nll, miss)
        return miss.pow(gamma).mul_(nll)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        nll, miss = ctx.saved_tensors
        focus = (1 - miss).mul_(nll).mul_(ctx.gamma).add_(miss)
        return focus.mul_(miss.pow(ctx.gamma - 1)).mul_(grad), None


def checked_gamma(gamma: float) -> float:
    """`gamma`. Raises ValueError if it is negative or not finite."""
    if not (math.isfinite(gamma) and gamma >= 0):
        raise ValueError(f"`loss.gamma` must be finite and at least 0, got {gamma}; 0 is cross-entropy, 2 is usual")
    return gamma


class Focal(nn.Module):
    """`focal` as a module.

    Raises:
        ValueError: gamma negative or not finite.
    """

    name: ClassVar[str] = "focal"
    kind: ClassVar[Literal["pixel"]] = "pixel"
    smoothing: ClassVar[float] = 0.0

    def __init__(self, *, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = checked_gamma(gamma)

    def forward(self, nll: Tensor) -> Tensor:
        """Terms, one for each element of `nll`."""
        return focal(nll, gamma=self.gamma)
