"""Convert scan columns to values and scan rows to depths, and values back to columns.

Conventions
    A track extends from column `left_px` to column `right_px` of the scan; t = (x - left_px) / (right_px - left_px) is
    0 at the left edge and 1 at the right edge. A curve that leaves the track at the right edge continues at the left
    edge, one **lap** higher (backup wrap). Its position on an unbounded scale is u = t + lap. A `falling` scale has the
    value `right` at the left edge, so u is replaced by 1 - u.

        linear   value = left + (right - left) u
        log      value = left (right / left)^u

    A scale may change down the scan (`changes`): from a row on, other values stand at the edges of the same track. The
    position and the lap of the curve are not affected.

    Depth: `top` in row `first_px`, `bottom` in row `last_px`, linear between and beyond. Depths increase down the scan,
    elevations decrease; both are accepted.
    thinline.curves.laps finds the laps. The paper shows where the lap changes but not its number, so a curve is assumed
    to be on lap 0 for most of its length.
    Units are written to the header of a LAS file. The header is ASCII; a unit ends at a blank, and a value at a colon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from thinline.vocabulary import Float64, Int64

KINDS: Final = ("linear", "log")
LARGEST: Final = 1e30
"""Largest value or depth. Values of other laps of a log scale are powers of it, and must be finite too."""

NEAREST: Final = 1e-9
"""Smallest difference of two depths, relative to the larger. With less, rows of a long scan would get equal depths."""


class ScaleError(ValueError):
    """An invalid scale or range of depths."""


@dataclass(frozen=True)
class ScaleChange:
    """From `row` of the scan on, which has the depth `depth`, other values stand at the edges of the track."""

    row: float
    depth: float
    left: float
    right: float
    kind: str = "linear"
    falling: bool = False


@dataclass(frozen=True)
class CurveScale:
    """The value scale of the track of one curve, with its `name` and `unit` in the files.

    `left`, `right`, `kind` and `falling` hold above the row of the first of `changes`, which go down the scan.
    """

    name: str
    unit: str
    left_px: float
    right_px: float
    left: float
    right: float
    kind: str = "linear"
    falling: bool = False
    changes: tuple[ScaleChange, ...] = ()

    def __post_init__(self) -> None:
        _check_unit(f"unit of {self.name}", self.unit, "as ohm.m or us/ft")
        ends, columns = (self.left, self.right), (self.left_px, self.right_px)
        values, edges = f"{self.left:g} and {self.right:g}", f"{self.left_px:g} and {self.right_px:g}"
        smallest = 1 / LARGEST if self.kind == "log" else 0
        _require(
            f"scale of {self.name}",
            (self.kind in KINDS, f"expected {' or '.join(KINDS)}, got {self.kind!r}"),
            (
                all(map(math.isfinite, ends)),
                f"expected finite values at the edges of its track, got {values}; check --left and --right",
            ),
            (
                all(smallest <= abs(value) <= LARGEST or value == 0 for value in ends),
                f"expected values of a size from {1 / LARGEST:g} (log) to {LARGEST:g}, got {values}; check --left and "
                "--right",
            ),
            (
                all(map(math.isfinite, columns)),
                f"expected finite columns of the scan at the edges of its track, got {edges}; check --track",
            ),
            (
                self.left < self.right,
                f"expected left below right, got {values}; for a scale that falls to the right give the smaller value "
                "as left and add falling",
            ),
            (
                self.kind != "log" or self.left > 0,
                f"a log scale must lie above zero, got {self.left:g} to {self.right:g}; take scale=linear, or read the "
                "values at the track's edges once more (0.2 to 2000 is usual)",
            ),
            (
                self.left_px < self.right_px,
                f"expected the left edge of the track left of its right edge, got columns {edges}",
            ),
        )
        for change in self.changes:
            self.after(change)
        rows = [change.row for change in self.changes]
        if any(first >= second for first, second in pairwise(rows)):
            raise ScaleError(
                f"scale of {self.name}: expected changes in the order of rows, got rows "
                f"{', '.join(f'{row:g}' for row in rows)}; sort them"
            )

    def after(self, change: ScaleChange) -> CurveScale:
        """The scale from a change on, without changes of its own. Raises ScaleError for wrong values."""
        try:
            return replace(
                self, left=change.left, right=change.right, kind=change.kind, falling=change.falling, changes=()
            )
        except ScaleError as error:
            raise ScaleError(f"from depth {change.depth:g} on: {error}") from None

    def text(self) -> str:
        """The values at the left and the right edge, as a phrase: `linear 0 to 150`."""
        later = [f"from depth {each.depth:g} {_edges(each)}" for each in self.changes]
        return ", ".join([_edges(self), *later])

    def position(self, x_px: Float64) -> Float64:
        """Position t on the track of scan columns."""
        return np.asarray((x_px - self.left_px) / (self.right_px - self.left_px), np.float64)

    def values(self, x_px: Float64, lap: Int64, rows: Float64 | None = None) -> Float64:
        """Values of scan columns with their laps. `rows` of the scan are needed where the scale changes."""
        if self.changes and rows is None:
            raise ValueError(f"scale of {self.name}: expected the rows of the columns, as the scale changes, got none")
        values = self._values(x_px, lap)
        for change in self.changes:
            below = np.asarray(rows) >= change.row
            values[below] = self.after(change)._values(x_px[below], lap[below])
        return values

    def _values(self, x_px: Float64, lap: Int64) -> Float64:
        """Values on the scale above the first change."""
        u = self.position(x_px) + lap
        u = 1 - u if self.falling else u
        if self.kind == "log":
            return np.asarray(self.left * (self.right / self.left) ** u, np.float64)
        return np.asarray(self.left + (self.right - self.left) * u, np.float64)

    def columns(self, values: Float64) -> tuple[Float64, Int64]:
        """Scan columns and laps of values on the scale above the first change."""
        if self.kind == "log":
            u = np.log(values / self.left) / math.log(self.right / self.left)
        else:
            u = (values - self.left) / (self.right - self.left)
        u = 1 - u if self.falling else u
        lap = np.floor(u)
        lap -= u == 1  # the right edge is part of the track
        finite = np.isfinite(u)
        laps = np.where(finite, lap, 0).astype(np.int64)
        return np.asarray(self.left_px + (u - laps) * (self.right_px - self.left_px), np.float64), laps


@dataclass(frozen=True)
class DepthScale:
    """The depth scale of scan rows, with its `unit` in the files."""

    top: float
    bottom: float
    first_px: float
    last_px: float
    unit: str

    def __post_init__(self) -> None:
        if not self.unit:
            raise ScaleError("--unit: expected the unit of the depths, got none; LAS reads that as m, say m or ft")
        _check_unit("--unit", self.unit, "as m or ft")
        size, ends = max(abs(self.top), abs(self.bottom)), f"--top {self.top!r} --bottom {self.bottom!r}"
        _require(
            "depth",
            (
                math.isfinite(self.top) and math.isfinite(self.bottom),
                f"expected finite numbers, got {ends}; check both",
            ),
            (
                self.top != self.bottom,
                f"expected two different depths, got {self.top:g} as --top and as --bottom; give the depth of the "
                "first row and of the last",
            ),
            (
                size <= LARGEST and abs(self.bottom - self.top) >= NEAREST * size,
                f"expected depths up to {LARGEST:g}, and further apart than {NEAREST:g} of the larger, got {ends}; "
                "check both",
            ),
            (
                self.first_px < self.last_px,
                f"expected the row of the top above that of the bottom, got rows {self.first_px:g} and "
                f"{self.last_px:g}; check --rows",
            ),
        )

    def depths(self, y_px: Float64) -> Float64:
        """Depths of scan rows."""
        share = (y_px - self.first_px) / (self.last_px - self.first_px)
        return np.asarray(self.top + (self.bottom - self.top) * share, np.float64)

    def row_of(self, depth: float) -> float:
        """Scan row of a depth."""
        return self.first_px + (depth - self.top) / (self.bottom - self.top) * (self.last_px - self.first_px)

    def text(self, depth: float) -> str:
        """A depth with the decimals in which two rows of the scan differ."""
        return f"{depth:.{decimals(abs(self.bottom - self.top) / (self.last_px - self.first_px))}f}"


def decimals(step: float) -> int:
    """Decimals that distinguish depths `step` apart, at least 2."""
    return min(12, max(2, math.ceil(-math.log10(step)))) if step > 0 else 2


def _require(subject: str, *checks: tuple[bool, str]) -> None:
    """Raise `ScaleError` with the message of the first check that fails."""
    for passed, message in checks:
        if not passed:
            raise ScaleError(f"{subject}: {message}")


def _check_unit(option: str, unit: str, usual: str) -> None:
    if not (unit.isascii() and unit.isprintable()) or " " in unit or ":" in unit:
        raise ScaleError(
            f"{option}: expected ASCII without blanks and colons, got {unit!a}; a LAS header does not allow "
            f"them, write it {usual}"
        )


def _edges(scale: CurveScale | ScaleChange) -> str:
    left, right = (scale.right, scale.left) if scale.falling else (scale.left, scale.right)
    return f"{scale.kind} {left:g} to {right:g}"
