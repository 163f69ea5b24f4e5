"""Curves in files: LAS (log ASCII standard), read through lasio.

Conventions
    P samples of a curve, depth increasing. A file recorded upwards is turned round; rows without a depth are dropped.
    A null is NaN: the value the header declares, and the sentinels of `SENTINELS`, because files pass from program to
    program and keep the nulls of the one before (the header says -999.25 while the rows say -9999).
    A **run** is a stretch of samples without a long gap: up to `BRIDGE` missing samples are filled by a straight line
    in depth, a longer gap ends the run. A run has at least `SHORTEST` samples and is not constant.
    A curve is **usable** when it is numeric, is not the depth column, and has `SHORTEST` values and a run.

References
    Canadian Well Logging Society, LAS version 2.0 (1992, updated 2017).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lasio
import numpy as np

from hairline.vocabulary import Bool, Float64

SHORTEST = 64
"""Samples below which a curve says too little about how logs look."""

BRIDGE = 8
"""The longest gap, in samples, that a run crosses: a curve logged every second row is not a row of islands."""

SENTINELS = (-999.0, -999.25, -9999.0, -9999.25, -99999.0, -32767.0, -32768.0, -2147483647.0, -2147483648.0, -1e30)
"""Values that mean "no value" in files whose header says otherwise. Negative only: +999 may be a resistivity."""


class LasError(ValueError):
    """A LAS file or folder that gives no curve to draw from."""


@dataclass(frozen=True, eq=False)
class LasCurve:
    """One curve of one file.

    `depth [P]` float64 increasing, in `depth_unit` as the file spells it; `values [P]` float64 in `unit`, NaN = null.
    """

    name: str
    unit: str
    depth: Float64
    values: Float64
    depth_unit: str
    source: str

    def runs(self) -> tuple[Float64, ...]:
        """The values without long gaps: arrays [R] of finite float64, R >= SHORTEST, none constant, shallow first."""
        known = np.isfinite(self.values)
        if known.sum() < SHORTEST:
            return ()
        rows = np.arange(len(known))
        filled = np.interp(rows, rows[known], self.values[known])
        pieces = (filled[start:stop] for start, stop in _stretches(known))
        return tuple(piece for piece in pieces if len(piece) >= SHORTEST and np.ptp(piece) > 0)


def read_las(path: Path) -> tuple[LasCurve, ...]:
    """Read the usable curves of one LAS file, in the order of its columns.

    Raises LasError when the file is missing, is not LAS, has no depth column, or has no usable curve (each rejected
    curve is named with its reason).
    """
    path = Path(path)
    if not path.is_file():
        raise LasError(f"{path}: expected a LAS file, found none; check the path")
    file = _parse(path)
    if len(file.curves) == 0:
        raise LasError(f"{path}: expected a ~Curve section with a depth column, got none; is this file LAS?")
    order = _rows_by_depth(path, file.curves[0])
    depth = file.curves[0].data[order].astype(np.float64)
    unit = str(file.curves[0].unit or "")
    curves, rejected = [], []
    for column in file.curves[1:]:
        reason = _unfit(column)
        if not reason:
            values = _without_nulls(column.data[order])
            curve = LasCurve(str(column.mnemonic), str(column.unit or ""), depth, values, unit, path.name)
            reason = _unusable(curve)
        if reason:
            rejected.append(f"{column.mnemonic} ({reason})")
        else:
            curves.append(curve)
    if not curves:
        seen = ", ".join(rejected) or "only the depth column"
        raise LasError(
            f"{path}: expected at least one curve with {SHORTEST} or more varying samples, got {seen}; "
            "use another file or leave this one out"
        )
    return tuple(curves)


def read_las_dir(folder: Path) -> tuple[LasCurve, ...]:
    """Read the usable curves of every `*.las` file (any case) of a folder, files in order of their names.

    Files without a usable curve are left out with one warning that names each and says why. Raises LasError when the
    folder is missing, holds no LAS file, or nothing usable is left.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise LasError(f"{folder}: expected a folder of LAS files, found no such folder; check the path")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".las")
    if not files:
        raise LasError(f"{folder}: expected *.las files, found none; point to the folder that holds them")
    curves: list[LasCurve] = []
    skipped: list[str] = []
    for path in files:
        try:
            curves.extend(read_las(path))
        except LasError as error:
            skipped.append(str(error))
    listed = "\n  ".join(skipped)
    if not curves:
        raise LasError(f"{folder}: expected a LAS file with a usable curve, got {len(files)} without one:\n  {listed}")
    if skipped:
        warnings.warn(f"left out {len(skipped)} of {len(files)} LAS files:\n  {listed}", stacklevel=2)
    return tuple(curves)


def _parse(path: Path) -> Any:
    """The file as lasio reads it, nulls untouched, in silence."""
    try:
        with _quiet_lasio():
            return lasio.read(str(path), null_policy="strict")
    except Exception as error:  # lasio raises whatever its parser trips over: KeyError, IndexError, its own types
        raise LasError(
            f"{path}: expected LAS 1.2, 2.0 or 2.1, could not parse it ({error}); open and re-export it"
        ) from error


@contextmanager
def _quiet_lasio() -> Iterator[None]:
    """Keep lasio's log lines and warnings from the terminal: what matters of them is said by the errors here."""
    logger = logging.getLogger("lasio")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _rows_by_depth(path: Path, column: Any) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Indices of the rows that have a depth, shallow first."""
    if column.data.dtype.kind not in "fiu":
        raise LasError(f"{path}: expected a numeric depth column, got {column.mnemonic} with text; re-export the file")
    depth = _without_nulls(column.data)
    return np.argsort(depth, kind="stable")[: np.count_nonzero(np.isfinite(depth))]


def _without_nulls(data: Any) -> Float64:
    """Float64 copy with every null as NaN."""
    values = np.array(data, dtype=np.float64)
    values[~np.isfinite(values) | np.isin(values, SENTINELS)] = np.nan
    return values


def _unfit(column: Any) -> str:
    return "" if column.data.dtype.kind in "fiu" else "text, not numbers"


def _unusable(curve: LasCurve) -> str:
    """Why a curve cannot be used, or nothing."""
    count = int(np.count_nonzero(np.isfinite(curve.values)))
    if count == 0:
        return "all nulls" if len(curve.values) else "no samples"
    if count < SHORTEST:
        return f"{count} sample{'s' if count > 1 else ''}"
    if np.nanmin(curve.values) == np.nanmax(curve.values):
        return "constant"
    return "" if curve.runs() else f"no varying run of {SHORTEST} samples"


def _stretches(known: Bool) -> Iterator[tuple[int, int]]:
    """Half-open ranges of rows from one known sample to another, crossing gaps of at most BRIDGE rows."""
    rows = np.flatnonzero(known)
    breaks = np.flatnonzero(np.diff(rows) > BRIDGE + 1)
    starts = rows[np.concatenate(([0], breaks + 1))]
    stops = rows[np.concatenate((breaks, [len(rows) - 1]))] + 1
    return zip(starts.tolist(), stops.tolist(), strict=True)
