"""Boundary loss: wrong probability times its signed distance from the boundary of the truth.

    B_c = mean of phi_c (p_c - t_c)

with phi_c the signed distance in px to the boundary between inside and outside, positive outside and negative inside.
Every summand is at least 0, and B_c is 0 for a perfect prediction.

Conventions: the mean is over all pixels of the batch; ignored ones are never wrong. The paper leaves phi t out, which
changes the value and not the gradient. The boundary runs *between* pixels, so pixels on either side are half a pixel
away. (The authors' code gives inside pixels 0 and outside ones 1, half a pixel more everywhere; a curve one pixel wide
would then have weight 0.) Every channel has a boundary, the background too. A class whose truth is empty or
everywhere has no boundary and is left out; a tile of a sheet that shows the class elsewhere has its distance.

Distances are not scaled: far false positives weigh hundreds of times more than a miss. The loss was published as a
small part beside a region loss, with a share that grows from .01 during training; `dice_boundary` has .01 throughout.

References
----------
Kervadec, Bouchtiba, Desrosiers, Granger, Dolz and Ben Ayed, "Boundary loss for highly unbalanced segmentation", MIDL
2019, equations 5 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn

from thinline.losses.soft_counts import check_probabilities
from thinline.vocabulary import Bool, Float32


@dataclass(frozen=True)
class SignedDistance:
    """The truth map phi: exact Euclidean signed distance in px.

    By scipy, which uses one thread. OpenCV's exact transform is not reproducible where a small sheet is shared among
    threads.
    """

    @property
    def key(self) -> str:
        """Name and version."""
        return "signed_distance-v2"

    curves_only: ClassVar[bool] = False

    def __call__(self, inside: Bool) -> Float32:
        """Float32 [H,W]; zero where there is no boundary."""
        if not inside.any() or inside.all():
            return np.zeros(inside.shape, dtype=np.float32)
        outer, inner = (distance_transform_edt(side).astype(np.float32) for side in (~inside, inside))
        phi: Float32 = np.where(inside, 0.5 - inner, outer - 0.5).astype(np.float32)
        return phi


def boundary(probabilities: Tensor, targets: Tensor, distance: Tensor) -> Tensor:
    """Terms B_c >= 0, `[c]`, of `probabilities`, float `targets` and signed `distance`, all `[B,c,H,W]`.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    return (probabilities - targets).mul(distance).sum((0, 2, 3)) / max(probabilities[:, 0].numel(), 1)


class Boundary(nn.Module):
    """`boundary` as a module with its truth map."""

    name: ClassVar[str] = "boundary"
    kind: ClassVar[Literal["mapped"]] = "mapped"
    sees_targets: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.truth_map = SignedDistance()

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`."""
        return boundary(probabilities, targets, drawn)
