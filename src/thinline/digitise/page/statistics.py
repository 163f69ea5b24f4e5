"""Statistics of the print in a window of a page, and the distance between two samples of them.

Conventions
    A window is grey uint8 [H,W]. Ink is darker than the threshold of Otsu; a window without contrast has none. Lengths
    are in mm if `px_per_mm` is given, else in px. What a window does not have (a spacing without two lines) is NaN.

    stroke width       twice the distance to the paper, less 1 px, on the ridges of the ink; median and 90 % quantile
    ink a row          length of the ink in the rows that have any; median and 90 % quantile
    run across, down   length of the runs of ink in rows and in columns; medians
    share of ink       ink pixels by all pixels
    tilt               degrees between the upright lines and the columns, its size (`deskew.py`); 0 where none is seen
    upright, level     the lines of the grid: number a window, median weight (width), median spacing. A line is ink on
                       runs of LINE_MM (LINE_SHARE of the window in px) over DRAWN of the height or width, straightened
    distance           the largest difference between the two distribution functions (Kolmogorov-Smirnov), 0 to 1

References
    Otsu, "A threshold selection method from gray-level histograms", IEEE SMC 1979.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.digitise.deskew import estimate
from thinline.digitise.page.reduced_page import straight_rows
from thinline.vocabulary import Bool, Float64, UInt8

LINE_MM: Final = 5.0
LINE_SHARE: Final = 0.08
DRAWN: Final = 0.3
LEAST_CONTRAST: Final = 40
"""Least difference of the grey of paper and ink."""

LENGTHS: Final = (
    "stroke width",
    "stroke width, 90 %",
    "ink a row",
    "ink a row, 90 %",
    "run across",
    "run down",
    "upright weight",
    "upright spacing",
    "level weight",
    "level spacing",
)
NAMES: Final = (*LENGTHS, "share of ink, %", "tilt, degrees", "upright lines", "level lines")
_ASSUMED_PX_PER_MM: Final = 4.0


def page_statistics(grey: UInt8, *, px_per_mm: float | None = None) -> dict[str, float]:
    """The statistics NAMES of one window; lengths are in mm, or in px without `px_per_mm`."""
    scale = px_per_mm or 1.0
    skew = estimate(
        lambda start, stop: grey[start:stop], (grey.shape[0], grey.shape[1]), px_per_mm=px_per_mm or _ASSUMED_PX_PER_MM
    )
    tilt = abs(float(skew.shifts[-1] - skew.shifts[0])) / len(grey) if len(skew.shifts) else 0.0
    ink = ink_mask(grey)
    straight = ink_mask(straight_rows(grey, skew, 0, len(grey))) if len(skew.shifts) or skew.slope else ink
    width = stroke_widths(ink)
    a_row = ink.sum(axis=1)
    a_row = a_row[a_row > 0]
    length = max(3, round(LINE_MM * px_per_mm if px_per_mm else LINE_SHARE * min(grey.shape)))
    values = {
        "stroke width": _quantile(width, 50) / scale,
        "stroke width, 90 %": _quantile(width, 90) / scale,
        "ink a row": _quantile(a_row, 50) / scale,
        "ink a row, 90 %": _quantile(a_row, 90) / scale,
        "run across": _quantile(run_lengths(ink), 50) / scale,
        "run down": _quantile(run_lengths(np.ascontiguousarray(ink.T)), 50) / scale,
        "share of ink, %": 100 * float(ink.mean()),
        "tilt, degrees": math.degrees(math.atan(tilt)),
    }
    for name, mask in (("level", straight), ("upright", np.ascontiguousarray(straight.T))):
        weights, middles = long_lines(mask, length_px=length)
        values[f"{name} lines"] = float(len(weights))
        values[f"{name} weight"] = _quantile(weights, 50) / scale
        values[f"{name} spacing"] = _quantile(np.diff(middles), 50) / scale
    return {name: values[name] for name in NAMES}


def ink_mask(grey: UInt8) -> Bool:
    """Ink [H,W] by the threshold of Otsu; none where paper and ink differ by less than LEAST_CONTRAST."""
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = np.asarray(grey <= level, np.bool_)
    if not ink.any() or ink.all() or float(grey[~ink].mean() - grey[ink].mean()) < LEAST_CONTRAST:
        return np.zeros(grey.shape, np.bool_)
    return ink


def stroke_widths(ink: Bool) -> Float64:
    """Widths in px of the strokes of `ink`, one for each pixel of their ridges."""
    inside = np.pad(ink, 1, mode="edge").astype(np.uint8)  # ink that leaves the window does not end there
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ridge = (distance > 0) & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)))
    return np.asarray(2 * distance[1:-1, 1:-1][ridge[1:-1, 1:-1]] - 1, np.float64)


def run_lengths(ink: Bool) -> Float64:
    """Lengths in px of the runs of ink in the rows."""
    edges = np.diff(np.pad(ink, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    return np.asarray(np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1], np.float64)


def long_lines(ink: Bool, *, length_px: int) -> tuple[Float64, Float64]:
    """Weights (heights in px) and middle rows of the long level lines of `ink`, from the top."""
    runs = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, length_px), np.uint8))
    rows = np.concatenate([[0], (runs.mean(axis=1) >= DRAWN).astype(np.int8), [0]])
    first, last = np.flatnonzero(np.diff(rows) == 1), np.flatnonzero(np.diff(rows) == -1)
    return np.asarray(last - first, np.float64), np.asarray((first + last - 1) / 2, np.float64)


def _quantile(values: Float64 | np.ndarray[tuple[int], np.dtype[np.int64]], percent: float) -> float:
    return float(np.percentile(values, percent)) if len(values) else float("nan")


@dataclass(frozen=True)
class Gap:
    """One statistic of two samples: median, 10 % and 90 % quantile of each, and the `distance`; NaN if empty."""

    name: str
    drawn: tuple[float, float, float]
    real: tuple[float, float, float]
    distance: float


def gaps(drawn: Sequence[Mapping[str, float]], real: Sequence[Mapping[str, float]]) -> list[Gap]:
    """The gap of each statistic between windows of drawn and of real pages; NaN are left out."""
    rows = []
    for name in NAMES:
        samples = [np.array([window[name] for window in windows], np.float64) for windows in (drawn, real)]
        one, two = (sample[np.isfinite(sample)] for sample in samples)
        rows.append(Gap(name, _three(one), _three(two), kolmogorov_smirnov(one, two)))
    return rows


def kolmogorov_smirnov(one: Float64, two: Float64) -> float:
    """The largest difference between the distribution functions of two samples; NaN where one is empty."""
    if not len(one) or not len(two):
        return float("nan")
    at = np.concatenate([one, two])
    shares = [np.searchsorted(np.sort(sample), at, side="right") / len(sample) for sample in (one, two)]
    return float(np.abs(shares[0] - shares[1]).max())


def _three(sample: Float64) -> tuple[float, float, float]:
    median, low, high = (_quantile(sample, percent) for percent in (50, 10, 90))
    return median, low, high
