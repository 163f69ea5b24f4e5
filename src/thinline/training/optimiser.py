"""How a run descends: AdamW or Muon, with linear warm-up and cosine decay to zero at the last step.

References
----------
adamw   Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
muon    Jordan, Jin, Boza, You, Cesista, Newhouse and Bernstein, "Muon: an optimizer for hidden layers in neural
        networks", 2024, as timm implements it. A convolution is the matrix [out, in * height * width]; its step is the
        orthogonal matrix nearest to the momentum, times 0.2 sqrt(max(rows, columns)), so that one learning rate serves
        both (Liu et al., "Muon is scalable for LLM training", 2025, section 2.2). Biases and norms take NAdamW: AdamW
        whose first moment looks one gradient ahead (Dozat, ICLR workshop 2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

OPTIMISERS: Final = ("adamw", "muon")


@dataclass(frozen=True)
class Schedule:
    """An optimiser and its learning rate over `steps` optimiser steps.

    `betas` are AdamW's, `momentum` is that of Muon's kernels and None for AdamW. ValueError for another name, and for a
    momentum that nothing would use or that is missing.
    """

    name: str
    steps: int
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

    def factor(self, step: int) -> float:
        """Share of the learning rate at optimiser step `step`, counted from 0."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def optimiser_of(parameters: Iterable[nn.Parameter], plan: Schedule) -> torch.optim.Optimizer:
    """The optimiser of `plan` at its full learning rate; the schedule multiplies that by `plan.factor`."""
    if plan.name == "adamw":
        return torch.optim.AdamW(parameters, lr=plan.learning_rate, betas=plan.betas, weight_decay=plan.weight_decay)
    assert plan.momentum is not None
    # Inside the function: importing timm takes seconds
    from timm.optim.muon import Muon

    return Muon(
        parameters,
        lr=plan.learning_rate,
        betas=plan.betas,
        momentum=plan.momentum,
        nesterov=True,
        weight_decay=plan.weight_decay,
    )
