"""Wrap accuracy of traced curves: how often the number of wraps is right. A wrong number shifts the value by a track.

Conventions
-----------
A curve wraps when it leaves its track on one side and comes back on the other. The *lap* int64 `[K,H]` of a row is the
number of wraps so far, as in `thinline.curves.laps`.

    1. on_lap   rows with the right lap / rows that are compared; NaN where there is none

A row on the wrong lap has the right position on the paper. The `viterbi_values` of sheet_scores.py measure the error of
its value. Rows without a trace are not compared; coverage measures them. Integer counts are added over sheets.
"""

from __future__ import annotations

from dataclasses import dataclass

from thinline.metrics.absent import Counts, overlap_of
from thinline.vocabulary import Bool, Float64, Int64


@dataclass(frozen=True)
class WrapCounts(Counts):
    """Integers of each curve, int64 [K]: rows with the right lap, and rows that are compared."""

    right: Int64
    compared: Int64


def wrap_counts(traced: Int64, true: Int64, *, compared: Bool) -> WrapCounts:
    """Count the laps `traced` and `true`, int64 [K,H], where `compared` bool [K,H]. ValueError for other shapes."""
    if not traced.shape == true.shape == compared.shape or traced.ndim != 2:
        raise ValueError(
            f"`traced`, `true` and `compared` must be by curve and row, of one shape [K,H], got {traced.shape}, "
            f"{true.shape} and {compared.shape}; give every row of the sheet a lap"
        )
    return WrapCounts(((traced == true) & compared).sum(axis=1), compared.sum(axis=1))


def wrap_rates(counts: WrapCounts) -> dict[str, Float64]:
    """`on_lap` as float64 [K]."""
    return {"on_lap": overlap_of(counts.right, counts.compared)}
