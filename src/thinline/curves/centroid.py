"""Trace curves by the mean column of the mask in every row, as the source turns class maps into curves.

The mask of a curve is where its ink is above one half; its x is the mean column of the mask, its confidence the mean
ink. Rows are independent: a stray pixel at the other side of the sheet shifts the mean.

References
    "VeerNet", J. Imaging 9(7), 136 (2023): centreline of the mask at every depth.
"""

from __future__ import annotations

import numpy as np

from thinline.curves.curve import Curve, check_ink
from thinline.vocabulary import Float32, Float64


def centroid(ink: Float32) -> tuple[Curve, ...]:
    """The K curves of `ink [K,H,W]`. TypeError and ValueError as `check_ink`."""
    check_ink(ink)
    return tuple(Curve.without_laps(*_means(channel)) for channel in ink)


def _means(ink: Float32) -> tuple[Float64, Float64]:
    """Mean column (NaN in rows without mask) and mean ink of the pixels of `ink [H,W]` above one half, each [H]."""
    rows, columns = np.nonzero(ink > 0.5)
    height = len(ink)
    count = np.bincount(rows, minlength=height)
    x = np.bincount(rows, weights=columns, minlength=height) / np.where(count > 0, count, np.nan)
    mass = np.bincount(rows, weights=ink[rows, columns], minlength=height)
    return x, mass / np.maximum(count, 1)
