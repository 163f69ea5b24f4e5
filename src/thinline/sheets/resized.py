"""Measure how much thin truth is lost when a label map is resized instead of drawn anew at the new resolution.

Conventions
    `labels` uint8 [H,W] are class ids, background 0. Both methods keep the centres of pixels where they were.

    nearest   a pixel takes the class under its centre
    area      a pixel takes the class that covers at least half of it (the lower id of two), else background

Measures of one class, comparing the truth drawn at the new size with the resized truth
    1. lost    share of the drawn pixels that have another class in the resized truth
    2. far     share of the drawn pixels without a resized pixel of their class among the 3 x 3 neighbours
    3. area    resized / drawn pixels
    4. parts   8-connected components, resized / drawn

Counts are summed over sheets and divided once; NaN where the drawn truth has no pixel of the class.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.sheets.drawing.draw import draw
from thinline.sheets.spec import SheetSpec
from thinline.vocabulary import Bool, UInt8

WAYS: Final = ("nearest", "area")
_HALF: Final = 127.5
_AROUND: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Remains:
    """Counts of one class: pixels drawn, those kept and those far, pixels resized, and components of both."""

    rendered: int = 0
    kept: int = 0
    beyond: int = 0
    resized: int = 0
    parts_rendered: int = 0
    parts_resized: int = 0

    def __add__(self, other: Remains) -> Remains:
        return Remains(*map(operator.add, dataclasses.astuple(self), dataclasses.astuple(other)))

    @property
    def lost(self) -> float:
        """Measure 1: share of the drawn pixels that were lost."""
        return 1 - self.kept / self.rendered if self.rendered else math.nan

    @property
    def far(self) -> float:
        """Measure 2: share of the drawn pixels without a resized neighbour."""
        return self.beyond / self.rendered if self.rendered else math.nan

    @property
    def area(self) -> float:
        """Measure 3: resized / drawn pixels."""
        return self.resized / self.rendered if self.rendered else math.nan

    @property
    def parts(self) -> float:
        """Measure 4: resized / drawn components."""
        return self.parts_resized / self.parts_rendered if self.parts_rendered else math.nan


def resize_labels(labels: UInt8, shape: tuple[int, int], way: str) -> UInt8:
    """`labels` resized to `shape` by a method of WAYS. ValueError for another `way`."""
    size = (shape[1], shape[0])
    if way == "nearest":
        return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    if way != "area":
        raise ValueError(f"`way` must be one of {WAYS}, got {way!r}")
    resized = np.zeros(shape, np.uint8)
    for number in range(int(labels.max()), 0, -1):
        covered = cv2.resize((labels == number).astype(np.float32) * 255, size, interpolation=cv2.INTER_AREA)
        resized[covered >= _HALF] = number
    return resized


def remains(rendered: UInt8, resized: UInt8, number: int) -> Remains:
    """Counts of class `number` in two label maps [H,W] of one size."""
    true, after = rendered == number, resized == number
    near = cv2.dilate(after.view(np.uint8), _AROUND).view(np.bool_)
    kept, far = int((true & after).sum()), int((true & ~near).sum())
    return Remains(int(true.sum()), kept, far, int(after.sum()), _parts(true), _parts(after))


def remains_of(specs: Sequence[SheetSpec], scales: tuple[float, float], way: str) -> tuple[Remains, ...]:
    """Counts of each curve drawn at `scales[0]` px per mm and resized to `scales[1]`, summed over all specs."""
    total = tuple(Remains() for _ in specs[0].curves)
    for spec in specs:
        source, target = (draw(spec, px_per_mm=scale).labels for scale in scales)
        moved = resize_labels(source, (target.shape[0], target.shape[1]), way)
        total = tuple(old + remains(target, moved, k) for k, old in enumerate(total, start=1))
    return total


def _parts(mask: Bool) -> int:
    return int(cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[0]) - 1
