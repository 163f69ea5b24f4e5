import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_sheets import CLASSES, draw, random_batch, torn
from scipy.ndimage import correlate1d, gaussian_filter

from thinline.heads import Binary, SigmoidStack, Softmax
from thinline.losses.objective import Objective
from thinline.losses.soft_ce import SoftCE
from thinline.losses.spatial_soft_ce import SpatialSoftCE, blurred

HEADS = [Softmax, SigmoidStack, Binary]


@pytest.mark.parametrize("sigma", [0.3, 0.6, 1.0, 2.5])
def test_the_blur_is_scipys_away_from_edges_and_normalised_at_them(sigma: float) -> None:
    t = np.random.default_rng(0).random((2, 3, 30, 40))
    radius = math.ceil(3 * sigma)

    def smear(field):
        return gaussian_filter(field, sigma, axes=(2, 3), mode="constant", radius=radius)

    expected = smear(t) / smear(np.ones_like(t))
    result = blurred(torch.from_numpy(t), None, sigma_px=sigma)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12)
    inner = (..., slice(radius, -radius), slice(radius, -radius))
    np.testing.assert_allclose(smear(t)[inner], result.numpy()[inner], rtol=1e-12)


def test_ignored_pixels_lend_nothing_and_get_nothing() -> None:
    batch, head = torn(), Softmax(CLASSES)
    targets, valid = head.read(*batch, dtype=torch.float64)
    shares = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 0.6**2))

    def smear(field):
        return correlate1d(correlate1d(field, shares, axis=2, mode="constant"), shares, axis=3, mode="constant")

    seen = valid.double().numpy()
    expected = torch.from_numpy(smear(targets.numpy()) / smear(seen) * seen)
    soft = blurred(targets, valid, sigma_px=0.6)
    torch.testing.assert_close(soft, expected)
    torch.testing.assert_close(soft.sum(1, keepdim=True), valid.double())


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 2), (5, 1)])
def test_a_tile_smaller_than_the_kernel(size) -> None:
    even = blurred(torch.ones(1, 2, *size), None, sigma_px=3.0)
    torch.testing.assert_close(even, torch.ones(1, 2, *size))


def test_across_a_line_one_pixel_wide_two_thirds_stay() -> None:
    line = draw("..1.. ..1.. ..1.. ..1.. ..1..").strokes[:, :1].double()
    shares = blurred(line, None, sigma_px=0.6)[0, 0, 2]
    assert shares.tolist() == pytest.approx([0.0026, 0.1658, 0.6649, 0.1658, 0.0026], abs=2e-3)
    assert blurred(line, None, sigma_px=0.79)[0, 0, 2, 2] > 0.5
    assert blurred(line, None, sigma_px=0.81)[0, 0, 2, 2] < 0.5


@pytest.mark.parametrize("head", HEADS)
def test_sigma_zero_is_cross_entropy(head) -> None:
    batch, head = torn(), head(CLASSES)
    logits = batch.logits(head.channels)
    values = [Objective(head, loss)(logits, *batch) for loss in (SpatialSoftCE(sigma_px=0), SoftCE(smoothing=0))]
    torch.testing.assert_close(*values)


@pytest.mark.parametrize("head", HEADS)
def test_value_and_slope_are_torchs_on_blurred_targets(head) -> None:
    batch, head = random_batch(0), head(CLASSES)
    logits = batch.logits(head.channels, dtype=torch.float64)
    soft = blurred(head.targets(*batch).double(), None, sigma_px=0.6)
    peer = F.cross_entropy if head.name == "softmax" else F.binary_cross_entropy_with_logits
    values = Objective(head, SpatialSoftCE())(logits, *batch), peer(logits, soft)
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits)[0] for value in values))


def test_a_curve_one_pixel_beside_the_truth_costs_less_than_one_far_away() -> None:
    batch, objective = draw("..1....... ..1....... ..1......."), Objective(SigmoidStack(CLASSES), SpatialSoftCE())
    hard = Objective(SigmoidStack(CLASSES), SoftCE(smoothing=0))
    costs = {}
    for column in (2, 3, 7):
        logits = torch.full((1, 2, 3, 10), -4.0)
        logits[:, 0, :, column] = 4
        costs[column] = (objective(logits, *batch).item(), hard(logits, *batch).item())
    assert costs[2][0] < costs[3][0] < costs[7][0]
    assert costs[3][1] == pytest.approx(costs[7][1])
