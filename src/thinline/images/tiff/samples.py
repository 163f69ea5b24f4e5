"""Bytes of a strip or a tile to numbers, before anything is said about what they look like.

Conventions
    Rows begin on a byte; bits that make no whole bytes are packed from the highest bit on; bytes of a number are in the
    order of the file. `kind` is `u`, `i` or `f`, whole numbers without and with sign, and fractions.

References
    TIFF revision 6.0, section 14; Adobe Photoshop TIFF Technical Note 3 (predictor 3).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.vocabulary import UInt8

Samples = NDArray[Any]
_AT_ONCE: Final = 1 << 22  # bits that are unpacked together


def unpacked(raw: UInt8, shape: tuple[int, int, int], bits: int, kind: str, order: str) -> Samples:
    """Numbers [rows, width, samples] of rows of bytes [rows * row_bytes]."""
    if bits in (8, 16, 32, 64):
        numbers = np.frombuffer(raw, np.dtype(f"{order}{kind}{bits // 8}")).reshape(shape)
        return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    rows, across = shape[0], shape[1] * shape[2]
    lines = raw.reshape(rows, -1)
    kept = np.empty((rows, across), np.uint8 if bits < 8 else np.uint16)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(kept.dtype)
    step = max(1, _AT_ONCE // (lines.shape[1] * 8))
    for top in range(0, rows, step):
        ones = np.unpackbits(lines[top : top + step], axis=1, count=across * bits)
        kept[top : top + step] = ones if bits == 1 else ones.reshape(-1, across, bits).astype(kept.dtype) @ weights
    if kind == "i":
        return signed(kept, bits).reshape(shape)
    return kept.reshape(shape)


def signed(numbers: Samples, bits: int) -> Samples:
    """Numbers of `bits` bits in two's complement."""
    wide = numbers.astype(np.int32)
    return np.where(wide >= 1 << (bits - 1), wide - (1 << bits), wide)


def undone(raw: UInt8, shape: tuple[int, int, int], bits: int, predictor: int, order: str) -> UInt8:
    """The bytes of rows whose numbers were stored as differences: predictor 2 of whole numbers, 3 of fractions."""
    rows, width, samples = shape
    if predictor == 1:
        return raw
    if predictor == 2:
        steps = np.frombuffer(raw, np.dtype(f"{order}u{bits // 8}")).reshape(shape)
        native = np.cumsum(steps, axis=1, dtype=steps.dtype.newbyteorder("="))
        return np.frombuffer(native.astype(steps.dtype).tobytes(), np.uint8)
    size = bits // 8
    steps = raw.reshape(rows, width * size, samples)
    planes = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(rows, size, width * samples)  # highest bytes first
    planes = planes if order == ">" else planes[:, ::-1]
    return np.ascontiguousarray(planes.transpose(0, 2, 1)).reshape(-1)
