"""Cross-entropy of logits with soft targets, softmax and sigmoid, with hand-written gradients p - t."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def softmax_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-sum_c t_c log softmax(z)_c, `[B,1,H,W]`, of `[B,C,H,W]` targets that sum to one, or to zero if ignored."""
    result: Tensor = _SoftmaxCrossEntropy.apply(logits, targets)
    return result


def sigmoid_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """-t log sigmoid(z) - (1-t) log(1 - sigmoid(z)), element by element."""
    result: Tensor = _SigmoidCrossEntropy.apply(logits, targets)
    return result


class _SoftmaxCrossEntropy(torch.autograd.Function):
    """log sum_c exp z_c - sum_c t_c z_c.

    The first part is z_m - log p_m at the most probable class m: p_m is at least 1/C, so the logarithm is safe. The
    gradient p - t is stored in the memory of p, and the rest is computed plane by plane, because allocating memory of
    the size of the logits costs more than the arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        p = logits.softmax(dim=1)
        z = logits.unbind(dim=1)
        nll = reduce(torch.maximum, z).sub_(reduce(torch.maximum, p.unbind(dim=1)).log_())
        for z_c, t_c in zip(z, targets.unbind(dim=1), strict=True):
            nll.addcmul_(z_c, t_c, value=-1)
        ctx.save_for_backward(p.sub_(targets))
        return nll[:, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * grad, None


class _SigmoidCrossEntropy(torch.autograd.Function):
    """log(1 + exp z) - z t, with gradient p - t; p is computed in the memory of the gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        ctx.save_for_backward(logits, targets)
        return F.softplus(logits).addcmul_(logits, targets, value=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, targets = ctx.saved_tensors
        return logits.sigmoid().sub_(targets).mul_(grad), None
