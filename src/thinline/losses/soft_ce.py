"""Soft cross-entropy: negative log-likelihood of targets with label smoothing.

    S = -sum_c s_c log p_c,   s = (1 - smoothing) t + smoothing / n

with n the outcomes of a decision: C for a softmax, 2 for a sigmoid channel. For three classes and smoothing 0.1 the
truth gets .933 and each other class .033. smoothing = 0 is cross-entropy (softmax) or binary cross-entropy (sigmoid).

Conventions: the targets are smoothed over *classes*, not over neighbouring pixels. The head smooths them, because it
knows n; the loss is the negative log-likelihood unchanged. A class weight multiplies the whole term of a pixel by the
weight of its true class (torch's cross_entropy distributes it over the smoothed classes).

References
----------
Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016,
section 7.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn


def soft_ce(nll: Tensor) -> Tensor:
    """Terms S of any shape: `nll` of smoothed targets, unchanged."""
    return nll


class SoftCE(nn.Module):
    """`soft_ce` as a module with its label smoothing; its name is ce without smoothing.

    Raises:
        ValueError: smoothing outside 0 <= smoothing < 1.
    """

    kind: ClassVar[Literal["pixel"]] = "pixel"

    def __init__(self, *, smoothing: float = 0.1) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise ValueError(
                f"`loss.smoothing` must be at least 0 and below 1, got {smoothing}; 0 is plain cross-entropy"
            )
        self.name = "soft_ce" if smoothing else "ce"
        self.smoothing = smoothing

    def forward(self, nll: Tensor) -> Tensor:
        """Terms, one for each element of `nll`."""
        return soft_ce(nll)
