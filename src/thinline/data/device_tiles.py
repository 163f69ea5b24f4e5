"""Training tiles cut on the GPU: all sheets are stored there as uint8, and a step sends only indices and windows.

The batches are those of `TrainingTiles`: sheets, windows and tones of a step are drawn on the host from the same
streams; cutting, flipping and toning happen on the device. On a CPU the batches are equal to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from thinline.data.batch import Batch, darkness_of
from thinline.data.cached_sheets import CachedSheets, Planes
from thinline.data.tiles import TrainingTiles, View


class ResidentTiles(Dataset[Batch]):
    """Item s is the batch of `tiles[s]`, on `device`.

    All sheets of a plane are one flat array of pixels, so that one index addresses each pixel of a tile for any sizes
    of sheets.
    """

    def __init__(self, tiles: TrainingTiles, device: torch.device):
        sheets = tiles.sheets
        self.tiles, self.device = tiles, device
        heights, self.widths = sheets.sizes.T
        self.starts = np.concatenate([[0], np.cumsum(heights * self.widths)[:-1]])
        self.images, self.labels = self._flat(sheets.images), self._flat(sheets.labels)
        self.strokes = self._flat(sheets.strokes) if sheets.crossing else None
        self.maps = {name: self._flat(cached.planes) for name, cached in (tiles.maps or {}).items()}
        bits = [1 << bit for bit in range(sheets.curves)] if sheets.crossing else range(1, sheets.curves + 1)
        self.marks = torch.tensor(list(bits), dtype=torch.uint8, device=device).view(-1, 1, 1)

    def _flat(self, planes: Planes | NDArray[np.generic] | Sequence[NDArray[np.generic]]) -> Tensor:
        """[H,W] or [c,H,W] of every sheet as one flat array of pixels, [P] or [c,P]."""
        flat = [plane.reshape(*plane.shape[:-2], -1) for plane in planes]
        return torch.from_numpy(np.concatenate(flat, axis=-1)).to(self.device)

    def __len__(self) -> int:
        return len(self.tiles)

    def __getitem__(self, step: int) -> Batch:
        view = self.tiles.view(step)
        pixels = self._pixels(view)
        labels = self.labels[pixels]
        image = darkness_of(self.images[pixels]).unsqueeze(1)
        self.tiles.tone(image, self._to_device(view.tones))
        if self.strokes is None:
            strokes = labels[:, None] == self.marks
        else:
            strokes = self.strokes[pixels][:, None] & self.marks != 0
        return Batch(
            image=image,
            labels=labels.long(),
            strokes=strokes,
            index=self._to_device(view.indices),
            maps={name: flat[:, pixels].movedim(0, 1).contiguous() for name, flat in self.maps.items()} or None,
        )

    def _pixels(self, view: View) -> Tensor:
        """Flat indices of the pixels of the tiles, int64 [B,h,w]."""
        frames = view.windows
        corner = self.starts[view.indices] + np.array([w.row for w in frames]) * self.widths[view.indices]
        numbers = [corner, self.widths[view.indices], [w.column for w in frames], [w.flip for w in frames]]
        start, width, left, flip = self._to_device(np.array(numbers, dtype=np.int64))[:, :, None]
        row = torch.arange(frames[0].height, device=self.device)
        column = torch.arange(frames[0].width, device=self.device)
        column = left + torch.where(flip != 0, frames[0].width - 1 - column, column)
        pixels: Tensor = (start + row * width)[:, :, None] + column[:, None]
        return pixels

    def _to_device(self, numbers: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(numbers).to(self.device, non_blocking=True)


def bytes_on_device(tiles: TrainingTiles) -> int:
    """Bytes of device memory that `ResidentTiles` of these tiles need."""
    sheets: CachedSheets = tiles.sheets
    pixels = int(sheets.sizes.prod(axis=1).sum())
    of_maps = sum(plane.nbytes for cached in (tiles.maps or {}).values() for plane in cached.planes)
    return pixels * (3 if sheets.crossing else 2) + of_maps
