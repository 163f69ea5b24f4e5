"""The bytes of the CSV and LAS files of a scan; output_folder.py writes them atomically.

Conventions
    Both files have one line for each row of the paper, from the top of the scan down.
    CSV: `depth`, then for each curve the columns `NAME` (value), `NAME.x_px` (column of the original, skewed scan),
    `NAME.confidence` and `NAME.lap`. A gap is an empty value; confidence is written in gaps too, and says whether there
    is a curve. `NAME.name_confidence` says whether it is the curve of that name: low beside a crossing of two curves of
    one pen, and below it until a pen or a hint tells them apart. At .5 the names may as well be exchanged
    (curves/many/naming.py). There is no such column where the network names the curves.
    LAS 2.0: depth and the value of each curve, with names in capitals; a gap is NULL_VALUE. The header names the scan,
    the run and the refused curves in ASCII. Non-ASCII letters, colons and line breaks, for example in the name of a
    scan, become `_`, because programs differ in how they read non-ASCII letters, and because colons and line breaks
    would make the header invalid.
    Warnings about the scan, for example about damaged rows, are lines above the CSV that begin with `# `, and text in
    the section ~Other of the LAS. `pandas.read_csv(path, comment="#")` reads a CSV with and without warnings.
    If depths decrease down the scan (elevations), STEP is negative and STRT is the larger end.
    Refused curves have no column. Values have DIGITS significant digits, the same in both files.

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
"""Significant digits of a value: more than any scan can resolve."""


def csv_of(
    depth: Float64, curves: Sequence[Digitised], x_px: Sequence[Float64], *, warnings: Sequence[str] = ()
) -> bytes:
    """The CSV of the accepted curves, below lines with `warnings`; `x_px` are columns of the scan."""
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
            if curve.name_confidence is not None:
                columns[f"{name}.name_confidence"] = np.round(curve.name_confidence, 3)
    comments = "".join(f"# warning: {_one_line(warning)}\n" for warning in warnings)
    return (comments + pd.DataFrame(columns).to_csv(index=False)).encode()


def las_of(
    depth: Float64,
    curves: Sequence[Digitised],
    *,
    depth_unit: str,
    parameters: Mapping[str, str],
    warnings: Sequence[str] = (),
) -> bytes:
    """The LAS 2.0 file of the accepted curves, with `parameters` in ~Parameter and `warnings` in ~Other."""
    file = lasio.LASFile()
    file.well["NULL"].value = NULL_VALUE
    file.append_curve("DEPT", depth, unit=depth_unit, descr="depth of the row of the scan")
    for curve in curves:
        if not curve.refused:
            scale = curve.scale
            descr = f"{_plain(curve.label)}, {scale.text()}, digitised"
            file.append_curve(scale.name.upper(), _rounded(curve.values), unit=scale.unit, descr=descr)
    for name, value in parameters.items():
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
    """Significant digits that resolve a thousandth of `step`, at least 10."""
    largest = float(np.abs(depth).max())
    return min(17, max(10, math.ceil(math.log10(largest / abs(step))) + 3)) if largest and step else 10


def _one_line(text: str) -> str:
    """Text with blanks in place of line breaks and other unprintable characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _plain(text: str) -> str:
    """Text in the characters of a LAS header."""
    return "".join(letter if letter.isascii() and letter.isprintable() and letter != ":" else "_" for letter in text)


def _rounded(values: Float64) -> Float64:
    """Each value rounded to DIGITS significant digits."""
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.tolist()], np.float64)
