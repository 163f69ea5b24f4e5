"""Tiles, blending and bands: what a network says about a paper does not depend on where it was interrupted."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import HEAD, sees

from thinline.digitise.inference import FAINTEST, OVERLAP, Band, Reader, ramp, spread
from thinline.digitise.output_folder import Partial
from thinline.heads import Curves, SigmoidStack
from thinline.vocabulary import LOG_CLASSES


def neighbours(image: torch.Tensor) -> torch.Tensor:
    """A network that looks 9 px around, and so sees the edges of its tile."""
    torch.manual_seed(0)
    weight = torch.randn(3, 1, 9, 9)
    return torch.nn.functional.conv2d(image, weight, padding=4)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def read(reader: Reader, paper: np.ndarray, first: int = 0) -> list[Band]:
    return list(reader.bands(lambda start, stop: paper[start:stop], paper.shape, first=first))


@given(size=st.integers(1, 2000), tile=st.integers(1, 300))
def test_tiles_cover_everything_and_overlap(size: int, tile: int) -> None:
    starts = spread(size, tile)
    assert starts[0] == 0
    assert starts[-1] + tile >= size
    if len(starts) > 1:
        assert starts[-1] + tile == size
        overlaps = [before + tile - after for before, after in pairwise(starts)]
        assert all(after - before > 0 for before, after in pairwise(starts))
        assert min(overlaps) >= min(tile - 1, round(OVERLAP * tile) - 1)


@settings(max_examples=20)
@given(height=st.integers(8, 150), width=st.integers(8, 90), tile=st.integers(4, 120))
def test_bands_follow_each_other_and_say_what_one_look_says(height: int, width: int, tile: int) -> None:
    paper = noise(height, width)
    bands = read(Reader(sees, HEAD, tile), paper)
    assert [band.start for band in bands] == list(Reader(sees, HEAD, tile).band_starts(height))
    assert [band.stop for band in bands] == [*(band.start for band in bands[1:]), height]
    (whole,) = read(Reader(sees, HEAD, max(height, width)), paper)
    assert np.array_equal(np.concatenate([band.labels for band in bands]), whole.labels)
    assert np.abs(np.concatenate([band.ink for band in bands], axis=1) - whole.ink).max() < 1e-3


@pytest.mark.parametrize(("height", "tile"), [(300, 64), (130, 64), (65, 64), (100, 33)])
def test_starting_later_gives_the_same_bands_to_the_bit(height: int, tile: int) -> None:
    paper = noise(height, 100)
    reader = Reader(neighbours, HEAD, tile)
    bands = read(reader, paper)
    for first in range(1, len(bands)):
        again = read(reader, paper, first)
        assert len(again) == len(bands) - first
        for one, other in zip(bands[first:], again, strict=True):
            assert one.start == other.start
            assert np.array_equal(one.labels, other.labels)
            assert np.array_equal(one.ink, other.ink)


@pytest.mark.parametrize(("height", "width"), [(300, 100), (64, 200), (65, 64)])
def test_the_probabilities_of_a_whole_image_are_those_of_its_bands(height: int, width: int) -> None:
    paper = noise(height, width)
    reader = Reader(neighbours, HEAD, 64)
    whole = reader.probabilities(paper)
    bands = read(reader, paper)
    assert np.array_equal(
        HEAD.decode(torch.from_numpy(whole)[None])[0], np.concatenate([band.labels for band in bands])
    )
    ink = np.where(whole[1:] < FAINTEST, 0, whole[1:]).astype(np.float16)
    assert np.array_equal(ink, np.concatenate([band.ink for band in bands], axis=1))


@pytest.mark.parametrize("threads", [2, 5])
def test_rows_of_tiles_in_several_threads_give_the_same_bands_in_order(threads: int) -> None:
    """The first tiles are the slowest, so that later ones are finished before them."""
    paper = noise(600, 100)
    before, calls = torch.get_num_threads(), []

    def slow_at_first(image: torch.Tensor) -> torch.Tensor:
        calls.append(len(image))
        time.sleep(0.02 if len(calls) < 3 else 0)
        return sees(image)

    expected = read(Reader(sees, HEAD, 64), paper)
    try:
        torch.set_num_threads(threads)
        bands = read(Reader(slow_at_first, HEAD, 64), paper)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert [band.start for band in bands] == [band.start for band in expected]
    for one, other in zip(bands, expected, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_allclose(one.ink, other.ink, atol=1e-3)


def test_an_error_of_a_thread_is_that_of_the_bands() -> None:
    def fails(image: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with pytest.raises(KeyboardInterrupt):
            read(Reader(fails, HEAD, 64), noise(300, 100))
    finally:
        torch.set_num_threads(before)


def test_an_image_that_fits_a_tile_has_the_probabilities_of_the_network_to_the_bit() -> None:
    paper = noise(64, 50)[:, ::-1]
    darkness = 1 - torch.from_numpy(paper.copy())[None, None].float() / 255
    expected = HEAD.probabilities(neighbours(darkness))[0].numpy()
    assert np.abs(Reader(neighbours, HEAD, 64).probabilities(paper) - expected).max() < 1e-5
    same = Reader(neighbours, HEAD, 64)._predict(paper.copy()[None])[0]
    assert np.array_equal(Reader(neighbours, HEAD, 64).probabilities(paper), same)


def test_no_seam_shows_where_tiles_meet() -> None:
    """A network whose probability falls to the right of every tile leaves steps where tiles are only put together."""

    def tilted(image: torch.Tensor) -> torch.Tensor:
        wide = image.shape[-1]
        x = torch.linspace(-1, 1, wide).expand(len(image), 1, image.shape[2], wide)
        return torch.cat([torch.zeros_like(x), x, torch.full_like(x, -9.0)], dim=1)

    bands = read(Reader(tilted, HEAD, 64), noise(64, 200))
    step = np.abs(np.diff(bands[0].probabilities()[0], axis=1)).max()
    assert step < 0.03  # side by side it would be .46


def test_a_stack_of_sigmoids_may_claim_a_pixel_twice() -> None:
    def both(image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image * 20 - 10, image * 20 - 12], dim=1)

    paper = noise(50, 40)
    (band,) = read(Reader(both, SigmoidStack(LOG_CLASSES), 64), paper)
    assert ((band.probabilities() > 0.5).sum(axis=0) == 2).any()
    assert set(np.unique(band.labels)) == {0, 1}


def test_weights_rise_from_the_edges_and_are_never_nothing() -> None:
    weights = ramp(64)
    assert weights.min() > 0
    assert weights.max() == 1
    assert np.array_equal(weights, weights[::-1])
    assert ramp(1).tolist() == [0.5]


def test_bands_of_ink_and_centre_lines_have_both_and_are_stored_whole(tmp_path) -> None:
    def two(image: torch.Tensor) -> torch.Tensor:
        return torch.cat([image * 20 - 6, image * 20 - 16], dim=1)

    grey = np.random.default_rng(0).choice(np.array([0, 120, 255], np.uint8), (150, 60))
    reader = Reader(two, Curves(), 64)
    bands = list(reader.bands(lambda start, stop: grey[start:stop], grey.shape))
    ink, centre = (np.concatenate(parts) for parts in ([b.ink[0] for b in bands], [b.centre for b in bands]))
    assert np.array_equal(ink > 0.5, grey < 200)
    assert np.array_equal(centre > 0.5, grey == 0)
    partial = Partial(tmp_path / "out", "digest")
    with partial.held(force=False):
        for number, band in enumerate(bands):
            partial.keep(number, band)
        for number, band in enumerate(bands):
            again = partial.band(number)
            assert np.array_equal(again.ink, band.ink)
            assert np.array_equal(again.centre, band.centre)


def test_a_reader_of_inverted_images_sees_the_inverted_image() -> None:
    grey = np.random.default_rng(1).choice(np.array([0, 120, 255], np.uint8), (40, 50))
    plain, turned = Reader(sees, HEAD, 64), Reader(sees, HEAD, 64, invert=True)
    assert np.array_equal(turned.probabilities(255 - grey), plain.probabilities(grey))


def test_a_fast_reader_differs_by_roundings_only() -> None:
    paper = noise(70, 90)
    plain, fast = (
        Reader(neighbours, SigmoidStack(("background", "a", "b", "c")), 64, fast=fast) for fast in (False, True)
    )
    difference = np.abs(plain.probabilities(paper) - fast.probabilities(paper))
    assert difference.mean() < 0.02
    assert len(list(fast.bands(lambda start, stop: paper[start:stop], paper.shape))) == len(read(plain, paper))
