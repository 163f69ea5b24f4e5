"""Decode G3 and G4 (CCITT) rows of 1-bit pixels, and detect damage that libtiff does not report.

libtiff continues after a bad code with invented rows. Here a strip is right if

    - every code is known, every row ends exactly at its width, and the data end with the last row;
    - for a page whose encoder follows T.6 strictly (`bands.has_strict_codes`): every code is the one that this encoder
      would have chosen. A flipped bit mostly gives a code that is valid but not the one to choose.

Conventions
    0 is white and 1 black, as in the codes; the photometric tag is applied later.

References
    ITU-T T.4 (07/2003) and T.6 (11/1988); TIFF revision 6.0, sections 10 and 11.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.images.tiff.fax_codes import RUNS
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import UInt8

ONE, TWO, ROW_BYTES, FOUR = 0, 1, 2, 3  # G3 in one dimension, G3 in two, rows that begin on a byte, G4
_REASONS: Final = (
    "",
    "a bad code word",
    "a row that is longer than the page is wide",
    "codes that end before the last row",
    "codes that continue after the last row",
    "code words that no encoder chooses",
    "a row without its end-of-line code",
)
_UNUSUAL: Final = 5


def decode(raw: UInt8, rows: int, width: int, mode: int, *, strict: bool) -> tuple[UInt8, str]:
    """Pixels [rows, width], 1 black, and the reason of damage, empty for a right strip.

    `strict` also refuses codes that are valid but that no strict encoder chooses.
    """
    pixels = np.zeros((rows, width), np.uint8)
    padded = np.concatenate([raw, np.zeros(8, np.uint8)])
    reason, unusual = call(_decode, padded, len(raw) * 8, pixels, mode, RUNS)
    if not reason and unusual and strict:
        reason = _UNUSUAL
    return pixels, _REASONS[reason]


@kernel
def _peek(data: NDArray[np.uint8], bit: int, count: int) -> int:
    """The next `count` bits, at most 24."""
    first = bit >> 3
    word = (int(data[first]) << 24) | (int(data[first + 1]) << 16)
    word |= (int(data[first + 2]) << 8) | int(data[first + 3])
    return (word >> (32 - (bit & 7) - count)) & ((1 << count) - 1)


@kernel
def _run(data: NDArray[np.uint8], bit: int, end: int, table: NDArray[np.int32]) -> Any:
    """Length of the run coded at `bit`, and the bit after it; -1 for a bad code, -2 at the end."""
    total = 0
    while True:
        if bit >= end:
            return -2, bit
        code = _peek(data, bit, 13)
        run, size = table[code, 0], table[code, 1]
        if run < 0:
            return -1, bit
        bit += size
        total += run
        if run < 64:
            return total, bit
        if total > 1 << 24:
            return -1, bit


@kernel
def _row_of_runs(
    data: NDArray[np.uint8], bit: int, end: int, changes: NDArray[np.int32], width: int, runs: NDArray[np.int32]
) -> Any:
    """Decode a one-dimensional row into `changes`: reason, bit after it, number of changes and of unusual codes."""
    at, colour, count, unusual = 0, 0, 0, 0
    while at < width:
        run, bit = _run(data, bit, end, runs[colour])
        if run < 0:
            return 1 if run == -1 else 3, bit, count, unusual
        if run == 0 and at > 0:
            unusual += 1
        at += run
        if at > width:
            return 2, bit, count, unusual
        if count < width:
            changes[count] = at
            count += 1
        colour = 1 - colour
    return 0, bit, count, unusual


@kernel
def _row_of_two(
    data: NDArray[np.uint8],
    bit: int,
    end: int,
    above: NDArray[np.int32],
    changes: NDArray[np.int32],
    width: int,
    runs: NDArray[np.int32],
) -> Any:
    """Decode a two-dimensional row by the changes of the row above, which end with `width` three times."""
    at, colour, count, unusual, i, passed = -1, 0, 0, 0, 0, False
    while at < width:
        if bit >= end:
            return 3, bit, count, unusual
        if count > width:
            return 2, bit, count, unusual
        while i > 0 and above[i - 1] > at:
            i -= 1
        while above[i] < width and (above[i] <= at or (i & 1) != colour):
            i += 1
        first, second = above[i], above[min(i + 1, len(above) - 1)]
        code = _peek(data, bit, 7)
        if code >> 4 == 1:  # horizontal
            bit += 3
            start = max(at, 0)
            run, bit = _run(data, bit, end, runs[colour])
            other = 0
            if run >= 0:
                other, bit = _run(data, bit, end, runs[1 - colour])
            if run < 0 or other < 0:
                return 1 if run == -1 or other == -1 else 3, bit, count, unusual
            to = start + run
            if to + other > width:
                return 2, bit, count, unusual
            if abs(to - first) <= 3 or second < to or (run == 0 and (at > 0 or passed)) or (other == 0 and to < width):
                unusual += 1
            changes[count], changes[count + 1] = to, to + other
            count += 2
            at = to + other
            passed = False
            continue
        if code >> 3 == 1:  # pass
            bit += 4
            if second >= width:
                unusual += 1
            at = second
            passed = True
            continue
        if code >> 6 == 1:
            to, size = first, 1
        elif code >> 4 == 3:
            to, size = first + 1, 3
        elif code >> 4 == 2:
            to, size = first - 1, 3
        elif code >> 1 == 3:
            to, size = first + 2, 6
        elif code >> 1 == 2:
            to, size = first - 2, 6
        elif code == 3:
            to, size = first + 3, 7
        elif code == 2:
            to, size = first - 3, 7
        else:
            return 1, bit, count, unusual
        bit += size
        if to > width or to < max(at, 0):
            return 2, bit, count, unusual
        if second < to or (to == at and (at > 0 or passed)):
            unusual += 1
        changes[count] = to
        count += 1
        at = to
        colour = 1 - colour
        passed = False
    return 0, bit, count, unusual


@kernel
def _ends(data: NDArray[np.uint8], bit: int, end: int) -> bool:
    """Whether only end-of-line codes, their tag bits and zeros follow from `bit` to the end."""
    ones = 0
    for position in range(bit, end):
        if (data[position >> 3] >> (7 - (position & 7))) & 1:
            ones += 1
            if ones > 12:
                return False
    return ones == 0 or _peek(data, bit, 11) == 0


@kernel
def _decode(data: NDArray[np.uint8], end: int, pixels: NDArray[np.uint8], mode: int, runs: NDArray[np.int32]) -> Any:
    rows, width = pixels.shape
    above = np.full(width + 8, width, np.int32)
    changes = np.full(width + 8, width, np.int32)
    bit, unusual = 0, 0
    for row in range(rows):
        two = mode == 3
        if mode == 2:
            bit = (bit + 7) & ~7
        if mode < 2:
            zeros = bit
            while zeros < end and _peek(data, zeros, 1) == 0:
                zeros += 1
            if zeros - bit >= 11 and zeros < end:
                bit = zeros + 1
                if mode == 1:
                    two = _peek(data, bit, 1) == 0
                    bit += 1
            elif mode == 1 or zeros >= end:
                return 6 if zeros < end else 3, unusual
        if two:
            reason, bit, count, odd = _row_of_two(data, bit, end, above, changes, width, runs)
        else:
            reason, bit, count, odd = _row_of_runs(data, bit, end, changes, width, runs)
        unusual += odd
        if reason:
            return reason, unusual
        if bit > end:
            return 3, unusual
        for i in range(count, count + 4):
            changes[i] = width
        for i in range(0, count, 2):
            for column in range(changes[i], changes[i + 1]):
                pixels[row, column] = 1
        above, changes = changes, above
    return 0 if _ends(data, bit, end) else 4, unusual
