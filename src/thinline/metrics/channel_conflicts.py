"""How often independent channels contradict each other: pixels claimed by two curves, and by none, before any decoding.

Conventions: counts are `int64 [3]`: valid pixels looked at, claimed by two or more curves, claimed by no curve. A
softmax cannot claim a pixel twice; a stack of sigmoids can, and on a crossing should. Shares are counts over the pixels
of a whole split, NaN when there are none.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

SHARES = ("claimed_twice", "claimed_none")


def conflict_shares(counts: Tensor) -> dict[str, float]:
    """The two shares of `int64 [3]` counts."""
    pixels, twice, none = counts.tolist()
    return {name: count / pixels if pixels else torch.nan for name, count in zip(SHARES, (twice, none), strict=True)}


def conflict_signature(share: str) -> str:
    """What could change the value of `share`; ValueError for an unknown one."""
    if share not in SHARES:
        raise ValueError(f"no share of claims is called {share!r}; expected one of {', '.join(SHARES)}")
    return f"{share}|p>0.5|ignore:255|v:1"


class ConflictCounts(Metric):
    """Counts of claims, summed over batches and ranks."""

    full_state_update = False
    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("counts", torch.zeros(3, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, claims: Sequence[int]) -> None:
        """Add (pixels, twice, none) of a batch."""
        self.counts += torch.tensor(claims, dtype=torch.int64, device=self.counts.device)

    def compute(self) -> Tensor:
        """Counts of everything seen, `int64 [3]`."""
        return self.counts
