"""Curves as CSV and LAS 2.0, a row for each row of the paper, from the top of the scan down.

Conventions
    CSV: `depth`, then of each curve its value under its own name, and `NAME.x_px` (column of the scan as it was given,
    skew and all), `NAME.confidence`, `NAME.lap`. A gap is an empty cell; confidence is told in gaps too.
    LAS: depth and the values, under their names in capitals; a gap is NULL_VALUE. The file tells the scan, the run and
    every curve that was refused, in ASCII: another letter, a colon or a line break in a name, as of a scan, is told
    as `_`, because programs read letters beyond ASCII as they like and the rest would break the header.
    Warnings about the scan, as its damaged rows, stand above the CSV as lines that begin with `# `, and in the section
    ~Other of the LAS. Without a warning the first line of the CSV is its header; `pandas.read_csv(path, comment="#")`
    reads both kinds, and every program that reads LAS reads the LAS.
    Depths that decrease down the scan (elevations) make STEP negative, and STRT the larger of the two ends.
    Refused curves have no column. Values have DIGITS significant digits each, the same in both files.

References
    Canadian Well Logging Society, LAS version 2.0 (1992, updated 2017).
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Final

import lasio
import numpy as np
import pandas as pd

from thinline.digitise.accept import Digitised
from thinline.vocabulary import Float64

NULL_VALUE: Final = -999.25

DIGITS: Final = 7
"""Significant digits of a value: more than any scan can tell, on any scale."""


def csv_of(
    depth: Float64, curves: Sequence[Digitised], x_px: Sequence[Float64], *, warnings: Sequence[str] = ()
) -> bytes:
    """The CSV of the curves that are told; `x_px` are their columns on the scan. `warnings` stand above it."""
    columns: dict[str, object] = {"depth": depth}
    for curve, x in zip(curves, x_px, strict=True):
        if not curve.refused:
            name = curve.scale.name
            lap = pd.array(curve.lap, dtype="Int64")
            lap[~np.isfinite(curve.values)] = pd.NA
            columns |= {
                name: _rounded(curve.values),
                f"{name}.x_px": np.round(x, 2),
                f"{name}.confidence": np.round(curve.confidence, 3),
                f"{name}.lap": lap,
            }
    comments = "".join(f"# warning: {_one_line(warning)}\n" for warning in warnings)
    return (comments + pd.DataFrame(columns).to_csv(index=False)).encode()


def las_of(
    depth: Float64,
    curves: Sequence[Digitised],
    *,
    depth_unit: str,
    told: Mapping[str, str],
    warnings: Sequence[str] = (),
) -> bytes:
    """The LAS 2.0 file of the curves that are told; `told` goes into its parameters, `warnings` into ~Other."""
    file = lasio.LASFile()
    file.well["NULL"].value = NULL_VALUE
    file.append_curve("DEPT", depth, unit=depth_unit, descr="depth of the row of the scan")
    for curve in curves:
        if not curve.refused:
            scale = curve.scale
            descr = f"{_plain(curve.label)}, {scale.kind} {scale.left:g} to {scale.right:g}, digitised"
            file.append_curve(scale.name.upper(), _rounded(curve.values), unit=scale.unit, descr=descr)
    for name, value in told.items():
        file.params[name] = lasio.HeaderItem(name, value=_plain(value))
    refusals = [f"{curve.scale.name} was refused: {curve.refused}" for curve in curves if curve.refused]
    file.other = "\n".join([*refusals, *(f"warning: {_plain(_one_line(warning))}" for warning in warnings)])
    step = (depth[-1] - depth[0]) / max(len(depth) - 1, 1)
    text = io.StringIO()
    file.write(
        text,
        version=2.0,
        wrap=False,
        fmt=f"%.{DIGITS}g",
        column_fmt={0: f"%.{_depth_digits(depth, step)}g"},
        STRT=depth[0],
        STOP=depth[-1],
        STEP=step,
    )
    return text.getvalue().encode()


def _depth_digits(depth: Float64, step: float) -> int:
    """Significant digits that tell rows `step` apart from each other, to a thousandth of a step; 10 at least."""
    largest = float(np.abs(depth).max())
    return min(17, max(10, math.ceil(math.log10(largest / abs(step))) + 3)) if largest and step else 10


def _one_line(text: str) -> str:
    """Text without line breaks and other letters that cannot be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _plain(text: str) -> str:
    """Text as a header holds it."""
    return "".join(letter if letter.isascii() and letter.isprintable() and letter != ":" else "_" for letter in text)


def _rounded(values: Float64) -> Float64:
    """Each value to DIGITS of its own: the small ones of a log scale count as much as the large."""
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.tolist()], np.float64)
