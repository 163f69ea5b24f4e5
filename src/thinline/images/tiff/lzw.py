"""Decode LZW and PackBits of TIFF, and detect damage that libraries do not report.

An LZW encoder always takes the longest string in its table. So a stream in which a longer string was possible is
damaged, even if all its codes are known; so is one that does not end with the last row.

References
    TIFF revision 6.0, sections 9 and 13.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import UInt8

_REASONS: Final = (
    "",
    "LZW codes that are not in the table",
    "LZW codes that end before the last row",
    "LZW codes that continue after the last row",
    "LZW codes that no encoder chooses",
    "LZW codes of the old order of bits",
)
_SLOTS: Final = 1 << 14
_PACKED: Final = ("", "PackBits data that end before the last row", "PackBits data that continue after the last row")


def unpack_lzw(raw: UInt8, size: int) -> tuple[UInt8, str]:
    """`size` bytes, and the reason of damage, empty for a right strip."""
    out = np.zeros(size, np.uint8)
    return out, _REASONS[call(_lzw, raw, out)]


def unpack_packbits(raw: UInt8, size: int) -> tuple[UInt8, str]:
    """`size` bytes, and the reason of damage, empty for a right strip."""
    out = np.zeros(size, np.uint8)
    return out, _PACKED[call(_packbits, raw, out)]


@kernel
def _lzw(data: NDArray[np.uint8], out: NDArray[np.uint8]) -> Any:
    clear, stop = 256, 257
    starts, lengths = np.zeros(4096, np.int64), np.ones(4096, np.int64)
    longer = np.full(_SLOTS, -1, np.int32)  # hash table of the strings: code of the prefix and last byte
    cleared, following, width = False, 258, 9
    previous, filled, bits, held, read = -1, 0, 0, 0, 0
    if len(data) > 1 and data[0] == 0 and data[1] & 1:
        return 5
    while True:
        while bits < width and read < len(data):
            held = ((held << 8) | int(data[read])) & 0xFFFFFFFF
            read += 1
            bits += 8
        if bits < width:
            return 0 if filled == len(out) else 2
        bits -= width
        code = (held >> bits) & ((1 << width) - 1)
        if code == stop:
            return 0 if filled == len(out) else 2
        if code == clear:
            cleared = True
            for slot in range(_SLOTS):
                longer[slot] = -1
            following, width, previous = 258, 9, -1
            continue
        if filled == len(out):
            return 3
        if not cleared or code > following or (code == following and previous < 0):
            return 1
        if previous >= 0 and following < 4096:
            new = following
            starts[new] = starts[previous] if previous > 257 else 0
            length = lengths[previous] if previous > 257 else 1
            starts[new], lengths[new] = filled - length, length + 1
        elif code >= following:
            return 1
        first = filled
        if code < 256:
            out[filled] = code
            filled += 1
        else:
            if filled + lengths[code] > len(out):
                return 3
            for step in range(lengths[code]):
                out[filled + step] = out[starts[code] + step]
            filled += lengths[code]
        if previous >= 0 and following < 4096:
            string = previous * 256 + int(out[first])
            slot = (string * 40503) & (_SLOTS - 1)
            while longer[slot] >= 0 and longer[slot] != string:
                slot = (slot + 1) & (_SLOTS - 1)
            if longer[slot] == string:
                return 4
            longer[slot] = string
            following += 1
            if following == (1 << width) - 1 and width < 12:
                width += 1
        previous = code


@kernel
def _packbits(data: NDArray[np.uint8], out: NDArray[np.uint8]) -> Any:
    read, filled = 0, 0
    while filled < len(out):
        if read >= len(data):
            return 1
        head = data[read]
        read += 1
        if head == 128:
            continue
        size = head + 1 if head < 128 else 257 - head
        if filled + size > len(out):
            return 2
        if read + (size if head < 128 else 1) > len(data):
            return 1
        if head < 128:
            for step in range(size):
                out[filled + step] = data[read + step]
            read += size
        else:
            for step in range(size):
                out[filled + step] = data[read]
            read += 1
        filled += size
    return 0 if len(data) - read <= 1 else 2
