"""Measure how line width alone changes the IoU of a shifted shape: a thin curve and a square, shifted alike.

The experiment of the source (000_*.txt): a curve one pixel wide and a solid square ten pixels wide, each compared with
itself after a sideways shift. Both are drawn as cells of a grid, and IoU is counted from the cells.

    curve   one cell in each row, no two adjacent in a row: shifted by any n >= 1 it does not overlap itself, IoU 0
    blob    a square of 10 x 10 cells: IoU (10 - n) / (10 + n) for n <= 10
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from thinline.ruler.scores import overlap
from thinline.vocabulary import Bool

GRID: Final = 24
BLOB: Final = 10
SHIFTS: Final = tuple(range(7))


def cells() -> dict[str, Bool]:
    """The two shapes by name, bool [24,24] each."""
    rows = np.arange(GRID)
    curve = np.zeros((GRID, GRID), np.bool_)
    curve[rows, np.rint(9 + 4 * np.sin(rows / 3.5)).astype(np.intp)] = True
    blob = np.zeros((GRID, GRID), np.bool_)
    first = (GRID - BLOB) // 2
    blob[first : first + BLOB, first - 2 : first - 2 + BLOB] = True
    return {"curve": curve, "blob": blob}


def moved(mask: Bool, cells: int) -> Bool:
    """`mask [H,W]` shifted right by `cells`; cells that leave the grid are lost."""
    shifted = np.zeros_like(mask)
    shifted[:, cells:] = mask[:, : mask.shape[1] - cells]
    return shifted


def shift_experiment() -> pd.DataFrame:
    """IoU of both shapes at every shift: columns shape, shift_px, iou."""
    rows = []
    for shape, mask in cells().items():
        for shift in SHIFTS:
            counts = overlap(moved(mask, shift), mask)
            rows.append((shape, shift, float(counts[0] / counts.sum())))
    return pd.DataFrame(rows, columns=["shape", "shift_px", "iou"])
