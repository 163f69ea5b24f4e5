"""Tversky loss: Dice with separate weights of false positives and false negatives.

    T_c = 1 - TP_c / (TP_c + fp_weight FP_c + fn_weight FN_c)
    TP_c = sum(p_c t_c),  FP_c = sum(p_c (1 - t_c)),  FN_c = sum((1 - p_c) t_c)

Conventions: sums over the whole batch. The paper calls the weights alpha and beta, and libraries disagree about which
is which; here they are named after the error. One half each is Dice, one each is the Jaccard loss.

References
----------
Salehi, Erdogmus and Gholipour, "Tversky loss function for image segmentation using 3D fully convolutional deep
networks", MLMI 2017, equation 4 (fp_weight = alpha, fn_weight = beta).
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from torch import Tensor, nn

from thinline.losses.soft_counts import EPS, check_probabilities, overlap


def tversky(probabilities: Tensor, targets: Tensor, *, fp_weight: float, fn_weight: float, eps: float = EPS) -> Tensor:
    """Terms T_c in 0..1, `[c]`, of `probabilities [B,c,H,W]` against float `targets [B,c,H,W]`.

    The term of a class without truth is 1 with a zero gradient; the objective leaves it out.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    area = overlap(probabilities, targets)
    wrong = fp_weight * (area.predicted - area.hits) + fn_weight * (area.truth - area.hits)
    return 1 - area.hits / (area.hits + wrong).clamp_min(eps)


class Tversky(nn.Module):
    """`tversky` as a module.

    Raises:
        ValueError: a weight that is negative or not finite, or both zero.
    """

    name: ClassVar[str] = "tversky"
    kind: ClassVar[Literal["region"]] = "region"
    precise: ClassVar[bool] = False

    def __init__(self, *, fp_weight: float = 0.3, fn_weight: float = 0.7, eps: float = EPS) -> None:
        super().__init__()
        weights = (fp_weight, fn_weight)
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not any(weights):
            raise ValueError(
                f"`loss.fp_weight` and `loss.fn_weight` must be finite, not negative and not both 0, got {weights}; "
                "0.5 and 0.5 is Dice"
            )
        self.fp_weight = fp_weight
        self.fn_weight = fn_weight
        self.eps = eps

    def forward(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        """Terms `[c]`."""
        return tversky(probabilities, targets, fp_weight=self.fp_weight, fn_weight=self.fn_weight, eps=self.eps)
