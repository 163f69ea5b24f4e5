"""Boundary loss: wrong probability, priced by its distance from the boundary of the truth.

    B_c = mean of phi_c (p_c - t_c)

with phi_c the signed distance in px to the boundary between inside and outside: positive outside, negative inside.
Every summand is at least 0, and B_c is 0 for a perfect prediction.

Conventions: the mean runs over all pixels of the batch; ignored ones are never wrong. The paper drops phi t, which no
prediction changes; keeping it moves the value and not the gradient. The boundary runs *between* pixels, so those on
either side of it are half a pixel away (the authors' code gives inside pixels 0 and outside ones 1, which is half a
pixel more everywhere: under it a curve one pixel wide would weigh nothing). Every channel has a boundary, the
background too. A class whose truth is nowhere or everywhere has no boundary, and is left out; a tile of a sheet that
shows the class elsewhere knows its distance, and is not.

Distances are not scaled: far false positives weigh hundreds of times what a miss weighs. The loss was published as a
small part beside a region loss, with a share that grows during training from .01; `dice_boundary` has .01 throughout.

References
----------
Kervadec, Bouchtiba, Desrosiers, Granger, Dolz and Ben Ayed, "Boundary loss for highly unbalanced segmentation", MIDL
2019, equations 5 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from thinline.losses.probability_checks import check_probabilities
from thinline.vocabulary import Bool, Float32


@dataclass(frozen=True)
class SignedDistance:
    """The truth map of this loss: phi, exact and Euclidean, in px.

    By scipy, which counts on one thread: OpenCV's exact transform gives other distances from one call to the next where
    a small sheet is shared among threads.
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
    terms: Tensor = _Boundary.apply(probabilities, targets, distance)
    return terms


class _Boundary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, targets: Tensor, distance: Tensor) -> Tensor:
        ctx.save_for_backward(distance)
        priced: Tensor = (probabilities - targets).mul_(distance).sum((0, 2, 3))
        return priced / max(probabilities[:, 0].numel(), 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (distance,) = ctx.saved_tensors
        pixels = max(distance[:, 0].numel(), 1)
        return distance * (grad / pixels).view(1, -1, 1, 1), None, None


class Boundary(nn.Module):
    """`boundary` as a module that says which truth map it wants."""

    name: ClassVar[str] = "boundary"
    kind: ClassVar[Literal["mapped"]] = "mapped"
    sees_targets: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.truth_map = SignedDistance()

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`."""
        return boundary(probabilities, targets, drawn)
