"""Skeleton recall: one minus the recall of a tube around the skeleton of the truth.

    R_c = 1 - sum(p_c u_c) / sum(u_c),   u_c = truth_c and (skeleton of truth_c, widened by `radius_px`)

A wide part of a curve counts no more than a thin one. Only the truth has a skeleton, so no gradient passes through it.

Conventions: sums over the whole batch, no smoothing constant. The skeleton is computed channel by channel (the authors
thin all foreground at once and then divide it: the same except where curves touch), dilated `radius_px` times with a
cross and cut to the truth, as the authors do. The background has no skeleton and no term. A class without truth is
left out. False positives cost nothing: the loss was published as a sum with Dice and cross-entropy
(`dice_skeleton_recall` here).

References
----------
Kirchhoff, Rokuss, Roy et al., "Skeleton Recall Loss for Connectivity Conserving and Resource Efficient Segmentation of
Thin Tubular Structures", ECCV 2024, equation 3 and algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from torch import Tensor, nn

from thinline.losses.soft_counts import check_probabilities
from thinline.losses.thinning import thinned
from thinline.vocabulary import Bool, UInt8

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)


@dataclass(frozen=True)
class Tube:
    """The truth map u: the skeleton, dilated `radius_px` times, inside the truth."""

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

    The term of a class without tube is 1 with a zero gradient; the objective leaves it out.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    return 1 - (probabilities * tube).sum((0, 2, 3)) / tube.sum((0, 2, 3)).clamp_min(1)


class SkeletonRecall(nn.Module):
    """`skeleton_recall` as a module with its truth map.

    Raises:
        ValueError: a radius below 0.
    """

    name: ClassVar[str] = "skeleton_recall"
    kind: ClassVar[Literal["mapped"]] = "mapped"
    sees_targets: ClassVar[bool] = False
    on_map_only: ClassVar[Literal[True]] = True

    def __init__(self, *, radius_px: int = 2) -> None:
        super().__init__()
        if radius_px < 0:
            raise ValueError(f"`loss.radius_px` must be 0 or more, got {radius_px}; 0 is the skeleton, 2 is usual")
        self.truth_map = Tube(radius_px)

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`; `targets` are not read."""
        return skeleton_recall(probabilities, drawn)
