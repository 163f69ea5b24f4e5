"""Batches of a run: training tiles by optimiser step, evaluation sheets in order.

Conventions
    The batch of optimiser step s is a pure function of (sheets, order, plan, s), so that a resumed run has the same
    batches. Training item s is the part of this batch that belongs to the process; one process has all of it. Use
    `DataLoader(tiles, batch_size=None, sampler=steps)`.

Batch of step s, for a global batch size B and an `order` of M sheet numbers
    sheets   entries sB .. sB+B-1 of an endless sequence of shuffled copies of `order`, copy e shuffled by the stream
             (seed, "order", e): every entry is used once before any is used twice
    corner   uniform over all positions where the tile fits on its sheet, from the stream (seed, "tiles", s)
    change   left-right flip of image and truth with probability 1/2 (the order of the curves on a log has no meaning);
             a darkness d becomes clip(gain * (d - 1/2) + 1/2 + shift, 0, 1), with gain drawn uniformly from
             1 - contrast to 1 + contrast and shift from -brightness to brightness. Same stream. Each can be off.
    rank     process r of `world` has rows rB/world .. (r+1)B/world-1 of the batch
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from thinline.data.batch import Batch, Window, batch_of, darkness_of, pair
from thinline.data.cached_maps import CachedMaps
from thinline.data.cached_sheets import CachedSheets
from thinline.vocabulary import Float32, Int64

__all__ = [
    "NO_CHANGE",
    "Batch",
    "Change",
    "EvaluationTiles",
    "Plan",
    "TrainingTiles",
    "View",
    "Window",
    "batch_of",
    "darkness_of",
    "pair",
]


@dataclass(frozen=True)
class Change:
    """Augmentation of training tiles, see the module. `Change(False, 0, 0)` is none."""

    flip: bool = True
    contrast: float = 0.2
    brightness: float = 0.1

    def __post_init__(self) -> None:
        for name, value in (("contrast", self.contrast), ("brightness", self.brightness)):
            if not 0 <= value < 1:
                raise ValueError(f"`{name}` must lie in 0 <= {name} < 1, got {value}; 0 switches it off")


NO_CHANGE = Change(flip=False, contrast=0.0, brightness=0.0)


@dataclass(frozen=True)
class Plan:
    """Batches of a run. `batch_size` is the global one; `tile_px` rows and columns, None takes whole sheets."""

    seed: int
    steps: int
    batch_size: int
    tile_px: tuple[int, int] | None
    change: Change = NO_CHANGE


@dataclass(frozen=True, eq=False)
class View:
    """Sheets [B] of a process at a step, the window on each, and `tones` float32 [2,B]: factor, offset of darkness."""

    indices: Int64
    windows: list[Window]
    tones: Float32


class TrainingTiles(Dataset[Batch]):
    """Item s is this process's part of the batch of optimiser step s, 0 <= s < plan.steps."""

    def __init__(
        self,
        sheets: CachedSheets,
        order: Int64,
        plan: Plan,
        *,
        rank: int = 0,
        world: int = 1,
        maps: Mapping[str, CachedMaps] | None = None,
    ):
        """`maps` of the sheets go into every batch by their names, cut and flipped as the tile."""
        _check_order(order, len(sheets))
        _check_maps(maps or {}, sheets)
        _check_plan(plan, sheets, rank, world)
        self.sheets, self.order, self.plan, self.maps = sheets, order, plan, maps
        share = plan.batch_size // world
        self.mine = slice(rank * share, (rank + 1) * share)
        self.latest: tuple[int, Int64] = (-1, order)

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, step: int) -> Batch:
        view = self.view(step)
        batch = batch_of(self.sheets, view.indices, view.windows, maps=self.maps)
        self.tone(batch.image, torch.from_numpy(view.tones))
        return batch

    def view(self, step: int) -> View:
        """Sheets, windows and tones of this process at a step."""
        if not 0 <= step < self.plan.steps:
            raise IndexError(f"`step` must lie in 0..{self.plan.steps - 1}, got {step}")
        chance = _stream(self.plan.seed, "tiles", step)
        indices = self._indices(step)
        windows = self._windows(indices, chance)[self.mine]
        gain, shift = self._tones(chance)[:, self.mine]
        return View(indices[self.mine], windows, np.stack([gain, 0.5 + shift - 0.5 * gain]))

    def tone(self, image: Tensor, tones: Tensor) -> None:
        """Change the darkness of `image [B,1,h,w]` in place, each row by its factor and offset of `tones [2,B]`."""
        if self.plan.change.contrast or self.plan.change.brightness:
            factor, offset = tones.view(2, -1, 1, 1, 1)
            image.mul_(factor).add_(offset).clamp_(0.0, 1.0)

    def _indices(self, step: int) -> Int64:
        """Sheets [B] of the global batch."""
        size, count = self.plan.batch_size, len(self.order)
        positions = np.arange(step * size, (step + 1) * size)
        epochs, entries = np.divmod(positions, count)
        return np.array([self._shuffled(epoch)[entry] for epoch, entry in zip(epochs, entries, strict=True)])

    def _shuffled(self, epoch: int) -> Int64:
        """Shuffled copy `epoch` of the order; the latest one is kept for the next step."""
        if self.latest[0] != epoch:
            self.latest = (epoch, _stream(self.plan.seed, "order", epoch).permutation(self.order))
        return self.latest[1]

    def showings(self) -> Int64:
        """How often each sheet is seen in the whole run, by all processes, int64 [N]."""
        rounds, rest = divmod(self.plan.steps * self.plan.batch_size, len(self.order))
        once = np.bincount(self.order, minlength=len(self.sheets))
        return rounds * once + np.bincount(self._shuffled(rounds)[:rest], minlength=len(self.sheets))

    def _windows(self, indices: Int64, chance: np.random.Generator) -> list[Window]:
        """Windows [B] of the global batch, one on each of the sheets `indices`."""
        height, width = self.sheets.sizes[indices].T
        tile_height, tile_width = self.plan.tile_px or self.sheets.sizes[0].tolist()
        rows = chance.integers(height - tile_height + 1)
        columns = chance.integers(width - tile_width + 1)
        flips = (chance.random(self.plan.batch_size) < 0.5) & self.plan.change.flip
        return [
            Window(row, column, tile_height, tile_width, flip)
            for row, column, flip in zip(rows.tolist(), columns.tolist(), flips.tolist(), strict=True)
        ]

    def _tones(self, chance: np.random.Generator) -> Float32:
        """Gain and shift [2,B] of the global batch."""
        gain, shift = chance.uniform(-1, 1, (2, self.plan.batch_size))
        return np.stack([1 + self.plan.change.contrast * gain, self.plan.change.brightness * shift]).astype(np.float32)


class EvaluationTiles(Dataset[Batch]):
    """Item b holds at most B whole sheets of one size, unchanged; all items together hold each sheet once.

    Sizes ascend, sheets of one size keep their order. Process `rank` of `world` has every world-th sheet. Raises
    ValueError for fewer sheets than processes.
    """

    def __init__(self, sheets: CachedSheets, *, batch_size: int, rank: int = 0, world: int = 1):
        _check_rank(rank, world)
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be 1 or more, got {batch_size}")
        if len(sheets) < world:  # a process without sheets would end the run with 'Connection closed by peer'
            raise ValueError(
                f"validation and test need at least one sheet for each of {world} processes, got {len(sheets)}; train "
                "with fewer processes (trainer.processes), or add images"
            )
        self.sheets, self.batch_size = sheets, batch_size
        mine = np.arange(rank, len(sheets), world)
        sizes, group = np.unique(sheets.sizes[mine], axis=0, return_inverse=True)
        by_size = [mine[group.reshape(-1) == number] for number in range(len(sizes))]
        self.batches = [same[i : i + batch_size] for same in by_size for i in range(0, len(same), batch_size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Batch:
        if not 0 <= number < len(self):
            raise IndexError(f"`number` of a batch must lie in 0..{len(self) - 1}, got {number}")
        return batch_of(self.sheets, self.batches[number])


def _stream(seed: int, name: str, number: int) -> np.random.Generator:
    """An independent generator for each (seed, name, number)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), number)))


def _check_order(order: Int64, sheets: int) -> None:
    if len(order) == 0 or order.min() < 0 or order.max() >= sheets:
        raise ValueError(
            f"`order` must hold numbers of sheets, 0..{sheets - 1}, at least one, got {order}; is it of this split?"
        )


def _check_maps(maps: Mapping[str, CachedMaps], sheets: CachedSheets) -> None:
    for name, cached in maps.items():
        if len(cached) != len(sheets) or any(map.shape[1:] != plane.shape for map, plane in cached.beside(sheets)):
            raise ValueError(
                f"map {name!r} must be one of these {len(sheets)} sheets, got that of other sheets; open it with these"
            )


def _check_plan(plan: Plan, sheets: CachedSheets, rank: int, world: int) -> None:
    _check_rank(rank, world)
    rows, columns = sheets.sizes.min(axis=0).tolist()
    if plan.tile_px is None and (sheets.sizes != sheets.sizes[0]).any():
        raise ValueError("`tile_px` must be set for sheets of several sizes, got None: a batch has one size")
    if plan.tile_px is not None and not (1 <= plan.tile_px[0] <= rows and 1 <= plan.tile_px[1] <= columns):
        raise ValueError(
            f"`tile_px` must be 1..{rows} rows and 1..{columns} columns, the least of the sheets, got {plan.tile_px}; "
            "take smaller tiles or larger sheets"
        )
    if plan.batch_size < 1 or plan.batch_size % world:
        raise ValueError(
            f"`batch_size` is the global one, expected a positive multiple of {world} processes, got {plan.batch_size}"
        )


def _check_rank(rank: int, world: int) -> None:
    if not 0 <= rank < world:
        raise ValueError(f"`rank` must lie in 0..world-1, got rank {rank} of world {world}")
