"""What becomes of thin truth when it is resized instead of rendered anew, which is why `resolution` never resizes.

Conventions
    `labels` uint8 [H,W] are class ids, background 0. Both ways keep pixel centres where they were.

    nearest   a pixel takes the class that lies under its centre
    area      a pixel takes the class that covers half of it or more, of two that do the lower id; else background

Measures, of one class, from the truth that is rendered at the new size and the truth resized to it
    1. lost    share of the rendered pixels that the resized truth gives to another class
    2. far     share of the rendered pixels without a resized pixel of their class within one pixel, diagonals too: what
               is lost even where a line may be moved by a pixel
    3. area    resized over rendered pixels
    4. parts   connected parts (8 neighbours), resized over rendered: 3 means that each stroke fell into three

Integers are counted sheet by sheet, summed, and divided once; NaN where the rendered truth has none of the class.
"""

from __future__ import annotations

import math
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
    """Integers of one class: pixels rendered, kept of them and far, pixels resized, and connected parts of both."""

    rendered: int = 0
    kept: int = 0
    beyond: int = 0
    resized: int = 0
    parts_rendered: int = 0
    parts_resized: int = 0

    def __add__(self, other: Remains) -> Remains:
        return Remains(*(mine + its for mine, its in zip(self._all, other._all, strict=True)))

    @property
    def _all(self) -> tuple[int, int, int, int, int, int]:
        return self.rendered, self.kept, self.beyond, self.resized, self.parts_rendered, self.parts_resized

    @property
    def lost(self) -> float:
        """Measure 1."""
        return 1 - self.kept / self.rendered if self.rendered else math.nan

    @property
    def far(self) -> float:
        """Measure 2."""
        return self.beyond / self.rendered if self.rendered else math.nan

    @property
    def area(self) -> float:
        """Measure 3."""
        return self.resized / self.rendered if self.rendered else math.nan

    @property
    def parts(self) -> float:
        """Measure 4."""
        return self.parts_resized / self.parts_rendered if self.parts_rendered else math.nan


def resize_labels(labels: UInt8, shape: tuple[int, int], way: str) -> UInt8:
    """The truth at another size, `way` one of WAYS. ValueError for another way."""
    size = (shape[1], shape[0])
    if way == "nearest":
        return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    if way != "area":
        raise ValueError(f"`way` must be one of {WAYS}, got {way!r}")
    found = np.zeros(shape, np.uint8)
    for number in range(int(labels.max()), 0, -1):
        covered = cv2.resize((labels == number).astype(np.float32) * 255, size, interpolation=cv2.INTER_AREA)
        found[covered >= _HALF] = number
    return found


def remains(rendered: UInt8, resized: UInt8, number: int) -> Remains:
    """The integers of class `number`, from labels [H,W] of one size."""
    true, found = rendered == number, resized == number
    near = cv2.dilate(found.view(np.uint8), _AROUND).view(np.bool_)
    kept, far = int((true & found).sum()), int((true & ~near).sum())
    return Remains(int(true.sum()), kept, far, int(found.sum()), _parts(true), _parts(found))


def remains_of(specs: Sequence[SheetSpec], scales: tuple[float, float], way: str) -> tuple[Remains, ...]:
    """What remains of each curve drawn at `scales[0]` px per mm and resized to `scales[1]`, summed over all specs."""
    total = tuple(Remains() for _ in specs[0].curves)
    for spec in specs:
        source, target = (draw(spec, px_per_mm=scale).labels for scale in scales)
        moved = resize_labels(source, (target.shape[0], target.shape[1]), way)
        total = tuple(old + remains(target, moved, k) for k, old in enumerate(total, start=1))
    return total


def _parts(mask: Bool) -> int:
    return int(cv2.connectedComponents(mask.view(np.uint8), connectivity=8)[0]) - 1
