"""Counting a batch beside torchmetrics: the same integers, how much faster, and what share of the network's time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    BinaryPrecisionRecallCurve,
    MulticlassF1Score,
    MulticlassJaccardIndex,
    MulticlassPrecision,
    MulticlassRecall,
)
from turns import seconds_in_turns

from thinline.metrics.pixels import PixelMeasures
from thinline.metrics.thresholds import ScoreHistogram
from thinline.network import SlimUNet

B, C, H, W = 4, 3, 256, 256
REPEATS = 9


def batch() -> tuple[Tensor, Tensor]:
    """Probabilities [B,C,H,W] of a network in training and the truth [B,H,W]: 96 % background."""
    generator = torch.Generator().manual_seed(0)
    true = torch.multinomial(torch.tensor([0.96, 0.02, 0.02]), B * H * W, replacement=True, generator=generator)
    true = true.view(B, H, W)
    hot = torch.nn.functional.one_hot(true, C).permute(0, 3, 1, 2).float()
    return (6 * hot + torch.randn(hot.shape, generator=generator)).softmax(1), true


def main() -> list[tuple[str, float, str]]:
    """Rows (name, peer's time over ours, comment)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_confusion(), _histogram(), _share_of_inference()]
    finally:
        torch.set_num_threads(threads)


def _confusion() -> tuple[str, float, str]:
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
    our_s, peer_s = _seconds([lambda: ours.update(predicted, true, index), lambda: peers.update(predicted, true)])
    comment = f"{our_s * 1e6 / B:.0f} us a sheet, torchmetrics J/P/R/F1 {peer_s * 1e6 / B:.0f}"
    return "measures, counts per class", peer_s / our_s, comment


def _histogram() -> tuple[str, float, str]:
    probabilities, true = batch()
    truth = torch.stack([true == k for k in range(C)], dim=1)
    valid = torch.ones_like(true, dtype=torch.bool)
    ours = ScoreHistogram(C)
    peers = [BinaryPrecisionRecallCurve(thresholds=256, validate_args=False) for _ in range(C)]

    def peer() -> None:
        for k, curve in enumerate(peers):
            curve.update(probabilities[:, k], truth[:, k].long())

    our_s, peer_s = _seconds([lambda: ours.update(probabilities, truth, valid), peer])
    comment = f"{our_s * 1e6 / B:.0f} us a sheet, torchmetrics' binned curve {peer_s * 1e6 / B:.0f}"
    return "measures, score histogram", peer_s / our_s, comment


def _share_of_inference() -> tuple[str, float, str]:
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

    our_s, network_s = _seconds([count, infer])
    comment = f"both counts are {our_s / network_s:.1%} of the slim network's inference, {network_s * 1e3 / B:.1f} ms"
    return "measures, inference over both", network_s / our_s, comment


def _seconds(jobs: list[Callable[[], object]]) -> list[float]:
    """Least seconds of each job, taken in turns: on a busy machine the others measure their neighbours."""
    return [min(times) for times in seconds_in_turns(jobs, repeats=REPEATS)]


if __name__ == "__main__":
    for name, ratio, comment in main():
        print(f"{name:32s} {ratio:6.2f}x  {comment}")
