"""A transformer layer over all places of a feature map, and where those places are.

References
----------
Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5 (the sines).
Xiong et al., "On layer normalization in the transformer architecture", ICML 2020 (the norm before each part).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

FEW: Final = 1024
"""Places up to which their square is held."""


class Attention(nn.Module):
    """One pre-norm transformer layer over all places of a feature map `[B,D,h,w]`, without positions: skips have them.

    Which of two lines is the heavier or the rougher is a comparison, and the other line may be half a sheet away, out
    of sight of any convolution. Costs little at the bottom of a U-Net; grows with the square of the image's area.
    """

    HEADS = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """`[B,D,h,w]`, each place with what it found elsewhere."""
        batch, width, rows, columns = x.shape
        places = x.flatten(2).transpose(1, 2)
        asked = self.ask(self.before(places)).view(batch, -1, 3, self.HEADS, width // self.HEADS)
        query, key, value = asked.permute(2, 0, 3, 1, 4)
        seen = _seen(query, key, value).transpose(1, 2).flatten(2)
        places = places + self.join(seen)
        places = places + self.think(self.after(places))
        joined: Tensor = places.transpose(1, 2).reshape(batch, width, rows, columns)
        return joined


def _seen(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(query key^T / sqrt(d)) value, `[B,heads,places,d]` each.

    torch's fused attention never holds the square of the places, but on a CPU in bf16 it takes five times as long for
    the few hundred of a training tile.
    """
    if query.device.type != "cpu" or query.shape[-2] > FEW:
        return functional.scaled_dot_product_attention(query, key, value)
    alike = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    seen: Tensor = alike.softmax(dim=-1) @ value
    return seen


def positions(like: Tensor) -> Tensor:
    """Sines and cosines of row and column, `[D,h,w]` for a map `like [B,D,h,w]`; D a multiple of four.

    The first half of the channels tells the row, the other the column; in each half the sines of D / 4 wavelengths,
    2 pi to nearly 20,000 pi places, come before their cosines. A formula instead of a learned table, so any h and w do.
    """
    _, width, rows, columns = like.shape
    exponents = torch.arange(width // 4, device=like.device, dtype=torch.float64) * (4 / width)
    slower = 10_000.0**-exponents
    halves = []
    for places, shape in ((rows, (-1, rows, 1)), (columns, (-1, 1, columns))):
        angles = slower[:, None] * torch.arange(places, device=like.device, dtype=torch.float64)
        waves = torch.cat([angles.sin(), angles.cos()])
        halves.append(waves.view(shape).expand(-1, rows, columns))
    return torch.cat(halves).to(like.dtype)
