"""Read an image with a network at another scale than its own: probabilities, the mask of the ink, the choice of scale.

Conventions
    An image is grey uint8 [H,W], 255 is white. A *factor* is the size of the image that the network gets, divided by
    the size of the image itself: .5 reads a scan of 10 px/mm with a network that was trained at 5 px/mm.

Ink mask
    A network that reads at 5 px/mm places the edge of a pen within a fraction of its own pixel, which is several pixels
    of a fine scan. So the inner part of the predicted ink, farther than CORE network pixels from its edge, is ink as it
    is: the gaps that wear leaves in broad ink are ink too. A pixel in the rim, from there to REACH network pixels
    outside, is ink where the image itself is dark: darker than the middle between the paper around and the darkest
    predicted ink around. CORE and REACH were chosen on drawn `field` sheets at 15 px/mm.

Choice of the factor
    The right factor is unknown where a scan has no resolution, or a wrong one. Every candidate reads the same few
    windows of the image, those with most change of grey levels. cli/digitise.py gives the middle of a page, and only
    where the network names no curves and no --dpi is given.

        score = decided ** DECIDED * (length / longest) ** LENGTH

    `decided` is the mean of |2p - 1| over the pixels of the network with a probability p above FAINT. `length` is that
    of the centre lines found, `longest` the largest of any candidate, so a factor at which nothing is found does not
    win. The smallest factor whose score is at least EVEN times the best is chosen. No truth is used. The two powers
    were chosen on 70 images of drawn `field` sheets, 4 to 16 px/mm.

    A factor above LARGER times that of the resolution in the file is for fine pens alone. The width of the pens is the
    number of pixels of ink divided by that of centre lines; it must be at most FINE_PX in pixels of the network. So a
    fine scan of broad pens is read at fewer pixels, and fine pens are read large. Both numbers were chosen on
    200 images of drawn sheets (seeds 820000 to 820039). On 195 others (920000 to 920038) the mean IoU of the ink is
    .753 with this rule and .752 without it; at 15.7 px/mm .767 and .755, and the network reads .29 and .50 of the
    pixels of the image. With a resolution in the file of twice the true one the mean IoU is .744.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.data.folder.scaling import enlarged
from thinline.digitise.inference import Reader
from thinline.vocabulary import Bool, Float32, UInt8

FACTORS: Final = (1.0, 2 / 3, 1 / 2, 1 / 3)
"""Factors that are tried beside the one of the resolution in the file."""

FAINT: Final = 0.1
CORE: Final = 0.34
REACH: Final = 0.25
"""Widths of the two sides of the rim of predicted ink, in pixels of the network."""

PAPER_PX: Final = 12
INK_PX: Final = 4
"""How far paper and ink are looked for, in pixels of the network."""

LEAST_CONTRAST: Final = 24
"""Grey levels between paper and ink below which a pixel is not dark."""

DECIDED: Final = 3
LENGTH: Final = 0.25
EVEN: Final = 0.99
LARGER: Final = 1.6
FINE_PX: Final = 2.2
WINDOWS: Final = 4
_SAME: Final = 0.1  # factors closer than this share are one candidate


def read_at(reader: Reader, grey: UInt8, factor: float = 1.0) -> Float32:
    """Probabilities float32 [c,H,W] at the pixels of `grey` [H,W], which the network reads made larger by `factor`.

    A smaller image is the mean over the area of each pixel, a larger one and the probabilities are interpolated
    linearly. At a factor of 1 they are those of the reader.
    """
    resized = _resized(grey, factor)
    probabilities = reader.probabilities(resized)
    return probabilities if resized.shape == grey.shape else enlarged(probabilities, (grey.shape[0], grey.shape[1]))


def _resized(grey: UInt8, factor: float) -> UInt8:
    """The image [H,W] made larger by `factor`, the image itself where this changes no size."""
    size = tuple(max(1, round(side * factor)) for side in grey.shape)
    if size == grey.shape:
        return grey
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, size[::-1], interpolation=way), np.uint8)


def ink_mask(probability: Float32, grey: UInt8, *, threshold: float = 0.5, factor: float = 1.0) -> Bool:
    """The ink of the curves, bool [H,W], whose edges are those of the image.

    Args:
        probability: of ink, float [H,W] at the pixels of the image.
        grey: the image, uint8 [H,W].
        threshold: of the network, chosen on its validation sheets.
        factor: at which the network read the image; its pixel is 1 / factor pixels of the image.

    Raises:
        ValueError: arrays of different size.
    """
    if probability.shape != grey.shape:
        raise ValueError(
            f"`probability` and `grey` must have one size, got {probability.shape} and {grey.shape}; read_at gives "
            "probabilities at the pixels of the image"
        )
    predicted = np.asarray(probability >= threshold, np.uint8)
    core = cv2.erode(predicted, _disk(max(1, round(CORE / factor))))
    near = cv2.dilate(predicted, _disk(round(REACH / factor)))
    dark = dark_pixels(grey, np.asarray(near, np.bool_), network_px=1 / factor)
    return np.asarray((near.view(np.bool_) & dark) | core.view(np.bool_), np.bool_)


def dark_pixels(grey: UInt8, mask: Bool, *, network_px: float) -> Bool:
    """Pixels darker than the middle between the paper and the ink around them, bool [H,W].

    Paper is the lightest pixel within PAPER_PX pixels of the network, ink the darkest pixel of `mask` within INK_PX. A
    pixel of the network is `network_px` pixels of the image. Pixels without the contrast LEAST_CONTRAST, or without any
    ink around, are not dark.
    """
    ink = cv2.erode(np.where(mask, grey, 255).astype(np.uint8), _box(round(INK_PX * network_px))).astype(np.float32)
    contrast = _paper(grey, max(1, round(network_px))) - ink
    return np.asarray((grey <= ink + contrast / 2) & (contrast >= LEAST_CONTRAST), np.bool_)


def _paper(grey: UInt8, step: int) -> Float32:
    """The grey level of the paper around every pixel, found on every `step`-th pixel and interpolated."""
    height, width = grey.shape
    coarse = cv2.dilate(grey, _box(step // 2))[::step, ::step]
    paper = cv2.blur(cv2.dilate(coarse, _box(PAPER_PX)), (2 * PAPER_PX + 1,) * 2)
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _box(reach: int) -> UInt8:
    return np.ones((2 * reach + 1,) * 2, np.uint8)


def _disk(reach: int) -> UInt8:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2), np.uint8)


@dataclass(frozen=True)
class FactorScore:
    """What a candidate sees: `decided` 0..1, and its score.

    `pen_px` is the mean width of the ink in pixels of the network, 0 without centre lines.
    """

    factor: float
    decided: float
    score: float
    pen_px: float = 0.0


@dataclass(frozen=True)
class ChosenFactor:
    """A factor, a sentence that says why, and every candidate that is admitted."""

    factor: float
    reason: str
    candidates: tuple[FactorScore, ...]


def choose_factor(
    reader: Reader, grey: UInt8, *, implied: float | None = None, factors: Sequence[float] = FACTORS
) -> ChosenFactor:
    """The factor at which the network is well decided on a sample of `grey` [H,W], see the module.

    `implied` is the factor of the resolution in the file, a candidate beside `factors`. Raises ValueError for factors
    that are not above zero, and for none at all.
    """
    tried = _candidates(factors, implied)
    windows = busiest_windows(grey, side=round(reader.tile_px / min(tried)))
    seen = [(factor, *_seen(reader, windows, factor)) for factor in tried]
    largest = np.inf if implied is None else LARGER * implied
    broad = [(factor, pen) for factor, _, _, pen in seen if factor > largest and pen > FINE_PX]
    admitted = [each for each in seen if (each[0], each[3]) not in broad]
    longest = max(length for _, _, length, _ in admitted)
    scores = tuple(
        FactorScore(factor, decided, decided**DECIDED * (length / longest) ** LENGTH if longest else 0.0, pen)
        for factor, decided, length, pen in admitted
    )
    if not longest:
        kept = implied if implied is not None else tried[0]
        return ChosenFactor(kept, f"no factor finds a curve, so {_named(kept, implied)} is kept", scores)
    even = EVEN * max(each.score for each in scores)
    best = min((each for each in scores if each.score >= even), key=lambda each: each.factor)
    scored = ", ".join(f"{each.factor:.3g} scores {each.score:.2f}" for each in scores)
    left_out = "".join(f"; at {factor:.3g} pens are {pen:.1f} px wide" for factor, pen in broad)
    reason = f"{_named(best.factor, implied)} is the smallest with {EVEN:.0%} of the best score ({scored}{left_out})"
    return ChosenFactor(best.factor, reason, scores)


def _candidates(factors: Sequence[float], implied: float | None) -> list[float]:
    """The factors to try, each once, with that of the resolution first."""
    every = [*([implied] if implied is not None else []), *factors]
    wrong = next((factor for factor in every if not 0 < factor < np.inf), None)
    if wrong is not None or not every:
        raise ValueError(f"`factors` must be numbers above zero, one or more, got {wrong if every else 'none'}")
    tried: list[float] = []
    for factor in every:
        if all(abs(factor / other - 1) > _SAME for other in tried):
            tried.append(float(factor))
    return tried


def _named(factor: float, implied: float | None) -> str:
    return f"factor {factor:.3g}" + (" of the resolution in the file" if factor == implied else "")


def busiest_windows(grey: UInt8, *, side: int, count: int = WINDOWS) -> list[UInt8]:
    """At most `count` windows [h,w] of a page [H,W], of at most `side` px, with most change of grey levels.

    They lie on a grid and do not overlap.
    """
    height, width = grey.shape
    tall, wide = min(side, height), min(side, width)
    rows, columns = range(0, height - tall + 1, tall), range(0, width - wide + 1, wide)
    windows = [grey[row : row + tall, column : column + wide] for row in rows for column in columns]
    order = np.argsort([-float(window.std()) for window in windows], kind="stable")
    return [windows[number] for number in order[:count]]


def _seen(reader: Reader, windows: Sequence[UInt8], factor: float) -> tuple[float, float, float]:
    """How far the ink of the windows is decided, 0..1, the length of its centre lines in px of the image, and the width
    of its pens in px of the network."""
    decided, count, length, area = 0.0, 0, 0, 0
    for window in windows:
        probability = reader.probabilities(_resized(window, factor))[reader.head.first_curve :]
        ink = probability[0] if reader.head.unscored else probability.max(axis=0)
        some = ink[ink > FAINT]
        decided += float(np.abs(2 * some - 1).sum())
        count += some.size
        line = probability[-1] if reader.head.unscored else ink
        length += int((line > 0.5).sum())
        area += int((ink > 0.5).sum())
    return (decided / count if count else 0.0), length / factor, area / max(1, length)
