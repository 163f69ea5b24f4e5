"""Noise read from constant tiles at offsets that a seed gives: drawing noise anew would cost more than the whole sheet.

The tiles come from NumPy generators of fixed seeds and are made once in a process. (OpenCV's generator is faster but
has global state, so a sheet would depend on those drawn before it.) A sheet larger than a tile repeats it.

    grain()     white noise, mean 128, standard deviation 32
    patches()   0 or 255 in patches about 1 mm wide at 4 px per mm, 70 % of the area 255
    cloud()     slow variation, 0..255, mean about 128
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from thinline.vocabulary import UInt8

_SIDE = 512
_LENGTH = 1 << 19  # of the white noise, one row that a sheet reads a run of and reshapes
_KEPT = 0.7  # share of patches() that is 255


def grain(shape: tuple[int, int], rng: np.random.Generator) -> UInt8:
    """White noise, uint8 [H,W]; may be a read-only view of the tile."""
    count = shape[0] * shape[1]
    if count > _LENGTH // 2:  # the tile repeats
        return np.resize(np.roll(_white(), int(rng.integers(_LENGTH))), shape)
    start = int(rng.integers(_LENGTH - count))
    return _white()[start : start + count].reshape(shape)


def patches(seed: int | None) -> tuple[UInt8, int, int]:
    """The tile of patches, uint8 [512,512], and the row and column of it where a sheet begins; None: any."""
    if seed is None:
        return _patches(), 0, 0
    top, left = np.random.default_rng(seed).integers(0, _SIDE, 2).tolist()
    return _patches(), top, left


def cloud(shape: tuple[int, int], rng: np.random.Generator, *, cells: int) -> UInt8:
    """Slow variation with about `cells` maxima along a side, uint8 [H,W]."""
    return np.asarray(cv2.resize(grain((cells, cells), rng), (shape[1], shape[0])), np.uint8)


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
    tile = np.where(slow > np.quantile(slow, 1 - _KEPT), 255, 0).astype(np.uint8)
    tile.flags.writeable = False
    return tile
