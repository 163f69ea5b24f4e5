"""Grey levels of each class of an image and of the background around it.

Conventions
    `image` is grey uint8 [H,W], `labels` are class ids uint8 [H,W] (background 0; 255 is not counted), C classes.
    The background *around* a class is the background within NEAR_PX rows and columns of it. It excludes black borders
    and shadows elsewhere in the image.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import cv2
import numpy as np

from thinline.vocabulary import IGNORE, Float64, Int64, UInt8

NEAR_PX: Final = 5


@dataclass(frozen=True, eq=False)
class ClassGreys:
    """Pixels and sum of grey levels of each class, int64 [C]; `near_*` are those of the background around it."""

    pixels: Int64
    greys: Int64
    near_pixels: Int64
    near_greys: Int64

    def __add__(self, other: ClassGreys) -> ClassGreys:
        return ClassGreys(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def shares(self) -> Float64:
        """Share of each class among the counted pixels, [C]; NaN when none is counted."""
        return _ratio(self.pixels, np.full_like(self.pixels, self.pixels.sum()))

    @property
    def on(self) -> Float64:
        """Mean grey of each class, [C]; NaN for a class without pixels."""
        return _ratio(self.greys, self.pixels)

    @property
    def off(self) -> Float64:
        """Mean grey of all counted pixels that are not of the class, [C]; NaN where there are none."""
        return _ratio(self.greys.sum() - self.greys, self.pixels.sum() - self.pixels)

    @property
    def contrast(self) -> Float64:
        """Mean grey of each class minus that of the background around it, [C]; NaN for the background."""
        return self.on - _ratio(self.near_greys, self.near_pixels)


def class_greys(image: UInt8, labels: UInt8, classes: int) -> ClassGreys:
    """The pixels and grey levels of each class of one image."""
    ids = labels.ravel()
    pixels = np.bincount(ids, minlength=IGNORE + 1)[:classes]
    greys = np.bincount(ids, weights=image.ravel(), minlength=IGNORE + 1)[:classes].astype(np.int64)
    near = np.zeros((2, classes), np.int64)
    square = np.ones((2 * NEAR_PX + 1,) * 2, np.uint8)
    for number in np.flatnonzero(pixels[1:]) + 1:
        around = (cv2.dilate((labels == number).astype(np.uint8), square) > 0) & (labels == 0)
        near[:, number] = around.sum(), image[around].sum(dtype=np.int64)
    return ClassGreys(pixels, greys, *near)


def _ratio(numerators: Int64, denominators: Int64) -> Float64:
    """Quotients, NaN for a denominator of 0."""
    quotients = np.full(len(numerators), np.nan)
    np.divide(numerators, denominators, out=quotients, where=denominators > 0)
    return quotients
