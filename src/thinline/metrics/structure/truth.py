"""The truth of one sheet: class of each pixel, pixels of each curve, and what else is printed there.

Conventions
-----------
`labels` uint8 `[H,W]` class ids, 255 = ignore; `strokes` bool `[K,H,W]`, the pixels each curve was drawn on; `layers`
uint8 `[H,W]`, bits GRID, EDGE, TEXT, STAIN of the vocabulary. Class k is stroke k - 1. For a head with fewer classes
pass fewer: for `binary`, labels of 0, 1 and 255 and the union of all strokes, `[1,H,W]`. Without layers pass zeros.

The pixels of a curve are its stroke and every pixel of its label. Ignored pixels are not counted, but a curve that lies
below them keeps its pixels there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from thinline.metrics.structure.curve_pixels import CurvePixels, curve_pixels, union
from thinline.metrics.structure.distances import ClassMask
from thinline.vocabulary import IGNORE, Bool, Float64, UInt8

NOMINAL_PX_PER_MM: Final = 4.0
"""Assumed where the scale is unknown: a nominal pen is one pixel wide."""

SLOPE_MM: Final = 1.0
"""Search radius for slopes: longer than a dash of any pen is wide, shorter than the spikes of a log."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What was drawn on a sheet, at `px_per_mm`; see the module.

    Raises TypeError for another dtype or rank, ValueError for shapes that differ, ids without a stroke, and a scale
    that is not above 0.
    """

    labels: UInt8
    strokes: Bool
    layers: UInt8
    px_per_mm: float

    def __post_init__(self) -> None:
        for name, array, kind, rank in (
            ("labels", self.labels, np.uint8, "[H,W]"),
            ("strokes", self.strokes, np.bool_, "[K,H,W]"),
            ("layers", self.layers, np.uint8, "[H,W]"),
        ):
            if array.dtype != kind or array.ndim != rank.count(",") + 1:
                raise TypeError(
                    f"`{name}` must be {np.dtype(kind)} {rank}, got {array.dtype} {list(array.shape)}; "
                    "pass them as a Sheet holds them"
                )
        if not self.labels.shape == self.layers.shape == self.strokes.shape[1:]:
            raise ValueError(
                "`labels`, `layers` and each of `strokes` must have one shape, got "
                f"{self.labels.shape}, {self.layers.shape} and {self.strokes.shape[1:]}; cut them alike"
            )
        if not 0 < self.px_per_mm < np.inf:
            raise ValueError(f"`px_per_mm` must be above 0, got {self.px_per_mm}; pass the scale of the sheet")
        wrong = self.labels[(self.labels > len(self.strokes)) & (self.labels != IGNORE)]
        if wrong.size:
            raise ValueError(
                f"`labels` must hold ids 0..{len(self.strokes)} or {IGNORE}, got {wrong[0]}; "
                "is there a stroke for each class?"
            )

    @cached_property
    def curves(self) -> tuple[CurvePixels, ...]:
        """The pixels of each curve, K of them."""
        return tuple(curve_pixels(stroke | (self.labels == k)) for k, stroke in enumerate(self.strokes, start=1))

    @cached_property
    def others(self) -> tuple[CurvePixels, ...]:
        """For each curve the pixels of all other curves, K of them."""
        height, width = self.labels.shape
        return tuple(
            union([curve for j, curve in enumerate(self.curves) if j != k], (height, width))
            for k in range(len(self.curves))
        )

    @cached_property
    def masks(self) -> tuple[ClassMask, ...]:
        """The pixels labelled as each class but the background, K of them."""
        return tuple(ClassMask(self.labels == k) for k in range(1, len(self.strokes) + 1))

    @cached_property
    def slopes(self) -> tuple[Float64, ...]:
        """The slopes of each curve at its pixels, from what is within SLOPE_MM."""
        return tuple(curve.slopes(within_px=SLOPE_MM * self.px_per_mm) for curve in self.curves)
