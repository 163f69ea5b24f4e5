"""What region losses take: probabilities in 0..1, and never logits.

A region loss of logits is a number all the same, below 0 or above 1, and its gradient leads nowhere. So the functions
of this package refuse values outside of 0..1. An objective has made its probabilities of logits itself: it says so with
`from_a_head`, and nothing is looked at, because a look at a GPU's tensor waits for the GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from torch import Tensor

ROUNDING: Final = 1e-4
"""How far outside of 0..1 a probability may lie: what half precision and sums of many terms leave."""

_FROM_A_HEAD: ContextVar[bool] = ContextVar("_FROM_A_HEAD", default=False)


@contextmanager
def from_a_head() -> Iterator[None]:
    """Within it probabilities are known to lie in 0..1."""
    token = _FROM_A_HEAD.set(True)
    try:
        yield
    finally:
        _FROM_A_HEAD.reset(token)


def check_probabilities(probabilities: Tensor) -> None:
    """Raise `ValueError` for values outside of 0..1, give or take `ROUNDING`, and for NaN."""
    if _FROM_A_HEAD.get() or not probabilities.numel():
        return
    low, high = (float(end) for end in probabilities.detach().aminmax())
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # written so that NaN fails
        raise ValueError(
            f"`probabilities` of a region loss must lie in 0..1, got {low:g}..{high:g}; if these are logits, take "
            "their softmax or sigmoid first, or use Objective, which does"
        )
