"""The ink of the whole paper, bool [H,W]: what the network takes for the ink of a curve, or every dark pixel.

Memory: a byte for each pixel of the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from thinline.digitise.inference import Reader
from thinline.digitise.paper import Paper
from thinline.digitise.reading import INK_PX, PAPER_PX, dark_pixels
from thinline.vocabulary import Bool

ProgressReport = Callable[[int, int], None]
"""Called with (number of rows done, number of all rows)."""

_ROWS: Final = 1024
_AROUND: Final = 3 * PAPER_PX + INK_PX  # rows that the level of the paper around a pixel depends on


def network_ink(reader: Reader, paper: Paper, *, threshold: float = 0.5, report: ProgressReport | None = None) -> Bool:
    """The pixels whose probability of being ink of any curve is `threshold` or more."""
    ink = np.zeros(paper.shape, np.bool_)
    for band in reader.bands(paper.rows, paper.shape):
        ink[band.start : band.stop] = band.probabilities().max(axis=0) >= threshold
        if report is not None:
            report(band.stop, len(ink))
    return ink


def dark_ink(paper: Paper, *, report: ProgressReport | None = None) -> Bool:
    """The pixels darker than the middle between the paper and the darkest pixel around them: print of every kind."""
    ink = np.zeros(paper.shape, np.bool_)
    height = len(ink)
    for top in range(0, height, _ROWS):
        first, bottom = max(0, top - _AROUND), min(height, top + _ROWS)
        grey = paper.rows(first, min(height, bottom + _AROUND))
        dark = dark_pixels(grey, np.ones(grey.shape, np.bool_), network_px=1.0)
        ink[top:bottom] = dark[top - first : bottom - first]
        if report is not None:
            report(bottom, height)
    return ink
