"""The middle of what was found, row by row: how class maps become curves in the source.

A curve's pixels are those where its ink is above one half; its x is their mean column, its confidence their mean ink.
Rows are judged alone: a stray pixel at the other side of the sheet pulls the mean there.

References
    "VeerNet", J. Imaging 9(7), 136 (2023): centreline of the mask at every depth.
"""

from __future__ import annotations

import numpy as np

from hairline.curves.curve import Curve, demand_ink
from hairline.vocabulary import Float32


def centroid(ink: Float32) -> tuple[Curve, ...]:
    """The K curves of `ink [K,H,W]`. TypeError and ValueError as `demand_ink`."""
    demand_ink(ink)
    mask = ink > 0.5
    count = mask.sum(axis=2)
    columns = np.arange(ink.shape[2], dtype=np.float64)
    with np.errstate(invalid="ignore"):  # 0/0 in a row without a pixel
        x = (mask @ columns) / count
        confidence = np.where(count > 0, np.where(mask, ink, 0).sum(axis=2, dtype=np.float64) / count, 0.0)
    return tuple(Curve(x[k], confidence[k]) for k in range(len(ink)))
