"""What was found on a sheet beside its truth: searched once, and read by every measure of errors.

Conventions
-----------
`found` uint8 `[H,W]` holds class ids; ignored pixels of the truth are in no count, and what was found on them is as
if it were not found. Distances, squared and in px, are those of curve_pixels.py and reach `reach_mm` far: beyond, they
are
infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from thinline.metrics.structure.curve_pixels import Ink
from thinline.metrics.structure.truth import Truth
from thinline.vocabulary import IGNORE, Bool, Float64, Int64, UInt8

REACH_MM: Final = 4.0


@dataclass(frozen=True, eq=False)
class Marks:
    """The P counted pixels that are of one class, were found as it, or both, in the order of rows; all `[P]`.

    places      int64, where they are in the flat sheet
    found       bool, found as the class
    true        bool, of the class
    as_curve    bool, found as this class or another curve
    to_own      float64, squared distance to ink of the class; `ink` int64, which of its pixels that is, or -1
    to_others   float64, squared distance to ink of other curves
    """

    places: Int64
    found: Bool
    true: Bool
    as_curve: Bool
    to_own: Float64
    ink: Int64
    to_others: Float64


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found, uint8 [H,W], on the sheet of `truth`; distances are known up to `reach_mm`.

    Raises TypeError for another dtype or shape, ValueError for ids that no stroke of the truth has.
    """

    found: UInt8
    truth: Truth
    reach_mm: float = REACH_MM

    def __post_init__(self) -> None:
        shape = self.truth.labels.shape
        if self.found.dtype != np.uint8 or self.found.shape != shape:
            raise TypeError(
                f"`found` must be uint8 {list(shape)}, got {self.found.dtype} {list(self.found.shape)}; "
                "decode probabilities to labels of the same sheet"
            )
        most = self.found.max(initial=0)
        if most > len(self.truth.strokes):
            raise ValueError(
                f"`found` must hold ids 0..{len(self.truth.strokes)}, got {most}; is there a stroke for each class?"
            )

    @cached_property
    def marks(self) -> tuple[Marks, ...]:
        """What there is of each class, K of them."""
        labels, within_px = self.truth.labels, self.reach_mm * self.truth.px_per_mm
        places = np.flatnonzero(((self.found | labels) != 0) & (labels != IGNORE))
        found, true = self.found.reshape(-1)[places], labels.reshape(-1)[places]
        marks = []
        for k, (own, others) in enumerate(zip(self.truth.own, self.truth.others, strict=True), start=1):
            of = np.flatnonzero((found == k) | (true == k))
            here, as_found = places[of], found[of]
            to_own, ink = own.nearest(here, within_px=within_px)
            to_others, _ = others.nearest(here, within_px=within_px)
            marks.append(Marks(here, as_found == k, true[of] == k, as_found > 0, to_own, ink, to_others))
        return tuple(marks)

    def traced(self, k: int) -> Ink:
        """The pixels found as class k + 1, as ink."""
        height, width = self.found.shape
        marks = self.marks[k]
        return Ink(marks.places[marks.found], (height, width))

    def px(self, mm: float) -> float:
        """A length in px. ValueError when distances are not known that far."""
        if not 0 <= mm <= self.reach_mm:
            raise ValueError(
                f"expected a length of 0 to {self.reach_mm} mm, got {mm}; distances are known no farther than "
                "`reach_mm` of the Answer"
            )
        return mm * self.truth.px_per_mm
