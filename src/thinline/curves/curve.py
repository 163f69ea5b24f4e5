"""A curve as traced: where it is in every row, and how sure that is.

Conventions
    P rows from the top; `x_px` is the column of the centre, where 0.0 is the centre of the first pixel. A gap is NaN,
    and has confidence 0: nothing is filled in before somebody asks for it (gaps.py). `lap` is how often the curve has
    left its track on the right (negative: on the left) and come back on the other side; it is told by `viterbi` where
    the track is known, else 0 (laps.py). `ink [K,H,W]` float32 are the probabilities 0..1 of each curve, background
    left out; a class map becomes ink by `ink_of`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinline.vocabulary import Bool, Float32, Float64, Int64, UInt8


@dataclass(frozen=True, eq=False)
class Curve:
    """`x_px [P]` float64, NaN in gaps; `confidence [P]` float64 in 0..1, 0 in gaps; `lap [P]` int64, 0 in gaps."""

    x_px: Float64
    confidence: Float64
    lap: Int64

    @staticmethod
    def on_paper(x_px: Float64, confidence: Float64) -> Curve:
        """A curve of which nobody has asked which lap it is on."""
        return Curve(x_px, confidence, np.zeros(len(x_px), np.int64))

    @property
    def found(self) -> Bool:
        """In which rows there is something, bool [P]."""
        return np.isfinite(self.x_px)


def ink_of(labels: UInt8, *, curves: int) -> Float32:
    """A class map, ids [H,W] with 0 as background, as certain ink [curves,H,W]. Other ids, as 255, are no ink."""
    return np.asarray(labels[None] == np.arange(1, curves + 1, dtype=np.uint8)[:, None, None], np.float32)


def check_ink(ink: Float32) -> None:
    """Refuse what is not ink [K,H,W] float32 of probabilities; TypeError, ValueError."""
    if ink.dtype != np.float32 or ink.ndim != 3:
        raise TypeError(
            f"`ink` must be float32 [K,H,W], got {ink.dtype} {list(ink.shape)}; use ink_of(labels, curves=K) for ids"
        )
    if ink.size and not (ink.min() >= 0 and ink.max() <= 1):
        raise ValueError(
            f"`ink` must hold probabilities 0..1, got {ink.min()}..{ink.max()}; logits go through a head first"
        )
