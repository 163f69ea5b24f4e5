"""What stands in the whole row and the whole column of a place, told to the place.

A line of the grid is a line because it goes on: nothing a few pixels wide tells a heavy one from a curve that runs
along it. The mean of a row and of a column of features does, for next to nothing.

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
    """Adds to every place of `[B,D,h,w]` what a linear map makes of the means of its row and of its column.

    Each map sees the neighbours of the row or column as well, for on a skewed sheet a line is in more than one.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.row, self.column = (nn.Linear(3 * width, width, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """`[B,D,h,w]`, as given."""
        places = x.permute(0, 2, 3, 1)  # in memory already so where the network computes channels last
        row, column = self.row(_with_neighbours(places.mean(2))), self.column(_with_neighbours(places.mean(1)))
        told: Tensor = (places + row[:, :, None] + column[:, None]).permute(0, 3, 1, 2)
        return told


def _with_neighbours(strips: Tensor) -> Tensor:
    """`[B,n,D]` with the strip before and the strip after each beside it, `[B,n,3D]`; zeros beyond the ends."""
    padded = functional.pad(strips, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], strips, padded[:, 2:]], dim=-1)
