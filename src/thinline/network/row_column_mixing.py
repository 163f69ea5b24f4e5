"""Strip pooling: each position gets features of the means of its whole row and its whole column.

A grid line continues across the sheet; a local window cannot distinguish a heavy one from a curve that runs along it.
The means of rows and columns can, at little cost.

References
----------
Hou, Zhang, Cheng and Feng, "Strip pooling: rethinking spatial pooling for scene parsing", CVPR 2020, section 3.1. There
the pooled strips gate the features; here they are added, which scored the same (experiments/LOG.md).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Strips(nn.Module):
    """Adds to every position of `[B,D,h,w]` a linear map of the mean of its row and one of the mean of its column.

    Each map also sees the two neighbours of the row or column, because on a skewed sheet a line crosses several.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.row, self.column = (nn.Linear(3 * width, width, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """`[B,D,h,w]` of the same shape."""
        pixels = x.permute(0, 2, 3, 1)  # no copy where the network computes channels last
        row, column = self.row(_with_neighbours(pixels.mean(2))), self.column(_with_neighbours(pixels.mean(1)))
        mixed: Tensor = (pixels + row[:, :, None] + column[:, None]).permute(0, 3, 1, 2)
        return mixed


def _with_neighbours(strips: Tensor) -> Tensor:
    """`[B,n,D]` with the strip before and the strip after each beside it, `[B,n,3D]`; zeros beyond the ends."""
    padded = functional.pad(strips, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], strips, padded[:, 2:]], dim=-1)
