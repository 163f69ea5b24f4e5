"""Apply wear to a drawn sheet: the effects of age and scanner on ink and paper. Nothing moves; skew is part of drawing.

Order: ink fades, breaks into dots and spreads onto uneven paper; the scanner blurs, adds grain, may threshold to one
bit, and adds salt and pepper. Noise is read from tiles (noise.py) at offsets drawn from `wear.seed`.
"""

from __future__ import annotations

import dataclasses
from statistics import NormalDist

import cv2
import numpy as np

from thinline.sheets.drawing.noise import cloud, grain
from thinline.sheets.sheet import Sheet
from thinline.sheets.spec import WearSpec
from thinline.vocabulary import UInt8

_WHITE_SD = 32.0  # of the grain tile


def wear(sheet: Sheet, spec: WearSpec) -> Sheet:
    """`sheet` with a worn image; labels, strokes, layers and curves are unchanged."""
    rng = np.random.default_rng(spec.seed)
    ink = cv2.bitwise_not(sheet.image)
    if spec.fade > 0:
        ink = _faded(ink, spec, rng)
    if spec.bleed != 1.0 or spec.blur_px > 0:
        ink = cv2.GaussianBlur(ink, (5, 5) if spec.blur_px > 0.7 else (3, 3), max(spec.blur_px, 0.4))
    scale = (spec.ink - spec.paper) / 255 * spec.bleed
    image = cv2.convertScaleAbs(cv2.min(ink, int(255 / max(spec.bleed, 1.0))), alpha=scale, beta=spec.paper)
    if spec.blotch > 0:
        image = cv2.addWeighted(image, 1.0, cloud(image.shape, rng, cells=6), spec.blotch / 45, -128 * spec.blotch / 45)
    if spec.grain > 0:
        share = spec.grain / _WHITE_SD
        image = cv2.addWeighted(image, 1.0, grain(image.shape, rng), share, -128 * share)
    if spec.one_bit > 0:
        level = spec.ink + (spec.paper - spec.ink) * spec.one_bit
        image = cv2.threshold(image, level, 255, cv2.THRESH_BINARY)[1]
    if spec.salt > 0 or spec.pepper > 0:
        image = _specks(image, spec, rng)
    return dataclasses.replace(sheet, image=np.asarray(image, np.uint8))


def _faded(ink: UInt8, spec: WearSpec, rng: np.random.Generator) -> UInt8:
    """Ink minus a slow cloud and, for dots, minus grain."""
    loss = spec.fade * 255 / 128
    faded = cv2.addWeighted(ink, 1.0, cloud(ink.shape, rng, cells=5), -loss, 128 * loss * 0.4)
    if spec.dots > 0:
        faded = cv2.addWeighted(faded, 1.0, grain(ink.shape, rng), -spec.dots, 128 * spec.dots * 0.5)
    return np.asarray(cv2.min(faded, ink), np.uint8)


def _specks(image: UInt8, spec: WearSpec, rng: np.random.Generator) -> UInt8:
    """Add salt and pepper: pixels in the tails of the distribution of one window of grain."""
    noise = grain(image.shape, rng)
    white = cv2.threshold(noise, _quantile(1 - spec.salt), 255, cv2.THRESH_BINARY)[1]
    black = cv2.threshold(noise, _quantile(spec.pepper), 255, cv2.THRESH_BINARY_INV)[1]
    return np.asarray(cv2.subtract(cv2.max(image, white), black), np.uint8)


def _quantile(share: float) -> float:
    return 128 + _WHITE_SD * NormalDist().inv_cdf(min(max(share, 1e-5), 1 - 1e-5))
