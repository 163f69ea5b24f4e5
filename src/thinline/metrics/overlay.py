"""Overlay picture of one sheet: truth | prediction | errors, side by side, with a legend.

Conventions
-----------
`image` uint8 `[H,W]`, `true` and `predicted` class ids `[H,W]` (background 0; 255 in `true` = ignore). The picture is
RGB uint8: colours over the image faded towards white, every pixel enlarged to `scale` x `scale` (nearest, so that a
1-px line is visible and no colours mix).

    truth, prediction   each curve in its dark tone
    misses              from dark to light: black, one curve predicted as another; dark tone, missed pixels of a curve;
                        light tone, its false positives; pale grey, true positives. Ignored pixels are grey

The first four curves have a dark and a light neighbour in the palette of Okabe and Ito, four more have tones between
them, then the tones repeat. The four kinds of pixels differ in lightness and the curves in hue, so that colour-blind
readers and grey prints can tell them apart.

References
----------
Okabe and Ito, "Color universal design: how to make figures that are colorblind friendly", 2002.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.vocabulary import IGNORE, UInt8

Colour = tuple[int, int, int]
Pixel = TypeVar("Pixel", np.uint8, np.bool_)

# dark tone (truth, prediction, misses) and light tone (false positives) of each curve
_TONES: Final[tuple[tuple[Colour, Colour], ...]] = (
    ((0, 80, 150), (70, 165, 235)),
    ((180, 50, 0), (240, 150, 10)),
    ((0, 100, 70), (60, 195, 150)),
    ((130, 50, 110), (225, 140, 195)),
    ((105, 85, 0), (215, 190, 50)),
    ((0, 95, 110), (80, 190, 205)),
    ((120, 60, 30), (215, 155, 115)),
    ((60, 60, 130), (155, 155, 225)),
)
_HIT: Final[Colour] = (195, 195, 195)
_SWAP: Final[Colour] = (0, 0, 0)
_IGNORED: Final[Colour] = (228, 228, 228)
_INK: Final[Colour] = (40, 40, 40)
_FADE: Final = 0.85  # share of white over the image: black print becomes lighter than a true positive
_GAP_PX: Final = 8
_LINE_PX: Final = 16
_LETTER: Final = 0.36  # share of OpenCV's own letter size
_SWATCH_PX: Final = 8


def overlay(image: UInt8, true: UInt8, predicted: UInt8, *, classes: Sequence[str], scale: int = 2) -> UInt8:
    """RGB uint8 picture of one sheet: truth | prediction | misses at `scale`, and the legend below.

    Raises `ValueError` on shapes that differ and on a scale below 1.
    """
    faded = _background(image, true, predicted, scale=scale)
    panels = [_labelled(faded, true, scale=scale), _labelled(faded, predicted, scale=scale)]
    panels.append(_errors(faded, true, predicted, scale=scale))
    titled = [_titled(panel, title) for panel, title in zip(panels, ("truth", "prediction", "misses"), strict=True)]
    gap = np.full((titled[0].shape[0], _GAP_PX, 3), 255, np.uint8)
    row = np.hstack([titled[0], gap, titled[1], gap, titled[2]])
    return np.vstack([row, _legend(row.shape[1], classes[1:])])


def truth_overlay(image: UInt8, true: UInt8, *, title: str, scale: int = 2) -> UInt8:
    """RGB uint8 picture of one image: image | its classes over the faded image, with a title above."""
    faded = _background(image, true, true, scale=scale)
    panels = [_enlarged(np.repeat(image[..., None], 3, axis=-1), scale), _labelled(faded, true, scale=scale)]
    gap = np.full((panels[0].shape[0], _GAP_PX, 3), 255, np.uint8)
    return _titled(np.hstack([panels[0], gap, panels[1]]), title)


def class_legend(width: int, classes: Sequence[str]) -> UInt8:
    """Legend of the classes but the background, RGB uint8 `width` px wide, with as many lines as needed."""
    entries = [(name, _tones(number)[0]) for number, name in enumerate(classes) if number]
    return _swatches(width, [*entries, ("not counted", _IGNORED)])


def _labelled(faded: UInt8, labels: UInt8, *, scale: int) -> UInt8:
    panel = faded.copy()
    for curve in _curves(labels):
        panel[_enlarged(labels == curve, scale)] = _tones(curve)[0]
    return panel


def _errors(faded: UInt8, true: UInt8, predicted: UInt8, *, scale: int) -> UInt8:
    panel = faded.copy()
    counted = true != IGNORE
    panel[_enlarged(counted & (true > 0) & (predicted == true), scale)] = _HIT
    for curve in _curves(np.maximum(predicted, np.where(counted, true, 0).astype(np.uint8))):
        dark, light = _tones(curve)
        panel[_enlarged((true == curve) & (predicted == 0), scale)] = dark
        panel[_enlarged((true == 0) & (predicted == curve), scale)] = light
    panel[_enlarged(counted & (true > 0) & (predicted > 0) & (predicted != true), scale)] = _SWAP
    return panel


def _curves(labels: UInt8) -> list[int]:
    """Curve ids on the sheet, without background and ignore."""
    return [int(label) for label in np.unique(labels) if label not in (0, IGNORE)]


def _tones(curve: int) -> tuple[Colour, Colour]:
    return _TONES[(curve - 1) % len(_TONES)]


def _background(image: UInt8, true: UInt8, predicted: UInt8, *, scale: int) -> UInt8:
    """The faded image, RGB and enlarged, with ignored pixels in grey. ValueError as in `overlay`."""
    if image.ndim != 2 or not image.shape == true.shape == predicted.shape:
        raise ValueError(
            f"`image`, `true` and `predicted` must be of one shape [H,W], got {image.shape}, {true.shape} and "
            f"{predicted.shape}; pass one sheet, not a batch"
        )
    if scale < 1:
        raise ValueError(f"`scale` must be 1 or more, got {scale}; 2 shows 1-px lines well")
    pale = (255 - (255 - image.astype(np.float32)) * (1 - _FADE)).astype(np.uint8)
    faded = _enlarged(np.repeat(pale[..., None], 3, axis=-1), scale)
    faded[_enlarged(true == IGNORE, scale)] = _IGNORED
    return faded


def _enlarged(plane: NDArray[Pixel], scale: int) -> NDArray[Pixel]:
    return plane.repeat(scale, axis=0).repeat(scale, axis=1)


def _titled(panel: UInt8, title: str) -> UInt8:
    strip = np.full((_LINE_PX, panel.shape[1], 3), 255, np.uint8)
    _write(strip, title, left=2)
    return np.vstack([strip, panel])


def _legend(width: int, curves: Sequence[str]) -> UInt8:
    entries: list[tuple[str, Colour]] = []
    for curve, name in enumerate(curves, start=1):
        dark, light = _tones(curve)
        entries += [(f"{name}, missed", dark), (f"{name}, false positive", light)]
    return _swatches(width, [*entries, ("hit", _HIT), ("taken for another curve", _SWAP)])


def _swatches(width: int, entries: Sequence[tuple[str, Colour]]) -> UInt8:
    """Swatches with texts, in as many lines as the width needs."""
    lines, left = [_blank_line(width)], 2
    for text, colour in entries:
        needed = 2 * _SWATCH_PX + _text_px(text)
        if left > 2 and left + needed > width:
            lines.append(_blank_line(width))
            left = 2
        lines[-1][4 : 4 + _SWATCH_PX, left : left + _SWATCH_PX] = colour
        _write(lines[-1], text, left=left + _SWATCH_PX + 3)
        left += needed + _SWATCH_PX
    return np.vstack(lines)


def _blank_line(width: int) -> UInt8:
    return np.full((_LINE_PX, width, 3), 255, np.uint8)


def _write(strip: UInt8, text: str, *, left: int) -> None:
    cv2.putText(strip, text, (left, 12), cv2.FONT_HERSHEY_SIMPLEX, _LETTER, _INK, 1, cv2.LINE_AA)


def _text_px(text: str) -> int:
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, _LETTER, 1)[0][0])
