"""Wear against the chain of OpenCV filters that the frozen families were worn with."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from thinline.sheets.drawing.noise import NO_GRAIN, grain
from thinline.sheets.drawing.wear import blur_weights
from thinline.sheets.drawing.wear_kernels import faded, tones, worn
from thinline.vocabulary import UInt8

NEVER = (-math.inf, -math.inf, math.inf)
SHAPES = [(64, 64), (256, 100), (37, 300), (8, 9)]


def image_of(rng: np.random.Generator, shape: tuple[int, int]) -> UInt8:
    """Mostly paper, like a drawn sheet."""
    return np.where(rng.random(shape) < 0.3, rng.integers(0, 256, shape), 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("blur_px", [0.0, 0.55, 0.75, 1.2])
def test_wear_has_the_pixels_of_opencv(shape: tuple[int, int], blur_px: float) -> None:
    rng = np.random.default_rng(int(100 * blur_px))
    for _ in range(10):
        image, cells, noise, specks = image_of(rng, shape), grain((6, 6), rng), grain(shape, rng), grain(shape, rng)
        gain, paper, most = -round(rng.uniform(0.4, 1.4), 3), int(rng.integers(190, 256)), int(rng.integers(150, 256))
        cloudy, noisy = round(rng.uniform(0, 14), 3) / 45, round(rng.uniform(0, 14), 3) / 32
        side = (5, 5) if blur_px > 0.7 else (3, 3)
        expected = cv2.GaussianBlur(cv2.bitwise_not(image), side, max(blur_px, 0.4))
        expected = cv2.convertScaleAbs(cv2.min(expected, most), alpha=gain, beta=paper)
        expected = cv2.addWeighted(expected, 1.0, cv2.resize(cells, shape[::-1]), cloudy, -128 * cloudy)
        expected = cv2.addWeighted(expected, 1.0, noise, noisy, -128 * noisy)
        textures, tone = (cells, noise, specks), (gain, float(paper), most)
        got = worn(image, blur_weights(blur_px), tone, textures, (cloudy, noisy), NEVER)
        np.testing.assert_array_equal(got, expected)
        white = cv2.threshold(specks, 190.5, 255, cv2.THRESH_BINARY)[1]
        black = cv2.threshold(specks, 70.5, 255, cv2.THRESH_BINARY_INV)[1]
        level = cv2.threshold(expected, 150.5, 255, cv2.THRESH_BINARY)[1]
        expected = cv2.subtract(cv2.max(level, white), black)
        limits = (150.5, 70.5, 190.5)
        got = worn(image, blur_weights(blur_px), tone, textures, (cloudy, noisy), limits)
        np.testing.assert_array_equal(got, expected)


def test_without_wear_the_tones_alone_change() -> None:
    image = image_of(np.random.default_rng(1), (40, 50))
    got = worn(image, (256, 0, 0), (-1.0, 255.0, 255), (NO_GRAIN,) * 3, (0.0, 0.0), NEVER)
    np.testing.assert_array_equal(got, image)


def test_tones_that_float32_would_round_otherwise_are_looked_up() -> None:
    """About one sheet of 300 has a grey so near to a half that a second rounding changes it."""
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rng = np.random.default_rng(2)
    computed = {True: 0, False: 0}
    for _ in range(1500):
        tone = (-round(rng.uniform(0.4, 1.4), 3), float(rng.integers(190, 256)), 255)
        greys, plain = tones(tone)
        computed[bool(plain)] += 1
        expected = cv2.convertScaleAbs(every, alpha=tone[0], beta=tone[1])
        np.testing.assert_array_equal(greys.reshape(16, 16), expected)
        if not plain:
            got = worn(255 - every, (256, 0, 0), tone, (NO_GRAIN,) * 3, (0.0, 0.0), NEVER)
            np.testing.assert_array_equal(got, expected)
    assert min(computed.values()) >= 1


@pytest.mark.parametrize("dots", [0.0, 0.7])
def test_fading_has_the_pixels_of_opencv(dots: float) -> None:
    rng = np.random.default_rng(3)
    for shape in SHAPES:
        image, cells, noise = image_of(rng, shape), grain((5, 5), rng), grain(shape, rng)
        ink, loss = cv2.bitwise_not(image), 0.5 * 255 / 128
        expected = cv2.addWeighted(ink, 1.0, cv2.resize(cells, shape[::-1]), -loss, 128 * loss * 0.4)
        if dots:
            expected = cv2.addWeighted(expected, 1.0, noise, -dots, 128 * dots * 0.5)
        got = faded(image, cells, noise, (-loss, 128 * loss * 0.4), dots)
        np.testing.assert_array_equal(255 - got, cv2.min(expected, ink))


def test_weights_of_the_blur_are_those_of_opencv() -> None:
    line = np.zeros((9, 9), np.uint8)
    line[4] = 255
    for blur_px in np.arange(0.4, 1.5, 0.001).round(3).tolist():
        side = 5 if blur_px > 0.7 else 3
        blurred = cv2.GaussianBlur(line, (side, side), blur_px)[:, 4].tolist()
        centre, near, far = blur_weights(blur_px)
        assert (near, far) == (blurred[5], blurred[6]), blur_px  # 255 / 256 of a weight below 128 rounds to the weight
        assert centre + 2 * near + 2 * far == 256
