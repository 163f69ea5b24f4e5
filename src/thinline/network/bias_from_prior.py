"""The prior of the channels as the bias of the last layer, so that training does not begin by unlearning curves.

`prior` gives each channel's share of the pixels, as [0.97, 0.015, 0.015], and the bias starts at its logarithm. For a
softmax that is the prior itself; for a sigmoid it is p / (1 + p), which for a rare class is p to within p squared.

References
----------
Lin, Goyal, Girshick, He and Dollar, "Focal loss for dense object detection", ICCV 2017, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def set_prior(bias: Tensor | None, prior: Sequence[float] | None) -> None:
    """Set the last `bias`, one number a channel; no prior leaves it. ValueError for other shares or numbers of them."""
    if prior is None:
        return
    assert bias is not None
    if len(prior) != len(bias) or not all(0 < share < 1 for share in prior):
        raise ValueError(
            f"network.prior must hold a share in 0..1 for each of {len(bias)} channels, got {list(prior)}; "
            "network.prior=null leaves the last bias as it starts"
        )
    with torch.no_grad():
        bias.copy_(torch.tensor([math.log(share) for share in prior]))
