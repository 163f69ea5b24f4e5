"""A thin curve and a thick blob, moved sideways by the same number of cells: what width alone does to IoU.

The experiment that the source describes (000_*.txt): a curve one pixel wide beside a solid blob ten pixels across, each
against itself moved aside. Both are drawn here as cells, and IoU is counted from the cells.

    curve   one cell in each row, never two side by side: moved by any n >= 1 it touches itself nowhere, IoU 0
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
    """The two truths, bool [24,24] each."""
    rows = np.arange(GRID)
    curve = np.zeros((GRID, GRID), np.bool_)
    curve[rows, np.rint(9 + 4 * np.sin(rows / 3.5)).astype(np.intp)] = True
    blob = np.zeros((GRID, GRID), np.bool_)
    first = (GRID - BLOB) // 2
    blob[first : first + BLOB, first - 2 : first - 2 + BLOB] = True
    return {"curve": curve, "blob": blob}


def moved(mask: Bool, cells: int) -> Bool:
    """`mask [H,W]` so many cells to the right; what leaves the grid is gone."""
    out = np.zeros_like(mask)
    out[:, cells:] = mask[:, : mask.shape[1] - cells]
    return out


def shift_experiment() -> pd.DataFrame:
    """IoU of both shapes at every shift: columns shape, shift_px, iou."""
    rows = []
    for shape, mask in cells().items():
        for shift in SHIFTS:
            counted = overlap(moved(mask, shift), mask)
            rows.append((shape, shift, float(counted[0] / counted.sum())))
    return pd.DataFrame(rows, columns=["shape", "shift_px", "iou"])
