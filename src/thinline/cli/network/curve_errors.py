"""Errors of traced curves on drawn `field` sheets that no split has, for the card of a network.

Conventions
    A sheet is drawn straight, as `digitise` straightens a scan, and read at the scale of the network. Each track of
    which LEAST_MM or more are shown is traced with the number of its curves that have data in half of the rows; found
    curves get the names that make the most rows right. Errors are those of curves/compare.py, in tracks: rows that were
    not found, after bridging, have the error of one track. `found` is the error over the rows that were found alone.
    Pens of a track **differ** if every two of them have widths that differ by DIFFERENT or more, or other dashes; a
    curve that is alone in its track counts here too. Means are over the curves of a sheet, then over sheets; intervals
    are percentile bootstraps over sheets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from thinline.curves.compare import compare
from thinline.curves.course_agreement import best_names
from thinline.curves.many import Track, trace_track
from thinline.pipeline.load import LoadedRun
from thinline.sheets import SheetSpec, render, sample
from thinline.sheets.spec import PenSpec, SkewSpec
from thinline.sheets.true_positions import true_rows
from thinline.vocabulary import Float32, Float64

SHEETS: Final = 200
FIRST_SEED: Final = 2_000_000_000
LEAST_MM: Final = 15.0
DIFFERENT: Final = 1.25
_SHOWN: Final = 0.5
_RESAMPLES: Final = 2000


@dataclass(frozen=True)
class SheetError:
    """Mean over the curves of one sheet: error in tracks, the same over found rows, share of rows found."""

    error: float
    found: float
    coverage: float


@dataclass(frozen=True)
class MeanError:
    """Means over `sheets` sheets, and the 95 % interval of each."""

    sheets: int
    curves: int
    error: tuple[float, float, float]
    found: tuple[float, float, float]
    coverage: tuple[float, float, float]


def curve_errors(run: LoadedRun, *, sheets: int = SHEETS, size_mm: float = 64.0) -> dict[str, MeanError]:
    """The errors where the pens of a track differ, and where they do not. Only for heads with a centre line."""
    groups: dict[str, list[list[SheetError]]] = {"pens differ": [], "one pen": []}
    for seed in range(FIRST_SEED, FIRST_SEED + sheets):
        spec = replace(sample("field", seed, size_mm=(size_mm, size_mm)), skew=SkewSpec())
        of_sheet: dict[str, list[SheetError]] = {name: [] for name in groups}
        for number, each in _tracks(run, spec):
            pens = [curve.pen for curve in spec.curves if curve.track == number]
            of_sheet["pens differ" if differ(pens) else "one pen"] += each
        for name, errors in of_sheet.items():
            if errors:
                groups[name].append(errors)
    return {name: _mean(errors) for name, errors in groups.items() if errors}


def differ(pens: Sequence[PenSpec]) -> bool:
    """Whether every two pens differ in width or dashes."""
    return all(
        max(one.weight, other.weight) >= DIFFERENT * min(one.weight, other.weight) or one.dash_mm != other.dash_mm
        for one, other in combinations(pens, 2)
    )


def _tracks(run: LoadedRun, spec: SheetSpec) -> Iterator[tuple[int, list[SheetError]]]:
    """The number of each track of a sheet with curves, and the errors of its curves."""
    scale = run.px_per_mm
    image = render(spec, px_per_mm=scale).image
    ink, centre = (np.asarray(plane, np.float32) for plane in run.reader.probabilities(image)[-2:])
    rows = true_rows(spec, px_per_mm=scale)
    for number, track in enumerate(spec.tracks):
        left, right = (edge * scale - 0.5 for edge in (track.left_mm, track.right_mm))
        edges = max(left, 0.0), min(right, image.shape[1] - 1.0)
        own = [k for k, curve in enumerate(spec.curves) if curve.track == number]
        with np.errstate(invalid="ignore"):
            true = np.where((rows[own] >= edges[0]) & (rows[own] <= edges[1]), rows[own], np.nan)
        true = true[np.isfinite(true).mean(axis=1) >= _SHOWN]
        if edges[1] - edges[0] >= LEAST_MM * scale and len(true):
            yield number, _errors((ink, centre), image, edges, true, (right - left, scale))


def _errors(
    maps: tuple[Float32, Float32],
    image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    edges: tuple[float, float],
    true: Float64,
    lengths: tuple[float, float],
) -> list[SheetError]:
    """The errors of the curves `true [K,H]` of one track; `lengths`: width of the track in px, px per mm."""
    track_px, px_per_mm = lengths
    traced = trace_track(*maps, image, track=Track(*edges, len(true)), px_per_mm=px_per_mm)
    found = np.stack([own.curve.x_px for own in traced.curves])
    errors = []
    for name, expected in zip(best_names(found, true), true, strict=True):
        one = compare(found[name], expected, track_px=track_px)
        both = np.abs(found[name] - expected)
        errors.append(
            SheetError(
                error=one.error / one.rows,
                found=float(np.nanmean(both)) / track_px if np.isfinite(both).any() else float("nan"),
                coverage=one.traced / one.rows,
            )
        )
    return errors


def _mean(errors: Sequence[Sequence[SheetError]]) -> MeanError:
    """Means over sheets of the means over the curves of each; NaN (no row found) is left out of `found` alone."""

    def interval(name: str) -> tuple[float, float, float]:
        rows = [np.array([getattr(each, name) for each in sheet]) for sheet in errors]
        means = np.array([row[np.isfinite(row)].mean() for row in rows if np.isfinite(row).any()])
        if not len(means):
            return np.nan, np.nan, np.nan
        chosen = np.random.default_rng(0).integers(0, len(means), (_RESAMPLES, len(means)))
        low, high = np.quantile(means[chosen].mean(axis=1), (0.025, 0.975))
        return float(means.mean()), float(low), float(high)

    return MeanError(
        sheets=len(errors),
        curves=sum(map(len, errors)),
        error=interval("error"),
        found=interval("found"),
        coverage=interval("coverage"),
    )


def section(errors: Mapping[str, MeanError]) -> str:
    """The section of the card."""
    rows = "\n".join(
        f"| {name} | {each.sheets} | {each.curves} | "
        + " | ".join(_cell(value) for value in (each.error, each.found, each.coverage))
        + " |"
        for name, each in errors.items()
    )
    return f"""## Curves on drawn sheets

Other sheets of the family `field`, drawn straight, read and traced with the tracks and the number of their curves given
and names by the better assignment. A curve alone in its track counts as one whose pens differ. Errors are in widths of
the track; a row that was not found has the error of one track. Means over sheets, with 95 % intervals over sheets.

| pens of a track | sheets | curves | mean error | mean error of the rows found | rows found |
|---|---|---|---|---|---|
{rows}
"""


def _cell(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.4f} [{value[1]:.4f}, {value[2]:.4f}]"
