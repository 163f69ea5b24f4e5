"""Curve truth of a user's images: CSV with the header `row,curve,x`, one line for each row of a curve.

Conventions
    `row` is a whole number 0..H-1, `curve` the name of a class other than the background, `x` the column of the curve's
    centre in px, where 0.0 is the centre of the first pixel. A curve has one x in a row. The *course* of a curve is
    float64 [H], NaN in rows without a line.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from thinline.vocabulary import Float64

HEADER: Final = ["row", "curve", "x"]


class CourseError(ValueError):
    """Curve truth that does not fit its image. The message is one line of a list of problems."""


def read_courses(path: Path, *, curves: Sequence[str], shape: tuple[int, int]) -> Mapping[str, Float64]:
    """The courses of an image of `shape` (H,W), by name. Raises CourseError with the number of the line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"expected CSV, got {error}; export it again") from error
    if not lines or [name.strip() for name in lines[0]] != HEADER:
        raise CourseError(f"expected the header {','.join(HEADER)}, got {lines[:1]}; write it as the first line")
    courses: dict[str, Float64] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line:
            row, name, x = _point(line, number, curves, shape)
            course = courses.setdefault(name, np.full(shape[0], np.nan))
            if not math.isnan(course[row]):
                raise CourseError(f"line {number}: expected one x for {name} in row {row}, got a second; keep one")
            course[row] = x
    if not courses:
        raise CourseError("expected a point of a curve, got none; leave the file out where there is no curve truth")
    return courses


def _point(line: list[str], number: int, curves: Sequence[str], shape: tuple[int, int]) -> tuple[int, str, float]:
    """(row, curve, x) of a line, checked."""
    try:
        row_text, name, x_text = (text.strip() for text in line)
        row, x = int(row_text), float(x_text)
    except ValueError as error:
        raise CourseError(f"line {number}: expected row,curve,x, got {','.join(line)}; correct the line") from error
    if name not in curves:
        raise CourseError(
            f"line {number}: expected a curve of {list(curves)}, got {name!r}; use the names of `classes`"
        )
    if not 0 <= row < shape[0] or not -0.5 <= x <= shape[1] - 0.5:
        raise CourseError(
            f"line {number}: expected a point on the image of {shape[0]} x {shape[1]} px, got row {row}, x {x}; "
            "was the image cut or resized?"
        )
    return row, name, x
