"""Nearest pixels against a search over all of them; slopes of straight lines, dashes and drawn curves."""

import cv2
import numpy as np
import pytest
from error_cases import drawn_truth, sheet_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mask_cases import drawn, pairs

from thinline.metrics.structure.curve_pixels import CurvePixels, curve_pixels, union


def slopes(text: str, *, within: float) -> np.ndarray:
    """Slope of each pixel, NaN elsewhere."""
    mask = drawn(text)
    slope = np.full(mask.shape, np.nan)
    slope[mask] = curve_pixels(mask).slopes(within_px=within)
    return slope


@given(pairs(), st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.7, 40.0, np.inf]))
@settings(max_examples=50)
def test_the_nearest_pixel_and_of_equals_the_first(pair, within: float) -> None:
    asked, mask = pair
    squared, which = curve_pixels(mask).nearest(np.flatnonzero(asked), within_px=within)
    points, ends = np.argwhere(asked), np.argwhere(mask)
    away = ((points[:, None] - ends) ** 2).sum(-1)
    for q, row in enumerate(away):
        near = row.size > 0 and row.min() <= within**2
        assert squared[q] == (row.min() if near else np.inf)
        assert which[q] == (row.argmin() if near else -1)


@pytest.mark.parametrize("within", [0.0, 1.0, 2.0, 5**0.5, 3.0, 3.7, 5.0, 6.4])
def test_the_reach_is_a_disc(within: float) -> None:
    """Around one pixel, of a sheet that cuts the disc on two sides."""
    mask = np.zeros((11, 12), bool)
    mask[4, 6] = True
    squared, _ = curve_pixels(mask).nearest(np.arange(mask.size), within_px=within)
    y, x = np.indices(mask.shape)
    away = (y - 4) ** 2 + (x - 6) ** 2
    np.testing.assert_array_equal(squared.reshape(mask.shape), np.where(away <= within**2, away, np.inf))


def test_distances_to_drawn_curves_are_those_of_a_distance_map() -> None:
    for seed in range(4):
        strokes = sheet_of(seed).strokes
        pixels = np.flatnonzero(sheet_of(seed).labels | (sheet_of(seed).layers & 1))
        inverted = np.where(strokes[1], 0, 255).astype(np.uint8)
        far = cv2.distanceTransform(inverted, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).reshape(-1)[pixels]
        squared, _ = curve_pixels(strokes[1]).nearest(pixels, within_px=16.0)
        np.testing.assert_allclose(np.sqrt(squared), np.where(far <= 16.0, far, np.inf), rtol=1e-5)


def test_the_order_of_the_queried_pixels_does_not_matter() -> None:
    ink, pixels = curve_pixels(sheet_of(3).strokes[0]), np.random.default_rng(0).permutation(256 * 256)[:2000]
    one = ink.nearest(pixels, within_px=9.0)
    other = ink.nearest(np.sort(pixels), within_px=9.0)
    for mixed, sorted_ in zip(one, other, strict=True):
        np.testing.assert_array_equal(mixed[np.argsort(pixels)], sorted_)


@given(pairs(), st.sampled_from([0.0, 1.0, 2.5, 30.0]))
@settings(max_examples=50)
def test_slopes_are_those_of_the_eigenvectors_of_the_pixels_around(pair, within: float) -> None:
    mask, _ = pair
    points = np.argwhere(mask)
    for point, slope in zip(points, curve_pixels(mask).slopes(within_px=within), strict=True):
        near = points[np.abs(points - point).max(axis=1) <= within]
        values, axes = np.linalg.eigh(np.cov(near.T, bias=True) if len(near) > 1 else np.zeros((2, 2)))
        if values[1] - values[0] < 1e-9:
            assert slope == 1
        else:
            assert np.arctan(slope) == pytest.approx(np.arctan2(*np.abs(axes[::-1, 1])), abs=1e-6)


def test_slopes_by_hand() -> None:
    assert slopes(".#.", within=3)[0, 1] == 1  # a dot has no direction
    assert slopes("#. #. #.", within=1)[1, 0] == 0
    assert slopes("### ...", within=1)[0, 1] > 1e9
    np.testing.assert_allclose(slopes("#.. .#. ..#", within=2)[np.eye(3, dtype=bool)], 1)
    np.testing.assert_allclose(slopes("..# .#. #..", within=1)[1, 1], 1)
    assert np.nanmax(slopes("## ## ## .. .. ## ## ##", within=2)) == 0  # a dash is longer than wide


@pytest.mark.parametrize("pen", [1, 3, 5])
@pytest.mark.parametrize("slope", [0.1, 0.25, 1.0, 4.0, 10.0])
def test_the_slope_of_a_line_is_its_own_for_every_pen(slope: float, pen: int) -> None:
    long = np.array([400.0, 400.0]) / max(1.0, slope) * np.array([slope, 1.0])  # columns, rows
    mask = np.zeros((500, 500), np.uint8)
    cv2.line(mask, (40, 40), (40 + round(long[0]), 40 + round(long[1])), 1, 1)
    if pen > 1:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen)))
    angles = np.arctan(curve_pixels(mask.astype(bool)).slopes(within_px=12.0))
    assert np.median(angles) == pytest.approx(np.arctan(slope), abs=0.03)


def test_slopes_turn_with_the_sheet() -> None:
    mask = sheet_of(1).strokes[0]
    both = np.zeros(mask.shape), np.zeros(mask.T.shape)
    for plane, ink in zip(both, (curve_pixels(mask), curve_pixels(mask.T)), strict=True):
        plane.reshape(-1)[ink.positions] = np.arctan(ink.slopes(within_px=4.0))
    np.testing.assert_allclose(both[0][mask] + both[1].T[mask], np.pi / 2)


@pytest.mark.parametrize("family", ["archive", "procedural"])
def test_slopes_of_drawn_curves_are_those_of_their_courses(family: str) -> None:
    """Dashes, pens and jitter included: on straight pieces of the curve most pixels have their slope."""
    off = []
    for seed in range(6):
        for curve, ink in zip(sheet_of(seed, family).curves, drawn_truth(seed, family).curves, strict=True):
            x = curve.x_px.astype(float)
            rise = np.full((9, 256), np.nan)  # the mean step over 2, 4, 6, 8 rows around agree where it is straight
            for half in range(1, 5):
                rise[half, half:-half] = (x[2 * half :] - x[: -2 * half]) / (2 * half)
            angle = np.arctan(rise[1:5])
            straight = np.ptp(angle, axis=0) < 0.15
            rows = ink.positions // 256
            error = np.arctan(ink.slopes(within_px=4.0)) - np.abs(angle[3])[rows]
            off.append(np.abs(error[straight[rows]]))
    assert len(np.concatenate(off)) > 500
    assert np.percentile(np.concatenate(off), 90) < 0.2


def test_a_union_is_of_all_and_of_nothing() -> None:
    one, other = curve_pixels(drawn("#.# ...")), curve_pixels(drawn(".## ..#"))
    np.testing.assert_array_equal(union([one, other], (2, 3)).positions, [0, 1, 2, 5])
    assert union([one], (2, 3)) is one
    assert len(union([], (2, 3)).positions) == 0
    empty = CurvePixels(np.empty(0, np.int64), (2, 3))
    assert len(empty.slopes(within_px=3.0)) == 0
    np.testing.assert_array_equal(empty.nearest(np.array([0, 5]), within_px=9)[1], [-1, -1])


@pytest.mark.parametrize("seed", range(5))
def test_components_are_those_of_opencv(seed: int) -> None:
    """Masks of every density and grain, with ink on the border, empty and full."""
    rng = np.random.default_rng(seed)
    masks = [np.zeros((5, 7), np.bool_), np.ones((9, 6), np.bool_)]
    for _ in range(40):
        (height, width), grain = rng.integers(1, 40, 2), int(rng.integers(1, 6))
        coarse = rng.random((height // grain + 1, width // grain + 1)) < rng.random()
        masks.append(coarse.repeat(grain, 0).repeat(grain, 1)[:height, :width])
    for mask in masks:
        numbers = curve_pixels(mask).components
        count, expected = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        assert sorted(set(numbers.tolist())) == list(range(count - 1))
        pairs_of_numbers = set(zip(numbers.tolist(), expected[mask].tolist(), strict=True))
        assert len(pairs_of_numbers) == count - 1, "one number for each component"
