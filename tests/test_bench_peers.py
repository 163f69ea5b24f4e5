"""The peers of tests/bench/bench_surfaces.py: where definitions agree, their numbers are ours."""

import warnings

import numpy as np
import pytest
import torch
from mask_cases import curve
from skimage.morphology import skeletonize

from thinline.metrics.structure.centrelines import centreline_rates, centrelines
from thinline.metrics.structure.distances import ClassMask, Pair
from thinline.metrics.structure.surfaces import surface_rates, surfaces

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torchmetrics and MONAI
    import bench_surfaces

SIZE = {"height": 40, "total": 640}


def masks():
    """Class ids [2,H,W] of two sheets with two curves that do not touch, predicted and true."""
    true = curve(3, **SIZE), curve(5, shift=120, **SIZE)
    predicted = curve(3, shift=1, jitter=2, **SIZE), curve(4, shift=122, jitter=1, **SIZE)
    predicted[1][:9] = False
    labels = [one + 2 * other.astype(np.uint8) for one, other in (predicted, true)]
    return np.stack([labels[0], labels[1]]), np.stack([labels[1], labels[1]])


def ours():
    """NSD at 1 px, HD95, clDice: [2,K] each."""
    pairs = [[Pair(a == k, b == k) for k in (1, 2)] for a, b in zip(*masks(), strict=True)]
    nsd = [[surface_rates(surfaces(pair).counts)["nsd"][0] for pair in own] for own in pairs]
    hd95 = [[surfaces(pair).hd95 for pair in own] for own in pairs]
    cldice = [[centreline_rates(centrelines(pair))["cldice"][0] for pair in own] for own in pairs]
    return np.array(nsd), np.array(hd95), np.array(cldice)


def test_nsd_and_hd95_are_those_of_monai() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nsd, hd95 = bench_surfaces.monai_surfaces(masks())
    np.testing.assert_allclose(nsd, ours()[0], rtol=1e-6)
    np.testing.assert_allclose(hd95, ours()[1], rtol=1e-6)
    assert 0 < ours()[0][0].min() < ours()[0][0].max() < 1
    assert (ours()[1][0] > 1).all()


def test_nsd_and_hd95_are_those_of_exacta() -> None:
    pytest.importorskip("exacta")
    scores = bench_surfaces.exacta_surfaces(masks())
    np.testing.assert_allclose(scores["nsd"], ours()[0], rtol=1e-6)
    np.testing.assert_allclose(scores["hd95"], ours()[1], rtol=1e-6)


def test_cldice_of_exacta_differs_by_its_skeleton_alone() -> None:
    """exacta thins as Lee et al. 1994, ours as Zhang and Suen 1984."""
    pytest.importorskip("exacta")
    expected = np.empty((2, 2))
    for number, (predicted, true) in enumerate(zip(*masks(), strict=True)):
        for k in (1, 2):
            lines = [skeletonize(mask == k, method="lee").astype(bool) for mask in (predicted, true)]
            precision = (true == k)[lines[0]].mean()
            recall = (predicted == k)[lines[1]].mean()
            expected[number, k - 1] = 2 * precision * recall / (precision + recall)
    np.testing.assert_allclose(bench_surfaces.exacta_cldice(masks()), expected, rtol=1e-6)
    assert abs(expected - ours()[2]).max() > 1e-3


def test_the_hausdorff_distance_of_torchmetrics_is_the_largest_distance_of_surfaces_on_a_square() -> None:
    """It mistakes rows for columns elsewhere. Every fourth pixel, because it looks at all pairs of pixels."""
    labels = [np.minimum(ids[:1, :, 300:500], 1)[:, ::4, ::20] for ids in masks()]
    assert labels[0].shape == (1, 10, 10)
    points = [torch.from_numpy(np.argwhere(ClassMask(ids[0] == 1).surface)).double() for ids in labels]
    away = torch.cdist(*points)
    largest = max(away.min(0).values.max(), away.min(1).values.max())
    assert bench_surfaces.torchmetrics_hausdorff((labels[0], labels[1])).item() == pytest.approx(float(largest))
    assert largest > 1
