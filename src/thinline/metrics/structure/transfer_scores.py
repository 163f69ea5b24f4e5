"""Scores of a prediction on a tile of a real log, whose truth is the full width of the ink of each curve.

Conventions
-----------
`labels` and `truth` are class ids uint8 `[H,W]`, 0 the background; pixels whose truth is 255 are not counted. The
*ink* is the union of all curves. Counts are integers, added over tiles and divided once; absent.py has the value of an
absent class.

    1. precision, recall, iou of the pixels
    2. skeleton_precision_Npx: share of the predicted centreline within N px of the true centreline;
       skeleton_recall_Npx: share of the true centreline within N px of the predicted one; skeleton_f1_Npx: their
       harmonic mean. A network that draws lines of another width than the ink loses pixels in 1, and nothing here

Namings
-------
Which curve of a real pair is the first is a convention. So two curves are scored under both namings: `identity`,
where predicted class k is true class k, and `swapped`. The *better* one has the larger sum of the IoU of both curves;
it is identity where they are equal. Over several tiles, `better` adds the counts of the better naming of each tile.
With another number of curves, in the network or in the truth, only the ink is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

import cv2
import numpy as np

from thinline.metrics.absent import Counts, f_of, overlap_of, precision_of, recall_of
from thinline.metrics.structure.distances import ClassMask
from thinline.vocabulary import IGNORE, Bool, Float64, Int64, UInt8

TOLERANCES_PX: Final = (1.0, 2.0, 3.0)
IDENTITY: Final = "identity"
SWAPPED: Final = "swapped"
BETTER: Final = "better"
_PAIR: Final = 2


@dataclass(frozen=True, eq=False)
class InkCounts(Counts):
    """Integers of one curve, or of the ink. `pixels [3]`: in both masks, predicted, true.

    `lines [2]`: pixels of the predicted and of the true centreline; `near [T,2]`: how many of them are within each of
    the T tolerances of the other centreline.
    """

    pixels: Int64
    lines: Int64
    near: Int64

    def rates(self) -> dict[str, float]:
        """Measures 1 and 2 by name."""
        both, predicted, true = (int(count) for count in self.pixels)
        rates = {
            "precision": float(precision_of(both, predicted, true)),
            "recall": float(recall_of(both, true)),
            "iou": float(overlap_of(both, predicted + true - both)),
        }
        for tolerance, (of_predicted, of_true) in zip(TOLERANCES_PX, self.near.astype(np.float64), strict=True):
            precision = precision_of(of_predicted, int(self.lines[0]), int(self.lines[1]))
            recall = recall_of(of_true, int(self.lines[1]))
            values = {"precision": precision, "recall": recall, "f1": f_of(precision, recall)}
            rates |= {f"skeleton_{name}_{tolerance:g}px": float(value) for name, value in values.items()}
        return rates


@dataclass(frozen=True, eq=False)
class TileCounts:
    """Counts of a tile, or of several: of the ink, and of both curves under each naming, or under none."""

    ink: InkCounts
    namings: dict[str, tuple[InkCounts, ...]]

    @property
    def better(self) -> str:
        """The better naming."""
        sums = {
            name: sum(np.nan_to_num(curve.rates()["iou"]) for curve in curves) for name, curves in self.namings.items()
        }
        return SWAPPED if sums[SWAPPED] > sums[IDENTITY] else IDENTITY

    def rates(self, classes: Sequence[str]) -> dict[str, float]:
        """Every measure by name: `ink/recall`, `swapped/iou/curve_1` (of the true curve_1), `better/iou/curve_1`.

        `better/is_swapped` is 0 or 1 for a tile, and missing for several.
        """
        named = {f"ink/{measure}": value for measure, value in self.ink.rates().items()}
        namings = dict(self.namings)
        if namings and BETTER not in namings:
            named[f"{BETTER}/is_swapped"] = float(self.better == SWAPPED)
            namings[BETTER] = namings[self.better]
        for naming, curves in namings.items():
            for name, curve in zip(classes[1:], curves, strict=True):
                named |= {f"{naming}/{measure}/{name}": value for measure, value in curve.rates().items()}
        return named


def tile_counts(labels: UInt8, truth: UInt8, *, predicted_curves: int, true_curves: int) -> TileCounts:
    """The counts of one tile. Raises ValueError for maps of different size."""
    if labels.shape != truth.shape:
        raise ValueError(
            f"`labels` and `truth` must have one size, got {labels.shape} and {truth.shape}; resize labels"
        )
    valid = truth != IGNORE
    ink = ink_counts((labels > 0) & valid, (truth > 0) & valid)
    if predicted_curves != _PAIR or true_curves != _PAIR:
        return TileCounts(ink, {})
    curves = {
        (mine, theirs): ink_counts((labels == mine) & valid, truth == theirs) for mine in (1, 2) for theirs in (1, 2)
    }
    return TileCounts(ink, {IDENTITY: (curves[1, 1], curves[2, 2]), SWAPPED: (curves[2, 1], curves[1, 2])})


def pooled(tiles: Sequence[TileCounts]) -> TileCounts:
    """The sum over tiles, with `better` for the better naming of each tile."""
    ink = reduce(add, (tile.ink for tile in tiles))
    if not all(tile.namings for tile in tiles):
        return TileCounts(ink, {})
    namings = {name: _summed([tile.namings[name] for tile in tiles]) for name in (IDENTITY, SWAPPED)}
    return TileCounts(ink, namings | {BETTER: _summed([tile.namings[tile.better] for tile in tiles])})


def _summed(curves: Sequence[tuple[InkCounts, ...]]) -> tuple[InkCounts, ...]:
    return tuple(reduce(add, own) for own in zip(*curves, strict=True))


def ink_counts(predicted: Bool, true: Bool) -> InkCounts:
    """The counts of two masks [H,W] of one size."""
    pixels = np.array([np.count_nonzero(predicted & true), np.count_nonzero(predicted), np.count_nonzero(true)])
    lines = [ClassMask(mask).centreline for mask in (predicted, true)]
    away = [_distances(other)[line] for line, other in zip(lines, lines[::-1], strict=True)]
    near = [[np.count_nonzero(distance <= tolerance + 1e-3) for distance in away] for tolerance in TOLERANCES_PX]
    return InkCounts(pixels, np.array([line.sum() for line in lines]), np.array(near))


def _distances(line: Bool) -> Float64:
    """Distance in px of every pixel [H,W] to the nearest pixel of `line`, infinite for an empty line."""
    if not line.any():
        return np.full(line.shape, np.inf)
    return np.asarray(cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float64)
