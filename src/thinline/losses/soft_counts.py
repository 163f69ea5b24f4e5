"""Support of region losses: soft counts of true and predicted pixels, and the check that inputs are probabilities.

    hits_c      = sum p_c t_c        soft true positives
    predicted_c = sum p_c
    truth_c     = sum t_c

over batch, rows and columns. Pass float32 or wider: a float16 sum overflows at 65,504.

A region loss of logits is a finite number with a wrong gradient, so the functions of this package refuse values outside
of 0..1. An objective computes probabilities itself and skips the check inside `trusted_probabilities`, because
reading the values of a GPU tensor waits for the GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from thinline.system.numba_kernels import call, vector_kernel

EPS: Final = 1e-7
"""Pixels: the smallest denominator, reached only where neither truth nor prediction has any area."""

ROUNDING: Final = 1e-4
"""How far outside of 0..1 a probability may lie, by the rounding of half precision and of long sums."""

_TRUSTED: ContextVar[bool] = ContextVar("_TRUSTED", default=False)


class Overlap(NamedTuple):
    """Soft counts in pixels, each `[c]`."""

    hits: Tensor
    predicted: Tensor
    truth: Tensor


def overlap(probabilities: Tensor, targets: Tensor) -> Overlap:
    """Soft counts of `probabilities [B,c,H,W]` and float `targets [B,c,H,W]`."""
    alike = probabilities.dtype == targets.dtype and not targets.requires_grad
    if alike and probabilities.device.type == "cpu" and probabilities.dtype in (torch.float32, torch.float64):
        return Overlap(*_Counts.apply(probabilities, targets))
    return by_torch(probabilities, targets)


def by_torch(probabilities: Tensor, targets: Tensor) -> Overlap:
    """As `overlap`, on any device."""
    pixels = (0, 2, 3)
    return Overlap((probabilities * targets).sum(pixels), probabilities.sum(pixels), targets.sum(pixels))


class _Counts(torch.autograd.Function):
    """As `by_torch`, on a CPU: one pass that writes nothing, summed in float64; one pass for the gradient."""

    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(targets)
        p, t = (field.detach().contiguous().flatten(2).numpy() for field in (probabilities, targets))
        counts = np.zeros((3, p.shape[1]))
        call(_count, p, t, counts)
        hits, predicted, truth = torch.from_numpy(counts).to(probabilities.dtype).unbind()
        ctx.mark_non_differentiable(truth)
        return hits, predicted, truth

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, hits: Tensor, predicted: Tensor, _truth: Tensor) -> tuple[Tensor, None]:
        (targets,) = ctx.saved_tensors
        return torch.addcmul(predicted.view(-1, 1, 1), targets, hits.view(-1, 1, 1)), None


@vector_kernel
def _count(probabilities, targets, counts):  # type: ignore[no-untyped-def]
    """Add the sums over the pixels of `probabilities` times `targets`, and of each, both [B,c,N], to `counts` [3,c]."""
    for sheet in range(probabilities.shape[0]):
        for channel in range(probabilities.shape[1]):
            p, t = probabilities[sheet, channel], targets[sheet, channel]
            hits, predicted, truth = 0.0, 0.0, 0.0
            for i in range(len(p)):
                hits += p[i] * t[i]
                predicted += p[i]
                truth += t[i]
            counts[0, channel] += hits
            counts[1, channel] += predicted
            counts[2, channel] += truth


@contextmanager
def trusted_probabilities() -> Iterator[None]:
    """Inside it `check_probabilities` checks nothing."""
    token = _TRUSTED.set(True)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def check_probabilities(probabilities: Tensor) -> None:
    """Raise `ValueError` for values outside of 0..1, with a tolerance of `ROUNDING`, and for NaN."""
    if _TRUSTED.get() or not probabilities.numel():
        return
    low, high = (float(end) for end in probabilities.detach().aminmax())
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # NaN fails this comparison
        raise ValueError(
            f"`probabilities` of a region loss must lie in 0..1, got {low:g}..{high:g}; if these are logits, take "
            "their softmax or sigmoid first, or use Objective, which does"
        )
