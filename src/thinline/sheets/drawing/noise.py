"""Noise read from constant tiles at offsets that a seed gives: drawing noise anew would cost more than the whole sheet.

The tiles come from NumPy generators of fixed seeds and are made once in a process. (OpenCV's generator is faster but
has global state, so a sheet would depend on those drawn before it.) A sheet larger than a tile repeats it.

    grain()     white noise, mean 128, standard deviation 32; a few values of it are the cells of a cloud
    patches()   0 or 1 in patches about 1 mm wide at 4 px per mm, 70 % of the area 1
"""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np

from thinline.sheets.generators import generator
from thinline.vocabulary import UInt8

_SIDE = 512
_LENGTH = 1 << 19  # of the white noise, one row that a sheet reads a run of and reshapes
_KEPT = 0.7  # share of patches() that is 1

NO_GRAIN: Final = np.zeros((1, 1), np.uint8)
"""Stands for the noise that a sheet does not have, where a kernel asks for an array."""
NO_GRAIN.flags.writeable = False


def grain(shape: tuple[int, int], rng: np.random.Generator) -> UInt8:
    """White noise, uint8 [H,W], read-only; usually a view of the tile."""
    count = shape[0] * shape[1]
    if count <= _LENGTH // 2:
        start = int(rng.integers(_LENGTH - count))
        return _white()[start : start + count].reshape(shape)
    noise = np.resize(np.roll(_white(), int(rng.integers(_LENGTH))), shape)  # the tile repeats
    noise.flags.writeable = False
    return noise


def patches(seed: int | None) -> tuple[UInt8, int, int]:
    """The tile of patches, 512 x 512, and the row and column of it where a sheet begins; None: any.

    The tile is uint8 [512,64], bit x % 8 of byte x // 8 of a row: upright lines then read one cache line a row.
    """
    if seed is None:
        return _patches(), 0, 0
    rng = generator(seed)
    return _patches(), int(rng.integers(_SIDE)), int(rng.integers(_SIDE))


@cache
def _white() -> UInt8:
    normal = np.random.default_rng(20240229).standard_normal(_LENGTH, np.float32)
    tile = np.clip(np.rint(128 + 32 * normal), 0, 255).astype(np.uint8)
    tile.flags.writeable = False
    return tile


@cache
def _patches() -> UInt8:
    normal = np.random.default_rng(20240301).standard_normal((_SIDE, _SIDE), np.float32)
    slow = cv2.GaussianBlur(np.pad(normal, 16, mode="wrap"), (0, 0), 1.6)[16:-16, 16:-16]
    tile = np.packbits(slow > np.quantile(slow, 1 - _KEPT), axis=1, bitorder="little")
    tile.flags.writeable = False
    return tile
