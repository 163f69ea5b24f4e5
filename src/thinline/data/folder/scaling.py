"""Make an image and its mask smaller by one factor (`data_mix.scale`).

Conventions
    A side of n px becomes round(n * scale), at least 1. A pixel of the smaller image is the mean of the grey levels
    over the area that it covers. A pixel of the smaller mask is the class that covers the largest part of this area;
    where the background and another class cover equal parts, the pixel is of the other class. So at a scale of 0.5 a
    vertical line 1 px wide stays, and a slanted one becomes dashed. Ignored pixels are a class of their own.
"""

from __future__ import annotations

import cv2
import numpy as np

from thinline.vocabulary import Float32, UInt8

_TIE = 1e-4
"""How much a part may be smaller than that of the background and count as equal: the rounding of float32 areas."""


def scaled_image(image: UInt8, scale: float) -> UInt8:
    """Grey levels [h,w] of an image [H,W]; the image itself at a scale of 1."""
    if scale == 1:
        return image
    return np.asarray(cv2.resize(image, _size(image, scale), interpolation=cv2.INTER_AREA), np.uint8)


def scaled_labels(labels: UInt8, scale: float) -> UInt8:
    """Class ids [h,w] of labels [H,W]; 255 is ignored."""
    ids = np.unique(labels)
    parts = [
        cv2.resize((labels == number).astype(np.float32), _size(labels, scale), interpolation=cv2.INTER_AREA)
        - (_TIE if number == 0 else 0)
        for number in ids
    ]
    return np.asarray(ids[np.argmax(np.stack(parts), axis=0)], np.uint8)


def enlarged(probabilities: Float32, shape: tuple[int, int]) -> Float32:
    """Probabilities [c,H,W] of `shape` (H, W) from those of a smaller image [c,h,w], by linear interpolation."""
    planes = [cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR) for plane in probabilities]
    return np.asarray(np.stack(planes), np.float32)


def _size(image: UInt8, scale: float) -> tuple[int, int]:
    """Width and height of the smaller image."""
    return max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
