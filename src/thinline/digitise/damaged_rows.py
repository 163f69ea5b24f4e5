"""Damaged rows: which rows of the paper have no values because the file is damaged there, and how they are named.

Conventions
    The scan gives its damaged rows as half-open ranges of scan rows; they are white. A paper row is **hidden** when any
    of the scan rows it is made of is damaged, or when it lies within MARGIN_MM of such a row: the network sees white
    beside ink there, as at the end of a curve. In a hidden row every curve has a gap, its strands are not traced, and
    the class map is background. Ranges of one page with one reason that touch each other are named as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from thinline.curves.row_runs import Strands
from thinline.digitise.paper import Paper
from thinline.digitise.scales import DepthScale
from thinline.images import Damage
from thinline.vocabulary import Bool

MARGIN_MM: Final = 2.0


@dataclass(frozen=True, eq=False)
class Hidden:
    """`rows [H]` bool: the hidden rows. `captions`: paper row and text, and `warnings`: sentences, of each range."""

    rows: Bool
    captions: tuple[tuple[int, str], ...] = ()
    warnings: tuple[str, ...] = ()

    @staticmethod
    def of(paper: Paper, damage: Iterable[Damage], depth: DepthScale, *, px_per_mm: float) -> Hidden:
        """What `damage` hides of the paper. Damage outside the part of the scan that is digitised is left out."""
        frame = paper.frame
        ranges = [one for one in merged(damage) if one.first_row < frame.last_row and one.last_row > frame.first_row]
        if not ranges:
            return Hidden(np.zeros(frame.height, np.bool_))
        damaged = np.zeros(paper.scan.height, np.bool_)
        for one in ranges:
            damaged[one.first_row : one.last_row] = True
        reach = 2 * round(MARGIN_MM * px_per_mm) + 1
        rows = ndimage.maximum_filter1d(paper.made_of(damaged).astype(np.uint8), reach, mode="constant") > 0
        captions = []
        for one in ranges:
            top = max(0, int((one.first_row - frame.first_row) * frame.row_factor))
            captions.append((top, f"rows {one.first_row} to {one.last_row - 1} are damaged"))
        return Hidden(rows, tuple(captions), tuple(sentence(one, depth) for one in ranges))

    def without(self, strands: Strands) -> Strands:
        """The strands of the rows that are not hidden."""
        row_of = np.repeat(np.arange(strands.rows), np.diff(strands.first))
        kept = strands.only(np.flatnonzero(~self.rows[row_of]))
        return Strands(kept.first, kept.x_px, kept.width_px, kept.evidence, kept.full & ~self.rows)


def merged(damage: Iterable[Damage]) -> list[Damage]:
    """The ranges in the order of their rows; those of one page and reason that touch or overlap are one."""
    ranges: list[Damage] = []
    for one in sorted(set(damage), key=lambda one: (one.page, one.reason, one.first_row)):
        last = ranges[-1] if ranges else None
        if last and (last.page, last.reason) == (one.page, one.reason) and one.first_row <= last.last_row:
            ranges[-1] = Damage(last.first_row, max(last.last_row, one.last_row), one.page, one.reason)
        else:
            ranges.append(one)
    return sorted(ranges, key=lambda one: one.first_row)


def sentence(damage: Damage, depth: DepthScale) -> str:
    """What is damaged, in pages, scan rows and depths, and what that means for the values."""
    top, bottom = depth.depths(np.array([damage.first_row - 0.5, damage.last_row - 0.5])).tolist()
    return (
        f"the scan is damaged on page {damage.page} in rows {damage.first_row} to {damage.last_row - 1}, "
        f"{depth.text(top)} to {depth.text(bottom)} {depth.unit} ({' '.join(damage.reason.split())}); every curve has "
        f"a gap there and {MARGIN_MM:g} mm beside it"
    )
