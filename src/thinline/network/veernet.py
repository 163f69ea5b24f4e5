"""VeerNet: an encoder-decoder with transformer layers at the bottleneck, for whole sheets without tiling.

Published
    Five stages down and five up, each by a stride of two; 128 channels at the bottleneck; two transformer layers there;
    group normalisation; one grey channel; sheets 3,200 to 12,800 px wide and 480 to 640 px high in one piece.

Not published, and ours
    widths       16, 32, 64 and 96 channels before the 128
    a stage      3x3 convolution of stride two, group norm, ReLU, 3x3 convolution, group norm, ReLU
    stem         two such convolutions at full resolution, so that a line of 1 px is seen before downsampling
    upsampling   2x2 transposed convolution of stride two; its patches do not overlap, so it makes no checkerboard
    skips        the encoder's map of the same size, the stem's included, is added before two more convolutions
    groups       eight in each norm
    transformer  norm before each part, four heads, inner width twice the outer, no dropout
    positions    sines of row and column, for any height and width
    any size     padding to a multiple of 32 and cropping, as in the other networks

The optimiser, its rate and the batch are not published either; those of `conf/` are ours.

Attention is over all positions of the bottleneck: 480 x 12,800 px are 15 x 400 = 6,000 positions. Its time grows with
their square; its memory does not, since the attention matrix is not stored. Measured in float32 on a CPU, one sheet:
480 x 3,200 px take .6 GiB, 1.6 with the backward pass; 480 x 12,800 px take 1.7 GiB.

References
----------
"VeerNet: using deep neural networks for curve classification and digitization of raster well-log images", J. Imaging
9(7), 136, 2023.
Wu and He, "Group normalization", ECCV 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from thinline.network.attention import Attention, positions
from thinline.network.sizes import cropped, padded, set_prior

GROUPS: Final = 8


class VeerNet(nn.Module):
    """The encoder-decoder of this module's docstring; `widths` and `attention` may be changed."""

    def __init__(
        self,
        channels: int,
        *,
        in_channels: int = 1,
        widths: Sequence[int] = (16, 32, 64, 96, 128),
        attention: int = 2,
        prior: Sequence[float] | None = None,
    ) -> None:
        """`widths` are the channels after each stage, the bottleneck last; their number is the number of stages.

        `attention` is the number of transformer layers. Raises ValueError for widths that are no multiple of GROUPS,
        and for a prior of another number of channels.
        """
        super().__init__()
        widths = list(widths)
        if not widths or any(width < 1 or width % GROUPS for width in widths) or attention < 0:
            raise ValueError(
                f"network.widths must be one or more multiples of {GROUPS}, and network.attention 0 or more, got "
                f"{widths} and {attention}; [16, 32, 64, 96, 128] and 2 are the default"
            )
        self.stride = 2 ** len(widths)
        before = [widths[0], *widths[:-1]]
        self.stem = _stage(in_channels, widths[0], stride=1)
        self.down = nn.ModuleList(_stage(wide, narrow, stride=2) for wide, narrow in zip(before, widths, strict=True))
        self.bottleneck = nn.Sequential(*(Attention(widths[-1]) for _ in range(attention)))
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(low, high, 2, stride=2, bias=False)
            for low, high in zip(widths[::-1], before[::-1], strict=True)
        )
        self.up = nn.ModuleList(_stage(width, width, stride=1) for width in before[::-1])
        self.last = nn.Conv2d(widths[0], channels, 1)
        set_prior(self.last.bias, prior)

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`."""
        x = self.stem(padded(image, self.stride))
        skips = []
        for stage in self.down:
            skips.append(x)
            x = stage(x)
        x = self.bottleneck(x + positions(x)) if len(self.bottleneck) else x
        for enlarge, stage in zip(self.enlarge, self.up, strict=True):
            x = stage(enlarge(x) + skips.pop())
        return cropped(self.last(x), image)


def _stage(before: int, after: int, *, stride: int) -> nn.Sequential:
    """Two 3x3 convolutions, the first with `stride`, each with group norm and ReLU."""
    layers: list[nn.Module] = []
    for channels, step in ((before, stride), (after, 1)):
        layers.append(nn.Conv2d(channels, after, 3, stride=step, padding=1, bias=False))
        layers += [nn.GroupNorm(GROUPS, after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
