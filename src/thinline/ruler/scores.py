"""Every measure a ruler is tried with, of one pair of curves: counts that add up over curves and sheets, then rates.

Measures
--------
Of masks, all curves and sheets summed, background in none of them:

    iou, precision, recall, f1    of pixels, as metrics/pixels.py defines them
    iou_any                       IoU of all curves of a sheet taken as one mask: which curve is which plays no part
    boundary_iou, nsd_*px, tol_f1_*px, hd95_px    metrics/structure/surfaces.py
    cldice, tol_cldice_*px, breaks                metrics/structure/centrelines.py; breaks is a number per curve

Of the columns of a curve, over the rows of the truth, as curves/compare.py defines them with the whole sheet as track:
a row that was left out is a sheet's width away

    mae_px     mean distance sideways
    r2         1 - squared distances / squared distances of the truth from its own mean; every curve has its own
    coverage   rows found / rows true

A measure that has nothing to be counted on is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np

from thinline.curves.compare import compare
from thinline.metrics.absent import overlap_of, precision_of, recall_of
from thinline.metrics.structure.centrelines import CentrelineCounts, centreline_rates, centrelines
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.surfaces import SurfaceCounts, surface_rates, surfaces
from thinline.vocabulary import Bool, Float64, Int64


class Scale(NamedTuple):
    """What a measure says of a perfect answer, the least change that says anything, and its name in figures."""

    perfect: float
    least: float
    title: str


_RATE_LEAST: Final = 0.01
MEASURES: Final = {
    "iou": Scale(1, _RATE_LEAST, "IoU"),
    "precision": Scale(1, _RATE_LEAST, "precision"),
    "recall": Scale(1, _RATE_LEAST, "recall"),
    "f1": Scale(1, _RATE_LEAST, "F1"),
    "iou_any": Scale(1, _RATE_LEAST, "IoU of any curve"),
    "boundary_iou": Scale(1, _RATE_LEAST, "boundary IoU"),
    "nsd_1px": Scale(1, _RATE_LEAST, "NSD at 1 px"),
    "nsd_2px": Scale(1, _RATE_LEAST, "NSD at 2 px"),
    "nsd_3px": Scale(1, _RATE_LEAST, "NSD at 3 px"),
    "tol_f1_1px": Scale(1, _RATE_LEAST, "tolerance F1, 1 px"),
    "tol_f1_2px": Scale(1, _RATE_LEAST, "tolerance F1, 2 px"),
    "tol_f1_3px": Scale(1, _RATE_LEAST, "tolerance F1, 3 px"),
    "cldice": Scale(1, _RATE_LEAST, "clDice"),
    "tol_cldice_1px": Scale(1, _RATE_LEAST, "tolerance clDice, 1 px"),
    "tol_cldice_2px": Scale(1, _RATE_LEAST, "tolerance clDice, 2 px"),
    "hd95_px": Scale(0, 0.1, "HD95 [px]"),
    "breaks": Scale(0, 0.1, "breaks per curve"),
    "mae_px": Scale(0, 0.1, "MAE [px]"),
    "r2": Scale(1, _RATE_LEAST, "R2"),
    "coverage": Scale(1, _RATE_LEAST, "rows found / true"),
}
"""All measures, the plainer of two first: a copy is a copy of what stands before it."""

_TOLERANCES_PX: Final = (1.0, 2.0, 3.0)
_LINE_TOLERANCES_PX: Final = (0.0, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Tally:
    """What is counted of one curve; `a + b` is the tally of both.

    `pixels [3]` hits, false alarms, misses; `hd95 [2]` their sum and number; `columns [5]` those of `_columns`;
    `curves` how many.
    """

    pixels: Int64
    surface: SurfaceCounts
    centre: CentrelineCounts
    hd95: Float64
    columns: Float64
    curves: int = 1

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, it.name) + getattr(other, it.name) for it in fields(self)))


def tally(found: Bool, true: Bool, *, found_x: Float64, true_x: Float64) -> Tally:
    """Count one curve: its masks `[H,W]` and its columns `[H]`."""
    pair = Pair(found, true)
    outline = surfaces(pair, tolerances_px=_TOLERANCES_PX)
    return Tally(
        overlap(found, true),
        outline.counts,
        centrelines(pair, tolerances_px=_LINE_TOLERANCES_PX),
        np.nan_to_num(np.array([outline.hd95, float(np.isfinite(outline.hd95))])),
        _columns(found_x, true_x, found.shape[1]),
    )


def overlap(found: Bool, true: Bool) -> Int64:
    """Hits, false alarms and misses of two masks."""
    hits = np.count_nonzero(found & true)
    return np.array([hits, np.count_nonzero(found) - hits, np.count_nonzero(true) - hits], np.int64)


def _columns(found: Float64, true: Float64, width: int) -> Float64:
    """Sums of errors in px, of their squares, spread of the truth, rows, rows found: the track is the whole sheet."""
    error = compare(found, true, track_px=float(width))
    sums = np.array([error.error * width, error.square * width**2, error.spread * width**2])
    return np.concatenate([sums, [error.rows, error.found]])


def scores(total: Tally, any_curve: Int64) -> dict[str, float]:
    """Every measure of the module's list, in its order; `any_curve [3]` is the overlap of the sheets as one mask."""
    hits, alarms, misses = total.pixels.tolist()
    outline, centre = surface_rates(total.surface), centreline_rates(total.centre)
    away, squared, spread, rows, found_rows = total.columns.tolist()
    found = {
        "iou": float(overlap_of(hits, hits + alarms + misses)),
        "precision": float(precision_of(hits, hits + alarms, hits + misses)),
        "recall": float(recall_of(hits, hits + misses)),
        "f1": float(overlap_of(2 * hits, 2 * hits + alarms + misses)),
        "iou_any": float(overlap_of(any_curve[0], any_curve.sum())),
        "boundary_iou": float(outline["boundary_iou"]),
        "hd95_px": _share(*total.hd95.tolist()),
        "breaks": _share(total.centre.breaks, total.curves),
        "mae_px": _share(away, rows),
        "r2": 1 - _share(squared, spread),
        "coverage": _share(found_rows, rows),
    }
    for place, tolerance in enumerate(_TOLERANCES_PX):
        found[f"nsd_{tolerance:.0f}px"] = float(outline["nsd"][place])
        found[f"tol_f1_{tolerance:.0f}px"] = float(outline["tol_f1"][place])
    for place, tolerance in enumerate(_LINE_TOLERANCES_PX):
        found[f"tol_cldice_{tolerance:.0f}px" if tolerance else "cldice"] = float(centre["cldice"][place])
    return {name: found[name] for name in MEASURES}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
