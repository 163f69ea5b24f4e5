"""Names shared by all packages: class names and ids, the letters of array shapes, array types.

Letters used in every docstring:

    B  sheets in a batch            C  classes, background first (3 on a two-curve log)
    K  curves, C - 1                c  channels of a head (C, K or 1)
    H  rows (depth)                 W  columns (value)
    P  points of a curve

`labels [B,H,W]` are exclusive class ids, 255 = ignore. `strokes [B,K,H,W]` mark the ink of each curve: where two curves
cross both are true, while `labels` gives the pixel to the curve drawn last. Names of lengths end in their unit
(`tolerance_px`, `pen_mm`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BACKGROUND: Final = "background"
LOG_CLASSES: Final[tuple[str, ...]] = (BACKGROUND, "curve_1", "curve_2")
"""Class names of a two-curve log; the position is the id. Only `sheets` and conf/ may assume these three."""

INK_AND_CENTRE: Final[tuple[str, ...]] = (BACKGROUND, "ink", "centre")
"""Class names of any number of curves that have no names: their ink, and their centre lines."""

IGNORE: Final = 255
"""Id of a pixel that losses and metrics skip."""

# Bits of `layers`: what lies on a pixel besides curve ink. A pixel may have several.
GRID: Final = 1
EDGE: Final = 2
TEXT: Final = 4
STAIN: Final = 8

UInt8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
