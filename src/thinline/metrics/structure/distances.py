"""How far two masks lie from each other: searched once, and read by every measure of outlines and centrelines.

Conventions
-----------
Masks are bool `[H,W]`, one class of one sheet; ignored pixels are to be taken out of both before. The *surface* of a
mask is its edge as in class_mask.py. Distances are Euclidean, in
pixels, between centres; they are kept as squares, which are exact integers: a distance is *within t* when its square is
at most t squared. To what is empty they are infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thinline.metrics.structure.class_mask import Region
from thinline.vocabulary import Bool, Float64, Int64


class Pair:
    """What was found and what is true, bool `[H,W]` each, or a Region where more is known of one already.

    Raises ValueError for masks of two shapes, TypeError for another dtype or rank.
    """

    def __init__(self, found: Bool | Region, true: Bool | Region) -> None:
        self.regions = tuple(mask if isinstance(mask, Region) else Region(mask) for mask in (found, true))
        if self.found.shape != self.true.shape:
            raise ValueError(
                f"`found` and `true` must have one shape, got {self.found.shape} and {self.true.shape}; cut them alike"
            )

    @property
    def found(self) -> Bool:
        """What was found."""
        return self.regions[0].mask

    @property
    def true(self) -> Bool:
        """What is true."""
        return self.regions[1].mask

    @cached_property
    def ways(self) -> tuple[Way, Way]:
        """From what was found to what is true, and back."""
        found, true = self.regions
        return _way(found, true), _way(true, found)


@dataclass(frozen=True, eq=False)
class Way:
    """Squared distances from the P pixels of one mask, in the order of rows, to another.

    `places [P]` index the flat mask; `to_surface [P]` lead to the surface of the other, `to_mask [P]` to the other
    itself, and are 0 inside it; `on_surface [P]` says which pixels are on the surface of their own mask. A pixel
    outside a mask is as far from its surface as from the mask: one search answers both.
    """

    places: Int64
    to_surface: Float64
    to_mask: Float64
    on_surface: Bool

    def of(self, part: Bool) -> Float64:
        """`to_mask` of those pixels that are also in `part [H,W]`, which lies inside the mask."""
        chosen: Float64 = self.to_mask[part.reshape(-1)[self.places]]
        return chosen


def _way(region: Region, other: Region) -> Way:
    places = np.flatnonzero(region.mask)
    to_surface = np.zeros(len(places))
    apart = ~other.edge.reshape(-1)[places]  # of a good answer most pixels are where they should be
    anywhere = float(sum(region.mask.shape))
    to_surface[apart], _ = other.outline.nearest(places[apart], within_px=anywhere)
    to_mask = np.where(other.mask.reshape(-1)[places], 0.0, to_surface)
    return Way(places, to_surface, to_mask, region.edge.reshape(-1)[places])


def within(squared: Float64, tolerances_px: Sequence[float]) -> Int64:
    """How many squared distances `[P]` are within each tolerance, int64 [T]."""
    limits = np.square(np.asarray(tolerances_px, dtype=np.float64))[:, None]
    return np.asarray(np.count_nonzero(squared <= limits, axis=1), np.int64)
