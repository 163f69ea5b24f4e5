"""Class-balanced focal loss: focal, each class weighed by the inverse of its effective number of pixels.

    F_cb = w_y (1 - p_t)^gamma (-log p_t),   w_c proportional to 1 / E_c,   E_c = (1 - beta^n_c) / (1 - beta)

Pixels overlap in what they teach, so that the n-th adds beta^(n-1) of a new one; E_c saturates at 1 / (1 - beta). beta
= 0 is focal, and beta towards 1 weighs by the inverse of the count.

Conventions: n_c counts the pixels of the class in the *batch*, by `labels`; so the loss is a function of its batch like
any other, and a batch without a class has no use for its weight. The paper counts the images of a class in the training
set: `loss=focal class_weight=effective_number` counts the pixels of the training mix. Weights are normalised to a mean
of 1 over the classes that are there (the paper: over all); the objective divides by the weights used, whatever `scale`,
so that only their balance counts. A sigmoid channel takes the weight of its curve where that is, of the background
elsewhere.

The loss brings its own weights. Others on top would weigh twice, and so raise, unless all are equal.

References
----------
Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, equations 4, 9.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from thinline.losses.focal import focal


def effective_weights(counts: Tensor, *, beta: float) -> Tensor:
    """Weights `[C]` from `counts [C]`, with mean 1 over the classes that have any pixel and 0 for the others."""
    pixels = counts.double()
    effective = pixels.clamp_max(1) if beta == 0 else -torch.expm1(pixels * math.log(beta))
    weights = torch.where(pixels > 0, 1 / effective.clamp_min(torch.finfo(torch.float64).tiny), 0.0)
    return weights * (pixels > 0).sum() / weights.sum().clamp_min(torch.finfo(torch.float64).tiny)


class ClassBalancedFocal(nn.Module):
    """Focal terms and the weights that go with them.

    Raises:
        ValueError: gamma negative or not finite, beta outside 0 <= beta < 1.
    """

    name: ClassVar[str] = "cb_focal"
    kind: ClassVar[Literal["pixel"]] = "pixel"
    smoothing: ClassVar[float] = 0.0

    def __init__(self, *, gamma: float = 2.0, beta: float = 0.9999) -> None:
        super().__init__()
        if not (math.isfinite(gamma) and gamma >= 0):
            raise ValueError(f"`loss.gamma` must be finite and at least 0, got {gamma}; 0 is cross-entropy, 2 is usual")
        if not 0 <= beta < 1:
            raise ValueError(f"`loss.beta` must be at least 0 and below 1, got {beta}; 0 is focal, 0.9999 is usual")
        self.gamma = gamma
        self.beta = beta

    def balance(self, counts: Tensor) -> Tensor:
        """`effective_weights` by this loss's beta."""
        return effective_weights(counts, beta=self.beta)

    def forward(self, nll: Tensor) -> Tensor:
        """Terms, one for each element of `nll`, not yet weighed."""
        return focal(nll, gamma=self.gamma)
