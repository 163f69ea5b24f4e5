"""Lines against OpenCV's, and their styles against masks over a solid line."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from thinline.sheets.drawing.lines import BROKEN, DOTTED, SOLID, draw_segment
from thinline.vocabulary import Int64, UInt8

INK = np.uint8(200)
PATCHES = np.random.default_rng(1).random((512, 512)) < 0.5
TILE = np.packbits(PATCHES, axis=1, bitorder="little")
ALL = np.ones(512, np.bool_)


def ends(rng: np.random.Generator, n: int) -> Int64:
    """Two ends [2,2] around an image: anywhere, nearly upright, or nearly level, some beyond the image."""
    line = rng.integers(-100, 200, (2, 2))
    if n % 3:
        line[1, n % 3 - 1] = line[0, n % 3 - 1] + rng.integers(-4, 5)
    return line


def test_a_line_has_the_pixels_of_opencv() -> None:
    rng = np.random.default_rng(0)
    drawn = 0
    for n in range(3000):
        height, width = rng.integers(8, 120, 2)
        line = ends(rng, n)
        expected, canvas = np.zeros((2, height, width), np.uint8)
        cv2.polylines(expected, [line.astype(np.int32)], False, 200, 1, cv2.LINE_8)
        draw_segment(canvas, tuple(line.ravel().tolist()), (INK, SOLID, True, 0, 0), ALL, TILE)
        np.testing.assert_array_equal(canvas, expected)
        drawn += bool(expected.any())
    assert drawn > 500


@pytest.mark.parametrize("style", [DOTTED, BROKEN])
@pytest.mark.parametrize("upright", [True, False])
def test_a_style_keeps_a_part_of_the_line_and_the_larger_ink(style: int, upright: bool) -> None:
    rng = np.random.default_rng(3)
    under = rng.integers(0, 256, (60, 90)).astype(np.uint8)
    kept = np.arange(512) % 3 == 0
    y, x = np.indices(under.shape)
    stays = PATCHES[(500 + y) % 512, (7 + x) % 512] if style == BROKEN else kept[y if upright else x]
    for n in range(60):
        line = tuple(ends(rng, n).ravel().tolist())
        solid: UInt8 = np.zeros_like(under)
        draw_segment(solid, line, (INK, SOLID, upright, 0, 0), ALL, TILE)
        canvas = under.copy()
        draw_segment(canvas, line, (INK, style, upright, 500, 7), kept, TILE)
        np.testing.assert_array_equal(canvas, np.maximum(under, solid * stays))
