"""One sheet judged by every measure beyond pixels: outlines, centrelines, reasons of errors, places, traced curves.

Conventions
-----------
What was found is `labels` uint8 `[H,W]` as the head decodes them and `ink` float32 `[K,H,W]`, the probability of each
curve; the truth is that of truth.py, and for curves the course `x_px` float64 `[K,H]` with the track of each, and where
they are known its laps. Places are compared on the paper, where a curve that has left its track on one side is where it
came back on the other; values are compared with the lap counted in. Where no course is known, as on a user's masks, or
for a head that does not tell curves apart, curves are not traced.

Curves are traced and mended in these ways, which begin the names of their scores:

    viterbi             dynamic programming over the probabilities, both curves together; gaps are gaps
    viterbi_bridged     its gaps filled by straight lines: what a user gets who asks for gaps to be filled
    viterbi_values      the same of values, x + lap * track, and not of places: a row on a wrong lap is wrong by a track
    centroid            the middle of each row of the class map; gaps are gaps
    centroid_bridged
    edge_follower       a line followed without asking whose it is
    published           centroid, a cubic spline through it, read at 300 points: VeerNet, J. Imaging 9(7), 136 (2023)

The error budget substitutes truth for one part of the answer after the other, traced as `viterbi_bridged`. What
tracing alone costs is the score of `oracle_exact` (metrics/perturbed_truth.py), whose class map is the truth; then

    budget_identity     the strands that were found, each given to the curve it is nearest to: what right names would
                        leave of the error
    (total)             viterbi_bridged

A `SheetScores` holds counts and sums of one sheet; rates.py adds those of many and divides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from thinline.curves.compare import CurveError, compare
from thinline.curves.gaps import bridged, resampled
from thinline.curves.row_runs import Strands, strands_of
from thinline.curves.trace import ink_of, trace
from thinline.curves.viterbi import viterbi
from thinline.metrics.structure.centrelines import CentrelineCounts, centrelines
from thinline.metrics.structure.distances import Pair
from thinline.metrics.structure.error_types import AnatomyCounts, anatomy
from thinline.metrics.structure.identity_swaps import SwapCounts, swaps
from thinline.metrics.structure.lap_accuracy import LapCounts, lap_counts
from thinline.metrics.structure.prediction import Answer
from thinline.metrics.structure.surfaces import Surfaces, surfaces
from thinline.metrics.structure.truth import Truth
from thinline.metrics.structure.zones import PlaceCounts, places
from thinline.vocabulary import IGNORE, Float32, Float64, Int64, UInt8

TOLERANCES_PX: Final = (1.0, 2.0, 3.0)
TOLERANCES_MM: Final = (0.25, 0.5, 1.0)
"""Of one, two and four nominal pens: the same at every resolution."""

TRACED: Final = ("viterbi", "centroid", "edge_follower")


@dataclass(frozen=True, eq=False)
class CurveTruth:
    """Where the curves of a sheet truly run: `x_px [K,H]` float64, NaN where there is none.

    `tracks [K,2]` are the columns of the left and the right edge of the track of each. Tracing is told where they are,
    as it is by whoever digitises a scan: values cannot be read without. `lap [K,H]` int64 is the lap of each curve
    where it runs (curves/laps.py), or None where nobody knows.
    """

    x_px: Float64
    tracks: Float64
    lap: Int64 | None = None


@dataclass(frozen=True, eq=False)
class SheetScores:
    """One sheet. Tuples are of the K curves; `curves`, `swaps` and `laps` by the way of tracing, empty without courses,
    and of laps where they are not known."""

    support: tuple[int, ...]
    surfaces: tuple[Surfaces, ...]
    centrelines: tuple[CentrelineCounts, ...]
    anatomy: AnatomyCounts
    places: PlaceCounts
    curves: Mapping[str, tuple[CurveError, ...]]
    swaps: Mapping[str, SwapCounts]
    laps: Mapping[str, LapCounts]


def tolerances(px_per_mm: float) -> dict[str, float]:
    """Tolerances in px by the end of a measure's name, as `1px` and `0.25mm`."""
    of_mm = {f"{mm:g}mm": mm * px_per_mm for mm in TOLERANCES_MM}
    return {f"{px:g}px": px for px in TOLERANCES_PX} | of_mm


def score_sheet(labels: UInt8, ink: Float32 | None, truth: Truth, courses: CurveTruth | None) -> SheetScores:
    """Judge what was found on one sheet. Raises what `Answer`, `trace` and `compare` raise.

    `ink` may be None where courses are.
    """
    answer = Answer(labels, truth)
    limits = list(tolerances(truth.px_per_mm).values())
    valid = truth.labels != IGNORE
    pairs = [Pair((labels == k) & valid, true) for k, true in enumerate(truth.regions, start=1)]
    curves, swapped, laps = ({}, {}, {}) if courses is None or ink is None else _curves(labels, ink, truth, courses)
    return SheetScores(
        support=tuple(int(np.count_nonzero(pair.true)) for pair in pairs),
        surfaces=tuple(surfaces(pair, tolerances_px=limits) for pair in pairs),
        centrelines=tuple(centrelines(pair, tolerances_px=[0.0, *limits]) for pair in pairs),
        anatomy=anatomy(answer),
        places=places(answer),
        curves=curves,
        swaps=swapped,
        laps=laps,
    )


def _curves(
    labels: UInt8, ink: Float32, truth: Truth, courses: CurveTruth
) -> tuple[dict[str, tuple[CurveError, ...]], dict[str, SwapCounts], dict[str, LapCounts]]:
    scale, tracks = truth.px_per_mm, courses.tracks
    true = _counted(courses.x_px, truth)
    certain = ink_of(labels, curves=len(ink))
    strands = strands_of(ink)
    curves = {method: trace(certain, px_per_mm=scale, method=method) for method in ("centroid", "edge_follower")}
    curves["viterbi"] = viterbi(strands, px_per_mm=scale, tracks=tracks)
    found = {method: [curve.x_px for curve in curves[method]] for method in TRACED}
    right = viterbi(named(strands, truth), px_per_mm=scale, tracks=tracks)
    whole = {"budget_identity": [bridged(curve.x_px) for curve in right]}
    for method in ("viterbi", "centroid"):
        whole[f"{method}_bridged"] = [bridged(x) for x in found[method]]
    whole["published"] = [resampled(bridged(x, way="cubic")) for x in found["centroid"]]
    errors = {way: _compared(those, true, tracks) for way, those in (found | whole).items()}
    swapped = {way: swaps(np.stack(those), true, px_per_mm=scale) for way, those in found.items()}
    if courses.lap is None:
        return errors, swapped, {}
    lap, wide = np.stack([curve.lap for curve in curves["viterbi"]]), np.diff(tracks)
    values = [bridged(x) for x in np.stack(found["viterbi"]) + lap * wide]
    errors["viterbi_values"] = _compared(values, true + courses.lap * wide, tracks)
    judged = np.isfinite(found["viterbi"]) & np.isfinite(true)
    return errors, swapped, {"viterbi": lap_counts(lap, courses.lap, judged=judged)}


def _counted(x_px: Float64, truth: Truth) -> Float64:
    """CurveTruth `[K,H]` without the rows in which their place on the sheet is ignored, which are in no count."""
    curve, row = np.nonzero(np.isfinite(x_px))
    column = np.rint(x_px[curve, row]).astype(np.int64).clip(0, truth.labels.shape[1] - 1)
    ignored = truth.labels[row, column] == IGNORE
    counted = x_px.copy()
    counted[curve[ignored], row[ignored]] = np.nan
    return counted


def _compared(found: Sequence[Float64], true: Float64, tracks: Float64) -> tuple[CurveError, ...]:
    return tuple(
        compare(mine, its, track_px=float(width))
        for mine, its, width in zip(found, true, np.diff(tracks)[:, 0], strict=True)
    )


def named(strands: Strands, truth: Truth) -> Strands:
    """The same strands with right names: all evidence of each for the curve whose true ink is nearest to its place."""
    rows = np.repeat(np.arange(strands.rows), np.diff(strands.first))
    height, width = truth.labels.shape
    places = rows * width + np.rint(strands.x_px).astype(np.int64)
    away = np.stack([own.nearest(places, within_px=float(height + width))[0] for own in truth.own])
    of_curve = away.argmin(axis=0)[:, None] == np.arange(strands.curves)
    evidence = np.where(of_curve, strands.evidence.max(axis=1, initial=0)[:, None], np.float32(0))
    return replace(strands, evidence=evidence)
