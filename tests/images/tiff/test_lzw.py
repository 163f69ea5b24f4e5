"""LZW against libtiff's encoder, PackBits against another one, and the reasons of damage."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import log
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiff_files import LZW, packbits, strip_of_libtiff

from thinline.images.tiff.lzw import unpack_lzw, unpack_packbits

PICTURE = log(150, 120)
CODES = np.frombuffer(strip_of_libtiff(Image.fromarray(PICTURE), LZW), np.uint8)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(levels=st.integers(1, 256), size=st.integers(1, 20_000), seed=st.integers(0, 99))
def test_any_bytes(levels: int, size: int, seed: int) -> None:
    content = np.random.default_rng(seed).integers(0, levels, size).astype(np.uint8)
    codes = np.frombuffer(strip_of_libtiff(Image.fromarray(content[None]), LZW), np.uint8)
    unpacked, reason = unpack_lzw(codes, size)
    assert reason == ""
    np.testing.assert_array_equal(unpacked, content)
    few = content[:2000]
    unpacked, reason = unpack_packbits(np.frombuffer(packbits(few.tobytes()), np.uint8), len(few))
    assert reason == ""
    np.testing.assert_array_equal(unpacked, few)


def test_a_flipped_bit_is_detected_or_changes_few_pixels() -> None:
    rng, undetected = np.random.default_rng(0), []
    for at in rng.choice(len(CODES), 150, replace=False):
        hurt = CODES.copy()
        hurt[at] ^= 1 << rng.integers(8)
        unpacked, reason = unpack_lzw(hurt, PICTURE.size)
        if not reason:
            undetected.append((unpacked != PICTURE.ravel()).sum())
    assert len(undetected) < 60
    assert np.median(undetected) <= 8


@pytest.mark.parametrize(("size", "reason"), [(PICTURE.size + 1, "end before"), (PICTURE.size - 1, "continue after")])
def test_data_of_another_length(size: int, reason: str) -> None:
    assert reason in unpack_lzw(CODES, size)[1]
    packed = np.frombuffer(packbits(PICTURE.tobytes()), np.uint8)
    assert reason in unpack_packbits(packed, size)[1]


def test_codes_of_the_old_order_are_named() -> None:
    assert unpack_lzw(np.array([0, 1, 0, 0], np.uint8), 4)[1] == "LZW codes of the old order of bits"
