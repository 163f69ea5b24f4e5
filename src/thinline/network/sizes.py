"""Parts of every network: padding of the image and cropping of the logits, and the initial bias of the last layer.

The image is padded at the bottom and on the right by repeating its last row and column, to a multiple of `stride` and
to at least `smallest` pixels. With the bias of `set_prior` a network starts from the shares of the channels (for a
sigmoid p / (1 + p), equal to p up to p squared), so that training need not first unlearn curves.

References
----------
Lin, Goyal, Girshick, He and Dollar, "Focal loss for dense object detection", ICCV 2017, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def padded(image: Tensor, stride: int, *, smallest: int | None = None) -> Tensor:
    """`image [B,in_channels,H,W]` enlarged to multiples of `stride`, to two strides or `smallest` px at least."""
    least = smallest or 2 * stride
    height, width = (max(least, size) + -max(least, size) % stride for size in image.shape[-2:])
    down, right = height - image.shape[-2], width - image.shape[-1]
    return functional.pad(image, (0, right, 0, down), mode="replicate") if down or right else image


def cropped(logits: Tensor, image: Tensor) -> Tensor:
    """`logits` cut to the height and width of `image`."""
    return logits[..., : image.shape[-2], : image.shape[-1]]


class AnySize(nn.Module):
    """A network that halves its image several times, extended to any height and width."""

    def __init__(self, network: nn.Module, *, stride: int, smallest: int | None = None, sheets: int = 1) -> None:
        """`smallest` height and width in px, two strides if None; `sheets` is the smallest batch in training."""
        super().__init__()
        self.network = network
        self.stride = stride
        self.smallest = smallest
        self.sheets = sheets

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`. Raises ValueError for too few sheets in training.

        A global pooling leaves one value per sheet, and a batch norm over one value is not defined.
        """
        if self.training and len(image) < self.sheets:
            raise ValueError(
                f"{type(self.network).__name__} needs {self.sheets} images a step and process in training, because it "
                f"pools each to one value before a batch norm, got {len(image)}; raise budget.batch_size, or take "
                "another network.architecture"
            )
        return cropped(self.network(padded(image, self.stride, smallest=self.smallest)), image)


def set_prior(bias: Tensor | None, prior: Sequence[float] | None) -> None:
    """Set the last `bias [c]` to the logarithms of `prior [c]`; None keeps it. ValueError for a wrong prior."""
    if prior is None:
        return
    assert bias is not None
    if len(prior) != len(bias) or not all(0 < share < 1 for share in prior):
        raise ValueError(
            f"network.prior must hold a share in 0..1 for each of {len(bias)} channels, got {list(prior)}; "
            "network.prior=null leaves the last bias as it starts"
        )
    with torch.no_grad():
        bias.copy_(torch.tensor([math.log(share) for share in prior]))
