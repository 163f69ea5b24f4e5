"""Channel conflicts before decoding: share of pixels with two or more curves, and with none, above probability 0.5.

Conventions: counts are `int64 [3]`: valid pixels, pixels with two or more curves, pixels with no curve. A softmax
cannot have two curves on a pixel; a sigmoid stack can, and should at crossings. Shares are counts divided by the
pixels of a whole split, NaN when there are none.
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
    """Signature of the metric `share`; ValueError for an unknown one."""
    if share not in SHARES:
        raise ValueError(f"expected a share of conflicts, one of {', '.join(SHARES)}, got {share!r}")
    return f"{share}|p>0.5|ignore:255|v:1"


class ConflictCounts(Metric):
    """Counts of conflicts, summed over batches and ranks."""

    full_state_update = False
    counts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("counts", torch.zeros(3, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, conflicts: Sequence[int]) -> None:
        """Add (pixels, twice, none) of a batch."""
        self.counts += torch.tensor(conflicts, dtype=torch.int64, device=self.counts.device)

    def compute(self) -> Tensor:
        """Counts of all batches, `int64 [3]`."""
        return self.counts
