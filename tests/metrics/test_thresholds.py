"""Score histograms against comparing each pixel, tuned thresholds against trying them all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchmetrics.functional.classification import binary_f1_score

from thinline.metrics import thresholds
from thinline.metrics.pixels import PixelCounts, confusion, named, rates
from thinline.metrics.thresholds import (
    UNTUNED,
    ScoreHistogram,
    best_threshold,
    counts_at,
    recall_threshold,
    score_histogram,
    spread,
    tuned_labels,
)


def batch(seed: int, *, channels: int = 2, on_edges: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities that know the truth a little, the truth, and which pixels are valid."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand(3, channels, 12, 13, generator=generator) < 0.15
    noise = torch.rand(truth.shape, generator=generator)
    probabilities = torch.where(truth, noise.sqrt(), noise**2)
    if on_edges:
        probabilities = (probabilities * 16).round() / 16
    return probabilities, truth, torch.rand(3, 12, 13, generator=generator) < 0.9


def f1_by_hand(probabilities: Tensor, truth: Tensor, valid: Tensor, threshold: float) -> list[float]:
    scores = []
    for channel in range(truth.shape[1]):
        predicted = (probabilities[:, channel] >= threshold)[valid].numpy()
        true = truth[:, channel][valid].numpy()
        scores.append(2 * float(np.sum(predicted & true)) / float(predicted.sum() + true.sum()))
    return scores


@pytest.mark.parametrize("bins", [16, 256, 1024])
@pytest.mark.parametrize("on_edges", [False, True])
@pytest.mark.parametrize("truth_is_rare", [False, True])
def test_the_histogram_equals_numpys(bins: int, on_edges: bool, truth_is_rare: bool) -> None:
    probabilities, truth, valid = batch(bins, on_edges=on_edges)
    truth = truth if truth_is_rare else ~truth  # a softmax has both: curves and background
    got = score_histogram(probabilities, truth, valid, bins=bins)
    assert got.dtype == torch.int64
    for channel in range(2):
        for kind in (0, 1):
            chosen = probabilities[:, channel][valid & (truth[:, channel] == bool(kind))].numpy()
            expected, _ = np.histogram(chosen, bins=bins, range=(0, 1))
            assert got[channel, kind].tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_probability_on_an_edge_is_predicted_at_that_threshold(dtype: torch.dtype) -> None:
    edges = (torch.arange(257) / 256).to(dtype)  # 0, 1/256, ..., 1: every edge, and 1 for the last bin
    probabilities = edges.view(1, 1, 1, 257)
    truth = torch.ones_like(probabilities, dtype=torch.bool)
    histogram = score_histogram(probabilities, truth, truth[:, 0])
    assert histogram[0, 1].tolist() == [1] * 255 + [2]
    for threshold in edges[:-1].tolist():
        counted = counts_at(histogram, torch.tensor([threshold]))
        assert int(counted.tp) == int((edges >= threshold).sum())


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), edge=st.integers(0, 255))
def test_counts_at_a_threshold_are_the_counts_of_the_comparison(seed: int, edge: int) -> None:
    probabilities, truth, valid = batch(seed)
    threshold = edge / 256
    counted = counts_at(score_histogram(probabilities, truth, valid), torch.full((2,), threshold))
    for channel in range(2):
        predicted, true = (probabilities[:, channel] >= threshold)[valid], truth[:, channel][valid]
        assert int(counted.tp[channel]) == int((predicted & true).sum())
        assert int(counted.fp[channel]) == int((predicted & ~true).sum())
        assert int(counted.fn[channel]) == int((~predicted & true).sum())


@pytest.mark.parametrize("seed", range(3))
def test_the_best_threshold_is_the_best_of_all(seed: int) -> None:
    probabilities, truth, valid = batch(seed)
    threshold, f1 = best_threshold(score_histogram(probabilities, truth, valid, bins=64))
    tried = torch.tensor([f1_by_hand(probabilities, truth, valid, edge / 64) for edge in range(64)])
    assert f1.tolist() == pytest.approx(tried.amax(0).tolist())
    assert threshold.tolist() == [int(tried[:, channel].argmax()) / 64 for channel in range(2)]
    assert bool((f1.float() > tried[32]).any()), "a draw on which tuning changes nothing tests nothing"


def test_tuned_f1_equals_torchmetrics_at_that_threshold() -> None:
    threshold, _ = best_threshold(score_histogram(*batch(0)))
    probabilities, truth, valid = batch(1)
    ours = rates(counts_at(score_histogram(probabilities, truth, valid), threshold))["f1"]
    for channel in range(2):
        theirs = binary_f1_score(
            probabilities[:, channel][valid],
            truth[:, channel][valid].long(),
            threshold=float(threshold[channel]) - 1e-9,  # torchmetrics finds p > threshold, we find p >= threshold
        )
        assert float(ours[channel]) == pytest.approx(float(theirs), abs=1e-6)
    assert set(named({"f1": ours}, ("curve_1", "curve_2"), split="tuned")) == {"tuned/f1/curve_1", "tuned/f1/curve_2"}


@given(seed=st.integers(0, 10_000), recall=st.floats(0.01, 1))
@settings(max_examples=30)
def test_the_recall_threshold_is_the_highest_that_reaches_it(seed: int, recall: float) -> None:
    """Against trying every edge on the pixels themselves."""
    probabilities, truth, valid = batch(seed)
    threshold = recall_threshold(score_histogram(probabilities, truth, valid, bins=64), recall)
    for channel in range(2):
        hits = probabilities[:, channel][valid & truth[:, channel]].numpy()
        reach = [edge / 64 for edge in range(64) if (hits >= edge / 64).sum() >= recall * len(hits)]
        assert float(threshold[channel]) == max(reach)


def test_the_recall_threshold_counts_in_whole_pixels() -> None:
    """.3 of 10 pixels is 3 of them, though .3 * 10 is more than 3 in binary."""
    histogram = torch.zeros(1, 2, 16, dtype=torch.int64)
    histogram[0, 1, :10] = 1
    assert float(recall_threshold(histogram, 0.1 + 0.2)) == 7 / 16
    assert float(recall_threshold(histogram, 1.0)) == 0
    assert float(recall_threshold(torch.zeros_like(histogram), 0.5)) == UNTUNED


@pytest.mark.parametrize("recall", [0.0, -0.1, 1.01, float("nan")])
def test_a_recall_outside_of_0_to_1_is_refused(recall: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        recall_threshold(torch.zeros(1, 2, 16, dtype=torch.int64), recall)


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=50))
@example([0.0] * 15 + [0.95] * 2)  # the last of which torch computes by other instructions
def test_spreading_keeps_the_order_and_the_ends(values: list[float]) -> None:
    probabilities = torch.tensor(sorted(values), dtype=torch.float32)
    after = spread(probabilities)
    assert after.dtype == torch.float64
    assert float(after.min()) >= 0
    assert float(after.max()) <= 1
    apart = after[1:] - after[:-1]
    assert bool((apart >= -1e-15).all())
    assert ((probabilities[1:] == probabilities[:-1]) == (apart <= 1e-15)).all()
    assert spread(torch.tensor([0.0, 0.5, 1.0])).tolist() == [0, 0.5, 1]


def test_spreading_tells_tiny_probabilities_apart() -> None:
    """A network that is sure has everything in the first of 4,096 bins without it."""
    sure = torch.tensor([1e-30, 1e-20, 1e-10, 1e-5])
    assert (sure * 4096).long().tolist() == [0, 0, 0, 0]
    assert len(set((spread(sure) * 4096).long().tolist())) == 4


def test_ties_go_to_the_lowest_threshold() -> None:
    histogram = torch.zeros(1, 2, 8, dtype=torch.int64)
    histogram[0, 0, 1], histogram[0, 1, 6] = 5, 3  # no pixel between 2/8 and 6/8: all of these separate them
    threshold, f1 = best_threshold(histogram)
    assert (threshold.item(), f1.item()) == (2 / 8, 1.0)


def test_a_channel_without_truth_keeps_its_threshold() -> None:
    histogram = torch.zeros(2, 2, 8, dtype=torch.int64)
    histogram[0, 0], histogram[1] = 1, 1
    threshold, f1 = best_threshold(histogram)
    assert threshold[0] == UNTUNED
    assert f1[0].isnan()
    assert counts_at(histogram, threshold).fp[0] == 4
    assert threshold[1] == 0


def test_the_score_histogram_adds_batches_up_and_reset_clears_it() -> None:
    histogram = ScoreHistogram(2, bins=32)
    parts = [batch(0), batch(1)]
    for part in parts:
        histogram.update(*part)
    probabilities, truth, valid = (torch.cat(pair) for pair in zip(*parts, strict=True))
    assert torch.equal(histogram.compute(), score_histogram(probabilities, truth, valid, bins=32))
    histogram.reset()
    assert int(histogram.counts.sum()) == 0


def test_the_order_in_memory_does_not_matter() -> None:
    probabilities, truth, valid = batch(2)
    last = probabilities.to(memory_format=torch.channels_last), truth.to(memory_format=torch.channels_last)
    assert torch.equal(score_histogram(*last, valid), score_histogram(probabilities, truth, valid))


def test_an_empty_batch_counts_nothing() -> None:
    probabilities, truth, valid = batch(0)
    assert int(score_histogram(probabilities[:0], truth[:0], valid[:0]).sum()) == 0
    assert int(score_histogram(probabilities, truth, torch.zeros_like(valid)).sum()) == 0


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_values_that_are_no_probabilities_are_refused(value: float) -> None:
    probabilities, truth, valid = batch(0)
    probabilities[1, 1, 2, 3] = value
    with pytest.raises(ValueError, match="are these logits"):
        score_histogram(probabilities, truth, valid)


def test_wrong_shapes_types_and_bins_are_refused() -> None:
    probabilities, truth, valid = batch(0)
    with pytest.raises(ValueError, match=r"power of two.*got 100"):
        score_histogram(probabilities, truth, valid, bins=100)
    with pytest.raises(ValueError, match=r"`truth` must be \[B,c,H,W\]"):
        score_histogram(probabilities, truth[:, :1], valid)
    with pytest.raises(ValueError, match=r"must be bool, got torch\.int64"):
        score_histogram(probabilities, truth.long(), valid)


@pytest.mark.parametrize("threshold", [[0.3, 0.5], [0.5], [1.0, 0.5], [-1 / 256, 0.5], [float("nan"), 0.5]])
def test_a_threshold_between_edges_is_refused(threshold: list[float]) -> None:
    with pytest.raises(ValueError, match="one edge k/256"):
        counts_at(score_histogram(*batch(0)), torch.tensor(threshold, dtype=torch.float64))


@pytest.mark.parametrize(
    ("probabilities", "threshold", "expected"),
    [
        ([0.2, 0.1], [0.25, 0.25], 0),  # nobody claims it
        ([0.25, 0.1], [0.25, 0.25], 1),  # the edge itself claims
        ([0.5, 0.4], [0.25, 0.125], 2),  # twice its edge against more than three times
        ([0.5, 0.25], [0.5, 0.25], 1),  # of equals the lowest
        ([0.5, 0.25], [0.75, 0.125], 2),  # the likelier one does not reach its edge
        ([0.0, 0.9], [0.0, 0.5], 2),  # an edge of zero claims a probability of zero, and loses to any claim
        ([0.0, 0.1], [0.0, 0.5], 1),
        ([1e-4, 0.9], [0.0, 0.5], 1),  # and wins with anything
    ],
)
def test_the_tuned_decision_of_one_pixel(probabilities, threshold, expected) -> None:
    predicted = tuned_labels(torch.tensor(probabilities).view(1, 2, 1, 1), torch.tensor(threshold, dtype=torch.float64))
    assert predicted.dtype == torch.int64
    assert predicted.tolist() == [[[expected]]]


@given(st.integers(0, 1000))
def test_with_one_curve_the_tuned_decision_is_the_tuned_score(seed: int) -> None:
    """Counts of the decision, pixel by pixel, are those of the histogram at the same edge."""
    draw = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(2, 1, 9, 7, generator=draw)
    truth = torch.rand(2, 9, 7, generator=draw) < 0.2
    histogram = score_histogram(probabilities, truth[:, None], torch.ones_like(truth))
    threshold, _ = best_threshold(histogram)
    predicted = confusion(tuned_labels(probabilities, threshold), truth.long(), classes=2)
    decided = PixelCounts.from_confusion(predicted.sum(0))
    tuned = counts_at(histogram, threshold)
    assert (decided.tp[1], decided.fp[1], decided.fn[1]) == (tuned.tp[0], tuned.fp[0], tuned.fn[0])


def test_thresholds_of_another_number_of_curves_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one edge for each curve.*got \(3,\) for \(1, 2, 4, 4\)"):
        tuned_labels(torch.rand(1, 2, 4, 4), torch.tensor([0.5, 0.5, 0.5]))


@pytest.mark.parametrize("bins", [256, 4096])
def test_one_call_counts_the_same_histogram(bins: int) -> None:
    """The way of a GPU, here on the CPU."""
    generator = torch.Generator().manual_seed(bins)
    probabilities = torch.rand(3, 2, 9, 7, generator=generator)
    truth, valid = (torch.rand(shape, generator=generator) < 0.6 for shape in ((3, 2, 9, 7), (3, 9, 7)))
    bin_of = (probabilities * bins).to(torch.uint8 if bins <= 256 else torch.int32)
    at_once = thresholds._histogram_at_once(bin_of, truth, valid, bins=bins)
    assert torch.equal(at_once, score_histogram(probabilities, truth, valid, bins=bins))
