"""Rows of the paper that get no values because the file is damaged there.

Conventions
    A scan reports damaged rows as half-open ranges of scan rows; these rows are white. A paper row is **hidden** if it
    is computed from a damaged scan row, or if it lies within MARGIN_MM of such a paper row. The margin is needed
    because the network predicts a curve that runs into white rows like a curve that ends there. In a hidden row every
    curve has a gap, the strands (candidate positions) are not used, and the class map is background. Adjacent ranges of
    one page with the same reason are reported as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from thinline.curves.row_runs import Strands
from thinline.digitise.axes import DepthScale
from thinline.digitise.paper import Paper
from thinline.images import Damage
from thinline.vocabulary import Bool

MARGIN_MM: Final = 2.0


@dataclass(frozen=True, eq=False)
class Hidden:
    """`rows [H]` bool: the hidden rows. For each range: `captions` (paper row, text) and `warnings` (sentences)."""

    rows: Bool
    captions: tuple[tuple[int, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @staticmethod
    def of(paper: Paper, damage: Iterable[Damage], depth: DepthScale, *, px_per_mm: float) -> Hidden:
        """The rows of `paper` that `damage` hides. Damage outside the digitised part of the scan is ignored."""
        frame = paper.frame
        first, last = frame.first_row, frame.last_row
        ranges = [part for part in merged(damage) if part.first_row < last and part.last_row > first]
        if not ranges:
            return Hidden(np.zeros(frame.height, np.bool_))
        damaged = np.zeros(paper.scan.height, np.bool_)
        for part in ranges:
            damaged[part.first_row : part.last_row] = True
        reach = 2 * round(MARGIN_MM * px_per_mm) + 1
        rows = ndimage.maximum_filter1d(paper.made_of(damaged).astype(np.uint8), reach, mode="constant") > 0
        captions = []
        for part in ranges:
            top = max(0, int((part.first_row - frame.first_row) * frame.row_factor))
            captions.append((top, f"rows {part.first_row} to {part.last_row - 1} are damaged"))
        return Hidden(rows, tuple(captions), tuple(warning(part, depth) for part in ranges))

    def without(self, strands: Strands) -> Strands:
        """The strands of the rows that are not hidden."""
        row_of = np.repeat(np.arange(strands.rows), np.diff(strands.first))
        kept = strands.only(np.flatnonzero(~self.rows[row_of]))
        return Strands(kept.first, kept.x_px, kept.width_px, kept.evidence, kept.full & ~self.rows)


def merged(damage: Iterable[Damage]) -> list[Damage]:
    """The ranges sorted by row, with touching or overlapping ranges of one page and reason merged."""
    ranges: list[Damage] = []
    for part in sorted(set(damage), key=lambda part: (part.page, part.reason, part.first_row)):
        last = ranges[-1] if ranges else None
        if last and (last.page, last.reason) == (part.page, part.reason) and part.first_row <= last.last_row:
            ranges[-1] = Damage(last.first_row, max(last.last_row, part.last_row), part.page, part.reason)
        else:
            ranges.append(part)
    return sorted(ranges, key=lambda part: part.first_row)


def warning(damage: Damage, depth: DepthScale) -> str:
    """A sentence with the page, scan rows and depths of a damaged range."""
    top, bottom = depth.depths(np.array([damage.first_row - 0.5, damage.last_row - 0.5])).tolist()
    return (
        f"the scan is damaged on page {damage.page} in rows {damage.first_row} to {damage.last_row - 1}, "
        f"{depth.text(top)} to {depth.text(bottom)} {depth.unit} ({' '.join(damage.reason.split())}); every curve has "
        f"a gap there and {MARGIN_MM:g} mm beside it"
    )
