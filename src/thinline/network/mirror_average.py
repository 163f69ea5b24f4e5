"""Flip averaging (test-time augmentation): mean of the logits of an image and of its mirror image.

A trained network predicts slightly different logits for the mirror image, and the mean of both has a smaller error. It
costs a second forward pass in use and nothing in training.

References
----------
Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", NeurIPS 2012,
section 4.1 (the mean over flips at test time).
"""

from __future__ import annotations

from torch import Tensor, nn


class FlipAverage(nn.Module):
    """Any network; outside training its logits are the mean over the image and the image flipped left to right."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Logits `[B,channels,H,W]` of `image [B,in_channels,H,W]`."""
        logits: Tensor = self.network(image)
        if self.training:
            return logits
        both: Tensor = logits + self.network(image.flip(-1)).flip(-1)
        return both / 2
