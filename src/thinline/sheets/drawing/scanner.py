"""Damage and scanning of a `field` sheet: fading, stains, wear, then one-bit thresholds at the scanner's resolution.

Order: ink is lost in clouds and breaks up into dots, stains darken clouds of paper; `wear` spreads ink, adds blur and
noise; the scanner reads pixels of its own size and may set each to black or white.

Truth
    The truth is the ink as drawn. It is removed only where nothing of it is left to see: where more than LOST of the
    ink is lost, or a stain has more than LOST of the darkness of full ink. Bars have removed theirs before (draw.py).
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from thinline.sheets.drawing.noise import NO_GRAIN, grain
from thinline.sheets.drawing.wear import wear
from thinline.sheets.field_spec import ScanSpec
from thinline.sheets.generators import generator
from thinline.sheets.sheet import Sheet
from thinline.sheets.spec import WearSpec
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Int64, UInt8

LOST: Final = 0.9
_F: Final = np.float32
_CELLS: Final = (6, 6)
_INCH_MM: Final = 25.4
_REDUCED: Final = 1.5
"""Scanners with this many pixels per drawn pixel leave edges grey."""
_ENLARGED: Final = 0.95
_BAYER: Final = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.uint8) * 16 + 8
_LOCAL_PX: Final = 31  # side of the window of the local threshold


def scan(sheet: Sheet, wear_spec: WearSpec, spec: ScanSpec, *, px_per_mm: float) -> Sheet:
    """`sheet` after damage, wear and the scanner; image [H,W] and truth, as in the module."""
    rng = generator(wear_spec.seed, 1)
    if spec.lost > 0 or spec.stain > 0:
        sheet = _damaged(sheet, spec, rng)
    if spec.kind != "plot":
        sheet = wear(sheet, wear_spec)
    if spec.kind in ("plot", "grey") and spec.dpi / _INCH_MM >= _ENLARGED * px_per_mm:
        return sheet
    return dataclasses.replace(sheet, image=_scanned(sheet.image, wear_spec, spec, rng, px_per_mm=px_per_mm))


def _damaged(sheet: Sheet, spec: ScanSpec, rng: np.random.Generator) -> Sheet:
    cells, stains = grain(_CELLS, rng), grain(_CELLS, rng)
    columns = _enlarged(cells, sheet.image.shape) if spec.lost > 0 else NO_GRAIN
    stained = _enlarged(stains, sheet.image.shape) if spec.stain > 0 else NO_GRAIN
    noise = grain(sheet.image.shape, rng)
    image, gone = call(_lose, sheet.image, columns, stained, noise, (spec.lost, spec.dotted, spec.stain, LOST))
    if max(spec.lost, spec.stain) <= LOST:
        return dataclasses.replace(sheet, image=image)
    kept = gone.view(np.bool_)
    labels, strokes = np.where(kept, sheet.labels, np.uint8(0)), sheet.strokes & kept
    return dataclasses.replace(sheet, image=image, labels=labels, strokes=strokes)


def _enlarged(cells: UInt8, shape: tuple[int, ...]) -> UInt8:
    return np.asarray(cv2.resize(cells, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


@kernel
def _lose(image, fade, stains, noise, strengths):  # type: ignore[no-untyped-def]
    """The image after loss and stains, and 1 where its truth stays, uint8 [H,W] each."""
    lost, dotted, stain, limit = strengths
    height, width = image.shape
    out, kept = np.empty((height, width), np.uint8), np.ones((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            ink, rough = _F(255) - _F(image[y, x]), (_F(noise[y, x]) - _F(128)) / _F(64)
            if lost > 0:
                share = _F(lost) * _ramp(_F(fade[y, x]), _F(108), _F(40))
                ink *= min(max(_F(1) - share * (_F(1) + _F(dotted) * rough), _F(0)), _F(1))
                kept[y, x] &= share <= limit
            if stain > 0:
                share = _F(stain) * _ramp(_F(stains[y, x]), _F(138), _F(30))
                ink = min(ink + _F(255) * share * max(_F(1) + _F(0.5) * rough, _F(0)), _F(255))
                kept[y, x] &= share <= limit
            out[y, x] = np.uint8(_F(255) - ink)
    return out, kept


@kernel
def _ramp(level, first, length):  # type: ignore[no-untyped-def]
    """0 up to `first`, 1 from `first + length` on, linear between them."""
    return min(max((level - first) / length, _F(0)), _F(1))


def _scanned(grey: UInt8, wear_spec: WearSpec, spec: ScanSpec, rng: np.random.Generator, *, px_per_mm: float) -> UInt8:
    ratio = spec.dpi / _INCH_MM / px_per_mm
    rows, columns = (_read_from(length, min(ratio, 1.0) if ratio < _ENLARGED else 1.0) for length in grey.shape)
    if spec.kind in ("plot", "grey"):
        return np.asarray(grey[np.ix_(rows, columns)])
    paper, ink = (255, 0) if wear_spec.paper == wear_spec.ink else (wear_spec.paper, wear_spec.ink)
    level = paper - (paper - ink) * spec.level
    gain = min(ratio, 4.0) * 255 / max(60.0, float(paper - ink)) if ratio >= _REDUCED else 0.0
    pattern, spread = _BAYER, 0.0
    if spec.kind == "ordered":
        spread = 0.9 * (paper - ink)
    elif spec.kind == "random":
        pattern, spread = grain(grey.shape, rng), 1.3 * (paper - ink)
    local = grey
    if spec.kind == "local":
        local = cv2.blur(grey, (_LOCAL_PX, _LOCAL_PX), borderType=cv2.BORDER_REPLICATE)
    offset = (1 - spec.level) * 0.35 * (paper - ink) if spec.kind == "local" else -1.0
    bits: UInt8 = call(_to_bits, grey, local, (rows, columns), pattern, (level, gain, spread, offset))
    return bits


@lru_cache(maxsize=256)
def _read_from(length: int, ratio: float) -> Int64:
    """The row or column of the drawing that each one of the scan is read from, [length]; ratio 1 reads each."""
    pixel = np.floor((np.arange(length) + 0.5) * ratio)
    source: Int64 = np.minimum(((pixel + 0.5) / ratio).astype(np.int64), length - 1)
    source.flags.writeable = False
    return source


@kernel
def _to_bits(grey, local, read_from, pattern, levels):  # type: ignore[no-untyped-def]
    """Black or white, or grey near the threshold if `gain` > 0, uint8 [H,W].

    levels  threshold, gain, height of the dither pattern, and, for a local threshold (at least 0), how far below the
            local mean ink is
    """
    rows, columns = read_from
    level, gain, spread, offset = _F(levels[0]), _F(levels[1]), _F(levels[2]), levels[3]
    height, width = grey.shape
    high, wide = pattern.shape
    out = np.empty((height, width), np.uint8)
    for y in range(height):
        row = rows[y]
        for x in range(width):
            column = columns[x]
            limit = level
            if offset >= 0:
                limit = _F(local[row, column]) - _F(offset)
            elif spread > 0:
                limit += (_F(pattern[row % high, column % wide]) - _F(128)) * spread / _F(256)
            above = _F(grey[row, column]) - limit
            if gain > 0:
                out[y, x] = np.uint8(min(max(above * gain + _F(128), _F(0)), _F(255)))
            else:
                out[y, x] = np.uint8(255) if above > 0 else np.uint8(0)
    return out
