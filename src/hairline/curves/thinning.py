"""Thinning of a mask to lines one pixel wide, on its inside pixels alone, by one of two methods.

Two passes take turns until nothing changes. With p2..p9 the eight neighbours clockwise from the north, a pixel goes by
*Guo and Hall* if

    C = 1       the inside neighbours are one piece:  C counts  not p2 and (p3 or p4), and so on around
    2 <= N <= 3 with N the smaller of the two ways to pair neighbours: neither an end nor the middle
    m = 0       (p6 or p7 or not p9) and p8 in the first pass, (p2 or p3 or not p5) and p4 in the second

and by *Zhang and Suen* if

    A = 1       of the ring p2, ..., p9, p2 exactly one step goes from outside to inside
    2 <= B <= 6 of the neighbours are inside
    p2 p4 p6 = p4 p6 p8 = 0 in the first pass, p2 p4 p8 = p2 p6 p8 = 0 in the second

All that depends on eight bits, so each pass is a table of 256 answers. Zhang and Suen's method is the better known, and
the one behind published figures of clDice; it lets 2x2 squares and diagonals two pixels wide vanish, which a curve
drawn with a 2-px pen is made of. Guo and Hall's does not.

References
----------
Guo and Hall, "Parallel thinning with two-subiteration algorithms", Communications of the ACM 32(3), 1989, algorithm A1.
Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", Communications of the ACM 27(3), 1984.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from hairline.vocabulary import Bool

Method = Literal["guo_hall", "zhang_suen"]


def thinned(mask: Bool, *, method: Method = "guo_hall") -> Bool:
    """The skeleton `[H,W]` of `mask [H,W]` bool: a part of it, with the same pieces by "guo_hall"."""
    stride = mask.shape[1] + 2
    around = np.array([-stride, -stride + 1, 1, stride + 1, stride, stride - 1, -1, -stride - 1])
    padded = np.pad(mask, 1).astype(np.uint8)
    pixels = padded.reshape(-1)
    inside = np.flatnonzero(pixels)
    left = -1
    while left != len(inside):
        left = len(inside)
        for goes in _GOES[method]:
            code = np.zeros(len(inside), dtype=np.uint8)
            for bit, step in enumerate(around):
                code |= pixels[inside + step] << np.uint8(bit)
            gone = goes[code]
            pixels[inside[gone]] = 0
            inside = inside[~gone]
    skeleton: Bool = padded[1:-1, 1:-1] != 0
    return skeleton


def _guo_hall() -> Bool:
    """Whether a pixel goes, [2,256]: by pass, and by its neighbours p2..p9 as bits 0..7."""
    p2, p3, p4, p5, p6, p7, p8, p9 = (np.arange(256) >> bit & 1 for bit in range(8))
    pieces = (1 - p2) * (p3 | p4) + (1 - p4) * (p5 | p6) + (1 - p6) * (p7 | p8) + (1 - p8) * (p9 | p2)
    pairs = np.minimum((p9 | p2) + (p3 | p4) + (p5 | p6) + (p7 | p8), (p2 | p3) + (p4 | p5) + (p6 | p7) + (p8 | p9))
    kept = np.stack([(p6 | p7 | (1 - p9)) & p8, (p2 | p3 | (1 - p5)) & p4])
    goes: Bool = (pieces == 1) & (pairs >= 2) & (pairs <= 3) & (kept == 0)
    return goes


def _zhang_suen() -> Bool:
    """As `_guo_hall`."""
    ring = np.array([np.arange(256) >> bit & 1 for bit in range(8)])
    p2, _, p4, _, p6, _, p8, _ = ring
    enters = ((ring == 0) & (np.roll(ring, -1, axis=0) == 1)).sum(axis=0)
    inside = ring.sum(axis=0)
    kept = np.stack([p2 * p4 * p6 + p4 * p6 * p8, p2 * p4 * p8 + p2 * p6 * p8])
    goes: Bool = (enters == 1) & (inside >= 2) & (inside <= 6) & (kept == 0)
    return goes


_GOES: Final[dict[Method, Bool]] = {"guo_hall": _guo_hall(), "zhang_suen": _zhang_suen()}
