"""Transformer layer over all positions of a feature map, and sine encoding of the positions.

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
"""Largest number of positions for which the attention matrix is stored."""


class Attention(nn.Module):
    """One pre-norm transformer layer over all positions of a feature map `[B,D,h,w]`, without positional encoding.

    It can compare two lines that are farther apart than the receptive field of the convolutions. Its cost grows with
    the square of the image area and is small at the bottom of a U-Net.
    """

    HEADS = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """`[B,D,h,w]` of the same shape."""
        batch, width, rows, columns = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        projected = self.ask(self.before(tokens)).view(batch, -1, 3, self.HEADS, width // self.HEADS)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        attended = _attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + self.join(attended)
        tokens = tokens + self.think(self.after(tokens))
        out: Tensor = tokens.transpose(1, 2).reshape(batch, width, rows, columns)
        return out


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(query key^T / sqrt(d)) value, `[B,heads,positions,d]` each.

    torch's fused attention does not store the attention matrix, but on a CPU in bf16 it takes five times as long for
    the few hundred positions of a training tile.
    """
    if query.device.type != "cpu" or query.shape[-2] > FEW:
        return functional.scaled_dot_product_attention(query, key, value)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    attended: Tensor = scores.softmax(dim=-1) @ value
    return attended


def positions(like: Tensor) -> Tensor:
    """Sines and cosines of row and column, `[D,h,w]` for a map `like [B,D,h,w]`; D a multiple of four.

    The first half of the channels encodes the row, the other the column; in each half the sines of D / 4 wavelengths,
    2 pi to nearly 20,000 pi positions, come before their cosines. The formula works for any h and w.
    """
    _, width, rows, columns = like.shape
    exponents = torch.arange(width // 4, device=like.device, dtype=torch.float64) * (4 / width)
    slower = 10_000.0**-exponents
    halves = []
    for count, shape in ((rows, (-1, rows, 1)), (columns, (-1, 1, columns))):
        angles = slower[:, None] * torch.arange(count, device=like.device, dtype=torch.float64)
        waves = torch.cat([angles.sin(), angles.cos()])
        halves.append(waves.view(shape).expand(-1, rows, columns))
    return torch.cat(halves).to(like.dtype)
