from __future__ import annotations

import math

import pytest
import torch

from thinline.network import Attention, attention
from thinline.network.attention import positions


@pytest.mark.parametrize("few", [0, attention.FEW])
def test_attention_is_torchs_transformer_layer(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights in nn.TransformerEncoderLayer give the same answer, for few positions and for many."""
    monkeypatch.setattr(attention, "FEW", few)
    torch.manual_seed(0)
    ours = Attention(16).eval()
    layer = torch.nn.TransformerEncoderLayer(
        16, 4, dim_feedforward=32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    pairs = [
        (layer.norm1, ours.before),
        (layer.norm2, ours.after),
        (layer.self_attn.out_proj, ours.join),
        (layer.linear1, ours.think[0]),
        (layer.linear2, ours.think[2]),
    ]
    with torch.no_grad():
        for theirs, mine in pairs:
            theirs.weight.copy_(mine.weight)
            theirs.bias.copy_(mine.bias)
        layer.self_attn.in_proj_weight.copy_(ours.ask.weight)
        layer.self_attn.in_proj_bias.copy_(ours.ask.bias)
    x = torch.randn(2, 16, 3, 5)
    expected = layer(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)
    assert torch.allclose(ours(x), expected, atol=1e-5)


def test_positions_are_the_sines_of_the_paper() -> None:
    """Channel by channel: sin and cos of place / 10000^(2 i / d) with d the channels of one axis."""
    width, rows, columns = 16, 3, 5
    encoding = positions(torch.empty(1, width, rows, columns, dtype=torch.float64))
    assert encoding.shape == (width, rows, columns)
    axis, waves = width // 2, width // 4
    for i in range(waves):
        for row in range(rows):
            for column in range(columns):
                for position, first in ((row, 0), (column, axis)):
                    angle = position / 10_000 ** (2 * i / axis)
                    assert math.isclose(encoding[first + i, row, column], math.sin(angle), abs_tol=1e-12)
                    assert math.isclose(encoding[first + waves + i, row, column], math.cos(angle), abs_tol=1e-12)


def test_no_two_positions_of_a_long_sheet_have_the_same_code() -> None:
    encoding = positions(torch.empty(1, 128, 15, 400)).flatten(1).T
    assert len(torch.unique(encoding, dim=0)) == 15 * 400
    assert torch.equal(positions(torch.empty(1, 128, 2, 7)), positions(torch.empty(1, 128, 15, 400))[:, :2, :7])
