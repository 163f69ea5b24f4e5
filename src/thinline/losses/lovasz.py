"""Lovasz loss: convex extension of the Jaccard loss from sets of wrong pixels to errors between 0 and 1.

    e_i = |t_i - p_i|,  sorted so that e_1 >= e_2 >= ...
    L_c = sum_i e_i (J_i - J_{i-1})

where J_i is the Jaccard loss 1 - |T minus W| / |T union W| when exactly the first i pixels W are wrong, T the truth.
L_c is convex in the errors and equals 1 - IoU where every probability is 0 or 1.

Conventions: errors are those of *probabilities* for every head ("Lovasz-softmax"); other libraries use the Lovasz
*hinge* for sigmoid channels, another surrogate. All pixels of a batch are sorted together. Targets are hard; above one
half is inside. A class without truth has term 0 and gradient 0, and the objective leaves it out (the authors'
`present`). Of equal errors those inside the truth come first, then by position: the order among equals does not change
L_c, but its subgradient.

The gradient of a pixel depends on the rank of its error. A float32 probability near 1 lacks the digits that
distinguish errors near 0, so `precise` asks for probabilities in float64. Terms and gradients are computed in float64.

Two implementations: on the CPU the compiled `lovasz_kernel`, elsewhere (and in the tests) a sort in torch.

References
----------
Berman, Rannen Triki and Blaschko, "The Lovasz-Softmax loss: A tractable surrogate for the optimization of the
intersection-over-union measure in neural networks", CVPR 2018, definition 1 and equations 8-12.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from thinline.losses import lovasz_kernel
from thinline.losses.soft_counts import check_probabilities


def lovasz(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Terms L_c in 0..1, `[c]`, of `probabilities [B,c,H,W]` against hard float `targets [B,c,H,W]`.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    terms: Tensor = _Lovasz.apply(probabilities, targets)
    return terms


class _Lovasz(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, targets: Tensor) -> Tensor:
        on_cpu = probabilities.device.type == "cpu" and probabilities.numel() <= lovasz_kernel.MOST_PLACES
        terms, slopes = (by_kernel if on_cpu else by_sort)(probabilities, targets)
        ctx.save_for_backward(slopes)
        return terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slopes,) = ctx.saved_tensors
        scaled = _empty_like(slopes)
        return torch.mul(slopes, grad.view(1, -1, 1, 1), out=scaled), None


def by_kernel(probabilities: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Terms `[c]` and slopes `[B,c,H,W]` of CPU tensors, in the dtype of the probabilities."""
    p = probabilities.detach().double().contiguous().flatten(2)
    inside = targets.detach().float().contiguous().flatten(2)
    slopes = _empty_like(p)
    threads = torch.get_num_threads()
    terms = torch.from_numpy(lovasz_kernel.slopes(p.numpy(), inside.numpy(), slopes.numpy(), threads=threads))
    return terms.to(probabilities.dtype), slopes.view(probabilities.shape).to(probabilities.dtype)


def _empty_like(image: Tensor) -> Tensor:
    """A contiguous tensor to write to.

    On a CPU numpy allocates float64: numpy asks the system for large pages, which saves a quarter of the time.
    """
    if image.device.type != "cpu" or image.dtype != torch.float64:
        return torch.empty_like(image, memory_format=torch.contiguous_format)
    return torch.from_numpy(np.empty(image.shape))


def by_sort(probabilities: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Terms `[c]` and slopes `[B,c,H,W]` on any device, in the dtype of the probabilities."""
    errors = (targets.double() - probabilities.double()).abs().transpose(0, 1).flatten(1)
    inside = targets.transpose(0, 1).flatten(1) > 0.5
    slopes = torch.stack([_class_slopes(error, truth) for error, truth in zip(errors, inside, strict=True)])
    terms = (errors * slopes.abs()).sum(dim=1).to(probabilities.dtype)
    batch, channels, rows, columns = probabilities.shape
    return terms, slopes.to(probabilities.dtype).view(channels, batch, rows, columns).transpose(0, 1)


def _class_slopes(errors: Tensor, inside: Tensor) -> Tensor:
    """Slopes `[P]` of one class from float64 `errors [P]` and `inside [P]` bool."""
    # the bits of a non-negative float ascend with its value; one more bit puts the inside first among equals
    order = (errors.view(torch.int64) * 2 + inside).argsort(descending=True, stable=True)
    ranked = inside[order]
    count = ranked.sum().double()
    seen = ranked.cumsum(0).double()
    outside = (~ranked).cumsum(0).double()
    at_inside = -1 / (count + outside)
    at_outside = (count - seen) / ((count + outside - 1) * (count + outside)).clamp_min(1)
    slopes = torch.where(ranked, at_inside, at_outside)
    return torch.empty_like(slopes).scatter_(0, order, slopes)


class Lovasz(nn.Module):
    """`lovasz` as a module."""

    name: ClassVar[str] = "lovasz"
    kind: ClassVar[Literal["region"]] = "region"
    precise: ClassVar[bool] = True

    def forward(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms `[c]`."""
        return lovasz(probabilities, targets)
