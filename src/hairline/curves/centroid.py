"""The middle of what was found, row by row: how class maps become curves in the source.

A curve's pixels are those where its ink is above one half; its x is their mean column, its confidence their mean ink.
Rows are judged alone: a stray pixel at the other side of the sheet pulls the mean there.

References
    "VeerNet", J. Imaging 9(7), 136 (2023): centreline of the mask at every depth.
"""

from __future__ import annotations

import numpy as np

from hairline.compiled import call, kernel
from hairline.curves.curve import Curve, demand_ink
from hairline.vocabulary import Float32


def centroid(ink: Float32) -> tuple[Curve, ...]:
    """The K curves of `ink [K,H,W]`. TypeError and ValueError as `demand_ink`."""
    demand_ink(ink)
    x, confidence = call(_middles, ink)
    return tuple(Curve.on_paper(x[k], confidence[k]) for k in range(len(ink)))


@kernel
def _middles(ink):  # type: ignore[no-untyped-def]
    """Mean column and mean ink of the pixels above one half, float64 [K,H] each."""
    curves, rows, columns = ink.shape
    x, confidence = np.full((curves, rows), np.nan), np.zeros((curves, rows))
    for k in range(curves):
        for row in range(rows):
            count, moment, mass = 0, 0.0, 0.0
            for column in range(columns):
                if ink[k, row, column] > 0.5:
                    count += 1
                    moment += column
                    mass += ink[k, row, column]
            if count:
                x[k, row], confidence[k, row] = moment / count, mass / count
    return x, confidence
