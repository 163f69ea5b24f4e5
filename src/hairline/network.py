"""Backbones: a slim U-Net that a laptop can train, and a U-Net on any encoder of segmentation_models_pytorch.

Conventions
-----------
A network maps `image [B,in_channels,H,W]` to `logits [B,channels,H,W]` at any H and W from 1 up. The image is padded at
the bottom and on the right, by repeating its last row and column, to a multiple of the network's stride and to two
strides at least (a batch norm over one value is no norm); the logits are cropped back.

`prior` gives each channel's share of the pixels, as [0.97, 0.015, 0.015]. The bias of the last layer starts at its
logarithm, so that training does not begin by unlearning half a sheet of curve. For a softmax that is the prior itself;
for a sigmoid it is p / (1 + p), which for a rare class is p to within p squared. Null leaves PyTorch's initialisation.

References
----------
Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015.
Lin, Goyal, Girshick, He and Dollar, "Focal loss for dense object detection", ICCV 2017, section 3.3 (the prior).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

SMP_STRIDE = 32
"""No encoder of segmentation_models_pytorch halves the image more than five times."""


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
        _set_prior(self.last, prior)

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`."""
        x = self.down[0](_padded(image, self.stride))
        skips = []
        for block in list(self.down)[1:]:
            skips.append(x)
            x = block(functional.max_pool2d(x, 2))
        x = self.bottom(x)
        for narrow, block in zip(self.narrow, self.up, strict=True):
            enlarged = functional.interpolate(narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(enlarged + skips.pop())
        return _cropped(self.last(x), image)


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
        seen = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        places = places + self.join(seen)
        places = places + self.think(self.after(places))
        joined: Tensor = places.transpose(1, 2).reshape(batch, width, rows, columns)
        return joined


class AnySize(nn.Module):
    """A network that halves its image several times, made to take any height and width."""

    def __init__(self, network: nn.Module, *, stride: int) -> None:
        super().__init__()
        self.network = network
        self.stride = stride

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`."""
        return _cropped(self.network(_padded(image, self.stride)), image)


def unet(
    channels: int,
    *,
    in_channels: int = 1,
    encoder: str = "resnet18",
    encoder_depth: int = 5,
    decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
    encoder_weights: str | None = None,
    prior: Sequence[float] | None = None,
) -> AnySize:
    """A U-Net of segmentation_models_pytorch on any of its encoders; an encoder less deep takes the last widths.

    `encoder_weights` is null or a set the encoder has, as "imagenet", downloaded once and kept in the cache. Raises
    `ValueError` for an encoder, a depth or weights there are not, `RuntimeError` where the weights cannot be had.
    """
    # Inside the function: importing it takes seconds, and only this backbone needs it.
    import segmentation_models_pytorch as smp

    known = list(smp.encoders.get_encoder_names())
    if encoder not in known and not encoder.startswith("tu-"):
        close = difflib.get_close_matches(encoder, known, n=5, cutoff=0.4)
        raise ValueError(
            f"network.encoder must be one of {len(known)} encoders of segmentation_models_pytorch, got {encoder!r}; "
            f"did you mean {', '.join(close) or 'resnet18'}? (`tu-` before a name of timm works as well)"
        )
    if not 1 <= encoder_depth <= len(decoder_channels) <= 5:
        raise ValueError(
            f"network.encoder_depth must lie in 1..5 and have a decoder width for each level, got {encoder_depth} and "
            f"decoder_channels={list(decoder_channels)}; name the widths from the bottom up"
        )
    with _explained(encoder, encoder_weights):
        network = smp.Unet(
            encoder_name=encoder,
            encoder_depth=encoder_depth,
            # timm's encoders carry the name of their weights themselves and are only told to fetch them
            encoder_weights=True if encoder_weights and encoder.startswith("tu-") else encoder_weights,
            decoder_channels=list(decoder_channels)[-encoder_depth:],
            in_channels=in_channels,
            classes=channels,
        )
    _set_prior(network.segmentation_head[0], prior)
    return AnySize(network, stride=SMP_STRIDE)


@contextmanager
def _explained(encoder: str, weights: str | None) -> Iterator[None]:
    """Say what the errors of segmentation_models_pytorch, timm and the download mean for the configuration."""
    try:
        yield
    except KeyError as error:
        raise ValueError(
            f"network.encoder_weights={weights!r} does not go with {encoder!r}: {error.args[0]}"
        ) from error
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise RuntimeError(
            f"network.encoder_weights={weights!r} of {encoder!r} are not in the cache and could not be downloaded: "
            f"{reason} Next: network.encoder_weights=null trains from scratch; or build this network once where there "
            "is a connection, and copy the Hugging Face cache (the folder named by HF_HOME) to this machine"
        ) from error
    except RuntimeError as error:
        raise ValueError(
            f"network.encoder={encoder!r} cannot be built: {error}. Names after `tu-` are those of timm.list_models()"
        ) from error


def _convolutions(before: int, after: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for place in range(count):
        layers.append(nn.Conv2d(before if place == 0 else after, after, 3, padding=1, bias=False))
        layers += [nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _padded(image: Tensor, stride: int) -> Tensor:
    height, width = (max(2 * stride, size + -size % stride) for size in image.shape[-2:])
    down, right = height - image.shape[-2], width - image.shape[-1]
    return functional.pad(image, (0, right, 0, down), mode="replicate") if down or right else image


def _cropped(logits: Tensor, image: Tensor) -> Tensor:
    return logits[..., : image.shape[-2], : image.shape[-1]]


def _set_prior(last: nn.Conv2d, prior: Sequence[float] | None) -> None:
    if prior is None:
        return
    if len(prior) != last.out_channels or not all(0 < share < 1 for share in prior):
        raise ValueError(
            f"network.prior must hold a share in 0..1 for each of {last.out_channels} channels, got {list(prior)}; "
            "network.prior=null leaves the last bias as PyTorch starts it"
        )
    assert last.bias is not None
    with torch.no_grad():
        last.bias.copy_(torch.tensor([math.log(share) for share in prior]))
