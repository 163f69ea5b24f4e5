"""Apply wear to a drawn sheet: the effects of age and scanner on ink and paper. Nothing moves; skew is part of drawing.

Order: ink fades, breaks into dots and spreads onto uneven paper; the scanner blurs, adds grain, may threshold to one
bit, and adds salt and pepper. Noise is read from tiles (noise.py) at offsets drawn from `wear.seed`. The loops are in
wear_kernels.py.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from thinline.sheets.drawing.noise import NO_GRAIN, grain
from thinline.sheets.drawing.wear_kernels import faded, worn
from thinline.sheets.generators import generator
from thinline.sheets.sheet import Sheet
from thinline.sheets.spec import WearSpec
from thinline.system.numba_kernels import call
from thinline.vocabulary import UInt8

_WHITE = NormalDist(128, 32)  # the levels of the grain
_FADE_CELLS, _BLOTCH_CELLS = (5, 5), (6, 6)
_LEAST_BLUR_PX = 0.4
_SHORT_BLUR_PX = 0.7  # up to here the blur reaches one pixel, above two


def wear(sheet: Sheet, spec: WearSpec) -> Sheet:
    """`sheet` with a worn image; labels, strokes, layers and curves are unchanged."""
    rng = generator(spec.seed)
    image = _faded(sheet.image, spec, rng) if spec.fade > 0 else sheet.image
    taps = blur_weights(spec.blur_px) if spec.bleed != 1.0 or spec.blur_px > 0 else (256, 0, 0)
    tone = ((spec.ink - spec.paper) / 255 * spec.bleed, float(spec.paper), int(255 / max(spec.bleed, 1.0)))
    cells = grain(_BLOTCH_CELLS, rng) if spec.blotch > 0 else NO_GRAIN
    noise = grain(image.shape, rng) if spec.grain > 0 else NO_GRAIN
    level = spec.ink + (spec.paper - spec.ink) * spec.one_bit if spec.one_bit > 0 else -math.inf
    specks, black, white = NO_GRAIN, -math.inf, math.inf
    if spec.salt > 0 or spec.pepper > 0:
        specks, black, white = grain(image.shape, rng), _quantile(spec.pepper), _quantile(1 - spec.salt)
    strengths = (spec.blotch / 45, spec.grain / _WHITE.stdev)
    worn_image = call(worn, image, taps, tone, (cells, noise, specks), strengths, (float(level), black, white))
    return Sheet(worn_image, sheet.labels, sheet.strokes, sheet.layers, sheet.curves)


def blur_weights(blur_px: float) -> tuple[int, int, int]:
    """Weights in 1/256 of a pixel, of the next and of the one after: those of OpenCV's blur of 3 or 5 pixels.

    OpenCV rounds them from the outermost inwards and carries the rest, and the centre takes what is left of 256.
    """
    variance = max(blur_px, _LEAST_BLUR_PX) ** 2
    near, far = math.exp(-0.5 / variance), math.exp(-2 / variance) if blur_px > _SHORT_BLUR_PX else 0.0
    unit = 256 / (1 + 2 * near + 2 * far)
    outer = round(far * unit)
    inner = round(near * unit + (far * unit - outer))
    return 256 - 2 * inner - 2 * outer, inner, outer


def _faded(image: UInt8, spec: WearSpec, rng: np.random.Generator) -> UInt8:
    """The image of ink minus a slow cloud and, for dots, minus grain."""
    cells = grain(_FADE_CELLS, rng)
    noise = grain(image.shape, rng) if spec.dots > 0 else NO_GRAIN
    loss = spec.fade * 255 / 128
    return np.asarray(call(faded, image, cells, noise, (-loss, 128 * loss * 0.4), float(spec.dots)), np.uint8)


def _quantile(share: float) -> float:
    return _WHITE.inv_cdf(min(max(share, 1e-5), 1 - 1e-5))
