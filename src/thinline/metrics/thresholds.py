"""Thresholds from score histograms: the best-F1 threshold of validation, its counts on test, threshold for a recall.

Conventions
-----------
A score histogram is `int64 [c,2,bins]`: for each channel, the number of valid negative (row 0) and positive (row 1)
pixels with a probability in bin k. Bin k holds k/bins <= p < (k+1)/bins, and the last bin also p = 1. `bins` is a power
of two, so that an edge k/bins and the product p * bins are exact in binary floating point (in bf16 up to 256 bins): the
count at threshold k/bins is exactly the count of p >= k/bins. Histograms of batches, sheets and ranks are summed.

Measures
--------
1. Best threshold of a channel: the edge k/bins, k = 0..bins-1, with the largest F1 = 2 tp / (2 tp + fp + fn) of the
   histogram. Ties go to the lowest edge. A channel without positive pixels keeps 0.5.
2. Tuned score: counts of the *test* histogram at the threshold of the *validation* histogram. (Scores of a split at its
   own best threshold are an upper bound.) Each channel is a binary decision of its own; nothing is decoded. Names are
   `tuned/measure/class`, for example `tuned/f1/curve_1`.
3. Tuned decision: one class id a pixel. Among the curves with p_k >= t_k the one with the largest p_k / t_k gets the
   pixel, ties go to the lowest id; without such a curve the pixel is background. With one curve this is measure 2,
   pixel for pixel. `class_weight=tuned_threshold` decides the test split this way, so that its numbers under `test/`
   are of exclusive classes, as those of every other cell.
4. Recall threshold of a channel: the highest edge at which recall tp / (tp + fn) of the validation histogram reaches a
   given value. The precision there makes networks with different operating points comparable. Of a very confident
   network all probabilities lie in the first and last bin; `spread` moves them apart before counting, order kept.

References
----------
Lipton, Elkan and Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure", ECML PKDD 2014.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from thinline.metrics.pixels import PixelCounts

UNTUNED = 0.5
"""The threshold of a channel without positive pixels in validation."""

SPREAD = 12.0
"""Divisor of log odds in `spread`: 1e-30 becomes 0.003, far from the first edge of 4,096 bins."""


def score_histogram(probabilities: Tensor, truth: Tensor, valid: Tensor, *, bins: int = 256) -> Tensor:
    """Histogram `int64 [c,2,bins]` of `probabilities` float `[B,c,H,W]` in 0..1, split by `truth` bool `[B,c,H,W]`.

    Pixels outside `valid` bool `[B,H,W]` are left out. Raises `ValueError` on other shapes, NaN or values outside 0..1.
    """
    _check(probabilities, truth, valid, bins=bins)
    bin_of = (probabilities * bins).clamp_(max=bins - 1).to(torch.uint8 if bins <= 256 else torch.int32)
    if bin_of.device.type != "cpu":
        return _histogram_at_once(bin_of, truth, valid, bins=bins)
    ignored = (~valid).flatten().nonzero()[:, 0]
    # channels first and then flat, once: counting reads memory in order
    by_channel = zip(
        bin_of.transpose(0, 1).flatten(1), (truth & valid[:, None]).transpose(0, 1).flatten(1), strict=True
    )
    return torch.stack([_channel_histogram(*channel, ignored, bins=bins) for channel in by_channel])


def best_threshold(histogram: Tensor) -> tuple[Tensor, Tensor]:
    """Threshold and its F1, `float64 [c]` each, of a validation histogram `int64 [c,2,bins]`.

    A channel without truth has threshold 0.5 and F1 NaN.
    """
    tp, positives, predicted = _tails(histogram)
    f1 = 2 * tp.double() / (positives[:, None] + predicted)
    best = f1.argmax(1)  # argmax takes the first of equal values, the lowest edge
    tuned = positives > 0
    threshold = torch.where(tuned, best.double() / histogram.shape[-1], UNTUNED)
    return threshold, torch.where(tuned, f1.amax(1), torch.nan)


def recall_threshold(histogram: Tensor, recall: float) -> Tensor:
    """Threshold `float64 [c]` with at least `recall` on a validation histogram `int64 [c,2,bins]`: measure 4.

    A channel without truth has threshold 0.5. Raises `ValueError` for a recall outside of 0 to 1, 0 excluded.
    """
    if not 0 < recall <= 1:
        raise ValueError(f"`recall` must be above 0 and at most 1, got {recall:g}; give .96 for 96 %")
    tp, positives, _ = _tails(histogram)
    reached = tp >= recall * positives[:, None].double() * (1 - 1e-12)  # .3 of 10 is 3
    edge = histogram.shape[-1] - 1 - reached.flip(-1).long().argmax(1)  # the highest edge that reaches it
    return torch.where(positives > 0, edge.double() / histogram.shape[-1], UNTUNED)


def spread(probabilities: Tensor) -> Tensor:
    """Log odds of `probabilities` divided by SPREAD, as probabilities float64 of the same shape and order.

    0 and 1 stay 0 and 1. Values that differ in float32 differ afterwards. Equal values may differ by a rounding error
    of float64, because torch computes the last elements of a tensor with other instructions than the rest.
    """
    return torch.sigmoid(torch.logit(probabilities.double()) / SPREAD)


def gathered_back(spread_out: float) -> float:
    """The probability that `spread` moves to `spread_out`."""
    return float(torch.sigmoid(torch.logit(torch.tensor(spread_out, dtype=torch.float64)) * SPREAD))


def counts_at(histogram: Tensor, threshold: Tensor) -> PixelCounts:
    """Counts `[c]` of the prediction p >= `threshold [c]` from a test histogram `int64 [c,2,bins]`.

    Raises `ValueError` for a threshold that is no edge k/bins with 0 <= k < bins.
    """
    bins = histogram.shape[-1]
    edges = threshold.double().to(histogram.device) * bins
    number = edges.long()
    if threshold.shape != histogram.shape[:1] or bool(((edges != number) | (number < 0) | (number >= bins)).any()):
        raise ValueError(
            f"`threshold` must hold one edge k/{bins} in [0, 1) for each of {len(histogram)} channels, got "
            f"{threshold.tolist()}; take it from `best_threshold` of a histogram with as many bins"
        )
    tp, positives, predicted = _tails(histogram)
    tp, predicted = (tail.gather(1, number[:, None])[:, 0] for tail in (tp, predicted))
    return PixelCounts(tp=tp, fp=predicted - tp, fn=positives - tp)


def tuned_labels(probabilities: Tensor, threshold: Tensor) -> Tensor:
    """Measure 3: ids `[B,H,W]` int64, 0 the background, from the curves' `probabilities [B,K,H,W]` and `threshold [K]`.

    Raises `ValueError` for another number of thresholds.
    """
    if probabilities.ndim != 4 or threshold.shape != probabilities.shape[1:2]:
        raise ValueError(
            f"`threshold` must hold one edge for each curve of `probabilities` [B,K,H,W], got {tuple(threshold.shape)} "
            f"for {tuple(probabilities.shape)}; leave out the background of both"
        )
    edges = threshold.to(probabilities)[:, None, None]
    # the curve of a threshold of zero gets every pixel where its probability is above zero
    excess = torch.where(probabilities >= edges, probabilities / edges.clamp_min(torch.finfo(edges.dtype).tiny), -1.0)
    best, curve = excess.max(dim=1)
    return torch.where(best >= 0, curve + 1, 0)


class ScoreHistogram(Metric):
    """`score_histogram` summed over batches and ranks; `compute` gives `int64 [c,2,bins]`."""

    full_state_update = False
    counts: Tensor

    def __init__(self, channels: int, *, bins: int = 256) -> None:
        super().__init__()
        self.bins = bins
        self.add_state("counts", torch.zeros(channels, 2, bins, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, truth: Tensor, valid: Tensor) -> None:
        """Add a batch, shapes as `score_histogram`."""
        self.counts += score_histogram(probabilities, truth, valid, bins=self.bins)

    def compute(self) -> Tensor:
        """The histogram of all batches."""
        return self.counts


def _channel_histogram(bin_of: Tensor, truth: Tensor, ignored: Tensor, *, bins: int) -> Tensor:
    """`[2,bins]` of one flat channel. Selecting pixels is slow: the rarer class is selected, the other is the rest."""
    every = torch.bincount(bin_of, minlength=bins) - torch.bincount(bin_of[ignored], minlength=bins)
    if 2 * int(truth.count_nonzero()) <= truth.numel():
        positive = torch.bincount(bin_of[truth], minlength=bins)
        return torch.stack([every - positive, positive])
    not_positive = torch.bincount(bin_of[~truth], minlength=bins)
    negative = not_positive - torch.bincount(bin_of[ignored], minlength=bins)
    return torch.stack([negative, every - negative])


def _histogram_at_once(bin_of: Tensor, truth: Tensor, valid: Tensor, *, bins: int) -> Tensor:
    """`[c,2,bins]` in one call: on a GPU each `bincount`, and each selection of pixels, waits for all work before."""
    channels = bin_of.shape[1]
    row = 2 * torch.arange(channels, dtype=torch.int32, device=bin_of.device)[:, None, None] + truth
    code = torch.where(valid[:, None], row * bins + bin_of, channels * 2 * bins)
    return torch.bincount(code.flatten(), minlength=channels * 2 * bins + 1)[:-1].view(channels, 2, bins)


def _tails(histogram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """True positives `[c,bins]`, positives `[c]`, predicted pixels `[c,bins]` at each edge: sums from it upwards."""
    upward = histogram.flip(-1).cumsum(-1).flip(-1)
    return upward[:, 1], upward[:, 1, 0], upward.sum(1)


def _check(probabilities: Tensor, truth: Tensor, valid: Tensor, *, bins: int) -> None:
    if bins < 2 or bins & (bins - 1):
        raise ValueError(f"`bins` must be a power of two, so that edges are exact, got {bins}; use 256")
    sheets = probabilities.shape[:1] + probabilities.shape[2:]
    if probabilities.ndim != 4 or truth.shape != probabilities.shape or valid.shape != sheets:
        raise ValueError(
            "`probabilities` and `truth` must be [B,c,H,W] and `valid` [B,H,W], got "
            f"{tuple(probabilities.shape)}, {tuple(truth.shape)} and {tuple(valid.shape)}; "
            "take `truth` from the targets of the head that made the probabilities"
        )
    if truth.dtype != torch.bool or valid.dtype != torch.bool:
        raise ValueError(f"`truth` and `valid` must be bool, got {truth.dtype} and {valid.dtype}; compare with > 0")
    if not probabilities.numel():
        return
    low, high = torch.stack(probabilities.aminmax()).tolist()
    if not (low >= 0 and high <= 1):  # written so that NaN fails
        raise ValueError(f"probabilities must lie in 0..1, got {low:g}..{high:g}; are these logits?")
