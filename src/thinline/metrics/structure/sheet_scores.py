"""Score one sheet by every metric beyond pixel counts. `score_sheet` counts, `rates_of_sheets` divides.

Which metric lives in which file

    surfaces.py        NSD, tolerance precision, recall and F1, boundary IoU, HD95
    centrelines.py     clDice with a tolerance, breaks of the centreline
    topology.py        errors of the Betti numbers, share of the misses in gaps, two repairs of gaps
    junctions.py       F1 of the junctions of the centreline
    error_types.py     causes of false positives (text, grid, thickness, ...) and of misses (crossing, gap, end, ...)
    zones.py           IoU, precision, recall and F1 at crossings, by slope, by distance to other curves
    identity_swaps.py  traces that follow the wrong curve
    wrap_accuracy.py   traces with the wrong number of wraps
    ../calibration.py  ECE and Brier score of the probabilities
    thinline.curves.compare  error of traced curves: MAE, RMSE, p95, R2, coverage

    Their inputs: truth.py, prediction.py, distances.py (masks), curve_pixels.py (nearest pixel, slope).

Conventions
-----------
The prediction is `labels` uint8 `[H,W]`, the decoded class ids, and `probabilities` float32 `[K,H,W]` of each curve.
The truth is that of truth.py, and for curves their x `[K,H]` with the track of each and, where known, the laps.
Positions are compared on the paper, where a wrapped curve is on the other side of its track; values include the wraps.
Without the x of curves, as on a user's masks, or for a head that does not tell curves apart, no curve is traced.

Curves are traced by these methods, which begin the names of their scores:

    viterbi             dynamic programming over the probabilities, both curves together; gaps stay gaps
    viterbi_bridged     the same with gaps filled by straight lines
    viterbi_values      viterbi_bridged of values, x + lap * track: a row on the wrong lap is wrong by a track
    centroid            centre of each row of the class map; gaps stay gaps
    centroid_bridged    the same with gaps filled by straight lines
    edge_follower       follows a line without regard to its class
    published           centroid, a cubic spline through it, read at 300 points: VeerNet, J. Imaging 9(7), 136 (2023)
    budget_identity     viterbi_bridged where each piece of a line has the label of the nearest true curve: the error
                        that remains with correct labels

The cost of tracing alone is the score of `oracle_exact` (metrics/perturbed_truth.py), whose class map is the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from thinline.curves.compare import CurveError, compare
from thinline.curves.gaps import bridged, resampled
from thinline.curves.row_runs import Strands, strands_of
from thinline.curves.trace import ink_of, trace
from thinline.curves.viterbi import viterbi
from thinline.metrics.calibration import CalibrationCounts, calibration
from thinline.metrics.own import Counts, OwnMetric
from thinline.metrics.structure.centrelines import CentrelineCounts, centrelines
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.error_types import ErrorTypeCounts, error_types
from thinline.metrics.structure.identity_swaps import SwapCounts, swaps
from thinline.metrics.structure.junctions import JunctionCounts, junctions
from thinline.metrics.structure.prediction import Prediction
from thinline.metrics.structure.surfaces import Surfaces, surfaces
from thinline.metrics.structure.topology import TopologyCounts, topology
from thinline.metrics.structure.truth import Truth
from thinline.metrics.structure.wrap_accuracy import WrapCounts, wrap_counts
from thinline.metrics.structure.zones import ZoneCounts, zones
from thinline.vocabulary import IGNORE, Float32, Float64, Int64, UInt8

TOLERANCES_PX: Final = (1.0, 2.0, 3.0)
TOLERANCES_MM: Final = (0.25, 0.5, 1.0)
"""One, two and four nominal pens: the same at every resolution."""

TRACED: Final = ("viterbi", "centroid", "edge_follower")


@dataclass(frozen=True, eq=False)
class CurveTruth:
    """The true curves of a sheet: `x_px [K,H]` float64, NaN where there is none.

    `tracks [K,2]` are the columns of the left and right edge of each track; tracing uses them, as values cannot be read
    without them. `lap [K,H]` int64 is the number of wraps (curves/laps.py), or None where it is not known.
    """

    x_px: Float64
    tracks: Float64
    lap: Int64 | None = None


@dataclass(frozen=True, eq=False)
class SheetScores:
    """Counts of one sheet. Tuples are by curve, K of them; `curves`, `swaps` and `wraps` are by tracing method.

    Without true curves these three are empty, and `wraps` also without laps; `calibration` is empty without
    probabilities. `own` are the counts of the user's metrics by name.
    """

    support: tuple[int, ...]
    surfaces: tuple[Surfaces, ...]
    centrelines: tuple[CentrelineCounts, ...]
    topology: tuple[TopologyCounts, ...]
    junctions: tuple[JunctionCounts, ...]
    calibration: tuple[CalibrationCounts, ...]
    errors: ErrorTypeCounts
    zones: ZoneCounts
    curves: Mapping[str, tuple[CurveError, ...]]
    swaps: Mapping[str, SwapCounts]
    wraps: Mapping[str, WrapCounts]
    own: Mapping[str, tuple[Counts, ...]] = field(default_factory=dict)


def tolerances(px_per_mm: float) -> dict[str, float]:
    """Tolerances in px by the suffix of the metric's name, for example `1px`."""
    of_mm = {f"{mm:g}mm": mm * px_per_mm for mm in TOLERANCES_MM}
    return {f"{px:g}px": px for px in TOLERANCES_PX} | of_mm


def score_sheet(
    labels: UInt8,
    probabilities: Float32 | None,
    truth: Truth,
    curve_truth: CurveTruth | None,
    *,
    own: Sequence[OwnMetric] = (),
) -> SheetScores:
    """Score a prediction on one sheet; curves are traced if `probabilities` and `curve_truth` are both there.

    `own` are metrics of the user. Raises what `Prediction`, `calibration`, `trace`, `compare` and `OwnMetric.counts`
    raise.
    """
    prediction = Prediction(labels, truth)
    limits = list(tolerances(truth.px_per_mm).values())
    valid = truth.labels != IGNORE
    pairs = [Pair((labels == k) & valid, true) for k, true in enumerate(truth.masks, start=1)]
    ids = range(1, len(truth.masks) + 1)
    inks: Iterable[Float32] = () if probabilities is None else probabilities
    traced = _Traced({}, {}, {})
    if probabilities is not None and curve_truth is not None:
        traced = _traced(labels, probabilities, truth, curve_truth)
    return SheetScores(
        support=tuple(int(np.count_nonzero(mask.mask)) for mask in truth.masks),
        surfaces=tuple(surfaces(pair, tolerances_px=limits) for pair in pairs),
        centrelines=tuple(centrelines(pair, tolerances_px=[0.0, *limits]) for pair in pairs),
        topology=tuple(topology(pair) for pair in pairs),
        junctions=tuple(junctions(pair) for pair in pairs),
        calibration=tuple(calibration(ink, truth.labels, k) for k, ink in enumerate(inks, start=1)),
        errors=error_types(prediction),
        zones=zones(prediction),
        curves=traced.curves,
        swaps=traced.swaps,
        wraps=traced.wraps,
        own={each.name: tuple(each.counts(labels, truth.labels, k) for k in ids) for each in own},
    )


def load_kernels() -> None:
    """Load the compiled code of all metrics by scoring a small sheet; without this the first sheet takes longer."""
    labels = np.zeros((16, 16), np.uint8)
    labels[:, 4], labels[::3, 9] = 1, 2
    strokes = np.stack([labels == 1, labels == 2])
    probabilities = 0.9 * strokes.astype(np.float32)
    truth = Truth(np.roll(labels, 1, axis=1), np.roll(strokes, 1, axis=2), np.zeros_like(labels), 4.0)
    tracks = np.array([[-0.5, 15.5], [-0.5, 15.5]])
    curves = CurveTruth(np.full((2, 16), 5.0), tracks, np.zeros((2, 16), np.int64))
    score_sheet(labels, probabilities, truth, curves)


class _Traced(NamedTuple):
    """Scores of traced curves by method."""

    curves: dict[str, tuple[CurveError, ...]]
    swaps: dict[str, SwapCounts]
    wraps: dict[str, WrapCounts]


def _traced(labels: UInt8, probabilities: Float32, truth: Truth, curve_truth: CurveTruth) -> _Traced:
    """Trace the curves by every method and compare them with the truth."""
    scale, tracks = truth.px_per_mm, curve_truth.tracks
    true = _without_ignored(curve_truth.x_px, truth)
    certain = ink_of(labels, curves=len(probabilities))
    strands = strands_of(probabilities)
    curves = {method: trace(certain, px_per_mm=scale, method=method) for method in ("centroid", "edge_follower")}
    curves["viterbi"] = viterbi(strands, px_per_mm=scale, tracks=tracks)
    x = {method: [curve.x_px for curve in curves[method]] for method in TRACED}
    relabelled = viterbi(with_true_labels(strands, truth), px_per_mm=scale, tracks=tracks)
    filled = {"budget_identity": [bridged(curve.x_px) for curve in relabelled]}
    for method in ("viterbi", "centroid"):
        filled[f"{method}_bridged"] = [bridged(row) for row in x[method]]
    filled["published"] = [resampled(bridged(row, way="cubic")) for row in x["centroid"]]
    errors = {method: _compared(rows, true, tracks) for method, rows in (x | filled).items()}
    swapped = {method: swaps(np.stack(rows), true, px_per_mm=scale) for method, rows in x.items()}
    if curve_truth.lap is None:
        return _Traced(errors, swapped, {})
    lap, width = np.stack([curve.lap for curve in curves["viterbi"]]), np.diff(tracks)
    values = [bridged(row) for row in np.stack(x["viterbi"]) + lap * width]
    errors["viterbi_values"] = _compared(values, true + curve_truth.lap * width, tracks)
    compared = np.isfinite(x["viterbi"]) & np.isfinite(true)
    return _Traced(errors, swapped, {"viterbi": wrap_counts(lap, curve_truth.lap, compared=compared)})


def _without_ignored(x_px: Float64, truth: Truth) -> Float64:
    """True x `[K,H]`, NaN in the rows where the pixel of the curve is ignored."""
    curve, row = np.nonzero(np.isfinite(x_px))
    column = np.rint(x_px[curve, row]).astype(np.int64).clip(0, truth.labels.shape[1] - 1)
    ignored = truth.labels[row, column] == IGNORE
    counted = x_px.copy()
    counted[curve[ignored], row[ignored]] = np.nan
    return counted


def _compared(traced: Sequence[Float64], true: Float64, tracks: Float64) -> tuple[CurveError, ...]:
    widths = (tracks[:, 1] - tracks[:, 0]).tolist()
    return tuple(compare(*rows, track_px=width) for *rows, width in zip(traced, true, widths, strict=True))


def with_true_labels(strands: Strands, truth: Truth) -> Strands:
    """The same strands, the evidence of each given to the curve whose true pixels are nearest to it."""
    rows = np.repeat(np.arange(strands.rows), np.diff(strands.first))
    height, width = truth.labels.shape
    positions = rows * width + np.rint(strands.x_px).astype(np.int64)
    away = np.stack([curve.nearest(positions, within_px=float(height + width))[0] for curve in truth.curves])
    of_curve = away.argmin(axis=0)[:, None] == np.arange(strands.curves)
    evidence = np.where(of_curve, strands.evidence.max(axis=1, initial=0)[:, None], np.float32(0))
    return replace(strands, evidence=evidence)
