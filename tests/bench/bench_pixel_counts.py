"""Counting a batch beside torchmetrics: the same integers, how much faster, and what share of the network's time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from rows import Row, compared
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    BinaryPrecisionRecallCurve,
    MulticlassF1Score,
    MulticlassJaccardIndex,
    MulticlassPrecision,
    MulticlassRecall,
)
from torchmetrics.segmentation import DiceScore, MeanIoU
from turns import compare

from thinline.metrics.pixels import PixelMeasures
from thinline.metrics.thresholds import ScoreHistogram
from thinline.network import SlimUNet

B, C, H, W = 4, 3, 256, 256


def batch() -> tuple[Tensor, Tensor]:
    """Probabilities [B,C,H,W] of a network in training and the truth [B,H,W]: 96 % background."""
    generator = torch.Generator().manual_seed(0)
    true = torch.multinomial(torch.tensor([0.96, 0.02, 0.02]), B * H * W, replacement=True, generator=generator)
    true = true.view(B, H, W)
    hot = torch.nn.functional.one_hot(true, C).permute(0, 3, 1, 2).float()
    return (6 * hot + torch.randn(hot.shape, generator=generator)).softmax(1), true


def main() -> Iterator[Row]:
    """Rows: the peer's time over ours, for a sheet."""
    yield _confusion()
    yield _overlaps()
    yield _histogram()
    yield _share_of_inference()


def _confusion() -> Row:
    probabilities, true = batch()
    predicted = probabilities.argmax(1)
    ours = PixelMeasures(C, keep_sheets=True)
    index = torch.arange(B)
    peers = MetricCollection(
        [
            kind(num_classes=C, average=None, validate_args=False)
            for kind in (MulticlassJaccardIndex, MulticlassPrecision, MulticlassRecall, MulticlassF1Score)
        ],
        compute_groups=False,
    )
    comparison = compare(
        lambda: ours.update(predicted, true, index), lambda: peers.update(predicted, true), units=(B, B)
    )
    our_us, peer_us = (seconds * 1e6 for seconds in comparison.seconds)
    comment = f"{our_us:.0f} us a sheet, torchmetrics J/P/R/F1 {peer_us:.0f}"
    return compared("measures, counts per class", comparison, comment)


def _overlaps() -> Row:
    """torchmetrics.segmentation has no counts: IoU and Dice of each class are kept per sheet."""
    probabilities, true = batch()
    predicted = probabilities.argmax(1)
    ours = PixelMeasures(C)
    peers = [
        MeanIoU(num_classes=C, per_class=True, input_format="index"),
        DiceScore(num_classes=C, average="none", input_format="index"),
    ]

    def peer() -> None:
        for measure in peers:
            measure.update(predicted, true)
            measure.reset()  # DiceScore keeps the numbers of every batch

    comparison = compare(lambda: ours.update(predicted, true), peer, units=(B, B))
    our_us, peer_us = (seconds * 1e6 for seconds in comparison.seconds)
    comment = f"{our_us:.0f} us a sheet, torchmetrics.segmentation's IoU and Dice {peer_us:.0f}"
    return compared("measures, IoU and Dice of segmentation", comparison, comment)


def _histogram() -> Row:
    probabilities, true = batch()
    truth = torch.stack([true == k for k in range(C)], dim=1)
    valid = torch.ones_like(true, dtype=torch.bool)
    ours = ScoreHistogram(C)
    peers = [BinaryPrecisionRecallCurve(thresholds=256, validate_args=False) for _ in range(C)]

    def peer() -> None:
        for k, curve in enumerate(peers):
            curve.update(probabilities[:, k], truth[:, k].long())

    comparison = compare(lambda: ours.update(probabilities, truth, valid), peer, units=(B, B))
    our_us, peer_us = (seconds * 1e6 for seconds in comparison.seconds)
    comment = f"{our_us:.0f} us a sheet, torchmetrics' binned curve {peer_us:.0f}"
    return compared("measures, score histogram", comparison, comment)


def _share_of_inference() -> Row:
    probabilities, true = batch()
    predicted = probabilities.argmax(1)
    truth = torch.stack([true == k for k in range(C)], dim=1)
    valid = torch.ones_like(true, dtype=torch.bool)
    pixels, scores = PixelMeasures(C), ScoreHistogram(C)
    network = SlimUNet(C).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    image = torch.rand(B, 1, H, W)

    def count() -> None:
        pixels.update(predicted, true)
        scores.update(probabilities, truth, valid)

    def infer() -> None:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            network(image)

    comparison = compare(count, infer, units=(B, B))
    network_ms = comparison.seconds[1] * 1e3
    comment = f"both counts are {1 / comparison.ratio:.1%} of the slim network's inference, {network_ms:.1f} ms"
    return compared("measures, inference over both", comparison, comment)
