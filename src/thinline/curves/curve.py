"""A traced curve: its column in every row, and a confidence.

Conventions
    P rows from the top; `x_px` is the column of the centre, 0.0 at the centre of the first pixel. A gap is NaN with
    confidence 0; gaps are bridged only on request (gaps.py). `lap` counts how often the curve has left its track on the
    right (negative: on the left) and continued on the other side; `viterbi` sets it if the track is known, else it is 0
    (laps.py). `ink [K,H,W]` float32 are the probabilities 0..1 of each curve, without background; `ink_of` converts a
    label map.
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
    def without_laps(x_px: Float64, confidence: Float64) -> Curve:
        """A curve on lap 0 in all rows."""
        return Curve(x_px, confidence, np.zeros(len(x_px), np.int64))

    @property
    def traced(self) -> Bool:
        """Rows in which the curve was found, bool [P]."""
        return np.isfinite(self.x_px)


def ink_of(labels: UInt8, *, curves: int) -> Float32:
    """Class ids [H,W] (0 = background) as ink of probability 0 or 1, [curves,H,W]. Other ids, as 255, are no ink."""
    return np.asarray(labels[None] == np.arange(1, curves + 1, dtype=np.uint8)[:, None, None], np.float32)


def check_ink(ink: Float32) -> None:
    """TypeError unless `ink` is float32 [K,H,W], ValueError unless it holds probabilities."""
    if ink.dtype != np.float32 or ink.ndim != 3:
        raise TypeError(
            f"`ink` must be float32 [K,H,W], got {ink.dtype} {list(ink.shape)}; use ink_of(labels, curves=K) for ids"
        )
    if ink.size and not (ink.min() >= 0 and ink.max() <= 1):
        raise ValueError(
            f"`ink` must hold probabilities 0..1, got {ink.min()}..{ink.max()}; logits go through a head first"
        )
