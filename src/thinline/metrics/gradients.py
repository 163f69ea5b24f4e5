"""Norm of the gradient of the loss with respect to the logits, per class.

Conventions
-----------
With g the gradient `[B,c,H,W]` of the loss of a batch and y its true classes `[B,H,W]`, 255 = ignored,

    G_k = sqrt( sum of g^2 over all channels of the pixels whose true class is k )

0 for a class that is not in the batch. The G_k^2 of all classes and of the ignored pixels add up to the squared norm of
g. The loss is a mean, so G depends on the batch size: compare classes of one run, not runs of different budgets.
Names are `train/grad_norm/class`. Squares are summed in float64, also of a bf16 gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor


def class_square_norms(gradient: Tensor, truth: Tensor, *, classes: int) -> Tensor:
    """G^2 of each class, `float64 [C]`, of `gradient [B,c,H,W]` and `truth [B,H,W]`, ids 0..C-1 or 255.

    Squares, because the squares of several processes add up. Raises ValueError for shapes that differ.
    """
    if gradient.ndim != 4 or truth.shape != gradient.shape[:1] + gradient.shape[2:]:
        raise ValueError(
            f"`gradient` must be [B,c,H,W] and `truth` [B,H,W] of the same batch, got {tuple(gradient.shape)} and "
            f"{tuple(truth.shape)}; take the gradient of the logits and the labels of one step"
        )
    squares = gradient.double().square().sum(dim=1)
    return torch.stack([squares[truth == index].sum() for index in range(classes)])
