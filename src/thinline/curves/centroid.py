"""The middle of what was found, row by row: how class maps become curves in the source.

A curve's pixels are those where its ink is above one half; its x is their mean column, its confidence their mean ink.
Rows are judged alone: a stray pixel at the other side of the sheet pulls the mean there.

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
    return tuple(Curve.on_paper(*_middles(one)) for one in ink)


def _middles(ink: Float32) -> tuple[Float64, Float64]:
    """Mean column, NaN where there is none, and mean ink of the pixels above one half of `ink [H,W]`, each [H]."""
    rows, columns = np.nonzero(ink > 0.5)
    height = len(ink)
    count = np.bincount(rows, minlength=height)
    some = np.where(count > 0, count, np.nan)
    x = np.bincount(rows, weights=columns, minlength=height) / some
    mass = np.bincount(rows, weights=ink[rows, columns], minlength=height)
    return x, mass / np.maximum(count, 1)
