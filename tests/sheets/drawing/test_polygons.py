"""Polygons against OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np

from thinline.sheets.drawing.polygons import SHIFT, fill_polygon
from thinline.vocabulary import Int64


def box(rng: np.random.Generator, n: int) -> Int64:
    """Corners [4,2] of a turned box around an image, some beyond the image, some thinner than a pixel, some uneven."""
    wide, tall = rng.uniform(0, 60, 2) if n % 3 else rng.uniform(0, 1.5, 2)
    turn = rng.normal(0, 0.03)
    sides = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]])
    turned = sides @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]] + rng.uniform(-20, 80, 2)
    return (turned * (1 << SHIFT)).astype(np.int64) + (rng.integers(-3, 4, (4, 2)) if n % 2 else 0)


def test_a_polygon_has_the_pixels_of_opencv() -> None:
    rng = np.random.default_rng(0)
    drawn = 0
    for n in range(2000):
        expected, canvas = np.zeros((2, *rng.integers(8, 100, 2)), np.uint8)
        corners = box(rng, n)
        cv2.fillConvexPoly(expected, corners.astype(np.int32), 200, cv2.LINE_8, SHIFT)
        fill_polygon(canvas, corners, np.uint8(200))
        np.testing.assert_array_equal(canvas, expected)
        drawn += bool(expected.any())
    assert drawn > 500
