"""Scores of tiles of real logs against slow loops, and by identities."""

import numpy as np
import pytest
from skimage.morphology import skeletonize

from thinline.metrics.structure.transfer_scores import BETTER, IDENTITY, SWAPPED, pooled, tile_counts

CLASSES = ("background", "curve_1", "curve_2")


def drawn(seed: int, shape: tuple[int, int] = (60, 50)) -> np.ndarray:
    """Two wandering curves of widths 3 and 1."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    for number, (middle, half) in enumerate(((15, 1), (35, 0)), start=1):
        x = middle + np.cumsum(rng.integers(-1, 2, shape[0]))
        for row, column in enumerate(np.clip(x, half, shape[1] - 1 - half)):
            labels[row, column - half : column + half + 1] = number
    return labels


def scores(labels: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return tile_counts(labels, truth, predicted_curves=2, true_curves=2).rates(CLASSES)


def brute(predicted: np.ndarray, true: np.ndarray, tolerance: float) -> tuple[float, float]:
    """Precision and recall of centrelines: every pixel against every pixel."""
    lines = [np.argwhere(skeletonize(mask)) for mask in (predicted, true)]
    apart = np.sqrt(((lines[0][:, None] - lines[1][None]) ** 2).sum(-1))
    return float((apart.min(axis=1) <= tolerance).mean()), float((apart.min(axis=0) <= tolerance).mean())


@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_of_slow_loops(seed: int) -> None:
    truth, labels = drawn(seed), np.roll(drawn(seed + 10), 2, axis=1)
    truth[:5] = 255
    found = scores(labels, truth)
    valid = truth != 255
    for key, mine, theirs in (
        ("ink/{}", (labels > 0) & valid, (truth > 0) & valid),
        ("identity/{}/curve_1", (labels == 1) & valid, truth == 1),
        ("swapped/{}/curve_1", (labels == 2) & valid, truth == 1),
        ("swapped/{}/curve_2", (labels == 1) & valid, truth == 2),
    ):
        both = (mine & theirs).sum()
        assert found[key.format("precision")] == both / mine.sum()
        assert found[key.format("recall")] == both / theirs.sum()
        assert found[key.format("iou")] == both / (mine | theirs).sum()
        for tolerance in (1, 2, 3):
            precision, recall = brute(mine, theirs, tolerance)
            assert found[key.format(f"skeleton_precision_{tolerance}px")] == pytest.approx(precision)
            assert found[key.format(f"skeleton_recall_{tolerance}px")] == pytest.approx(recall)
            f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0
            assert found[key.format(f"skeleton_f1_{tolerance}px")] == pytest.approx(f1)


def test_the_truth_is_perfect_and_exchanged_names_are_swapped() -> None:
    truth = drawn(0)
    exchanged = np.where(truth > 0, 3 - truth, 0).astype(np.uint8)
    for labels, naming in ((truth, IDENTITY), (exchanged, SWAPPED)):
        found = scores(labels, truth)
        best = {key for key, value in found.items() if key.startswith(("ink/", naming, BETTER)) and "is_" not in key}
        assert {found[key] for key in best} == {1.0}
        assert found["better/is_swapped"] == (naming == SWAPPED)
    assert scores(exchanged, truth)["identity/iou/curve_1"] == 0


def test_a_line_of_another_width_loses_pixels_and_no_centreline() -> None:
    truth = np.zeros((40, 30), np.uint8)
    truth[:, 10:17] = 1
    labels = np.zeros_like(truth)
    labels[:, 13] = 1
    found = scores(labels, truth)
    assert (found["ink/precision"], found["ink/recall"]) == (1, 1 / 7)
    assert found["ink/skeleton_recall_1px"] == 1
    line = np.argwhere(skeletonize(truth > 0))  # shorter than the ink by up to half of its width
    rows = np.flatnonzero([(np.hypot(*(line - [row, 13]).T) <= 1).any() for row in range(40)])
    assert found["ink/skeleton_precision_1px"] == len(rows) / 40 > 0.8


def test_tiles_are_added_with_the_better_naming_of_each() -> None:
    truths = [drawn(0), drawn(1, (20, 50))]
    exchanged = np.where(truths[1] > 0, 3 - truths[1], 0).astype(np.uint8)
    tiles = [
        tile_counts(*pair, predicted_curves=2, true_curves=2)
        for pair in zip((truths[0], exchanged), truths, strict=True)
    ]
    found = pooled(tiles).rates(CLASSES)
    assert "better/is_swapped" not in found
    assert found["better/iou/curve_1"] == found["better/iou/curve_2"] == 1
    pixels = [(truth == 1).sum() for truth in truths]
    assert found["identity/recall/curve_1"] == pixels[0] / sum(pixels)
    assert found["ink/iou"] == 1


def test_absent_curves_and_another_number_of_curves() -> None:
    truth = drawn(0)
    assert set(tile_counts((truth > 0).astype(np.uint8), truth, predicted_curves=1, true_curves=2).namings) == set()
    empty = scores(np.zeros_like(truth), truth)
    assert empty["ink/precision"] == empty["ink/iou"] == empty["ink/skeleton_f1_3px"] == 0
    alone = scores(truth, np.where(truth == 1, truth, 0))
    assert np.isnan(alone["identity/recall/curve_2"])
    assert alone["identity/precision/curve_2"] == 0
    with pytest.raises(ValueError, match="must have one size"):
        tile_counts(truth[1:], truth, predicted_curves=2, true_curves=2)
