"""Show sheets: a contact sheet with the truth beside each image, and the shares of what the pixels show.

Colours of the truth (safe for colour-blind readers): curve 1 vermilion, curve 2 blue, then purple, orange, sky blue
and black, crossings green, printed form pale grey; further curves repeat the colours. In the composition, a
background pixel in several layers counts once, as text before edge before grid before stain; the rest is paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from thinline.sheets.sheet import Sheet
from thinline.vocabulary import BACKGROUND, EDGE, GRID, STAIN, TEXT, UInt8

_LAYERS: Final = (("text", TEXT), ("edge", EDGE), ("grid", GRID), ("stain", STAIN))
_COLOURS: Final = ((213, 94, 0), (0, 114, 178), (204, 121, 167), (230, 159, 0), (86, 180, 233), (0, 0, 0))
_CROSSING: Final = (0, 158, 115)
_PRINTED: Final = (222, 222, 222)
_FRAME: Final = (150, 170, 200)
_FRAME_PX: Final = 3


def composition(sheets: Sequence[Sheet]) -> dict[str, float]:
    """Shares of all pixels (`background`, `curve_1`, ...) and of background pixels (`background/paper`, ...).

    Each group sums to 1. Sheets may have different numbers of curves. ValueError without a sheet.
    """
    _at_least_one(sheets)
    classes = np.zeros(1 + max(len(sheet.strokes) for sheet in sheets), np.int64)
    printed = dict.fromkeys(("paper", *(name for name, _ in _LAYERS)), 0)
    for sheet in sheets:
        classes += np.bincount(sheet.labels.ravel(), minlength=len(classes))
        rest = sheet.labels == 0
        for name, bit in _LAYERS:
            in_layer = rest & ((sheet.layers & bit) > 0)
            printed[name] += int(in_layer.sum())
            rest &= ~in_layer
        printed["paper"] += int(rest.sum())
    names = (BACKGROUND, *(f"curve_{k + 1}" for k in range(len(classes) - 1)))
    shares = {name: float(count / classes.sum()) for name, count in zip(names, classes, strict=True)}
    return shares | {f"{BACKGROUND}/{name}": float(count / max(1, classes[0])) for name, count in printed.items()}


def contact_sheet(sheets: Sequence[Sheet], *, columns: int = 3) -> UInt8:
    """All sheets, each with its truth to the right, RGB uint8 [.., .., 3]. ValueError without a sheet."""
    _at_least_one(sheets)
    pairs = [np.concatenate([cv2.cvtColor(sheet.image, cv2.COLOR_GRAY2RGB), truth(sheet)], axis=1) for sheet in sheets]
    borders = (_FRAME_PX,) * 4
    tiles = [cv2.copyMakeBorder(pair, *borders, cv2.BORDER_CONSTANT, value=_FRAME) for pair in pairs]
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    page = np.full((math.ceil(len(tiles) / columns) * height, min(columns, len(tiles)) * width, 3), 255, np.uint8)
    for n, tile in enumerate(tiles):
        top, left = n // columns * height, n % columns * width
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page


def truth(sheet: Sheet) -> UInt8:
    """Strokes in colour over the printed form in grey, RGB uint8 [H,W,3]."""
    picture = np.full((*sheet.labels.shape, 3), 255, np.uint8)
    picture[(sheet.layers & (GRID | EDGE | TEXT)) > 0] = _PRINTED
    for k, ink in enumerate(sheet.strokes):
        picture[ink] = _COLOURS[k % len(_COLOURS)]
    picture[sheet.strokes.sum(0) > 1] = _CROSSING
    return picture


def _at_least_one(sheets: Sequence[Sheet]) -> None:
    if not sheets:
        raise ValueError("`sheets` must hold at least one sheet, got none; render some first")
