"""Reading at another scale: probabilities, the mask of the ink against drawn truth, and the choice of the factor."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scan_cases import HEAD, blank, sees, trace

from thinline.digitise.inference import Reader
from thinline.digitise.reading import busiest_windows, choose_factor, dark_pixels, ink_mask, read_at
from thinline.heads import Curves
from thinline.sheets import render, sample

READER = Reader(sees, HEAD, 64)


def coded(height: int = 90, width: int = 70) -> np.ndarray:
    """A grid with a black curve that wanders."""
    return trace(blank(height, width, left=5), 30 + 12 * np.sin(np.arange(height) / 9), pen=3)


def test_at_a_factor_of_one_the_probabilities_are_those_of_the_reader() -> None:
    assert np.array_equal(read_at(READER, coded()), READER.probabilities(coded()))
    assert np.array_equal(read_at(READER, coded(), 1.001), READER.probabilities(coded()))  # not a pixel larger


@pytest.mark.parametrize("times", [2, 3])
def test_a_finer_image_is_read_as_the_coarse_one(times) -> None:
    """Every pixel repeated: the mean over the area is the coarse image, so the network sees the same."""
    coarse = coded(64, 64)
    fine = np.kron(coarse, np.ones((times, times), np.uint8))
    read = read_at(READER, fine, 1 / times)
    assert read.shape == (3, *fine.shape)
    expected = cv2.resize(READER.probabilities(coarse)[1], fine.shape[::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(read[1], expected, atol=1e-6)


@given(height=st.integers(1, 40), width=st.integers(1, 40), factor=st.floats(0.05, 3))
def test_any_size_and_factor_gives_probabilities_of_every_pixel(height, width, factor) -> None:
    grey = np.full((height, width), 255, np.uint8)
    read = read_at(READER, grey, factor)
    assert read.shape == (3, height, width)
    assert (read[0] > 0.5).all()  # white paper is background at every scale


def iou(mask, true) -> float:
    return np.count_nonzero(mask & true) / np.count_nonzero(mask | true)


def seen_coarsely(true, factor: float, shift: float = 0.0) -> np.ndarray:
    """What a network reads that marks every pixel of its own scale half covered with ink, enlarged to the image."""
    size = tuple(max(1, round(side * factor)) for side in true.shape[::-1])
    small = (cv2.resize(true.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.4).astype(np.float32)
    large = cv2.resize(small, true.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def clean(seed: int):
    """Black curves of full width on white paper at 15 px/mm, without wear or grid; image and ink."""
    ink = render(sample("procedural", seed, size_mm=(24.0, 24.0)), px_per_mm=15.0).strokes.any(axis=0)
    ink = cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    return np.where(ink, 30, 240).astype(np.uint8), ink


@pytest.mark.parametrize("seed", range(5))
def test_the_mask_follows_the_edges_of_the_image(seed) -> None:
    grey, ink = clean(seed)
    coarse = seen_coarsely(ink, 1 / 3)
    mask = ink_mask(coarse, grey, factor=1 / 3)
    assert np.count_nonzero(mask & ~ink) < 0.7 * np.count_nonzero((coarse >= 0.5) & ~ink)  # less paper beside the pen
    assert iou(mask, ink) > iou(coarse >= 0.5, ink)
    assert iou(mask, ink) > 0.9


def test_broad_ink_is_not_left_empty_inside() -> None:
    ink = np.zeros((200, 200), bool)
    ink[:, 60:140] = True  # wider than the neighbourhood in which ink is looked for
    grey = np.where(ink, 20, 250).astype(np.uint8)
    assert np.array_equal(ink_mask(ink.astype(np.float32), grey, factor=1 / 3), ink)
    grey[90:110, 90:110] = 250  # a hole of wear inside
    assert ink_mask(ink.astype(np.float32), grey, factor=1 / 3)[95:105, 95:105].all()


def test_grey_ink_beside_a_black_grid_is_ink_at_its_own_level() -> None:
    grey = np.full((60, 90), 250, np.uint8)
    grey[:, 30:34], grey[:, 60:64] = 150, 0
    probability = np.zeros(grey.shape, np.float32)
    probability[:, 29:35] = 1  # one pixel too wide on both sides
    assert set(np.flatnonzero(ink_mask(probability, grey).all(axis=0))) == {30, 31, 32, 33}


def test_paper_without_contrast_or_prediction_has_no_dark_pixel() -> None:
    flat = np.full((30, 30), 200, np.uint8)
    assert not dark_pixels(flat, np.ones(flat.shape, np.bool_), network_px=2).any()
    ink = np.where(np.arange(30) == 10, 0, 250).astype(np.uint8) * np.ones((30, 1), np.uint8)
    assert not dark_pixels(ink, np.zeros(ink.shape, np.bool_), network_px=2).any()
    assert not ink_mask(np.zeros(ink.shape, np.float32), ink).any()


def test_arrays_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must have one size, got \(3, 4\) and \(4, 3\); read_at gives"):
        ink_mask(np.zeros((3, 4), np.float32), np.zeros((4, 3), np.uint8))


@given(seed=st.integers(0, 99), factor=st.sampled_from([1.0, 0.5, 0.3]))
def test_the_mask_lies_near_the_prediction(seed, factor) -> None:
    rng = np.random.default_rng(seed)
    probability = cv2.GaussianBlur(rng.random((40, 50)).astype(np.float32), (0, 0), 3) * 2 - 0.5
    probability = np.clip(probability, 0, 1).astype(np.float32)
    mask = ink_mask(probability, rng.integers(0, 256, probability.shape, np.uint8), factor=factor)
    reach = round(0.25 / factor)
    near = cv2.dilate((probability >= 0.5).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    assert not (mask & (near == 0)).any()


def likes_lines_of_one_pixel(image: torch.Tensor) -> torch.Tensor:
    """Logits [B,2,H,W]: sure of ink one pixel wide, in doubt of broader ink; centre lines are its left edges."""
    dark = image > 0.5
    left = torch.nn.functional.pad(dark[..., :-1], (1, 0))
    right = torch.nn.functional.pad(dark[..., 1:], (0, 1))
    ink = torch.where(dark, torch.where(left | right, 0.3, 9.0), -9.0)
    return torch.cat([ink, torch.where(dark & ~left, 9.0, -9.0)], dim=1)


LINES = Reader(likes_lines_of_one_pixel, Curves(), 64)


def lines(pen: int, *, side: int = 240) -> np.ndarray:
    """White paper with upright black lines of `pen` px."""
    paper = np.full((side, side), 255, np.uint8)
    for left in range(24, side - 24, 48):
        paper[:, left : left + pen] = 0
    return paper


@pytest.mark.parametrize(("pen", "factor"), [(4, 1 / 4), (3, 1 / 3)])
def test_the_factor_is_chosen_at_which_the_network_is_decided(pen, factor) -> None:
    chosen = choose_factor(LINES, lines(pen), factors=(1, 1 / 2, factor))
    assert chosen.factor == pytest.approx(factor)
    assert f"factor {factor:.3g} is the smallest with 99% of the best score" in chosen.reason
    assert [each.factor for each in chosen.candidates] == [1, 1 / 2, factor]
    best = max(chosen.candidates, key=lambda each: each.score)
    assert best.decided > 0.95
    assert all(0 <= each.score <= each.decided <= 1 for each in chosen.candidates)


def test_the_resolution_of_the_file_is_a_candidate_and_kept_where_nothing_is_found() -> None:
    chosen = choose_factor(LINES, lines(4), implied=1 / 4)
    assert chosen.candidates[0].factor == chosen.factor == 1 / 4
    assert "factor 0.25 of the resolution in the file" in chosen.reason
    empty = choose_factor(LINES, np.full((90, 90), 255, np.uint8), implied=0.4)
    assert (empty.factor, empty.reason[:24]) == (0.4, "no factor finds a curve,")
    assert choose_factor(LINES, np.full((1, 1), 255, np.uint8)).factor == 1


def likes_large_images(image: torch.Tensor) -> torch.Tensor:
    """Logits [B,2,H,W]: surer of ink the larger the image; the centre lines of a pen are its left edges."""
    dark = image > 0.5
    left = torch.nn.functional.pad(dark[..., :-1], (1, 0))
    sure = 0.3 + image.shape[-1] / 100
    return torch.cat([torch.where(dark, sure, -9.0), torch.where(dark & ~left, 9.0, -9.0)], dim=1)


@pytest.mark.parametrize(
    ("pen", "implied", "factor"),
    [
        (8, 1 / 4, 1 / 4),  # broad pens: 1/2 and 1 are more than 1.6 times the resolution of the file
        (2, 1 / 4, 1),  # fine pens: as large as the network likes, whatever the resolution says
        (8, None, 1),
        (8, 1.0, 1),
    ],
)
def test_a_factor_above_that_of_the_file_is_for_fine_pens(pen, implied, factor) -> None:
    reader = Reader(likes_large_images, Curves(), 240)
    chosen = choose_factor(reader, lines(pen), implied=implied, factors=(1, 1 / 2, 1 / 4))
    assert chosen.factor == factor
    left_out = {1, 1 / 2, 1 / 4} - {each.factor for each in chosen.candidates}
    assert left_out == ({1, 1 / 2} if factor < 1 else set())
    assert chosen.reason.count("at 1 pens are 8.0 px wide") == len(left_out) / 2
    assert all(each.pen_px == pytest.approx(pen * each.factor) for each in chosen.candidates if pen == 8)


@pytest.mark.parametrize(("factors", "words"), [((0.5, 0), "got 0"), ((), "got none"), ((float("inf"),), "got inf")])
def test_factors_that_cannot_be_are_refused(factors, words) -> None:
    with pytest.raises(ValueError, match=f"numbers above zero, one or more, {words}"):
        choose_factor(LINES, lines(2), factors=factors)


def test_windows_are_those_with_most_change_and_do_not_overlap() -> None:
    page = np.full((100, 90), 255, np.uint8)
    page[40:60, 45:80:2] = 0
    windows = busiest_windows(page, side=30, count=2)
    assert [window.shape for window in windows] == [(30, 30), (30, 30)]
    assert all((window == 0).any() for window in windows)
    assert not np.shares_memory(*windows) or windows[0].ctypes.data != windows[1].ctypes.data
    assert [window.shape for window in busiest_windows(page, side=500)] == [(100, 90)]
