"""Compiled loops of wear.py: the arithmetic of OpenCV's filters, one row of the sheet through all of them at a time.

The frozen families were worn by OpenCV, so each step rounds as OpenCV rounds, to whole grey levels in 0..255:

    blur    GaussianBlur: weights of 1/256, the sum over both axes rounded once
    tone    convertScaleAbs: gain * ink + paper with one rounding to float32, as by a fused multiply-add
    noise   addWeighted: the grey plus strength * (noise - middle), each rounded to float32
    cloud   resize of a few cells: weights of 1/2048 along the rows, then down the columns

A row is float32 and holds whole numbers. All sums of the blur are below 2**24, where float32 is exact.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from thinline.system.numba_kernels import kernel

_F: Final = np.float32
_I: Final = np.int32
_MIDDLE: Final = np.float32(128)  # of the noise
_WEIGHTS: Final = np.float32(2048)  # of OpenCV's resize
_ROUNDED_INK: Final = np.float32(255 * 65536 + 32768)  # ink is 255 - image, and the weights sum to 65536
_EDGE: Final = 2  # pixels that the blur reads beyond each end of a row


@kernel
def worn(image, taps, tone, textures, strengths, limits):  # type: ignore[no-untyped-def]
    """The worn image, uint8 [H,W].

    image      255 - ink, uint8 [H,W]
    taps       weights of the blur in 1/256: the pixel, its neighbours, the next ones
    tone       grey levels per level of ink, grey of paper, most ink
    textures   cells of the cloud, uint8 [c,c], noise and specks, uint8 [H,W]
    strengths  of the cloud and of the noise, grey levels per level
    limits     level of one-bit sheets (or -inf), most noise of black specks, noise that white specks exceed
    """
    height, width = image.shape
    cells, noise, specks = textures
    out = np.empty((height, width), np.uint8)
    row, wide = np.empty(width, np.float32), np.empty(width + 2 * _EDGE, np.float32)
    weights, columns = (_F(taps[0]), _F(taps[1]), _F(taps[2])), _along_rows(cells, width)
    greys, plain = tones(tone)
    cloudy, noisy = _F(strengths[0]), _F(strengths[1])
    for y in range(height):
        _blur(image, y, weights, wide, row)
        _tone(row, tone, greys, plain)
        if cloudy > 0:
            _add_cloud(row, columns, (y, height), cloudy)
        if noisy > 0:
            _add_noise(row, noise, y, (noisy, _MIDDLE))
        if limits[0] > -np.inf:
            _to_one_bit(row, limits[0])
        if limits[1] > -np.inf:
            _add_specks(row, specks, y, limits)
        for x in range(width):
            out[y, x] = np.uint8(row[x])
    return out


@kernel
def faded(image, cells, noise, loss, dots):  # type: ignore[no-untyped-def]
    """The image, uint8 [H,W], after its ink has lost a cloud and, if `dots` > 0, noise.

    `loss` is the ink that a level of the cloud adds, negative, and that a level of 0 adds.
    """
    height, width = image.shape
    out, row = np.empty((height, width), np.uint8), np.empty(width, np.float32)
    columns = _along_rows(cells, width)
    slope, offset = np.float64(_F(loss[0])), np.float64(_F(loss[1]))
    for y in range(height):
        above, below, a, b = _cells_near((y, height), len(cells))
        for x in range(width):
            level = _cloud(columns[above, x], columns[below, x], a, b)
            row[x] = _grey(_F(255) - _F(image[y, x]) + _F(np.float64(level) * slope + offset))
        if dots > 0:
            _add_noise(row, noise, y, (-_F(dots), _F(64)))
        for x in range(width):
            out[y, x] = np.uint8(max(_F(255) - row[x], _F(image[y, x])))
    return out


@kernel
def _grey(value):  # type: ignore[no-untyped-def]
    """A whole number 0..255, the even one of two."""
    return min(max(np.rint(value), _F(0)), _F(255))


@kernel
def _blur(image, y, taps, wide, row):  # type: ignore[no-untyped-def]
    """Row y of the blurred ink; beyond its edges the image is mirrored about the centre of the last pixel."""
    height, width = image.shape
    centre, near, far = taps
    above, below = _inside(y - 1, height), _inside(y + 1, height)
    above_2, below_2 = _inside(y - 2, height), _inside(y + 2, height)
    for x in range(width):
        wide[x + _EDGE] = centre * _F(image[y, x]) + near * (_F(image[above, x]) + _F(image[below, x]))
    if far > 0:
        for x in range(width):
            wide[x + _EDGE] += far * (_F(image[above_2, x]) + _F(image[below_2, x]))
    for n in range(_EDGE):
        wide[n] = wide[2 * _EDGE - n]
        wide[width + _EDGE + n] = wide[width + _EDGE - 2 - n]
    if far > 0:
        for x in range(width):
            mixed = centre * wide[x + 2] + near * (wide[x + 1] + wide[x + 3]) + far * (wide[x] + wide[x + 4])
            row[x] = np.floor((_ROUNDED_INK - mixed) * _F(1 / 65536))
    else:
        for x in range(width):
            mixed = centre * wide[x + 2] + near * (wide[x + 1] + wide[x + 3])
            row[x] = np.floor((_ROUNDED_INK - mixed) * _F(1 / 65536))


@kernel
def _inside(n, count):  # type: ignore[no-untyped-def]
    """Index n, at most two beyond the ends of `count` rows, mirrored at the first and the last row."""
    n = abs(n)
    return n if n < count else 2 * count - 2 - n


@kernel
def tones(tone):  # type: ignore[no-untyped-def]
    """Grey levels of ink 0..255, float32 [256], and whether float32 arithmetic with two roundings gives the same."""
    gain, paper, most = _F(tone[0]), _F(tone[1]), _F(tone[2])
    greys, plain = np.empty(256, np.float32), True
    for ink in range(256):
        level = min(_F(ink), most)
        greys[ink] = _grey(abs(_F(np.float64(level) * gain + paper)))
        plain &= greys[ink] == _grey(abs(level * gain + paper))
    return greys, plain


@kernel
def _tone(row, tone, greys, plain):  # type: ignore[no-untyped-def]
    """Grey levels of a row of ink: computed, which is faster, or else looked up."""
    gain, paper, most = _F(tone[0]), _F(tone[1]), _F(tone[2])
    for x in range(len(row)):
        row[x] = min(np.rint(abs(min(row[x], most) * gain + paper)), _F(255)) if plain else greys[int(row[x])]


@kernel
def _add_noise(row, noise, y, by):  # type: ignore[no-untyped-def]
    """Add row y of the noise; `by` is its strength and its middle, float32."""
    strength, middle = by
    for x in range(len(row)):
        row[x] = _grey(row[x] + (_F(noise[y, x]) - middle) * strength)


@kernel
def _add_cloud(row, columns, y, strength):  # type: ignore[no-untyped-def]
    """Add a cloud; `y` is (row, height of the sheet)."""
    above, below, a, b = _cells_near(y, len(columns))
    for x in range(len(row)):
        level = _cloud(columns[above, x], columns[below, x], a, b)
        row[x] = _grey(row[x] + (_F(level) - _MIDDLE) * strength)


@kernel
def _share(n, count, cells):  # type: ignore[no-untyped-def]
    """The cell before pixel n of `count`, and the pixel's distance from the centre of that cell, in cells."""
    at = _F((n + 0.5) * (1.0 / (count / cells)) - 0.5)
    before = math.floor(at)
    return before, _F(at - _F(before))


@kernel
def _weights(share):  # type: ignore[no-untyped-def]
    return np.int32(np.rint((_F(1) - share) * _WEIGHTS)), np.int32(np.rint(share * _WEIGHTS))


@kernel
def _along_rows(cells, width):  # type: ignore[no-untyped-def]
    """Cells [c,c] interpolated along their rows, int32 [c,W], in 1/128 of a level."""
    count = len(cells)
    columns = np.empty((count, width), np.int32)
    for x in range(width):
        before, share = _share(x, width, count)
        if before < 0 or before >= count - 1:
            before, share = min(max(before, 0), count - 1), _F(0)
        a, b = _weights(share)
        after = min(before + 1, count - 1)
        for n in range(count):
            columns[n, x] = _I(_I(cells[n, before]) * a + _I(cells[n, after]) * b) >> _I(4)
    return columns


@kernel
def _cells_near(y, count):  # type: ignore[no-untyped-def]
    """The rows of cells above and below a row of pixels, and their weights; `y` is (row, height of the sheet)."""
    before, share = _share(y[0], y[1], count)
    a, b = _weights(share)
    return min(max(before, 0), count - 1), min(before + 1, count - 1), a, b


@kernel
def _cloud(upper, lower, a, b):  # type: ignore[no-untyped-def]
    """Level 0..255 of a cloud between two rows of cells, int32; every step stays in 32 bits to run on many pixels."""
    return _I((_I(upper * a) >> _I(16)) + (_I(lower * b) >> _I(16)) + _I(2)) >> _I(2)


@kernel
def _to_one_bit(row, level):  # type: ignore[no-untyped-def]
    for x in range(len(row)):
        row[x] = _F(255) if row[x] > level else _F(0)


@kernel
def _add_specks(row, specks, y, limits):  # type: ignore[no-untyped-def]
    for x in range(len(row)):
        if specks[y, x] <= limits[1]:
            row[x] = 0
        elif specks[y, x] > limits[2]:
            row[x] = 255
