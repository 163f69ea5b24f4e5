"""Curve-space coverage: how much of what the archive's curves do a training mix has shown.

Measure
    A *stretch* is DEPTHS values of one curve, STEP_MM apart in depth (8 mm in all), starting at any sample. Its *word*
    says in which of LEVELS equal parts of the track each value lies; a value that has left the track is taken where it
    comes back. There are LEVELS ** DEPTHS words: flat runs, swings, jumps and spikes at each place of the track have
    different ones. A stretch with a gap has none.

    Coverage is the share of the stretches of a reference sample whose word occurs on a training sheet: an estimate of
    the chance that the next 8 mm of an unseen archive curve do what some training curve did there. 1 is all of it.
    Frequent words count often, so it rises with variety where the archive is, and not with sheets that repeat it or lie
    elsewhere. What tells the curves apart (pens, grids, wear) is not in it.

    The reference of drawn sheets is REFERENCE archive sheets that no split holds, the same for every run of a size and
    archive. A folder with curve truth is compared with its own validation and test images, its steps measured in rows
    (at 4 px per mm where it has no scale) and its track the width of the piece. Without curve truth there are no
    stretches, and coverage is NaN.

References
----------
Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40 (1953), on
coverage: the chance that the next specimen is of a species seen before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from thinline.data.folder.crops import Piece
from thinline.sheets import SheetSpec
from thinline.sheets.curve_shapes import NODE_MM
from thinline.sheets.drawing.strokes import course
from thinline.vocabulary import Float64, Int64

LEVELS: Final = 8
DEPTHS: Final = 5
STEP_MM: Final = 2.0
REFERENCE: Final = 200
_PX_PER_MM: Final = 4.0  # of a folder without a scale

Drawn = Sequence[SheetSpec] | Sequence[Piece]


def coverage(seen: Drawn, reference: Drawn) -> float:
    """Share of the reference's stretches whose word occurs in `seen`; NaN when the reference has none."""
    stretches = _all_words(reference)
    if len(stretches) == 0:
        return math.nan
    known = np.zeros(LEVELS**DEPTHS, np.bool_)
    known[_all_words(seen)] = True
    return float(known[stretches].mean())


def words(values: Float64, step: int) -> Int64:
    """The words of a curve, from its values [P] in fractions of the track; `step` samples from depth to depth."""
    starts = len(values) - (DEPTHS - 1) * step
    if starts <= 0:
        return np.zeros(0, np.int64)
    at = np.stack([values[i * step : i * step + starts] for i in range(DEPTHS)], axis=1)
    at = at[np.isfinite(at).all(axis=1)]
    part = np.minimum((at - np.floor(at)) * LEVELS, LEVELS - 1).astype(np.int64)
    return np.asarray(part @ LEVELS ** np.arange(DEPTHS))


def _all_words(sheets: Drawn) -> Int64:
    found = [words(values, step) for sheet in sheets for values, step in _courses(sheet)]
    return np.concatenate([np.zeros(0, np.int64), *found])


def _courses(sheet: SheetSpec | Piece) -> Iterator[tuple[Float64, int]]:
    """The values of each curve of a sheet, and the samples in a step."""
    if isinstance(sheet, Piece):
        step = round(STEP_MM * (sheet.photo.folder.px_per_mm or _PX_PER_MM))
        yield from (((x + 0.5) / sheet.width, step) for x in sheet.courses.values())
        return
    for curve in sheet.curves:
        y_mm, value = course(curve, sheet.size_mm)
        yield value[(y_mm >= 0) & (y_mm <= sheet.size_mm[0])], round(STEP_MM / NODE_MM)
