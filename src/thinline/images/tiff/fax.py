"""G3 and G4: rows of 1-bit pixels from CCITT codes, with what a library does not say: where the codes are wrong.

libtiff goes on after a bad code with rows it made up. Here a strip is right or damaged:

    - every code is known, every row ends exactly at its width, the data end with the last row;
    - where the encoder is one that follows T.6 to the letter (`page_is_strict` of the page), every code is the one it
      would have chosen: a flipped bit most often gives a code that is allowed but not chosen.

Conventions
    In the rows 0 is white and 1 black, as in the codes; what the photometric tag makes of them is another matter.

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

ONE, TWO, ROW_BYTES = 0, 1, 2  # G3 of one dimension, G3 of two, rows that begin on a byte; G4 is FOUR
FOUR: Final = 3
_REASONS: Final = (
    "",
    "a bad code word",
    "a row that is longer than the page is wide",
    "codes that end before the last row",
    "codes that go on behind the last row",
    "code words that no encoder chooses",
    "a row without its end-of-line code",
)
_UNUSUAL: Final = 5


def decode(raw: UInt8, rows: int, width: int, mode: int, *, strict: bool) -> tuple[UInt8, str]:
    """Pixels [rows, width], 1 black, and what is wrong with them, nothing for a strip that is right."""
    pixels = np.zeros((rows, width), np.uint8)
    padded = np.concatenate([raw, np.zeros(8, np.uint8)])
    reason, unusual = call(_decode, padded, len(raw) * 8, pixels, mode, RUNS)
    if not reason and unusual and strict:
        reason = _UNUSUAL
    return pixels, _REASONS[reason]


def is_strict(raw: UInt8, rows: int, width: int, mode: int) -> bool:
    """Whether a strip is right and holds only codes that T.4 and T.6 ask for."""
    return not decode(raw, rows, width, mode, strict=True)[1]


@kernel
def _peek(data: NDArray[np.uint8], bit: int, count: int) -> int:
    """The next `count` bits, 24 at most."""
    first = bit >> 3
    word = (int(data[first]) << 24) | (int(data[first + 1]) << 16)
    word |= (int(data[first + 2]) << 8) | int(data[first + 3])
    return (word >> (32 - (bit & 7) - count)) & ((1 << count) - 1)


@kernel
def _run(data: NDArray[np.uint8], bit: int, end: int, table: NDArray[np.int32]) -> Any:
    """Length of the run that is coded at `bit` and the bit behind it; -1 for a bad code, -2 behind the end."""
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
    """One row of one dimension into `changes`: reason, bit behind it, changes, codes that are unusual."""
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
    """One row against the changes of the row above, which end with `width` three times."""
    at, colour, count, unusual, place, passed = -1, 0, 0, 0, 0, False
    while at < width:
        if bit >= end:
            return 3, bit, count, unusual
        if count > width:
            return 2, bit, count, unusual
        while place > 0 and above[place - 1] > at:
            place -= 1
        while above[place] < width and (above[place] <= at or (place & 1) != colour):
            place += 1
        first, second = above[place], above[min(place + 1, len(above) - 1)]
        code = _peek(data, bit, 7)
        if code >> 4 == 1:  # horizontal
            bit += 3
            start = max(at, 0)
            one, bit = _run(data, bit, end, runs[colour])
            two = 0
            if one >= 0:
                two, bit = _run(data, bit, end, runs[1 - colour])
            if one < 0 or two < 0:
                return 1 if -1 in (one, two) else 3, bit, count, unusual
            to = start + one
            if to + two > width:
                return 2, bit, count, unusual
            if abs(to - first) <= 3 or second < to or (one == 0 and (at > 0 or passed)) or (two == 0 and to < width):
                unusual += 1
            changes[count], changes[count + 1] = to, to + two
            count += 2
            at = to + two
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
    """Whether nothing but end-of-line codes, their tag bits and zeros lie from `bit` to the end."""
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
        changes[count : count + 4] = width
        for place in range(0, count, 2):
            pixels[row, changes[place] : changes[place + 1]] = 1
        above, changes = changes, above
    return 0 if _ends(data, bit, end) else 4, unusual
