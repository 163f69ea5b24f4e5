"""The configuration groups `trainer` and `optimiser`; importing them imports neither torch nor Lightning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

OPTIMISERS: Final = ("adamw", "muon")
LAST: Final = "last.ckpt"
BEST: Final = "best.ckpt"
"""Names of the checkpoints in the folder `checkpoints` of a run."""


@dataclass
class Machine:
    """The group `trainer`: where a run computes.

    Only `precision` changes what is computed; `threads` changes how it is rounded. `scorers` and `renderers` are
    processes beside the network, 0 for none.
    """

    accelerator: str
    processes: int
    precision: str
    channels_last: bool
    compile: bool
    threads: int | None = None
    scorers: int = 0
    renderers: int = 0


@dataclass
class Schedule:
    """The group `optimiser`: which optimiser, with linear warm-up and cosine decay to zero at the last step.

    `betas` are AdamW's, and NAdamW's under Muon; `momentum` is that of Muon's kernels and None for AdamW. Raises
    ValueError for an unknown `name`, and for a momentum that is missing, unused or outside [0, 1).
    """

    name: str
    learning_rate: float
    weight_decay: float
    betas: tuple[float, float]
    warmup_steps: int
    clip_norm: float
    momentum: float | None = None

    def __post_init__(self) -> None:
        if self.name not in OPTIMISERS:
            raise ValueError(f"`optimiser.name` must be one of {', '.join(OPTIMISERS)}, got {self.name!r}")
        if (self.name == "muon") != (self.momentum is not None):
            raise ValueError(
                f"`optimiser.momentum` must be a number for muon and null for every other, got {self.momentum} for "
                f"{self.name}; of adamw, set betas"
            )
        if self.momentum is not None and not 0 <= self.momentum < 1:
            raise ValueError(
                f"`optimiser.momentum` must lie in 0..1 without 1, got {self.momentum}; 0.8 is the default"
            )

    def factor(self, step: int, *, steps: int) -> float:
        """Share of the learning rate at optimiser step `step` of `steps`, counted from 0."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
