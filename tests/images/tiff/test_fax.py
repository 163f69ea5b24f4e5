"""Rows of G3 and G4 against libtiff's encoder, and the reasons of damage."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import log
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiff_files import GROUP3, GROUP4, strip_of_libtiff

from thinline.images.tiff import fax

MODES = {
    "group 3": (GROUP3, 0, fax.ONE),
    "group 3, two dimensions": (GROUP3, 1, fax.TWO),
    "group 4": (GROUP4, 0, fax.FOUR),
}


def coded(white: np.ndarray, name: str) -> np.ndarray:
    """Codes of pixels that are true where white; Pillow writes BlackIsZero, so the bits are the pixels."""
    compression, options, _ = MODES[name]
    return np.frombuffer(strip_of_libtiff(Image.fromarray(white), compression, {292: (options,)}), np.uint8)


def decoded(codes: np.ndarray, shape: tuple[int, int], name: str) -> tuple[np.ndarray, str]:
    return fax.decode(codes, *shape, MODES[name][2], strict=True)


def check_round_trip(pixels: np.ndarray, name: str) -> None:
    unpacked, reason = decoded(coded(pixels, name), pixels.shape, name)
    assert reason == ""
    np.testing.assert_array_equal(unpacked, pixels)


@pytest.mark.parametrize("name", MODES)
def test_every_length_of_a_run(name: str) -> None:
    lengths = np.arange(0, 2700, 3)
    rows = np.arange(2700) < lengths[:, None]
    for pixels in (rows, ~rows, rows[:, ::-1]):
        check_round_trip(pixels, name)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(width=st.integers(1, 90), rows=st.integers(1, 30), share=st.floats(0, 1), seed=st.integers(0, 99))
@pytest.mark.parametrize("name", MODES)
def test_any_pixels(width: int, rows: int, share: float, seed: int, name: str) -> None:
    check_round_trip(np.random.default_rng(seed).random((rows, width)) < share, name)


def test_a_flipped_bit_is_detected_or_changes_few_pixels() -> None:
    """Nine in ten are detected; the others change a few pixels per row."""
    white = log(64, 300) > 100
    codes = coded(white, "group 4")
    undetected, rng = [], np.random.default_rng(0)
    for bit in rng.choice(len(codes) * 8, 400, replace=False):
        hurt = codes.copy()
        hurt[bit // 8] ^= 1 << (bit % 8)
        unpacked, reason = decoded(hurt, white.shape, "group 4")
        if not reason:
            undetected.append((unpacked != white).sum(axis=1).max())
    assert len(undetected) < 60
    assert np.quantile(undetected, 0.9) <= 8


def test_codes_that_end_early_or_late() -> None:
    white = log(64, 300) > 100
    codes = coded(white, "group 4")
    assert decoded(codes[: len(codes) // 2], white.shape, "group 4")[1] != ""
    assert decoded(codes, (32, 300), "group 4")[1] == "codes that continue after the last row"
    assert decoded(codes, (64, 299), "group 4")[1] != ""
