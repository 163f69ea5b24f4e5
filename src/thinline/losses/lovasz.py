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
distinguish errors near 0, so `precise` asks for probabilities in float64. Errors, terms and gradients are computed in
float64.

Two implementations: for float32 logits on the CPU the compiled `lovasz_errors` and `lovasz_kernel`, whose gradients by
the probabilities are within 2e-7 of the largest of their class; otherwise (and in the tests) a sort in torch, which
runs on any device.

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

from thinline.losses import lovasz_errors
from thinline.losses.protocols import Link
from thinline.losses.soft_counts import check_probabilities


def lovasz(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Terms L_c in 0..1, `[c]`, of `probabilities [B,c,H,W]` against hard float `targets [B,c,H,W]`.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    inside = targets.transpose(0, 1).flatten(1) > 0.5
    errors = (probabilities.double() - targets.double()).transpose(0, 1).flatten(1) * torch.where(inside, -1.0, 1.0)
    steps = [_steps(error.detach().abs(), truth) for error, truth in zip(errors, inside, strict=True)]
    return (errors * torch.stack(steps)).sum(dim=1).to(probabilities.dtype)


def _steps(errors: Tensor, inside: Tensor) -> Tensor:
    """What each pixel of one class adds to the Jaccard loss, `[P]`, from float64 `errors [P]` and `inside [P]` bool."""
    # the bits of a non-negative float ascend with its value; one more bit puts the inside first among equals
    order = (errors.view(torch.int64) * 2 + inside).argsort(descending=True, stable=True)
    ranked = inside[order]
    count = ranked.sum().double()
    seen = ranked.cumsum(0).double()
    outside = (~ranked).cumsum(0).double()
    at_inside = 1 / (count + outside)
    at_outside = (count - seen) / ((count + outside - 1) * (count + outside)).clamp_min(1)
    steps = torch.where(ranked, at_inside, at_outside)
    return torch.empty_like(steps).scatter_(0, order, steps)


def lovasz_of_logits(logits: Tensor, targets: Tensor, valid: Tensor | None, *, link: Link) -> Tensor:
    """As `lovasz` of the probabilities of float32 CPU `logits [B,c,H,W]`, 0 where `valid [B,1,H,W]` is not; `[c]`.

    Raises `ValueError` for targets of another shape.
    """
    if logits.shape != targets.shape:
        raise ValueError(f"`logits` must be {list(targets.shape)} as the targets, got {list(logits.shape)}")
    terms: Tensor = _OfLogits.apply(logits, targets, valid, link == "softmax")
    return terms


class _OfLogits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, valid: Tensor | None, softmax: bool) -> Tensor:
        z, inside = (field.detach().float().contiguous().flatten(2).numpy() for field in (logits, targets))
        mask = None if valid is None else valid.to(torch.uint8).flatten(1).contiguous().numpy()
        threads = torch.get_num_threads()
        ctx.result = lovasz_errors.slopes(z, inside, mask, softmax=softmax, threads=threads)
        ctx.softmax, ctx.shape = softmax, logits.shape
        return torch.from_numpy(ctx.result.terms).to(logits.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        batch, channels, rows, columns = ctx.shape
        out = np.empty((batch, channels, rows * columns), np.float32)
        weights, threads = grad.double().numpy(), torch.get_num_threads()
        lovasz_errors.gradients(ctx.result, weights, out, softmax=ctx.softmax, threads=threads)
        return torch.from_numpy(out).view(ctx.shape), None, None, None


class Lovasz(nn.Module):
    """`lovasz` as a module."""

    name: ClassVar[str] = "lovasz"
    kind: ClassVar[Literal["region"]] = "region"
    precise: ClassVar[bool] = True

    def forward(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms `[c]`."""
        return lovasz(probabilities, targets)

    def of_logits(self, logits: Tensor, targets: Tensor, valid: Tensor | None, *, link: Link) -> Tensor:
        """Terms `[c]`."""
        return lovasz_of_logits(logits, targets, valid, link=link)
