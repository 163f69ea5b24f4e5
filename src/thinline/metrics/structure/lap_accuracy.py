"""On which lap a traced curve is said to be, per curve: right or wrong by a whole track.

Conventions
-----------
`lap` int64 `[K,H]` of what was found and of the truth; a row is judged where the curve was found and is there. A lap is
as `thinline.curves.laps` has it: how often the curve has left its track on the right and come back on the left.

    1. on_lap   rows on the right lap / rows that are judged; NaN where none is

A row on the wrong lap has the right place on the paper and a value that is wrong by one track or more: the measures of
values (sheet_scores.py) say what that costs. Rows that were not found are in no count here; their coverage says so.

Counts come first, as integers, and may be added over sheets; the rate divides once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thinline.vocabulary import Bool, Float64, Int64


@dataclass(frozen=True)
class LapCounts:
    """Integers of each curve, int64 [K], over one or more sheets; `a + b` is the count of both."""

    right: Int64
    judged: Int64

    def __add__(self, other: LapCounts) -> LapCounts:
        return LapCounts(self.right + other.right, self.judged + other.judged)


def lap_counts(found: Int64, true: Int64, *, judged: Bool) -> LapCounts:
    """Count rows of `found` and `true` int64 [K,H] where `judged` bool [K,H]. ValueError for other shapes."""
    if not found.shape == true.shape == judged.shape or found.ndim != 2:
        raise ValueError(
            f"`found`, `true` and `judged` must be laps by row of one shape [K,H], got {found.shape}, {true.shape} and "
            f"{judged.shape}"
        )
    return LapCounts(((found == true) & judged).sum(axis=1), judged.sum(axis=1))


def lap_rates(counts: LapCounts) -> dict[str, Float64]:
    """`on_lap` as float64 [K]."""
    return {"on_lap": counts.right / np.where(counts.judged > 0, counts.judged, np.nan)}
