"""What each class asks of the network: the norm of the loss's gradient with respect to the logits, class by class.

Conventions
-----------
With g the gradient `[B,c,H,W]` of the loss of a batch and y its true classes `[B,H,W]`, 255 = ignored,

    G_k = sqrt( sum of g^2 over all channels of the pixels whose true class is k )

0 for a class that is not in the batch. G_k^2 over all classes and the ignored pixels sum to the square of the norm of
g. The loss is a mean, so G depends on the size of the batch: compare classes of one run, not runs of different budgets.
Names are `train/grad_norm/class`.

Under bf16 the gradient has the three digits of bf16; its squares are summed in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor


def class_square_norms(gradient: Tensor, truth: Tensor, *, classes: int) -> Tensor:
    """G^2 of each class, `float64 [C]`, of `gradient [B,c,H,W]` and `truth [B,H,W]`, ids 0..C-1 or 255.

    Squares, since those of the processes of a run add up. Raises ValueError for shapes that do not belong together.
    """
    if gradient.ndim != 4 or truth.shape != gradient.shape[:1] + gradient.shape[2:]:
        raise ValueError(
            f"`gradient` must be [B,c,H,W] and `truth` [B,H,W] of the same batch, got {tuple(gradient.shape)} and "
            f"{tuple(truth.shape)}; take the gradient of the logits and the labels of one step"
        )
    squares = gradient.double().square().sum(dim=1)
    return torch.stack([squares[truth == index].sum() for index in range(classes)])
