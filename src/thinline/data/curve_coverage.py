"""Coverage of curve shapes: share of the short stretches of archive curves that also occur in a training mix.

Measure
    A *stretch* is DEPTHS values of one curve, STEP_MM apart in depth (8 mm in all), starting at any sample. Its *word*
    is the sequence of the numbers of the LEVELS equal parts of the track that the values are in, wraps taken out. There
    are LEVELS ** DEPTHS words. A stretch with a gap has none.

    Coverage is the share of the stretches of a reference sample whose word occurs on a training sheet: an estimate of
    the probability that the next 8 mm of an unseen archive curve have the shape of some training curve. Frequent words
    count more often, so coverage rises with variety where the archive is, and not with repeated sheets or shapes that
    the archive does not have. It says nothing about pens, grids and wear.

    The reference of synthetic sheets is REFERENCE archive sheets of no split, the same for every run of a size and
    archive. A folder with curve truth is compared with its own validation and test images; steps are measured in rows
    (at 4 px per mm where it has no scale) and the track is the width of the piece. Without curve truth coverage is NaN.

References
----------
Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40 (1953), on
coverage: the probability that the next specimen is of a species seen before.
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
_PX_PER_MM: Final = 4.0  # for a folder without a scale

Drawn = Sequence[SheetSpec] | Sequence[Piece]


def coverage(seen: Drawn, reference: Drawn) -> float:
    """Share of the reference's stretches whose word occurs in `seen`; NaN when the reference has none."""
    stretches = _all_words(reference)
    if len(stretches) == 0:
        return math.nan
    return float(np.isin(stretches, _all_words(seen)).mean())


def words(values: Float64, step: int) -> Int64:
    """The words of a curve, from its values [P] in fractions of the track; `step` is the samples between two depths."""
    starts = len(values) - (DEPTHS - 1) * step
    if starts <= 0:
        return np.zeros(0, np.int64)
    stretches = np.stack([values[i * step : i * step + starts] for i in range(DEPTHS)], axis=1)
    stretches = stretches[np.isfinite(stretches).all(axis=1)]
    part = np.minimum((stretches - np.floor(stretches)) * LEVELS, LEVELS - 1).astype(np.int64)
    return np.asarray(part @ LEVELS ** np.arange(DEPTHS))


def _all_words(sheets: Drawn) -> Int64:
    of_curves = [words(values, step) for sheet in sheets for values, step in _curves(sheet)]
    return np.concatenate([np.zeros(0, np.int64), *of_curves])


def _curves(sheet: SheetSpec | Piece) -> Iterator[tuple[Float64, int]]:
    """The values of each curve of a sheet, and the samples between two depths."""
    if isinstance(sheet, Piece):
        step = round(STEP_MM * (sheet.photo.folder.px_per_mm or _PX_PER_MM))
        yield from (((x + 0.5) / sheet.width, step) for x in sheet.courses.values())
        return
    for curve in sheet.curves:
        y_mm, value = course(curve, sheet.size_mm)
        yield value[(y_mm >= 0) & (y_mm <= sheet.size_mm[0])], round(STEP_MM / NODE_MM)
