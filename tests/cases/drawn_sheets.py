"""Sheets drawn as text: `.` background, `1` and `2` curves, `x` a crossing drawn last by curve 2, `?` ignored."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CLASSES = ("background", "curve_1", "curve_2")
IDS = {".": 0, "1": 1, "2": 2, "x": 2, "?": 255}


class Batch(NamedTuple):
    labels: Tensor
    strokes: Tensor

    def logits(self, channels: int, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
        batch, rows, columns = self.labels.shape
        generator = torch.Generator().manual_seed(seed)
        drawn = 2 * torch.randn(batch, channels, rows, columns, generator=generator, dtype=torch.float64)
        return drawn.to(dtype).requires_grad_()


def draw(*sheets: str) -> Batch:
    pictures = [sheet.split() for sheet in sheets]
    labels = torch.tensor([[[IDS[mark] for mark in row] for row in picture] for picture in pictures])
    strokes = [[[[mark in own for mark in row] for row in picture] for own in ("1x", "2x")] for picture in pictures]
    return Batch(labels, torch.tensor(strokes))


def sheets() -> Batch:
    """Two sheets: one with both curves and their crossing, one with curve 1 alone."""
    return draw(
        """
        .1..2.
        .1.2..
        ..x...
        .2.1..
        2..1..
        """,
        """
        ....1.
        ...1..
        ...1..
        ..1...
        .1....
        """,
    )


def torn() -> Batch:
    """One small sheet with ignored pixels on and beside the curves."""
    return draw(
        """
        .1?.2
        .?.2?
        ..x.?
        """
    )


def random_batch(seed: int, *, share: float = 0.1, size: tuple[int, int, int] = (2, 16, 24), curves: int = 2) -> Batch:
    """Independent pixels, each curve on `share` of them; of two strokes the later curve gives the label."""
    generator = torch.Generator().manual_seed(seed)
    strokes = torch.rand(size[0], curves, *size[1:], generator=generator) < share
    labels = torch.zeros(size, dtype=torch.long)
    for curve in range(curves):
        labels[strokes[:, curve]] = curve + 1
    return Batch(labels, strokes)


def case(head, seed: int = 0) -> tuple[Batch, Tensor]:
    """A random batch and logits for a class of heads."""
    batch = random_batch(seed)
    return batch, batch.logits(head(CLASSES).channels, seed=seed)
