"""Score one predicted curve against its truth with every metric of the ruler: additive counts first, rates last.

Metrics
-------
Of masks, summed over curves and sheets, background excluded:

    iou, precision, recall, f1    of pixels, defined as in metrics/pixels.py
    iou_any                       IoU of the union of all curves of a sheet: class labels play no part
    boundary_iou, nsd_*px, tol_f1_*px, hd95_px    metrics/structure/surfaces.py
    cldice, tol_cldice_*px, breaks                metrics/structure/centrelines.py; breaks are per curve

Of the column of a curve in each row of the truth, defined as in curves/compare.py with the sheet as track: a missing
row counts as an error of the width of the sheet

    mae_px     mean horizontal distance
    r2         1 - sum of squared distances / sum of squared distances of each true curve from its mean
    coverage   rows found / rows true

A metric without anything to count is NaN.
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
    """Value of a perfect prediction, smallest meaningful change, and title in figures of a metric."""

    perfect: float
    least: float
    title: str


MEASURES: Final = {
    "iou": Scale(1, 0.01, "IoU"),
    "precision": Scale(1, 0.01, "precision"),
    "recall": Scale(1, 0.01, "recall"),
    "f1": Scale(1, 0.01, "F1"),
    "iou_any": Scale(1, 0.01, "IoU of any curve"),
    "boundary_iou": Scale(1, 0.01, "boundary IoU"),
    "nsd_1px": Scale(1, 0.01, "NSD at 1 px"),
    "nsd_2px": Scale(1, 0.01, "NSD at 2 px"),
    "nsd_3px": Scale(1, 0.01, "NSD at 3 px"),
    "tol_f1_1px": Scale(1, 0.01, "tolerance F1, 1 px"),
    "tol_f1_2px": Scale(1, 0.01, "tolerance F1, 2 px"),
    "tol_f1_3px": Scale(1, 0.01, "tolerance F1, 3 px"),
    "cldice": Scale(1, 0.01, "clDice"),
    "tol_cldice_1px": Scale(1, 0.01, "tolerance clDice, 1 px"),
    "tol_cldice_2px": Scale(1, 0.01, "tolerance clDice, 2 px"),
    "hd95_px": Scale(0, 0.1, "HD95 [px]"),
    "breaks": Scale(0, 0.1, "breaks per curve"),
    "mae_px": Scale(0, 0.1, "MAE [px]"),
    "r2": Scale(1, 0.01, "R2"),
    "coverage": Scale(1, 0.01, "rows found / true"),
}
"""All metrics, simpler ones first: a copy is reported as a copy of an earlier metric."""

_TOLERANCES_PX: Final = (1.0, 2.0, 3.0)
_LINE_TOLERANCES_PX: Final = (0.0, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of one curve; `a + b` adds the counts of two.

    `pixels [3]`: true positives, false positives, false negatives; `hd95 [2]`: sum and number of finite distances;
    `columns [5]` as in `_columns`; `curves`: their number.
    """

    pixels: Int64
    surface: SurfaceCounts
    centre: CentrelineCounts
    hd95: Float64
    columns: Float64
    curves: int = 1

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def tally(predicted: Bool, true: Bool, *, predicted_x: Float64, true_x: Float64) -> Tally:
    """Count one curve: its masks `[H,W]` and its columns `[H]`."""
    pair = Pair(predicted, true)
    outline = surfaces(pair, tolerances_px=_TOLERANCES_PX)
    return Tally(
        overlap(predicted, true),
        outline.counts,
        centrelines(pair, tolerances_px=_LINE_TOLERANCES_PX),
        np.nan_to_num(np.array([outline.hd95, float(np.isfinite(outline.hd95))])),
        _columns(predicted_x, true_x, predicted.shape[1]),
    )


def overlap(predicted: Bool, true: Bool) -> Int64:
    """True positives, false positives and false negatives of two masks, int64 [3]."""
    tp = np.count_nonzero(predicted & true)
    return np.array([tp, np.count_nonzero(predicted) - tp, np.count_nonzero(true) - tp], np.int64)


def _columns(predicted: Float64, true: Float64, width: int) -> Float64:
    """[5]: sums of errors (px) and of their squares, sum of squares of the truth about its mean, rows, rows found."""
    error = compare(predicted, true, track_px=float(width))
    sums = np.array([error.error * width, error.square * width**2, error.spread * width**2])
    return np.concatenate([sums, [error.rows, error.traced]])


def scores(total: Tally, any_curve: Int64) -> dict[str, float]:
    """Every metric, in the order of `MEASURES`; `any_curve [3]` is the overlap of the unions of curves."""
    tp, fp, fn = total.pixels.tolist()
    outline, centre = surface_rates(total.surface), centreline_rates(total.centre)
    error, squared, spread, rows, found_rows = total.columns.tolist()
    values = {
        "iou": float(overlap_of(tp, tp + fp + fn)),
        "precision": float(precision_of(tp, tp + fp, tp + fn)),
        "recall": float(recall_of(tp, tp + fn)),
        "f1": float(overlap_of(2 * tp, 2 * tp + fp + fn)),
        "iou_any": float(overlap_of(any_curve[0], any_curve.sum())),
        "boundary_iou": float(outline["boundary_iou"]),
        "hd95_px": _ratio(*total.hd95.tolist()),
        "breaks": _ratio(total.centre.breaks, total.curves),
        "mae_px": _ratio(error, rows),
        "r2": 1 - _ratio(squared, spread),
        "coverage": _ratio(found_rows, rows),
    }
    for i, tolerance in enumerate(_TOLERANCES_PX):
        values[f"nsd_{tolerance:.0f}px"] = float(outline["nsd"][i])
        values[f"tol_f1_{tolerance:.0f}px"] = float(outline["tol_f1"][i])
    for i, tolerance in enumerate(_LINE_TOLERANCES_PX):
        values[f"tol_cldice_{tolerance:.0f}px" if tolerance else "cldice"] = float(centre["cldice"][i])
    return {name: values[name] for name in MEASURES}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
