"""The straight line through the numbers of a depth column: depth = `at_zero` + `per_row` * row.

Conventions
    Rows are pixels of the scan. A *reading* is a number and the row of its middle. A reading fits a line if the line
    has its number within NEAR_MM of its row, or within STRETCH of the distance between the first and the last reading:
    paper and scanner stretch a long print unevenly.
    Some of the readings are wrong (a misread digit, a value of a curve, a date), so the line is fitted robustly: of all
    lines through two readings with a plausible slope the one that most readings fit, then the Theil-Sen line (medians
    of slopes and offsets) through the readings that fit.
    The line goes through the middles of the numbers. If the print has its numbers beside the level lines of their
    depths, the depths are right; if it has all of them above these lines, all depths are off by the same amount.

Refused (`DepthRefusal`, with a sentence)
    fewer than FEWEST readings fit, or they have fewer than FEWEST different numbers
    a share below LEAST_SHARE of the readings fits
    the readings that fit cover less than LEAST_SPAN of the rows between the first and the last reading
    the median distance of the readings that fit from the line is above MOST_RESIDUAL_MM (or STRETCH, as above)
    no slope lies within SLOPES, which contains the scales from 1:20 to 1:5000 in feet and metres

References
    Fischler and Bolles, "Random sample consensus", Communications of the ACM 24 (1981); all pairs are tried here
    instead of a random sample. Theil, "A rank-invariant method of linear regression analysis" (1950).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.vocabulary import Bool, Float64

NEAR_MM: Final = 2.5
STRETCH: Final = 0.001
FEWEST: Final = 4
LEAST_SHARE: Final = 0.5
LEAST_SPAN: Final = 0.4
MOST_RESIDUAL_MM: Final = 1.5
SLOPES: Final = (0.02, 20.0)
"""Smallest and largest change of depth a mm of paper: 1:20 in metres to 1:6000 in feet."""

APART_ROWS: Final = 1.0
"""Readings nearer than this show no slope."""

ROUNDING_ROWS: Final = 1.0
"""Rows by which a number may be off because boxes around texts end at whole pixels."""

MOST_READINGS: Final = 300
_ROUNDS: Final = 5
_PAIRS_AT_ONCE: Final = 4096


class DepthRefusal(ValueError):
    """Numbers that show no depth line."""


@dataclass(frozen=True)
class DepthReading:
    """A `number` read from the print, and the `row` of the scan of its middle."""

    row: float
    number: float


@dataclass(frozen=True)
class DepthLine:
    """A line and the `fitting` readings, in the order of rows; `read` numbers were read in all.

    `residual_rows`: median distance of the fitting readings from the line; `worst_rows`: the largest one.
    """

    at_zero: float
    per_row: float
    fitting: tuple[DepthReading, ...]
    read: int
    residual_rows: float
    worst_rows: float

    @property
    def share(self) -> float:
        """The share of the numbers read that fit."""
        return len(self.fitting) / self.read

    def depth_at(self, row: float) -> float:
        """Depth of a row."""
        return self.at_zero + self.per_row * row

    def row_of(self, depth: float) -> float:
        """Row of a depth."""
        return (depth - self.at_zero) / self.per_row

    def ends(self) -> tuple[DepthReading, DepthReading]:
        """The first and the last number within twice the median distance, with their rows on the line."""
        near = 2 * self.residual_rows + ROUNDING_ROWS
        numbers = [each.number for each in self.fitting if abs(self.row_of(each.number) - each.row) <= near]
        numbers = [numbers[0], numbers[-1]]
        first, last = (DepthReading(self.row_of(number), number) for number in numbers)
        return first, last


def fit_depth_line(readings: Sequence[DepthReading], *, rows_per_mm: float) -> DepthLine:
    """The depth line of the readings. Raises DepthRefusal where they show none."""
    ordered = sorted(readings, key=lambda reading: (reading.row, reading.number))
    kept = _spread(ordered)
    if len({reading.number for reading in kept}) < FEWEST:
        raise DepthRefusal(
            f"expected at least {FEWEST} different numbers in the depth column, read {_listed(kept)}; type the depths "
            "of two rows"
        )
    row = np.array([reading.row for reading in kept])
    number = np.array([reading.number for reading in kept])
    near = max(NEAR_MM * rows_per_mm, STRETCH * float(np.ptp(row)))
    line = _consensus(row, number, near, rows_per_mm)
    if line is None:
        raise DepthRefusal(
            f"expected numbers whose depth changes by {SLOPES[0]:g} to {SLOPES[1]:g} a mm of paper, read "
            f"{_listed(kept)}; type the depths of two rows, and check --dpi"
        )
    per_row, at_zero = line
    fits = _fits(row, number, per_row, at_zero, near)
    for _ in range(_ROUNDS):
        slope, offset = _theil_sen(row[fits], number[fits])
        again = _fits(row, number, slope, offset, near)
        if again.sum() < fits.sum():
            break
        (per_row, at_zero), settled, fits = (slope, offset), bool((again == fits).all()), again
        if settled:
            break
    away = np.abs(number[fits] - (at_zero + per_row * row[fits])) / abs(per_row)
    fitting = tuple(reading for reading, inside in zip(kept, fits.tolist(), strict=True) if inside)
    found = DepthLine(at_zero, per_row, fitting, len(kept), float(np.median(away)), float(away.max()))
    _check(found, row, fits, rows_per_mm)
    return found


def _check(line: DepthLine, row: Float64, fits: Bool, rows_per_mm: float) -> None:
    """Raise DepthRefusal for a line that the readings do not show clearly."""
    ends = line.ends()
    fitting = (
        f"{len(line.fitting)} of {line.read} numbers fit one straight line, from {ends[0].number:g} in row "
        f"{ends[0].row:.0f} to {ends[1].number:g} in row {ends[1].row:.0f}"
    )
    if len({reading.number for reading in line.fitting}) < FEWEST or line.share < LEAST_SHARE:
        raise DepthRefusal(
            f"expected at least {FEWEST} numbers and {100 * LEAST_SHARE:.0f} % of those read on one straight line, "
            f"got: {fitting}; type the depths of two rows"
        )
    span = float(np.ptp(row[fits])) / float(np.ptp(row))
    if span < LEAST_SPAN:
        raise DepthRefusal(
            f"expected numbers on one straight line over {100 * LEAST_SPAN:.0f} % of the rows read, got: {fitting}, "
            f"over {100 * span:.0f} %; does the scan hold several logs? Digitise them one by one, or type depths of "
            "two rows"
        )
    most = max(MOST_RESIDUAL_MM * rows_per_mm, STRETCH / 2 * float(np.ptp(row)))
    if line.residual_rows > most:
        raise DepthRefusal(
            f"expected numbers within {most:.0f} rows of one straight line, got: {fitting}, with a median distance of "
            f"{line.residual_rows:.0f} rows; type the depths of two rows"
        )


def _spread(ordered: Sequence[DepthReading]) -> list[DepthReading]:
    """At most MOST_READINGS of the readings, evenly spread."""
    if len(ordered) <= MOST_READINGS:
        return list(ordered)
    return [ordered[n] for n in np.linspace(0, len(ordered) - 1, MOST_READINGS).astype(int).tolist()]


def _listed(readings: Sequence[DepthReading]) -> str:
    """The readings as a phrase."""
    if not readings:
        return "none"
    numbers = ", ".join(f"{reading.number:g}" for reading in readings[:6])
    return f"{len(readings)} ({numbers}{', ...' if len(readings) > 6 else ''})"


def _consensus(row: Float64, number: Float64, near: float, rows_per_mm: float) -> tuple[float, float] | None:
    """Slope and offset of the line through two readings that most readings fit, None without a plausible pair.

    Among equal counts the line with the smallest sum of distances wins.
    """
    first, second = np.triu_indices(len(row), 1)
    apart = row[second] - row[first]
    slope = np.divide(number[second] - number[first], apart, out=np.zeros(len(apart)), where=apart >= APART_ROWS)
    a_mm = np.abs(slope) * rows_per_mm
    plausible = (a_mm >= SLOPES[0]) & (a_mm <= SLOPES[1])
    slope, first = slope[plausible], first[plausible]
    if not len(slope):
        return None
    offset = number[first] - slope * row[first]
    best, line = (-1.0, -np.inf), (0.0, 0.0)
    for start in range(0, len(slope), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        away = np.abs(number - offset[part, None] - slope[part, None] * row) / np.abs(slope[part, None])
        inside = away <= near
        count, distance = inside.sum(axis=1), -np.where(inside, away, 0.0).sum(axis=1)
        at = int(np.lexsort((distance, count))[-1])
        score = (float(count[at]), float(distance[at]))
        if score > best:
            best, line = score, (float(slope[start + at]), float(offset[start + at]))
    return line


def _fits(row: Float64, number: Float64, per_row: float, at_zero: float, near: float) -> Bool:
    """Which readings fit the line."""
    if per_row == 0:
        return np.zeros(len(row), np.bool_)
    return np.asarray(np.abs(number - at_zero - per_row * row) <= near * abs(per_row), np.bool_)


def _theil_sen(row: Float64, number: Float64) -> tuple[float, float]:
    """Slope and offset: the medians of the slopes of all pairs and of the offsets; 0, 0 if no two rows are apart."""
    first, second = np.triu_indices(len(row), 1)
    apart = row[second] - row[first]
    far = apart >= APART_ROWS
    if not far.any():
        return 0.0, 0.0
    slope = float(np.median((number[second] - number[first])[far] / apart[far]))
    return slope, float(np.median(number - slope * row))
