"""Sheet -> Sheet: what age and scanner do to ink and paper. Nothing moves; skew is part of drawing.

Order: the ink fades and breaks into dots, spreads, and is seen on uneven paper; the scanner blurs, adds grain, salt and
pepper, and may threshold to one bit. All noise is read from tiles at offsets drawn from `wear.seed`.
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


def wear(sheet: Sheet, how: WearSpec) -> Sheet:
    """The sheet with a worn image; labels, strokes, layers and curves are those of `sheet`."""
    rng = np.random.default_rng(how.seed)
    ink = cv2.bitwise_not(sheet.image)
    if how.fade > 0:
        ink = _faded(ink, how, rng)
    if how.bleed != 1.0 or how.blur_px > 0:
        ink = cv2.GaussianBlur(ink, (5, 5) if how.blur_px > 0.7 else (3, 3), max(how.blur_px, 0.4))
    scale = (how.ink - how.paper) / 255 * how.bleed
    image = cv2.convertScaleAbs(cv2.min(ink, int(255 / max(how.bleed, 1.0))), alpha=scale, beta=how.paper)
    if how.blotch > 0:
        image = cv2.addWeighted(image, 1.0, cloud(image.shape, rng, cells=6), how.blotch / 45, -128 * how.blotch / 45)
    if how.grain > 0:
        share = how.grain / _WHITE_SD
        image = cv2.addWeighted(image, 1.0, grain(image.shape, rng), share, -128 * share)
    if how.one_bit > 0:
        level = how.ink + (how.paper - how.ink) * how.one_bit
        image = cv2.threshold(image, level, 255, cv2.THRESH_BINARY)[1]
    if how.salt > 0 or how.pepper > 0:
        image = _specks(image, how, rng)
    return dataclasses.replace(sheet, image=np.asarray(image, np.uint8))


def _faded(ink: UInt8, how: WearSpec, rng: np.random.Generator) -> UInt8:
    """Ink less a slow cloud of loss and, for dots, less the grain."""
    loss = how.fade * 255 / 128
    faded = cv2.addWeighted(ink, 1.0, cloud(ink.shape, rng, cells=5), -loss, 128 * loss * 0.4)
    if how.dots > 0:
        faded = cv2.addWeighted(faded, 1.0, grain(ink.shape, rng), -how.dots, 128 * how.dots * 0.5)
    return np.asarray(cv2.min(faded, ink), np.uint8)


def _specks(image: UInt8, how: WearSpec, rng: np.random.Generator) -> UInt8:
    """Salt and pepper: the tails of one window of grain, found by its quantiles."""
    noise = grain(image.shape, rng)
    white = cv2.threshold(noise, _quantile(1 - how.salt), 255, cv2.THRESH_BINARY)[1]
    black = cv2.threshold(noise, _quantile(how.pepper), 255, cv2.THRESH_BINARY_INV)[1]
    return np.asarray(cv2.subtract(cv2.max(image, white), black), np.uint8)


def _quantile(share: float) -> float:
    return 128 + _WHITE_SD * NormalDist().inv_cdf(min(max(share, 1e-5), 1 - 1e-5))
