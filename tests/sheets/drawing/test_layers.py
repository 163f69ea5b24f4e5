"""Layers of ink against OpenCV's arithmetic and dilation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from thinline.sheets.drawing.layers import joined, paint
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT

CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def test_layers_are_joined_as_opencv_joins_them() -> None:
    grid, edge, text, stain = np.random.default_rng(0).integers(0, 256, (4, 33, 47)).astype(np.uint8)
    ink, layers = joined(grid, edge, text, stain)
    np.testing.assert_array_equal(ink, cv2.add(cv2.max(cv2.max(grid, edge), text), stain))
    for image, bit in ((grid, GRID), (edge, EDGE), (text, TEXT), (stain, STAIN)):
        np.testing.assert_array_equal((layers & bit) > 0, image > 50)


@pytest.mark.parametrize("rings", [0, 1, 3])
@pytest.mark.parametrize("faint", [0, 90])
def test_a_painted_stroke_has_its_rings(rings: int, faint: int) -> None:
    rng = np.random.default_rng(rings)
    before = rng.integers(0, 256, (40, 30)).astype(np.uint8)
    mask = (rng.random((40, 30)) < 0.03).astype(np.uint8)
    ink, labels = before.copy(), np.full((40, 30), 1, np.uint8)
    paint(ink, labels, np.flatnonzero(mask), 2, (210, rings, faint))
    inner = cv2.dilate(mask, CROSS, iterations=rings) if rings else mask
    outer = cv2.dilate(inner, CROSS)
    np.testing.assert_array_equal(ink, np.maximum(before, np.maximum(inner * 210, outer * np.uint8(faint))))
    np.testing.assert_array_equal(labels, 1 + mask)
