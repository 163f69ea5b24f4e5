"""Centreline cross-entropy (clCE): cross-entropy on the skeleton of the truth and on that of the prediction.

    L_c = 1/N sum over pixels of h_c (S(t_c) + S(p_c)),   h_c = -t_c log p_c - (1 - t_c) log(1 - p_c)

with S the soft skeleton of `soft_skeleton` and N the pixels of the batch. On S(t) the loss asks for the line (recall),
on S(p) it punishes lines that are not there (precision): the two parts of clDice, as a sum of cross-entropies in place
of a harmonic mean of overlaps. `iterations` must be at least half the width of the widest curve.

Conventions: the authors segment one class; with more, each curve is a yes/no decision of its own, for every head. Their
mean runs over all N pixels, here the ignored ones among them, which add 0. So the value is small, about the share of
ink times a cross-entropy; it was published as a sum with Dice or cross-entropy (`dice_clce` here, equal shares). The
background has no term. A class without truth, or whose soft skeleton is empty, is left out. S(t) is the truth map of
cldice. A probability that rounds to 1 in float32 (a logit above 16.6) beside the class has a term of 16.6 S(p) and no
gradient.

References
----------
Acebes, Moustafa, Camara and Galdran, "The centerline-cross entropy loss for vessel-like structure segmentation: better
topology consistency without sacrificing accuracy", MICCAI 2024, and its code.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from thinline.losses.cldice import OfSoftSkeletons
from thinline.losses.soft_counts import check_probabilities
from thinline.losses.soft_skeleton import soft_skeleton


def clce(probabilities: Tensor, targets: Tensor, skeleton: Tensor, *, iterations: int) -> Tensor:
    """Terms L_c, `[c]`, of `probabilities`, float `targets` and the targets' `skeleton`, all `[B,c,H,W]`.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    kind = torch.finfo(probabilities.dtype)
    here, elsewhere = probabilities.clamp_min(kind.tiny), (1 - probabilities).clamp_min(kind.eps / 2)
    nll = -torch.where(targets > 0.5, here, elsewhere).log()
    lines = skeleton + soft_skeleton(probabilities, iterations=iterations)
    pixels = max(1, probabilities.numel() // max(1, probabilities.shape[1]))
    return (nll * lines).sum((0, 2, 3)) / pixels


class ClCE(OfSoftSkeletons):
    """`clce` as a module with its truth map."""

    name: ClassVar[str] = "clce"

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`."""
        return clce(probabilities, targets, drawn, iterations=self.iterations)
