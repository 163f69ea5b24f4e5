"""Damage and scanning of a `field` sheet: fading, stains, wear, then one-bit thresholds at the scanner's resolution.

Order: ink is lost in clouds and breaks up into dots, stains darken clouds of paper; `wear` spreads ink, adds blur and
noise; the scanner reads pixels of its own size and may set each to black or white.

Truth
    The truth is the ink as drawn. It is removed only where nothing of it is left to see: where more than LOST of the
    ink is lost, or a stain has more than LOST of the darkness of full ink. Bars have removed theirs before (draw.py).
"""

from __future__ import annotations

import dataclasses
import math
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
_SIDE_LEVELS: Final = np.linspace(-110.0, 80.0, 6)  # added to the cells of stains at the right side
_INCH_MM: Final = 25.4
_REDUCED: Final = 1.7
"""Scanners with this many pixels per drawn pixel leave edges grey."""
_ENLARGED: Final = 0.95
_PIXEL_PX: Final = 0.35  # standard deviation of the area that a pixel of the scanner reads, in its pixels
_BAYER: Final = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.uint8) * 16 + 8
_LOCAL_PX: Final = 31  # side of the window of the local threshold
_LOCAL_SHARE: Final = 0.35  # of full contrast: how far below its surroundings ink must be, at level 0
_DITHER: Final = 0.9  # heights of the patterns of ordered and random dither, of full contrast
_RANDOM: Final = 1.3


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
    if spec.side:
        added = abs(spec.side) * (_SIDE_LEVELS if spec.side > 0 else _SIDE_LEVELS[::-1])
        stains = np.clip(stains + added, 0, 255).astype(np.uint8)
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
    """What the scanner reads from the worn image at its own resolution, enlarged to the drawn scale, uint8 [H,W]."""
    ratio = spec.dpi / _INCH_MM / px_per_mm
    if ratio >= _ENLARGED:
        return _read(grey, wear_spec, spec, rng, ratio=ratio)
    grey = np.asarray(cv2.GaussianBlur(grey, (3, 3), _PIXEL_PX / ratio), np.uint8)  # a pixel reads an area
    rows, columns = (_read_from(length, ratio) for length in grey.shape)
    small = _read(call(_gathered, grey, rows, columns), wear_spec, spec, rng, ratio=ratio)
    if spec.smooth:
        back = np.array([[ratio, 0, 0.5 * ratio - 0.5], [0, ratio, 0.5 * ratio - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = grey.shape[1], grey.shape[0]
        return np.asarray(cv2.warpAffine(small, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    rows, columns = (_shown_by(length, ratio) for length in grey.shape)
    return np.asarray(call(_gathered, small, rows, columns), np.uint8)


def _read(grey: UInt8, wear_spec: WearSpec, spec: ScanSpec, rng: np.random.Generator, *, ratio: float) -> UInt8:
    """The pixels of the scanner, which are `ratio` to a drawn pixel, from the grey on each, uint8 [h,w]."""
    if spec.kind in ("plot", "grey"):
        return grey
    contrast = float(wear_spec.paper - wear_spec.ink)
    gain = min(ratio, 4.0) * 255 / max(60.0, contrast) if ratio >= _REDUCED else math.inf
    level = wear_spec.paper - contrast * spec.level
    if spec.kind == "global":
        return np.asarray(cv2.LUT(grey, call(_curve, level, gain)), np.uint8)
    if spec.kind == "local":
        mean = cv2.blur(grey, (_LOCAL_PX, _LOCAL_PX), borderType=cv2.BORDER_REPLICATE)
        limits, by = mean, (1.0, (spec.level - 1) * _LOCAL_SHARE * contrast)
    elif spec.kind == "ordered":
        limits, by = _tiled(grey.shape), (_DITHER * contrast / 256, level - 128 * _DITHER * contrast / 256)
    else:
        spread = _RANDOM * contrast / 256
        limits, by = grain(grey.shape, rng), (spread, level - 128 * spread)
    return np.asarray(call(_to_bits, grey, limits, (*by, gain)), np.uint8)


@kernel
def _curve(level, gain):  # type: ignore[no-untyped-def]
    """Grey or, if the gain is infinite, black and white, for each grey level; uint8 [256]."""
    curve = np.empty(256, np.uint8)
    for grey in range(256):
        above = grey - level
        if gain == np.inf:
            curve[grey] = 255 if above > 0 else 0
        else:
            curve[grey] = np.uint8(min(max(above * gain + 128.0, 0.0), 255.0))
    return curve


@kernel
def _gathered(image, rows, columns):  # type: ignore[no-untyped-def]
    """The pixels of some rows and columns, uint8 [rows, columns]."""
    out = np.empty((len(rows), len(columns)), np.uint8)
    for y in range(len(rows)):
        row = image[rows[y]]
        for x in range(len(columns)):
            out[y, x] = row[columns[x]]
    return out


@lru_cache(maxsize=16)
def _tiled(shape: tuple[int, int]) -> UInt8:
    """The pattern of ordered dither, uint8 [H,W]."""
    pattern: UInt8 = np.resize(np.tile(_BAYER, (1, -(-shape[1] // 4)))[:, : shape[1]], shape)
    pattern.flags.writeable = False
    return pattern


@lru_cache(maxsize=256)
def _read_from(length: int, ratio: float) -> Int64:
    """The drawn row or column under the centre of each one of the scan."""
    centres = (np.arange(math.ceil(length * ratio)) + 0.5) / ratio
    drawn: Int64 = np.minimum(centres.astype(np.int64), length - 1)
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=256)
def _shown_by(length: int, ratio: float) -> Int64:
    """The row or column of the scan that each drawn one shows, [length]."""
    scanned: Int64 = np.floor((np.arange(length) + 0.5) * ratio).astype(np.int64)
    scanned.flags.writeable = False
    return scanned


@kernel
def _to_bits(grey, limits, by):  # type: ignore[no-untyped-def]
    """Black and white, and greys near the threshold, uint8 [H,W].

    The threshold of a pixel is `limits [H,W]` times the first number of `by` plus the second; the third is the grey
    levels per level above the threshold, infinite for no greys.
    """
    factor, offset = _F(by[0]), _F(by[1])
    hard = by[2] == np.inf
    gain, middle = (_F(1e9), _F(0)) if hard else (_F(by[2]), _F(128))
    out = np.empty_like(grey)
    for y in range(grey.shape[0]):
        for x in range(grey.shape[1]):
            above = _F(grey[y, x]) - (_F(limits[y, x]) * factor + offset)
            out[y, x] = np.uint8(min(max(above * gain + middle, _F(0)), _F(255)))
    return out
