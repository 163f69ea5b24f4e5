"""The curves of a LAS file as columns of the straightened paper, row by row.

Conventions
    The scales of the job give the column and the lap of a value; column + lap x width of the track is a position that
    does not jump where the curve wraps. Between two readings the curve is straight in this position, as a plotter draws
    it. The course of a curve in a row of the paper is the range of positions that it passes within the row: one column
    where the curve is upright, many where it is steep or where several readings fall into the row.
    Two readings are joined if they are at most LONGEST times the median distance of readings apart, so that a null
    value is a gap, and a curve that is logged in every second row is not. A row that a gap touches is unknown.
    Depths of the LAS file in m or ft are converted to the unit of the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import numpy as np

from thinline.curves.las import LasCurve, LasReport, read_las_file
from thinline.digitise.axes import CurveScale, DepthScale
from thinline.digitise.paper import Frame
from thinline.vocabulary import Bool, Float64

LONGEST: Final = 1.5
_METRES: Final = frozenset(("M", "METER", "METERS", "METRE", "METRES", "MTR"))
_FEET: Final = frozenset(("FT", "F", "FEET", "FOOT"))
_METRES_PER_FOOT: Final = 0.3048


class LabelError(ValueError):
    """A scan and a LAS file from which no labels can be made."""


@dataclass(frozen=True, eq=False)
class Course:
    """Least and greatest position of a curve in each row of the paper, in paper px, float64 [H], NaN where unknown.

    Positions are not limited to the track: `left` and `right` are the columns of its edges, and a position beyond the
    right edge is drawn from the left edge on.
    """

    low: Float64
    high: Float64
    left: float
    right: float

    @property
    def known(self) -> Bool:
        """Rows in which the LAS file has values, bool [H]."""
        return np.isfinite(self.low)

    def intervals(self) -> Float64:
        """The one or two ranges of columns that the curve covers in each row, [H,2,2] as (first, last); NaN for none.

        A row in which the curve passes a whole track width or more has none.
        """
        width = self.right - self.left
        lap = np.floor((self.low - self.left) / width)
        low, high = self.low - lap * width, self.high - lap * width
        high = np.where(high - low < width, high, np.nan)
        low = np.where(np.isfinite(high), low, np.nan)
        wraps = high > self.right
        ranges = np.full((len(low), 2, 2), np.nan)
        ranges[:, 0] = np.stack([low, np.where(wraps, self.right, high)], axis=1)
        ranges[wraps, 1] = np.stack([np.full(wraps.sum(), self.left), high[wraps] - width], axis=1)
        return ranges


def course_of(curve: LasCurve, scale: CurveScale, depth: DepthScale, frame: Frame) -> Course:
    """The course of a curve of a LAS file on the paper.

    Raises LabelError where depths or units do not fit, and for a scale that changes down the scan.
    """
    if scale.changes:
        raise LabelError(
            f"{scale.name}: expected one scale from top to bottom, got one that changes at depth "
            f"{scale.changes[0].depth:g}; label the pieces one by one, each with its rows"
        )
    left, right = frame.paper_x(scale.left_px), frame.paper_x(scale.right_px)
    known = np.isfinite(curve.values) & np.isfinite(curve.depth)
    rows = _rows(curve.depth[known] * _factor(curve, depth), depth, frame)
    with np.errstate(divide="ignore", invalid="ignore"):
        x_px, lap = scale.columns(curve.values[known])
    position = frame.column_factor * (x_px + lap * (scale.right_px - scale.left_px) - frame.first_column + 0.5) - 0.5
    usable = np.isfinite(position)  # a log scale has no column for zero
    order = np.argsort(rows[usable], kind="stable")
    rows, position = rows[usable][order], position[usable][order]
    _check_overlap(rows, curve, depth, frame)
    low, high = _ranges(rows, position, frame.height)
    return Course(low, high, left, right)


def named_curves(path: Path, names: Sequence[str]) -> tuple[tuple[LasCurve, ...], LasReport]:
    """The curves `names` of a LAS file, in this order, in any case of letters, and the report of the file.

    Raises LasError for a file that cannot be read, LabelError for a name that the file does not have.
    """
    curves, report = read_las_file(path)
    of_name = {curve.name.upper(): curve for curve in reversed(curves)}
    for name in names:
        if name.upper() not in of_name:
            raise LabelError(f"{path}: expected a curve {name}, {_there(name, curves, report)}")
    return tuple(of_name[name.upper()] for name in names), report


def _there(name: str, curves: Sequence[LasCurve], report: LasReport) -> str:
    """The curves that a file has, why `name` cannot be used, and the nearest name."""
    reason = next((reason for dropped, reason in report.dropped if dropped.upper() == name.upper()), None)
    listed = ", ".join(curve.name for curve in curves)
    if reason is not None:
        return f"got one that cannot be used ({reason}); the others are {listed}. Leave it out of the job file"
    nearest = get_close_matches(name.upper(), [curve.name.upper() for curve in curves], n=1, cutoff=0)
    return f"got {listed}; did you mean {nearest[0]}? Give the curve in the job file the name that it has in the LAS"


def _factor(curve: LasCurve, depth: DepthScale) -> float:
    """The factor from the depth unit of the LAS file to that of the job."""
    theirs, ours = _unit(curve.depth_unit), _unit(depth.unit)
    if theirs == ours:
        return 1.0
    if {theirs, ours} != {"m", "ft"}:
        raise LabelError(
            f"{curve.source}: expected depths in {depth.unit}, the unit of the job file, got "
            f"{curve.depth_unit or 'no unit'}; fill in the depths and their unit (m or ft) in the job file, or correct "
            "the unit of the LAS file"
        )
    return _METRES_PER_FOOT if ours == "m" else 1 / _METRES_PER_FOOT


def _unit(text: str) -> str:
    upper = text.strip().upper()
    return "m" if upper in _METRES else "ft" if upper in _FEET else upper


def _rows(depths: Float64, depth: DepthScale, frame: Frame) -> Float64:
    """Paper rows of depths, not rounded."""
    share = (depths - depth.top) / (depth.bottom - depth.top)
    scan_y = depth.first_px + share * (depth.last_px - depth.first_px)
    return np.asarray((scan_y - frame.first_row + 0.5) * frame.row_factor - 0.5, np.float64)


def _check_overlap(rows: Float64, curve: LasCurve, depth: DepthScale, frame: Frame) -> None:
    if len(rows) > 1 and rows[0] < frame.height - 0.5 and rows[-1] > -0.5:
        return
    known = curve.depth[np.isfinite(curve.values)]
    raise LabelError(
        f"{curve.source}: expected depths of {curve.name} between {depth.top:g} and {depth.bottom:g} {depth.unit}, as "
        f"on the scan, got {known.min():g} to {known.max():g} {curve.depth_unit}; is it the LAS file of this scan, and "
        "are the depths in the job file right?"
    )


def _ranges(rows: Float64, position: Float64, height: int) -> tuple[Float64, Float64]:
    """Least and greatest position in each row of the paper, for readings at ascending `rows` (not rounded)."""
    steps = np.diff(rows)
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    apart = steps > max(LONGEST * usual, 1e-9)
    edges = np.arange(height + 1) - 0.5
    after = np.searchsorted(rows, edges, side="right")
    inside = (after > 0) & (after < len(rows))
    segment = np.clip(after - 1, 0, len(steps) - 1)
    at_edge = np.where(inside & ~apart[segment], np.interp(edges, rows, position), np.nan)
    gaps = np.concatenate([[0], np.cumsum(apart)])  # gaps before each reading
    whole = gaps[np.clip(after - 1, 0, len(gaps) - 1)]
    joined = whole[1:] == whole[:-1]
    low, high = np.minimum(at_edge[:-1], at_edge[1:]), np.maximum(at_edge[:-1], at_edge[1:])
    row = np.rint(rows).astype(np.int64)
    on = (row >= 0) & (row < height)
    with np.errstate(invalid="ignore"):
        np.fmin.at(low, row[on], position[on])
        np.fmax.at(high, row[on], position[on])
    known = joined & np.isfinite(at_edge[:-1]) & np.isfinite(at_edge[1:])
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
