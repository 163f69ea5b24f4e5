"""Identity swaps along depth, per curve: where a found curve follows the truth of another one.

Conventions
-----------
`found` and `true` are float64 `[K,H]`, the x of each curve in each row in px, NaN = none. A row of curve k can be
*judged* when its truth and that of another curve j are there and more than `apart_mm` from each other: closer together
nobody can say whom a trace follows. A judged row is *swapped* when, for one such j, the found curve k lies within
`apart_mm` of true curve j and is nearer to it than to its own truth, by more than `margin_mm`. A trace that is on
neither curve is wrong, but not swapped.

    1. swaps       stretches of swapped rows. A stretch ends where more than `bridge_mm` of judged rows in succession
                   are not swapped; rows that cannot be judged neither end nor interrupt one, so that to cross the other
                   curve, or to be lost and found again on the wrong one, is not a second swap
    2. swapped_mm  length of all swapped rows, interruptions left out, along depth
    3. swapped     swapped rows / rows that can be judged

As in tracking, an identity is wrong until it is right again, and a swap is counted when it becomes wrong (number 3 of
the reference). Two curves that take each other's place are a swap of each. Swaps are errors of what was found: a
curve that was not found is never swapped, and its recall says so. Where no row can be judged, as on a sheet with one
curve, there is nothing to swap: NaN.

Counts come first, as integers, and may be added over sheets of one scale; rates divide once.

References
----------
Bernardin and Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT metrics", EURASIP Journal on
Image and Video Processing 2008, "mismatches".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.vocabulary import Bool, Float64, Int64

MARGIN_MM: Final = 0.25
APART_MM: Final = 1.0
BRIDGE_MM: Final = 1.0


@dataclass(frozen=True)
class SwapCounts:
    """Integers of each curve, int64 [K], over one or more sheets of one scale; `a + b` is the count of both.

    `swaps` are stretches, `rows` swapped rows, `judged` the rows of the truth that can be judged.
    """

    swaps: Int64
    rows: Int64
    judged: Int64

    def __add__(self, other: SwapCounts) -> SwapCounts:
        return SwapCounts(self.swaps + other.swaps, self.rows + other.rows, self.judged + other.judged)


def swaps(
    found: Float64,
    true: Float64,
    *,
    px_per_mm: float,
    margin_mm: float = MARGIN_MM,
    apart_mm: float = APART_MM,
    bridge_mm: float = BRIDGE_MM,
) -> SwapCounts:
    """Count the stretches in which found curves `[K,H]` follow the truth of another. ValueError for other shapes."""
    if found.ndim != 2 or found.shape != true.shape:
        raise ValueError(
            f"`found` and `true` must be x by row of one shape [K,H], got {found.shape} and {true.shape}; "
            "give a curve that was not found a row of NaN"
        )
    apart_px = apart_mm * px_per_mm
    away = np.abs(found[:, None] - true)  # [K,K,H]; NaN compares as false
    comparable = np.abs(true[:, None] - true) > apart_px
    own = np.einsum("kkh->kh", away)[:, None]
    swapped = (comparable & (away <= apart_px) & (away + margin_mm * px_per_mm < own)).any(axis=1)
    judged: Bool = np.asarray(comparable.any(axis=1), np.bool_)
    bridge = int(bridge_mm * px_per_mm)
    stretches = [_stretches(row[known], bridge) for row, known in zip(swapped, judged, strict=True)]
    return SwapCounts(np.array(stretches, np.int64), swapped.sum(axis=1), judged.sum(axis=1))


def _stretches(swapped: Bool, bridge: int) -> int:
    """Stretches of the true rows of `swapped`, which interruptions of at most `bridge` rows do not end."""
    rows = np.flatnonzero(swapped)
    return int(np.count_nonzero(np.diff(rows) > bridge + 1)) + bool(len(rows))


def swap_rates(counts: SwapCounts, *, px_per_mm: float) -> dict[str, Float64]:
    """`swaps`, `swapped_mm`, `swapped` as float64 [K], NaN where no row can be judged."""
    known = counts.judged > 0
    judged = np.where(known, counts.judged, np.nan)
    return {
        "swaps": np.where(known, counts.swaps, np.nan),
        "swapped_mm": np.where(known, counts.rows / px_per_mm, np.nan),
        "swapped": counts.rows / judged,
    }
