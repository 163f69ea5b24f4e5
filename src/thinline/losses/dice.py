"""Dice loss: one minus the soft Dice coefficient of each class.

    D_c = 1 - 2 sum(p_c t_c) / (sum(p_c) + sum(t_c))

Conventions: sums over the whole batch (not per sheet, where a curve that is absent from one sheet would have a term of
0 or 1 there); the denominator is not squared; no smoothing constant. Equal to `tversky` with both weights one half.

References
----------
Milletari, Navab and Ahmadi, "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation",
3DV 2016, equation 2 (there with squares in the denominator).
Sudre et al., "Generalised Dice overlap as a deep learning loss function", DLMIA 2017, equation 2 (without squares).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn

from thinline.losses.soft_counts import EPS, check_probabilities, overlap


def dice(probabilities: Tensor, targets: Tensor, *, eps: float = EPS) -> Tensor:
    """Terms D_c in 0..1, `[c]`, of `probabilities [B,c,H,W]` against float `targets [B,c,H,W]`.

    The term of a class without truth is 1 with a zero gradient; the objective leaves it out.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    area = overlap(probabilities, targets)
    return 1 - 2 * area.hits / (area.predicted + area.truth).clamp_min(eps)


class Dice(nn.Module):
    """`dice` as a module."""

    name: ClassVar[str] = "dice"
    kind: ClassVar[Literal["region"]] = "region"
    precise: ClassVar[bool] = False

    def __init__(self, *, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms `[c]`."""
        return dice(probabilities, targets, eps=self.eps)
