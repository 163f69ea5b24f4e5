"""The words every room shares: class names and ids, the letters of shapes, array types, units.

Letters used in every docstring:

    B  sheets in a batch            C  classes, background first (3 on a two-curve log)
    K  curves, C - 1                c  channels of a head (C, K or 1)
    H  rows (depth)                 W  columns (value)
    P  points of a curve

`labels [B,H,W]` are exclusive class ids, 255 = ignore. `strokes [B,K,H,W]` say which curve's ink lies on a pixel:
where two curves cross both are true, while `labels` gives the pixel to the curve drawn last. Lengths carry their unit
in their name (`tolerance_px`, `pen_mm`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BACKGROUND: Final = "background"
LOG_CLASSES: Final[tuple[str, ...]] = (BACKGROUND, "curve_1", "curve_2")
"""Class names of a two-curve log; the position is the id. Only sheets and conf/ may assume these three."""

IGNORE: Final = 255
"""The id of a pixel that neither loss nor measure counts."""

# Bits of `layers`: what is printed or stained on a pixel besides curve ink. Several may lie on one pixel.
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
