"""Check the entropy-coded data of a baseline JPEG for errors that libjpeg does not report.

A flipped bit mostly gives other valid codes, and libjpeg shows their picture. The codes of each scan are therefore read
once more, without computing pixels:

    - every code is in its table, and no block has more than 64 coefficients;
    - no coefficient is larger than 8-bit pixels can give;
    - the codes end with the last block: less than a byte of padding is left before the next marker.

Progressive and arithmetic JPEG are not checked.

References
    ITU-T T.81 (09/1992), annexes A, B and F.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.system.numba_kernels import call, kernel

_REASONS: Final = (
    "",
    "JPEG codes that are not in their table",
    "JPEG codes that end before the last block",
    "JPEG coefficients that no pixels have",
    "JPEG codes that continue after the last block",
    "JPEG data without their restart marker",
)
_BASELINE: Final = (0xC0, 0xC1)
_PEEK: Final = 16


@dataclass
class _Tables:
    """The header so far: size, components (id, across, down, quantisation table), tables, restart interval."""

    size: tuple[int, int] = (0, 0)
    components: list[tuple[int, int, int, int]] = field(default_factory=list)
    steps: NDArray[np.int32] = field(default_factory=lambda: np.ones((4, 64), np.int32))
    codes: NDArray[np.int32] = field(default_factory=lambda: np.zeros((2, 4, 1 << _PEEK), np.int32))
    restart: int = 0


def wrong_codes(stream: bytes) -> str:
    """The reason why the codes of a stream are wrong; empty if they are right or not baseline."""
    data = np.frombuffer(stream + b"\xff\xd9" + b"\0" * 8, np.uint8)
    tables, offset = _Tables(), 2
    while offset + 4 <= len(stream):
        if stream[offset] != 0xFF or stream[offset + 1] == 0xFF:
            offset += 1
            continue
        marker, size = stream[offset + 1], int.from_bytes(stream[offset + 2 : offset + 4], "big")
        content = stream[offset + 4 : offset + 2 + size]
        offset += 2 + size
        if marker == 0xD9:
            break
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC, *_BASELINE):
            break
        if marker != 0xDA:
            _update(tables, marker, content)
            continue
        scan = _scan_of(tables, content)
        if scan is None:
            return "JPEG data whose scan does not fit their frame"
        blocks, units = scan
        reason, offset = call(_scan, data, offset, tables.codes, blocks, tables.steps, (units, tables.restart))
        if reason:
            return _REASONS[reason]
    return ""


def _update(tables: _Tables, marker: int, content: bytes) -> None:
    """Add a segment of the header to `tables`."""
    if marker in _BASELINE:
        tables.size = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
        parts = (content[at : at + 3] for at in range(6, 6 + 3 * content[5], 3))
        tables.components = [(part[0], part[1] >> 4, part[1] & 15, part[2]) for part in parts]
    elif marker == 0xDD:
        tables.restart = int.from_bytes(content[:2], "big")
    elif marker == 0xDB:
        while len(content) >= 65:
            wide, number = content[0] >> 4, content[0] & 3
            tables.steps[number] = np.frombuffer(content[1 : 65 + 64 * bool(wide)], ">u2" if wide else "u1")
            content = content[65 + 64 * bool(wide) :]
    elif marker == 0xC4:
        while len(content) >= 17:
            counts = content[1:17]
            symbols = content[17 : 17 + sum(counts)]
            tables.codes[(content[0] >> 4) & 1, content[0] & 3] = _lookup(counts, symbols)
            content = content[17 + sum(counts) :]


def _lookup(counts: bytes, symbols: bytes) -> NDArray[np.int32]:
    """Indexed by the next 16 bits: 256 x bits of the code + symbol, 0 for no code."""
    table = np.zeros(1 << _PEEK, np.int32)
    code = offset = 0
    for size, count in enumerate(counts, start=1):
        for symbol in symbols[offset : offset + count]:
            first = code << (_PEEK - size)
            table[first : first + (1 << (_PEEK - size))] = size * 256 + symbol
            code += 1
        offset += count
        code <<= 1
    return table


def _scan_of(tables: _Tables, content: bytes) -> tuple[NDArray[np.int64], int] | None:
    """Blocks of a unit [n,4] (component, two code tables, steps) and number of units; None for a wrong header."""
    known = {part[0]: (i, *part[1:]) for i, part in enumerate(tables.components)}
    count = content[0] if content else 0
    named = [(content[1 + 2 * at], content[2 + 2 * at]) for at in range(count)]
    if not named or any(name not in known for name, _ in named):
        return None
    across, down = (max(part[side] for part in tables.components) for side in (1, 2))
    height, width = tables.size
    blocks = []
    for name, numbers in named:
        component, wide, high, step = known[name]
        if not (wide and high):
            return None
        row = (component, (numbers >> 4) & 3, numbers & 3, step & 3)
        blocks += [row] * (wide * high if count > 1 else 1)
    if count == 1:
        _, wide, high, _ = known[named[0][0]]
        sides = (_up(width * wide, across), _up(height * high, down))
        units = _up(sides[0], 8) * _up(sides[1], 8)
    else:
        units = _up(width, 8 * across) * _up(height, 8 * down)
    return np.array(blocks, np.int64), units


def _up(size: int, part: int) -> int:
    return -(-size // part)


@kernel
def _fill(data: NDArray[np.uint8], offset: int, held: int, bits: int) -> Any:
    """Read until at least 25 bits are held, or the next marker is reached."""
    while bits <= 24:
        byte = int(data[offset])
        if byte == 0xFF:
            if data[offset + 1] != 0:
                break
            offset += 1
        offset += 1
        held = ((held << 8) | byte) & 0xFFFFFFFF
        bits += 8
    return offset, held, bits


@kernel
def _code(held: int, bits: int, table: NDArray[np.int32]) -> int:
    """256 x bits + symbol of the next code; -1 for an unknown code, -2 at the end of the data."""
    entry = int(table[((held << 16) >> bits) & 0xFFFF])
    if entry == 0:
        return -1 if bits >= 16 else -2
    return entry if entry >> 8 <= bits else -2


@kernel
def _scan(
    data: NDArray[np.uint8],
    offset: int,
    codes: NDArray[np.int32],
    blocks: NDArray[np.int64],
    steps: NDArray[np.int32],
    counts: Any,
) -> Any:
    units, restart = counts
    levels = np.zeros(256, np.int64)
    held, bits = 0, 0
    for unit in range(units):
        if restart > 0 and unit > 0 and unit % restart == 0:
            if bits >= 8 or data[offset] != 0xFF or data[offset + 1] != 0xD0 + (unit // restart - 1) % 8:
                return 5, offset
            offset, held, bits = offset + 2, 0, 0
            levels[:] = 0
        for number in range(len(blocks)):
            component, direct, alternating, step = blocks[number]
            at = 0
            while at < 64:
                offset, held, bits = _fill(data, offset, held, bits)
                code = _code(held, bits, codes[0 if at == 0 else 1, direct if at == 0 else alternating])
                if code < 0:
                    return -code, offset
                bits -= code >> 8
                size, run = code & 15, (code >> 4) & 15
                if at > 0:
                    if size == 0:
                        if run == 0:
                            break
                        if run < 15:
                            return 1, offset
                        at += 16
                        if at > 64:
                            return 1, offset
                        continue
                    at += run
                if at > 63 or size > 11 or (at == 0 and run > 0):
                    return 1, offset
                if bits < size:
                    offset, held, bits = _fill(data, offset, held, bits)
                if bits < size:
                    return 2, offset
                value = (held >> (bits - size)) & ((1 << size) - 1)
                bits -= size
                if size > 0 and value < 1 << (size - 1):
                    value -= (1 << size) - 1
                scale = int(steps[step, at])
                if at == 0:
                    levels[component] += value
                    if abs(levels[component] * scale) > 1024 + 2 * scale:
                        return 3, offset
                elif abs(value * scale) > 1536 + 2 * scale:
                    return 3, offset
                at += 1
    return 4 if bits >= 8 or data[offset] != 0xFF or data[offset + 1] == 0 else 0, offset
