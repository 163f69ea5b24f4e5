"""Skeleton recall: how much of a tube around the truth's skeleton the prediction misses.

    R_c = 1 - sum(p_c u_c) / sum(u_c),   u_c = truth_c and (skeleton of truth_c, widened by `radius_px`)

A wide part of a curve counts no more than a thin one, so that no thin part is given up; and since only the truth has a
skeleton, nothing has to be differentiated through it.

Conventions: sums over the whole batch, no smoothing constant. The skeleton is made channel by channel (the authors
thin all foreground at once and then share it out: the same but where curves touch), widened in the four directions
`radius_px` times and cut to the truth, as the authors do. The background has no skeleton and no term. A class without
truth is left out. False positives are free: this is one half of a loss, published as a sum with Dice and cross-entropy
(`dice_skeleton_recall` here).

References
----------
Kirchhoff, Rokuss, Roy et al., "Skeleton Recall Loss for Connectivity Conserving and Resource Efficient Segmentation of
Thin Tubular Structures", ECCV 2024, equation 3 and algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from thinline.losses.probability_checks import check_probabilities
from thinline.losses.thinning import thinned
from thinline.vocabulary import Bool, UInt8

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)


@dataclass(frozen=True)
class Tube:
    """The truth map of this loss: the skeleton, widened `radius_px` times, inside the truth."""

    radius_px: int
    curves_only: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """Name, parameters and version."""
        return f"tube-{self.radius_px}px-v1"

    def __call__(self, inside: Bool) -> UInt8:
        """Uint8 [H,W] of 0 and 1."""
        skeleton = thinned(inside).view(np.uint8)
        wide = cv2.dilate(skeleton, _CROSS, iterations=self.radius_px) if self.radius_px else skeleton
        tube: UInt8 = wide & inside.view(np.uint8)
        return tube


def skeleton_recall(probabilities: Tensor, tube: Tensor) -> Tensor:
    """Terms R_c in 0..1, `[c]`, of `probabilities [B,c,H,W]` against the float `tube [B,c,H,W]`.

    The term of a class without tube is 1 with a zero gradient; whoever averages the terms leaves it out.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    terms: Tensor = _SkeletonRecall.apply(probabilities, tube)
    return terms


class _SkeletonRecall(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, tube: Tensor) -> Tensor:
        pixels = tube.sum((0, 2, 3)).clamp_min(1)
        ctx.save_for_backward(tube, pixels)
        return 1 - (probabilities * tube).sum((0, 2, 3)) / pixels

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        tube, pixels = ctx.saved_tensors
        return tube * (-grad / pixels).view(1, -1, 1, 1), None


class SkeletonRecall(nn.Module):
    """`skeleton_recall` as a module that says which truth map it wants.

    Raises:
        ValueError: a radius below 0.
    """

    name: ClassVar[str] = "skeleton_recall"
    kind: ClassVar[Literal["mapped"]] = "mapped"
    sees_targets: ClassVar[bool] = False

    def __init__(self, *, radius_px: int = 2) -> None:
        super().__init__()
        if radius_px < 0:
            raise ValueError(f"`loss.radius_px` must be 0 or more, got {radius_px}; 0 is the bare skeleton, 2 is usual")
        self.truth_map = Tube(radius_px)

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`; the tube says all there is to know of the targets."""
        return skeleton_recall(probabilities, drawn)
