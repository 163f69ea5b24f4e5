"""Run the network on overlapping tiles of the paper and blend their probabilities, band by band down the depth.

Conventions
    A tile is a square with sides of `tile_px`, the size of the validation sheets of the run, or smaller on a smaller
    paper. Tiles are evenly spaced, the first and the last at the edges of the paper, and overlap by at least OVERLAP of
    a tile.
    The probabilities of a pixel are the weighted mean over all tiles that contain the pixel. The weight grows linearly
    with the distance from the edge of the tile, in both directions, and is constant beyond the overlap, so that no seam
    appears. A network with a receptive field of one pixel gives the same bands for any tile size.
    A **band** is the part of the paper that is complete after one row of tiles: from the top of these tiles to the top
    of the next row of tiles. The ink of a band is stored in half precision and set to 0 below FAINTEST, so that it
    compresses well. A band that is read from the disk is bit-equal to the band that was stored.

Speed
    On a processor rows of tiles are computed in as many threads as torch uses, at most MOST_AT_ONCE, beside the thread
    that stores the bands; each has its share of torch's threads. One network in two threads of torch waits for the
    slower one after every layer: on two cores that other programs use, it was five times slower than two networks in
    one thread each.

Memory
    The rows of tiles in work, at most MOST_AT_ONCE + 1, and the overlap with the next row, c float32 per pixel; and
    what the network needs for _BATCH tiles in each thread. The length of the scan does not matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from thinline.data.tiles import darkness_of
from thinline.heads import Head
from thinline.training.precision import cpu_has_bf16
from thinline.vocabulary import Float32, UInt8

OVERLAP: Final = 0.25
FAINTEST: Final = 1e-3
MOST_AT_ONCE: Final = 4
_BATCH: Final = 4


@dataclass(frozen=True, eq=False)
class Band:
    """Prediction for the paper rows from `start`: `labels` uint8 [h,W], `ink` float16 [K,h,W], a probability.

    `centre` float16 [h,W] is the probability of the centre lines, None for a head without them.
    """

    start: int
    labels: UInt8
    ink: NDArray[np.float16]
    centre: NDArray[np.float16] | None = None

    @property
    def stop(self) -> int:
        """The row after the last."""
        return self.start + len(self.labels)

    def probabilities(self) -> Float32:
        """Probability of the ink of each curve, float32 [K,h,W]."""
        return np.asarray(self.ink, np.float32)


@dataclass(frozen=True)
class Reader:
    """A network with its head, tile size and device.

    With `invert` it gets inverted grey levels, as in its training. With `fast` it computes in bf16 where a processor
    multiplies it natively, else in fp32: about twice as fast. With a network of 700 steps the ink of two pixels in ten
    thousand was decided otherwise.
    """

    network: Callable[[Tensor], Tensor]
    head: Head
    tile_px: int
    device: str = "cpu"
    invert: bool = False
    fast: bool = False

    def band_starts(self, height: int) -> tuple[int, ...]:
        """The first row of every band."""
        return tuple(spread(height, self.tile_px))

    def bands(self, rows: Callable[[int, int], UInt8], shape: tuple[int, int], *, first: int = 0) -> Iterator[Band]:
        """The bands from number `first` on, of a paper of `shape` (H, W) whose grey levels `rows(start, stop)` returns.

        A band does not depend on `first`: tiles above the first band that overlap it are computed again.
        """
        for start, probabilities in self._blended(rows, shape, first):
            yield self._band(start, probabilities)

    def probabilities(self, grey: UInt8) -> Float32:
        """Blended probabilities [c,H,W] of a whole image. If it fits into one tile, they are those of the network."""
        height, width = grey.shape
        if max(height, width) <= self.tile_px:
            return np.asarray(self._predict(np.array(grey)[None])[0])  # a copy: torch warns of arrays it may not write
        parts = self._blended(lambda start, stop: grey[start:stop], (height, width), 0)
        return np.concatenate([part for _, part in parts], axis=1)

    def _blended(
        self, rows: Callable[[int, int], UInt8], shape: tuple[int, int], first: int
    ) -> Iterator[tuple[int, Float32]]:
        """First row and blended probabilities [c,h,W] of the bands from number `first` on."""
        height, width = shape
        starts = [*self.band_starts(height), height]
        tall = min(self.tile_px, height)
        share = ramp(tall)
        first_row_of_tiles = next(n for n in range(first + 1) if starts[n] + tall > starts[first])
        top = starts[first_row_of_tiles]
        total = np.zeros((self.head.channels, 0, width), np.float32)
        weight = np.zeros(0, np.float32)
        numbers = range(first_row_of_tiles, len(starts) - 1)
        strips = (rows(starts[number], starts[number] + tall) for number in numbers)
        for number, blended in zip(numbers, self._rows_of_tiles(strips), strict=True):
            done = starts[number] - top
            total, weight, top = total[:, done:], weight[done:], starts[number]
            total = np.concatenate([total, np.zeros((len(total), tall - total.shape[1], width), np.float32)], axis=1)
            weight = np.concatenate([weight, np.zeros(tall - len(weight), np.float32)])
            total += blended * share[:, None]
            weight += share
            final = starts[number + 1] - top
            if number >= first:
                yield top, total[:, :final] / weight[:final, None]

    def _rows_of_tiles(self, strips: Iterable[UInt8]) -> Iterator[Float32]:
        """`_row_of_tiles` of each strip, in their order; several at once on a processor with several threads."""
        threads = torch.get_num_threads() if torch.device(self.device).type == "cpu" else 1
        at_once = min(threads, MOST_AT_ONCE)
        if at_once == 1:
            yield from map(self._row_of_tiles, strips)
            return
        waiting: deque[Future[Float32]] = deque()
        try:
            with ThreadPoolExecutor(at_once, initializer=torch.set_num_threads, initargs=(threads // at_once,)) as pool:
                for strip in strips:
                    waiting.append(pool.submit(self._row_of_tiles, strip))
                    if len(waiting) > at_once:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
        finally:
            torch.set_num_threads(threads)  # threads that begin later take the number that was set last

    def _row_of_tiles(self, grey: UInt8) -> Float32:
        """Blended probabilities [c,h,W] of a strip as high as a tile."""
        wide = min(self.tile_px, grey.shape[1])
        share = ramp(wide)
        total = np.zeros((self.head.channels, *grey.shape), np.float32)
        weight = np.zeros(grey.shape[1], np.float32)
        starts = spread(grey.shape[1], self.tile_px)
        for n in range(0, len(starts), _BATCH):
            batch = starts[n : n + _BATCH]
            probabilities = self._predict(np.stack([grey[:, start : start + wide] for start in batch]))
            for start, tile in zip(batch, probabilities, strict=True):
                total[:, :, start : start + wide] += tile * share
                weight[start : start + wide] += share
        return np.asarray(total / weight, np.float32)

    def _predict(self, tiles: UInt8) -> Float32:
        """Probabilities [B,c,h,w] of tiles [B,h,w]."""
        with torch.inference_mode():
            image = darkness_of(torch.from_numpy(255 - tiles if self.invert else tiles)).unsqueeze(1).to(self.device)
            half = self.fast and torch.device(self.device).type == "cpu" and cpu_has_bf16()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = self.network(image)
            return np.asarray(self.head.probabilities(logits.float()).cpu().numpy(), np.float32)

    def _band(self, start: int, probabilities: Float32) -> Band:
        with torch.inference_mode():
            labels = self.head.decode(torch.from_numpy(probabilities)[None])[0].to(torch.uint8).numpy()
        stored = np.where(probabilities < FAINTEST, 0, probabilities).astype(np.float16)
        scored = self.head.channels - self.head.unscored
        centre = stored[scored] if self.head.unscored else None
        return Band(start, labels, stored[self.head.first_curve : scored], centre)


def spread(size: int, tile: int) -> list[int]:
    """Start of each tile. The tiles cover `size` pixels and overlap by at least OVERLAP of a tile."""
    if size <= tile:
        return [0]
    step = max(1, tile - round(OVERLAP * tile))
    count = -(-(size - tile) // step) + 1
    return [int(start) for start in np.rint(np.linspace(0, size - tile, count))]


def ramp(size: int) -> Float32:
    """Weight of each row of a tile: rising linearly from its edges, constant beyond the overlap, never 0."""
    centre = np.arange(size) + 0.5
    rise = max(1.0, OVERLAP * size)
    return np.asarray(np.minimum(1, np.minimum(centre, size - centre) / rise), np.float32)
