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
from thinline.vocabulary import Bool, Float64, Int64

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
    apart_px = apart_mm * px_per_mm
    away = np.abs(traced[:, None] - true)  # [K,K,H]; NaN compares as false
    pairs = np.abs(true[:, None] - true) > apart_px
    own = np.einsum("kkh->kh", away)[:, None]
    swapped = (pairs & (away <= apart_px) & (away + margin_mm * px_per_mm < own)).any(axis=1)
    comparable: Bool = np.asarray(pairs.any(axis=1), np.bool_)
    bridge = int(bridge_mm * px_per_mm)
    runs = [_runs(row[known], bridge) for row, known in zip(swapped, comparable, strict=True)]
    return SwapCounts(np.array(runs, np.int64), swapped.sum(axis=1), comparable.sum(axis=1))


def _runs(swapped: Bool, bridge: int) -> int:
    """Runs of true values of `swapped`; interruptions of at most `bridge` rows do not end a run."""
    rows = np.flatnonzero(swapped)
    return int(np.count_nonzero(np.diff(rows) > bridge + 1)) + bool(len(rows))


def swap_rates(counts: SwapCounts, *, px_per_mm: float) -> dict[str, Float64]:
    """`swaps`, `swapped_mm`, `swapped` as float64 [K], NaN without a comparable row."""
    known = counts.comparable > 0
    return {
        "swaps": np.where(known, counts.swaps, np.nan),
        "swapped_mm": np.where(known, counts.swapped / px_per_mm, np.nan),
        "swapped": overlap_of(counts.swapped, counts.comparable),
    }
