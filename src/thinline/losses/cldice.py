"""Soft-clDice: overlap of the skeleton of the prediction with the truth, and of that of the truth with the prediction.

    precision_c   = sum(S(p_c) t_c) / sum(S(p_c))
    sensitivity_c = sum(p_c S(t_c)) / sum(S(t_c))
    L_c           = 1 - 2 precision_c sensitivity_c / (precision_c + sensitivity_c)

with S the soft skeleton of `soft_skeleton`. `iterations` must be at least half the width of the widest curve.

Conventions: sums over the whole batch; no smoothing constant (the authors add 1 to every numerator and denominator).
The background has no term. A class without truth is left out, and so is one whose truth is so small or so wide that its
soft skeleton is empty. S(t) is a truth map. The loss depends little on the thickness of a prediction; it was published
as a sum with Dice, half of each (`dice_cldice` here).

References
----------
Shit, Paetzold, Sekuboyina et al., "clDice - a Novel Topology-Preserving Loss Function for Tubular Structure
Segmentation", CVPR 2021, equations 1-2 and algorithms 1-2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from torch import Tensor, nn

from thinline.losses.soft_counts import EPS, check_probabilities, overlap
from thinline.losses.soft_skeleton import soft_skeleton
from thinline.vocabulary import Bool, UInt8

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)
_SQUARE = np.ones((3, 3), dtype=np.uint8)


@dataclass(frozen=True)
class SoftSkeletonOfTruth:
    """The truth map S(t): the soft skeleton of a binary plane, which is binary."""

    iterations: int
    curves_only: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """Name, parameters and version."""
        return f"soft_skeleton-{self.iterations}-v1"

    def __call__(self, inside: Bool) -> UInt8:
        """Uint8 [H,W] of 0 and 1: the union over all erosions of the erosion minus its opening."""
        image = inside.view(np.uint8)
        skeleton = np.zeros_like(image)
        for _ in range(self.iterations + 1):
            smaller = cv2.erode(image, _CROSS)
            skeleton |= image & ~cv2.dilate(smaller, _SQUARE)
            image = smaller
        return skeleton


def cldice(probabilities: Tensor, targets: Tensor, skeleton: Tensor, *, iterations: int) -> Tensor:
    """Terms L_c in 0..1, `[c]`, of `probabilities`, float `targets` and the targets' `skeleton`, all `[B,c,H,W]`.

    The term of a class without truth is 1; the objective leaves it out.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    of_prediction = overlap(soft_skeleton(probabilities, iterations=iterations), targets)
    of_truth = overlap(probabilities, skeleton)
    precision = of_prediction.hits / of_prediction.predicted.clamp_min(EPS)
    sensitivity = of_truth.hits / of_truth.truth.clamp_min(EPS)
    return 1 - 2 * precision * sensitivity / (precision + sensitivity).clamp_min(EPS)


class OfSoftSkeletons(nn.Module):
    """What losses on soft skeletons share: the number of iterations and the truth map.

    Raises:
        ValueError: iterations below 0.
    """

    kind: ClassVar[Literal["mapped"]] = "mapped"
    sees_targets: ClassVar[bool] = True

    def __init__(self, *, iterations: int = 3) -> None:
        super().__init__()
        if iterations < 0:
            raise ValueError(
                f"`loss.iterations` must be 0 or more, got {iterations}; half the width of the widest curve is enough"
            )
        self.iterations = iterations
        self.truth_map = SoftSkeletonOfTruth(iterations)


class ClDice(OfSoftSkeletons):
    """`cldice` as a module with its truth map."""

    name: ClassVar[str] = "cldice"

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`."""
        return cldice(probabilities, targets, drawn, iterations=self.iterations)
