"""Thinning of a mask to lines one pixel wide by the method of Guo and Hall. Used by skeleton_recall.py.

Two passes alternate until nothing changes. With p2..p9 the eight neighbours clockwise from the north, a pixel is
removed if

    C = 1       the inside neighbours are connected:  C counts  not p2 and (p3 or p4), and so on around
    2 <= N <= 3 with N the smaller of the two ways to pair neighbours: neither an end nor an interior pixel
    m = 0       (p6 or p7 or not p9) and p8 in the first pass, (p2 or p3 or not p5) and p4 in the second

These depend on eight bits, so each pass is a table of 256 values. The better known method of Zhang and Suen deletes 2x2
squares and diagonals two pixels wide, of which a curve of a 2-px pen consists; this one does not.

References
----------
Guo and Hall, "Parallel thinning with two-subiteration algorithms", Communications of the ACM 32(3), 1989, algorithm A1.
"""

from __future__ import annotations

import numpy as np

from thinline.vocabulary import Bool


def thinned(mask: Bool) -> Bool:
    """The skeleton `[H,W]` of `mask [H,W]` bool: a subset with the same connected components."""
    stride = mask.shape[1] + 2
    around = np.array([-stride, -stride + 1, 1, stride + 1, stride, stride - 1, -1, -stride - 1])
    padded = np.pad(mask, 1).astype(np.uint8)
    pixels = padded.reshape(-1)
    inside = np.flatnonzero(pixels)
    before = -1
    while before != len(inside):
        before = len(inside)
        for removed in _REMOVED:
            code = np.zeros(len(inside), dtype=np.uint8)
            for bit, step in enumerate(around):
                code |= pixels[inside + step] << np.uint8(bit)
            gone = removed[code]
            pixels[inside[gone]] = 0
            inside = inside[~gone]
    skeleton: Bool = padded[1:-1, 1:-1] != 0
    return skeleton


def _tables() -> Bool:
    """Whether a pixel is removed, [2,256]: by pass, and by its neighbours p2..p9 as bits 0..7."""
    p2, p3, p4, p5, p6, p7, p8, p9 = (np.arange(256) >> bit & 1 for bit in range(8))
    pieces = (1 - p2) * (p3 | p4) + (1 - p4) * (p5 | p6) + (1 - p6) * (p7 | p8) + (1 - p8) * (p9 | p2)
    pairs = np.minimum((p9 | p2) + (p3 | p4) + (p5 | p6) + (p7 | p8), (p2 | p3) + (p4 | p5) + (p6 | p7) + (p8 | p9))
    kept = np.stack([(p6 | p7 | (1 - p9)) & p8, (p2 | p3 | (1 - p5)) & p4])
    removed: Bool = (pieces == 1) & (pairs >= 2) & (pairs <= 3) & (kept == 0)
    return removed


_REMOVED = _tables()
