"""How far two masks lie from each other: searched once, and read by every measure of outlines and centrelines.

Conventions
-----------
Masks are bool `[H,W]`, one class of one sheet; ignored pixels are to be taken out of both before. The *surface* of a
mask is its pixels with one of the four neighbours outside it; beyond the sheet is outside. Distances are Euclidean, in
pixels, between centres; they are kept as squares, which are exact integers: a distance is *within t* when its square is
at most t squared. To what is empty they are infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from scipy.spatial import cKDTree

from hairline.vocabulary import Bool, Float64, Int64

_CROSS: Final = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def surface(mask: Bool) -> Bool:
    """The pixels of `mask [H,W]` beside its outside."""
    inner = cv2.erode(mask.view(np.uint8), _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    edge: Bool = mask & (inner == 0)
    return edge


@dataclass(frozen=True, eq=False)
class Pair:
    """What was found `[H,W]` and what is true `[H,W]`, both bool.

    Raises ValueError for masks of two shapes, TypeError for another dtype or rank.
    """

    found: Bool
    true: Bool

    def __post_init__(self) -> None:
        for name, mask in (("found", self.found), ("true", self.true)):
            if mask.dtype != np.bool_ or mask.ndim != 2:
                raise TypeError(f"`{name}` must be bool [H,W], got {mask.dtype} {list(mask.shape)}; use labels == id")
        if self.found.shape != self.true.shape:
            raise ValueError(
                f"`found` and `true` must have one shape, got {self.found.shape} and {self.true.shape}; cut them alike"
            )

    @property
    def masks(self) -> tuple[Bool, Bool]:
        """What was found, and what is true."""
        return self.found, self.true

    @cached_property
    def ways(self) -> tuple[Way, Way]:
        """From what was found to what is true, and back."""
        edges = [surface(mask) for mask in self.masks]
        return _way(self.found, self.true, edges[0], edges[1]), _way(self.true, self.found, edges[1], edges[0])


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


def _way(mask: Bool, other: Bool, edge: Bool, other_edge: Bool) -> Way:
    places = np.flatnonzero(mask)
    to_surface = np.zeros(len(places))
    apart = ~other_edge.reshape(-1)[places]  # of a good answer most pixels are where they should be
    to_surface[apart] = _squared_distances(places[apart], np.flatnonzero(other_edge), mask.shape[1])
    to_mask = np.where(other.reshape(-1)[places], 0.0, to_surface)
    return Way(places, to_surface, to_mask, edge.reshape(-1)[places])


def _squared_distances(places: Int64, targets: Int64, width: int) -> Float64:
    if not len(targets) or not len(places):
        return np.full(len(places), np.inf)
    points, ends = (np.stack(np.divmod(flat, width), axis=1) for flat in (places, targets))
    _, nearest = cKDTree(ends, balanced_tree=False, compact_nodes=False).query(points)
    found: Float64 = np.square(points - ends[nearest]).sum(axis=1).astype(np.float64)
    return found


def within(squared: Float64, tolerances_px: Sequence[float]) -> Int64:
    """How many squared distances `[P]` are within each tolerance, int64 [T]."""
    limits = np.square(np.asarray(tolerances_px, dtype=np.float64))[:, None]
    return np.asarray(np.count_nonzero(squared <= limits, axis=1), np.int64)
