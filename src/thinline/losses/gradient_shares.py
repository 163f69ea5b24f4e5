"""Shares of a sum as the ratio of the gradients of its terms, in place of a factor of their values.

    g_i = gradient of term i by the logits of the batch,  |g_i| = the L2 norm over all pixels and channels
    G   = sum_i share_i R g_i / |g_i|,   R = sum_j share_j |g_j| / sum_j share_j

G is the gradient of the sum: every term pulls with the norm share_i R, whatever weights or scale it has. R is the mean
norm, so that the sum pulls about as hard as with fixed factors. A term without gradient (no class of the batch has
truth) is left out. The value is sum_i share_i R / |g_i| L_i. Its factors change from batch to batch, so values of
different steps cannot be compared.

Why: a class weight with `scale: kept` divides a pixel loss by the sum of the weights of the pixels, and a region loss
by that of the classes, so it changes the ratio of both many times (docs/reference/factors.md). With fixed shares, a
comparison of weights is then one of shares as well. Here the ratio is held at every weight. The gradients are those of
the batch itself, so there is no state that a continued run would have to restore.

Related: GradNorm (Chen, Badrinarayanan, Lee and Rabinovich, ICML 2018) learns such factors, from norms on shared
weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SHARES_OF: Final = ("value", "gradient")
"""What the shares of a sum multiply: the values of its terms, or their gradients of equal norm."""


def combined(terms: Sequence[tuple[float, Tensor]], logits: Tensor) -> tuple[Tensor, Tensor]:
    """Value and gradient G of the sum of `terms` (share, value), by the `logits` that they were computed from."""
    shares = torch.tensor([share for share, _ in terms], dtype=logits.dtype, device=logits.device)
    gradients = [
        torch.autograd.grad(value, logits, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for _, value in terms
    ]
    norms = torch.stack([gradient.norm() for gradient in gradients])
    mean = (shares * norms).sum() / shares.sum()
    factors = torch.where(norms > 0, shares * mean / norms.clamp_min(torch.finfo(norms.dtype).tiny), 0)
    value = (factors * torch.stack([value.detach() for _, value in terms])).sum()
    gradient = torch.zeros_like(logits)
    for factor, one in zip(factors, gradients, strict=True):
        gradient = torch.addcmul(gradient, one, factor)
    return value, gradient


class WithGradient(torch.autograd.Function):
    """`apply(logits, value, gradient)` is `value`, with `gradient` as the gradient by `logits`."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, value: Tensor, gradient: Tensor) -> Tensor:
        """The value."""
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """The given gradient."""
        (gradient,) = ctx.saved_tensors
        return gradient * grad, None, None
