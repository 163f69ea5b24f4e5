"""Identity swaps along depth, per curve: where the trace of one curve follows the truth of another.

Conventions
-----------
`traced` and `true` are float64 `[K,H]`, the x of each curve in each row in px, NaN = none. A row of curve k is
*comparable* when its truth and that of another curve j are there and more than `apart_mm` from each other. A comparable
row is *swapped* when, for one such j, the trace of k lies within `apart_mm` of true curve j and is nearer to it than to
its own truth, by more than `margin_mm`. A trace that follows neither curve is wrong, but not swapped.

    1. swaps       runs of swapped rows. A run ends after more than `bridge_mm` of comparable rows that are not swapped;
                   rows that are not comparable neither end nor interrupt it, so that crossing the other curve is not a
                   second swap
    2. swapped_mm  length of all swapped rows along depth, interruptions not included
    3. swapped     swapped rows / comparable rows

As in tracking, a swap is counted when an identity becomes wrong, and the identity stays wrong until it is right again
(number 3 of the reference). Two curves that exchange their traces are one swap each. A curve without a trace is not
swapped; its recall is low. Without a comparable row, as on a sheet with one curve, the rates are NaN.

Integer counts are added over sheets of one scale and divided once.

References
----------
Bernardin and Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT metrics", EURASIP Journal on
Image and Video Processing 2008, "mismatches".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.metrics.absent import Counts, overlap_of
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Float64, Int64

MARGIN_MM: Final = 0.25
APART_MM: Final = 1.0
BRIDGE_MM: Final = 1.0


@dataclass(frozen=True)
class SwapCounts(Counts):
    """Integers of each curve, int64 [K]: runs of swapped rows, swapped rows, comparable rows."""

    swaps: Int64
    swapped: Int64
    comparable: Int64


def swaps(
    traced: Float64,
    true: Float64,
    *,
    px_per_mm: float,
    margin_mm: float = MARGIN_MM,
    apart_mm: float = APART_MM,
    bridge_mm: float = BRIDGE_MM,
) -> SwapCounts:
    """Count the swaps of traced curves `[K,H]`. ValueError for other shapes."""
    if traced.ndim != 2 or traced.shape != true.shape:
        raise ValueError(
            f"`traced` and `true` must be x by row of one shape [K,H], got {traced.shape} and {true.shape}; "
            "give a curve without a trace a row of NaN"
        )
    counts = np.zeros((3, len(true)), np.int64)
    lengths = [margin_mm * px_per_mm, apart_mm * px_per_mm]
    traced, true = (np.ascontiguousarray(rows, np.float64) for rows in (traced, true))
    call(_count, traced, true, *lengths, int(bridge_mm * px_per_mm), counts)
    return SwapCounts(*counts)


@kernel
def _count(traced, true, margin, apart, bridge, counts):  # type: ignore[no-untyped-def]
    """Add to `counts [3,K]` runs of swapped rows, swapped rows, comparable rows; NaN compares as false."""
    for k in range(len(true)):
        since = bridge + 1  # comparable rows since the last swapped one
        for row in range(true.shape[1]):
            own = abs(traced[k, row] - true[k, row])
            comparable, swapped = False, False
            for j in range(len(true)):
                if abs(true[k, row] - true[j, row]) > apart:
                    comparable = True
                    away = abs(traced[k, row] - true[j, row])
                    swapped |= away <= apart and away + margin < own
            if swapped:
                counts[0, k] += since > bridge
                counts[1, k] += 1
                since = 0
            elif comparable:
                since += 1
            counts[2, k] += comparable


def swap_rates(counts: SwapCounts, *, px_per_mm: float) -> dict[str, Float64]:
    """`swaps`, `swapped_mm`, `swapped` as float64 [K], NaN without a comparable row."""
    known = counts.comparable > 0
    return {
        "swaps": np.where(known, counts.swaps, np.nan),
        "swapped_mm": np.where(known, counts.swapped / px_per_mm, np.nan),
        "swapped": overlap_of(counts.swapped, counts.comparable),
    }
