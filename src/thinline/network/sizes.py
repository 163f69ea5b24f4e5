"""Any height and width: pad the image to what a network can halve, crop its answer back.

The image grows at the bottom and on the right by repeating its last row and column, to a multiple of `stride` and to
`smallest` pixels at least.
"""

from __future__ import annotations

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
    """A network that halves its image several times, made to take any height and width."""

    def __init__(self, network: nn.Module, *, stride: int, smallest: int | None = None, sheets: int = 1) -> None:
        """`smallest` px of height and width, two strides if None; `sheets` a batch must have in training."""
        super().__init__()
        self.network = network
        self.stride = stride
        self.smallest = smallest
        self.sheets = sheets

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`. Raises ValueError for too few sheets in training.

        A global pooling leaves one value for each sheet, and a batch norm over one value is no norm.
        """
        if self.training and len(image) < self.sheets:
            raise ValueError(
                f"{type(self.network).__name__} needs {self.sheets} images a step and process in training, because it "
                f"pools each to one value before a batch norm, got {len(image)}; raise budget.batch_size, or take "
                "another network.architecture"
            )
        return cropped(self.network(padded(image, self.stride, smallest=self.smallest)), image)
