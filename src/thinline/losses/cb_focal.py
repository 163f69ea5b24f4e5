"""Class-balanced focal loss: focal loss, each class weighted by the inverse of its effective number of pixels.

    F_cb = w_y (1 - p_t)^gamma (-log p_t),   w_c proportional to 1 / E_c,   E_c = (1 - beta^n_c) / (1 - beta)

The information of pixels overlaps: the n-th adds beta^(n-1) of a new one, and E_c saturates at 1 / (1 - beta). beta = 0
is focal, and beta towards 1 weights by the inverse of the count.

Conventions: n_c counts the pixels of the class in the *batch*, by `labels`, so that the loss is a function of its
batch. The paper counts the images of a class in the training set; `loss=focal class_weight=effective_number` counts the
pixels of the training mix. Weights are normalised to a mean of 1 over the classes in the batch (the paper: over all).
The objective divides by the sum of the weights used, for either `scale`. A sigmoid channel has the weight of its curve
on the curve, of the background elsewhere. Additional class weights raise an error, unless all are equal.

References
----------
Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, equations 4, 9.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from thinline.losses.focal import checked_gamma, focal


def effective_weights(counts: Tensor, *, beta: float) -> Tensor:
    """Weights `[C]` from `counts [C]`, with mean 1 over the classes that have any pixel and 0 for the others."""
    pixels = counts.double()
    effective = pixels.clamp_max(1) if beta == 0 else -torch.expm1(pixels * math.log(beta))
    weights = torch.where(pixels > 0, 1 / effective.clamp_min(torch.finfo(torch.float64).tiny), 0.0)
    return weights * (pixels > 0).sum() / weights.sum().clamp_min(torch.finfo(torch.float64).tiny)


class ClassBalancedFocal(nn.Module):
    """Focal terms with class weights of the batch.

    Raises:
        ValueError: gamma negative or not finite, beta outside 0 <= beta < 1.
    """

    name: ClassVar[str] = "cb_focal"
    kind: ClassVar[Literal["pixel"]] = "pixel"
    smoothing: ClassVar[float] = 0.0

    def __init__(self, *, gamma: float = 2.0, beta: float = 0.9999) -> None:
        super().__init__()
        if not 0 <= beta < 1:
            raise ValueError(f"`loss.beta` must be at least 0 and below 1, got {beta}; 0 is focal, 0.9999 is usual")
        self.gamma = checked_gamma(gamma)
        self.beta = beta

    def balance(self, counts: Tensor) -> Tensor:
        """`effective_weights` with this beta."""
        return effective_weights(counts, beta=self.beta)

    def forward(self, nll: Tensor) -> Tensor:
        """Terms, one for each element of `nll`, without weights."""
        return focal(nll, gamma=self.gamma)
