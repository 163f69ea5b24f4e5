"""Boundary loss: wrong probability times its signed distance from the boundary of the truth.

    B_c = mean of phi_c (p_c - t_c)

with phi_c the signed distance in px to the boundary between inside and outside, positive outside and negative inside,
so that t_c is 1 where phi_c is negative. The gradient by p_c is phi_c over the number of pixels.
Every summand is at least 0, and B_c is 0 for a perfect prediction.

Conventions: the mean is over all pixels of the batch; ignored ones are never wrong. The paper leaves phi t out, which
changes the value and not the gradient. The boundary runs *between* pixels, so pixels on either side are half a pixel
away. (The authors' code gives inside pixels 0 and outside ones 1, half a pixel more everywhere; a curve one pixel wide
would then have weight 0.) Every channel has a boundary, the background too; for that of softmax an ignored area is
outside, so its edge is a boundary. A class whose truth is empty or everywhere has no boundary and is left out; a tile
of a sheet that shows the class elsewhere has its distance.

Distances are not scaled: far false positives weigh hundreds of times more than a miss. The loss was published as a
small part beside a region loss, with a share that grows from .01 during training; `dice_boundary` has .01 throughout.

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

from thinline.losses.soft_counts import check_probabilities
from thinline.system.numba_kernels import call, vector_kernel
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


def boundary(probabilities: Tensor, distance: Tensor) -> Tensor:
    """Terms B_c >= 0, `[c]`, of `probabilities` and signed `distance`, both `[B,c,H,W]`.

    Raises `ValueError` for probabilities outside of 0..1.
    """
    check_probabilities(probabilities)
    sums: Tensor = (_Sums.apply if probabilities.device.type == "cpu" else by_torch)(probabilities, distance)
    return sums / max(probabilities[:, 0].numel(), 1)


def by_torch(probabilities: Tensor, distance: Tensor) -> Tensor:
    """Sum of phi (p - t), `[c]`, on any device."""
    return (probabilities * distance - distance.clamp(max=0)).sum((0, 2, 3))


class _Sums(torch.autograd.Function):
    """As `by_torch`, on a CPU: one pass that writes nothing, because writing costs more than the arithmetic."""

    @staticmethod
    def forward(ctx: Any, probabilities: Tensor, distance: Tensor) -> Tensor:
        ctx.save_for_backward(distance)
        p, phi = (field.detach().contiguous().flatten(2).numpy() for field in (probabilities, distance))
        sums = np.zeros(p.shape[:2])
        call(_sums, p, phi, sums)
        return torch.from_numpy(sums.sum(0)).to(probabilities.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (distance,) = ctx.saved_tensors
        return distance * grad.view(-1, 1, 1), None


@vector_kernel
def _sums(probabilities, distance, sums):  # type: ignore[no-untyped-def]
    """Write the sum over the pixels [B,c] of `probabilities` and `distance` [B,c,N]."""
    sheets, channels, pixels = probabilities.shape
    for sheet in range(sheets):
        for channel in range(channels):
            p, phi, total = probabilities[sheet, channel], distance[sheet, channel], 0.0
            for i in range(pixels):
                total += p[i] * phi[i] - min(phi[i], phi.dtype.type(0))
            sums[sheet, channel] = total


class Boundary(nn.Module):
    """`boundary` as a module with its truth map."""

    name: ClassVar[str] = "boundary"
    kind: ClassVar[Literal["mapped"]] = "mapped"
    sees_targets: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.truth_map = SignedDistance()

    def forward(self, probabilities: Tensor, targets: Tensor, drawn: Tensor) -> Tensor:
        """Terms `[c]`; `targets` are not read."""
        return boundary(probabilities, drawn)
