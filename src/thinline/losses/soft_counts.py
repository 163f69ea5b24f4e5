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
from typing import Final, NamedTuple

from torch import Tensor

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
    pixels = (0, 2, 3)
    return Overlap((probabilities * targets).sum(pixels), probabilities.sum(pixels), targets.sum(pixels))


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
