"""The truth of one sheet as the measures of errors read it: whose ink lies where, and what else is printed there.

Conventions
-----------
`labels` uint8 `[H,W]` class ids, 255 = ignore; `strokes` bool `[K,H,W]`, the ink of each curve; `layers` uint8 `[H,W]`,
bits GRID, EDGE, TEXT, STAIN of the vocabulary; class k is curve k - 1 of the K strokes. Who scores a head that knows
fewer classes passes fewer: for `binary` labels of 0, 1 and 255 and the union of all strokes, `[1,H,W]`. Who has no
layers passes zeros.

The ink of a curve is its stroke and every pixel of its label. Ignored pixels are in no count, but ink beneath them is
still ink, because it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from thinline.metrics.structure.class_mask import Region
from thinline.metrics.structure.curve_pixels import Ink, ink_of, union
from thinline.vocabulary import IGNORE, Bool, Float64, UInt8

SLOPE_MM: Final = 1.0
"""Longer than a dash of any pen is wide, shorter than the spikes of a log."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What was drawn on a sheet, at `px_per_mm`; see the module.

    Raises TypeError for another dtype or rank, ValueError for shapes that do not belong together, ids that no stroke
    has, and a scale that is none.
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
    def own(self) -> tuple[Ink, ...]:
        """The ink of each curve, K of them."""
        return tuple(ink_of(stroke | (self.labels == k)) for k, stroke in enumerate(self.strokes, start=1))

    @cached_property
    def others(self) -> tuple[Ink, ...]:
        """For each curve the ink of all others."""
        height, width = self.labels.shape
        return tuple(
            union([ink for j, ink in enumerate(self.own) if j != k], (height, width)) for k in range(len(self.own))
        )

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The pixels of each class but the background."""
        return tuple(Region(self.labels == k) for k in range(1, len(self.strokes) + 1))

    @cached_property
    def slopes(self) -> tuple[Float64, ...]:
        """For each curve the slopes of its ink, from what is within SLOPE_MM."""
        return tuple(ink.slopes(within_px=SLOPE_MM * self.px_per_mm) for ink in self.own)
