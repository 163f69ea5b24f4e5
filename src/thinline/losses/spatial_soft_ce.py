"""Spatially soft cross-entropy: cross-entropy with the truth blurred over neighbouring pixels.

    S = -sum_c s_c log p_c,   s = (g * t v) / (g * v),   g(r, c) proportional to exp(-(r^2 + c^2) / (2 sigma^2))

with `*` a convolution, t the targets and v 1 at pixels that are neither ignored nor beyond the tile. g sums to one: the
targets of a softmax still sum to one at every pixel, and a curve keeps its area. (The label smoothing of `soft_ce`
moves probability between classes, not between pixels.)

Conventions: `sigma_px` is in px of the tile at every resolution; the kernel ends at 3 sigma, rounded up. Across a
straight line one pixel wide the default of 0.6 px leaves .664 on the line and .166 on either side. From 0.8 px on less
than half stays on such a line, and a network that predicts exactly that shows no curve at a threshold of one half.
sigma 0 is cross-entropy. A class weight multiplies the term of a pixel by the weight of its class in the hard truth.
The minimum of the loss is the entropy of the blurred truth, not 0.

References
----------
Islam and Glocker, "Spatially Varying Label Smoothing: Capturing Uncertainty from Expert Annotations", IPMI 2021 (there
with a kernel of 3 x 3 whose centre weighs as much as its neighbours together).
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn


def blurred(targets: Tensor, valid: Tensor | None, *, sigma_px: float) -> Tensor:
    """Targets s `[B,c,H,W]` of `targets [B,c,H,W]`, zero at ignored pixels, and `valid [B,1,H,W]` bool or None."""
    seen = torch.ones_like(targets[:1, :1]) if valid is None else valid.to(targets.dtype)
    moved, share = _convolved(targets, sigma_px), _convolved(seen, sigma_px)
    soft = moved.div_(share.clamp_min_(torch.finfo(share.dtype).tiny))
    return soft if valid is None else soft.mul_(valid)


def _convolved(field: Tensor, sigma_px: float) -> Tensor:
    """`field [B,c,H,W]` convolved with the kernel along height, then width; zero beyond its edge."""
    for axis in (2, 3):
        size = field.shape[axis]
        kernel = _kernel(sigma_px)[: size or 1]
        out = field * kernel[0]
        for step, share in enumerate(kernel[1:], start=1):
            near, far = field.narrow(axis, 0, size - step), field.narrow(axis, step, size - step)
            out.narrow(axis, step, size - step).add_(near, alpha=share)
            out.narrow(axis, 0, size - step).add_(far, alpha=share)
        field = out
    return field


def _kernel(sigma_px: float) -> list[float]:
    """Kernel values of a pixel and of its neighbours 1, 2, ... px to one side; the two-sided kernel sums to one."""
    if sigma_px == 0:
        return [1.0]
    side = [math.exp(-(step**2) / (2 * sigma_px**2)) for step in range(math.ceil(3 * sigma_px) + 1)]
    total = 2 * sum(side) - side[0]
    return [share / total for share in side]


class SpatialSoftCE(nn.Module):
    """Cross-entropy with spatially blurred targets.

    Raises:
        ValueError: a sigma that is negative or not finite.
    """

    name: ClassVar[str] = "spatial_soft_ce"
    kind: ClassVar[Literal["pixel"]] = "pixel"
    smoothing: ClassVar[float] = 0.0

    def __init__(self, *, sigma_px: float = 0.6) -> None:
        super().__init__()
        if not (math.isfinite(sigma_px) and sigma_px >= 0):
            raise ValueError(
                f"`loss.sigma_px` must be finite and at least 0, got {sigma_px}; 0 is cross-entropy, 0.6 tolerates a "
                "shift of a pixel"
            )
        self.sigma_px = sigma_px

    def spread(self, targets: Tensor, valid: Tensor | None) -> Tensor:
        """`blurred` with this sigma."""
        return blurred(targets, valid, sigma_px=self.sigma_px)

    def forward(self, nll: Tensor) -> Tensor:
        """Terms, one for each element of `nll`, unchanged."""
        return nll
