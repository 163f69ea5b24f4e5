"""A predicted class map beside the truth of its sheet: the counted pixels of each class and their distances.

Conventions
-----------
Ignored pixels of the truth are not counted, and a prediction on them has no effect. Distances are squares in px, as in
curve_pixels.py, and infinite beyond `reach_mm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from thinline.metrics.structure.curve_pixels import CurvePixels
from thinline.metrics.structure.truth import Truth
from thinline.vocabulary import IGNORE, Bool, Float64, Int64, UInt8

REACH_MM: Final = 4.0


@dataclass(frozen=True, eq=False)
class ClassPixels:
    """The P counted pixels that are of one class in the prediction, in the truth or in both, in the order of rows.

    positions     int64 [P], index in the flat sheet
    predicted     bool [P], predicted as the class
    true          bool [P], of the class in the truth
    any_curve     bool [P], predicted as this class or another curve
    to_own        float64 [P], squared distance to the true curve of the class
    nearest       int64 [P], index of the nearest pixel of that curve, or -1
    to_others     float64 [P], squared distance to the other true curves
    """

    positions: Int64
    predicted: Bool
    true: Bool
    any_curve: Bool
    to_own: Float64
    nearest: Int64
    to_others: Float64


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted class ids `labels`, uint8 [H,W], on the sheet of `truth`.

    Raises TypeError for another dtype or shape, ValueError for ids without a stroke in the truth.
    """

    labels: UInt8
    truth: Truth
    reach_mm: float = REACH_MM

    def __post_init__(self) -> None:
        shape = self.truth.labels.shape
        if self.labels.dtype != np.uint8 or self.labels.shape != shape:
            raise TypeError(
                f"predicted labels must be uint8 {list(shape)}, got {self.labels.dtype} {list(self.labels.shape)}; "
                "decode probabilities to labels of the same sheet"
            )
        largest = self.labels.max(initial=0)
        if largest > len(self.truth.strokes):
            raise ValueError(
                f"predicted labels must hold ids 0..{len(self.truth.strokes)}, got {largest}; "
                "is there a stroke for each class?"
            )

    @cached_property
    def classes(self) -> tuple[ClassPixels, ...]:
        """The pixels of each class but the background, K of them."""
        labels, within_px = self.truth.labels, self.reach_mm * self.truth.px_per_mm
        positions = np.flatnonzero(((self.labels | labels) != 0) & (labels != IGNORE))
        predicted, true = self.labels.reshape(-1)[positions], labels.reshape(-1)[positions]
        classes = []
        for k, (own, others) in enumerate(zip(self.truth.curves, self.truth.others, strict=True), start=1):
            chosen = np.flatnonzero((predicted == k) | (true == k))
            here, ids = positions[chosen], predicted[chosen]
            to_own, nearest = own.nearest(here, within_px=within_px)
            to_others, _ = others.nearest(here, within_px=within_px)
            classes.append(ClassPixels(here, ids == k, true[chosen] == k, ids > 0, to_own, nearest, to_others))
        return tuple(classes)

    def curve(self, k: int) -> CurvePixels:
        """The counted pixels that are predicted as class k + 1."""
        height, width = self.labels.shape
        return CurvePixels(self.classes[k].positions[self.classes[k].predicted], (height, width))

    def px(self, mm: float) -> float:
        """A length in px. ValueError beyond `reach_mm`, where distances are not known."""
        if not 0 <= mm <= self.reach_mm:
            raise ValueError(
                f"expected a length of 0 to {self.reach_mm} mm, got {mm}; distances are known no farther than "
                "`reach_mm` of the Prediction"
            )
        return mm * self.truth.px_per_mm
