"""Reading: paper -> overlapping tiles -> network -> blended probabilities, band by band down the depth.

Conventions
    A tile is a square of `tile_px`, the size of the sheets the run was validated on, or what there is of the paper.
    Tiles stand evenly spread, the first and the last at the edges, at least OVERLAP of a tile over each neighbour.
    A pixel's probabilities are the mean over the tiles that hold it, weighted by the distance from each tile's edge
    (linear, down and across, level beyond the overlap), so that no seam shows. A network that looks at one pixel alone
    gives the same bands at any size of tile.
    A **band** is what is settled once a row of tiles is read: from the top of these tiles to the top of the next. Its
    ink is kept in half precision, and below FAINTEST not at all: nearly all of it is nothing, which packs to nothing.
    So a band that was kept on the disk is, to the bit, the band that the network gave.

Memory
    One row of tiles and what it shares with the next, c float32 a pixel; nothing grows with the length of the scan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thinline.data.tiles import darkness_of
from thinline.heads import Head
from thinline.vocabulary import Float32, UInt8

OVERLAP: Final = 0.25
FAINTEST: Final = 1e-3
_BATCH: Final = 4


@dataclass(frozen=True, eq=False)
class Band:
    """Rows start.. of the paper as read: `labels` uint8 [h,W], `ink` float16 [K,h,W], probability of each curve."""

    start: int
    labels: UInt8
    ink: NDArray[np.float16]

    @property
    def stop(self) -> int:
        """The row after the last."""
        return self.start + len(self.labels)

    def probabilities(self) -> Float32:
        """Of each curve's ink, [K,h,W]."""
        return np.asarray(self.ink, np.float32)


@dataclass(frozen=True)
class Reader:
    """A network with its head: the tile it is shown, and where it computes."""

    network: Callable[[Tensor], Tensor]
    head: Head
    tile_px: int
    device: str = "cpu"

    def band_starts(self, height: int) -> tuple[int, ...]:
        """The first row of every band."""
        return tuple(spread(height, self.tile_px))

    def bands(self, rows: Callable[[int, int], UInt8], shape: tuple[int, int], *, first: int = 0) -> Iterator[Band]:
        """Bands first.. of a paper of `shape` (H, W) whose grey levels `rows(start, stop)` gives.

        Starting later gives the same bands: the tiles above that reach into them are read once more.
        """
        height, width = shape
        starts = [*self.band_starts(height), height]
        tall = min(self.tile_px, height)
        share = ramp(tall)
        again = next(n for n in range(first + 1) if starts[n] + tall > starts[first])
        top = starts[again]
        total = np.zeros((self.head.channels, 0, width), np.float32)
        weight = np.zeros(0, np.float32)
        for number in range(again, len(starts) - 1):
            gone = starts[number] - top
            total, weight, top = total[:, gone:], weight[gone:], starts[number]
            total = np.concatenate([total, np.zeros((len(total), tall - total.shape[1], width), np.float32)], axis=1)
            weight = np.concatenate([weight, np.zeros(tall - len(weight), np.float32)])
            total += self._row_of_tiles(rows(top, top + tall)) * share[:, None]
            weight += share
            settled = starts[number + 1] - top
            if number >= first:
                yield self._band(top, total[:, :settled] / weight[:settled, None])

    def _row_of_tiles(self, grey: UInt8) -> Float32:
        """Blended probabilities [c,h,W] of a strip as high as a tile."""
        wide = min(self.tile_px, grey.shape[1])
        share = ramp(wide)
        total = np.zeros((self.head.channels, *grey.shape), np.float32)
        weight = np.zeros(grey.shape[1], np.float32)
        starts = spread(grey.shape[1], self.tile_px)
        for n in range(0, len(starts), _BATCH):
            some = starts[n : n + _BATCH]
            found = self._look(np.stack([grey[:, start : start + wide] for start in some]))
            for start, tile in zip(some, found, strict=True):
                total[:, :, start : start + wide] += tile * share
                weight[start : start + wide] += share
        return np.asarray(total / weight, np.float32)

    def _look(self, tiles: UInt8) -> Float32:
        """Probabilities [B,c,h,w] of tiles [B,h,w]."""
        with torch.inference_mode():
            image = darkness_of(torch.from_numpy(tiles)).unsqueeze(1).to(self.device)
            found = self.head.probabilities(self.network(image).float())
            return np.asarray(found.cpu().numpy(), np.float32)

    def _band(self, start: int, probabilities: Float32) -> Band:
        with torch.inference_mode():
            labels = self.head.decode(torch.from_numpy(probabilities)[None])[0].to(torch.uint8).numpy()
        ink = probabilities[self.head.first_curve :]
        return Band(start, labels, np.where(ink < FAINTEST, 0, ink).astype(np.float16))


def spread(size: int, tile: int) -> list[int]:
    """Where tiles begin that cover `size` pixels, at least OVERLAP of a tile over each neighbour."""
    if size <= tile:
        return [0]
    step = max(1, tile - round(OVERLAP * tile))
    count = -(-(size - tile) // step) + 1
    return [int(start) for start in np.rint(np.linspace(0, size - tile, count))]


def ramp(size: int) -> Float32:
    """The weight of each row of a tile: rising from its edges, level beyond the overlap; never 0."""
    place = np.arange(size) + 0.5
    rise = max(1.0, OVERLAP * size)
    return np.asarray(np.minimum(1, np.minimum(place, size - place) / rise), np.float32)
