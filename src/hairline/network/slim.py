"""A slim U-Net that a laptop can train.

References
----------
Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from hairline.network.attention import Attention
from hairline.network.prior import set_prior
from hairline.network.sizes import cropped, padded


class SlimUNet(nn.Module):
    """A U-Net cut to what a thin line on a laptop needs: full-resolution features are few, for they cost the most.

    Each level is 3x3 convolution, batch norm, ReLU: `down_convs` times on the way down, `up_convs` times on the way up.
    Max-pool leads down. On the way up a 1x1 convolution brings the channels to the skip's number *before* bilinear
    enlargement, and the skip is added, not concatenated. That and one convolution instead of two halve the time of a
    step; the lowest levels cost next to nothing and show a pixel more of the line it lies on.
    """

    def __init__(
        self,
        channels: int,
        *,
        in_channels: int = 1,
        widths: Sequence[int] = (16, 32, 64, 96, 128),
        down_convs: int = 2,
        up_convs: int = 1,
        attention: int = 1,
        prior: Sequence[float] | None = None,
    ) -> None:
        """`widths` are the channels of each level, from full resolution down; their number sets the depth.

        `attention` layers at the bottom let every place look at all others.
        """
        super().__init__()
        widths = list(widths)  # a list of OmegaConf does not slice as lists do
        if len(widths) < 2 or min(widths) < 1 or down_convs < 1 or up_convs < 1:
            raise ValueError(
                "network.widths must be two or more numbers from 1 up, and down_convs and up_convs 1 or more, got "
                f"{widths}, {down_convs} and {up_convs}; [16, 32, 64, 96, 128], 2 and 1 are the default"
            )
        if attention < 0 or (attention and widths[-1] % Attention.HEADS):
            raise ValueError(
                f"network.attention must be 0 or more layers, on a lowest width that {Attention.HEADS} divides, got "
                f"{attention} on {widths[-1]}; take 0 or another last width"
            )
        self.stride = 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            _convolutions(before, after, down_convs)
            for before, after in zip([in_channels, *widths[:-1]], widths, strict=True)
        )
        self.bottom = nn.Sequential(*(Attention(widths[-1]) for _ in range(attention)))
        above, below = widths[-2::-1], widths[:0:-1]  # both from the bottom upwards
        self.narrow = nn.ModuleList(nn.Conv2d(low, high, 1, bias=False) for low, high in zip(below, above, strict=True))
        self.up = nn.ModuleList(_convolutions(width, width, up_convs) for width in above)
        self.last = nn.Conv2d(widths[0], channels, 1)
        set_prior(self.last, prior)

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`."""
        x = self.down[0](padded(image, self.stride))
        skips = []
        for block in list(self.down)[1:]:
            skips.append(x)
            x = block(functional.max_pool2d(x, 2))
        x = self.bottom(x)
        for narrow, block in zip(self.narrow, self.up, strict=True):
            enlarged = functional.interpolate(narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(enlarged + skips.pop())
        return cropped(self.last(x), image)


def _convolutions(before: int, after: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for place in range(count):
        layers.append(nn.Conv2d(before if place == 0 else after, after, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
