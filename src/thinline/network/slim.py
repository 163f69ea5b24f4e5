"""Slim U-Net: a small U-Net that trains on a laptop.

References
----------
Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from thinline.network.attention import Attention
from thinline.network.row_column_mixing import Strips
from thinline.network.sizes import cropped, padded, set_prior


class SlimUNet(nn.Module):
    """A U-Net without a layer at full resolution, which saves the most expensive layers.

    The pixels of each `patch x patch` square become channels (pixel unshuffle), and the output channels become pixels
    again (pixel shuffle). A level is 3x3 convolution, batch norm, ReLU, `down_convs` times in the encoder and
    `up_convs` times in the decoder; the uppermost `strips` levels of the encoder have strip pooling. Downsampling is
    max-pooling. In the decoder a 1x1 convolution reduces the channels to those of the skip *before* bilinear
    upsampling, and the skip is added, not concatenated. experiments/LOG.md has the effect of each part at equal time.
    """

    def __init__(  # noqa: PLR0913  # the keys of its YAML
        self,
        channels: int,
        *,
        in_channels: int = 1,
        widths: Sequence[int] = (32, 64, 96, 128),
        patch: int = 2,
        down_convs: int = 2,
        up_convs: int = 1,
        strips: int = 3,
        attention: int = 1,
        prior: Sequence[float] | None = None,
    ) -> None:
        """`widths` are the channels of each level, from the top down; their number is the depth.

        `attention` is the number of attention layers at the bottom. More `strips` than levels are one for each level.
        Raises ValueError for impossible values.
        """
        super().__init__()
        widths = list(widths)  # a ListConfig does not slice as a list
        if len(widths) < 2 or min(widths) < 1 or down_convs < 1 or up_convs < 1:
            raise ValueError(
                "network.widths must be two or more numbers from 1 up, and down_convs and up_convs 1 or more, got "
                f"{widths}, {down_convs} and {up_convs}; [32, 64, 96, 128], 2 and 1 are the default"
            )
        if patch < 1 or strips < 0:
            raise ValueError(
                f"network.patch must be 1 or more and network.strips 0 or more, got {patch} and {strips}; 2 and 3 are "
                "the default"
            )
        if attention < 0 or (attention and widths[-1] % Attention.HEADS):
            raise ValueError(
                f"network.attention must be 0 or more layers, on a lowest width that {Attention.HEADS} divides, got "
                f"{attention} on {widths[-1]}; take 0 or another last width"
            )
        self.patch = patch
        self.stride = patch * 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            _convolutions(before, after, down_convs, strips=level < strips)
            for level, (before, after) in enumerate(pairwise([in_channels * patch**2, *widths]))
        )
        self.bottom = nn.Sequential(*(Attention(widths[-1]) for _ in range(attention)))
        above, below = widths[-2::-1], widths[:0:-1]  # both from the bottom up
        self.narrow = nn.ModuleList(nn.Conv2d(low, high, 1, bias=False) for low, high in zip(below, above, strict=True))
        self.up = nn.ModuleList(_convolutions(width, width, up_convs) for width in above)
        self.last = nn.Conv2d(widths[0], channels * patch**2, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(channels))
        set_prior(self.bias, prior)

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`."""
        x = self.down[0](functional.pixel_unshuffle(padded(image, self.stride), self.patch))
        skips = []
        for block in list(self.down)[1:]:
            skips.append(x)
            x = block(functional.max_pool2d(x, 2))
        x = self.bottom(x)
        for narrow, block in zip(self.narrow, self.up, strict=True):
            enlarged = functional.interpolate(narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(enlarged + skips.pop())
        logits = functional.pixel_shuffle(self.last(x), self.patch)
        return cropped(logits + self.bias.to(logits.dtype).view(-1, 1, 1), image)


def _convolutions(before: int, after: int, count: int, *, strips: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index in range(count):
        layers.append(nn.Conv2d(before if index == 0 else after, after, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, *([Strips(after)] if strips else []))
