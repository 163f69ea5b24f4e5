"""Overlay picture of one sheet: truth | prediction | errors, side by side, with a legend.

Conventions
-----------
`image` uint8 `[H,W]`, `true` and `predicted` class ids `[H,W]` (background 0; 255 in `true` = ignore). The picture is
RGB uint8: colours over the image faded towards white, every pixel enlarged to `scale` x `scale` (nearest, so that a
1-px line is visible and no colours mix).

    truth, prediction   each curve in its colour, a dark tone
    errors              from dark to light: black, one curve predicted as another; magenta, missed; amber, false alarm;
                        pale grey, hit. Ignored pixels are the lightest grey

A colour means one thing: no curve has the colour of an error, on any sheet, and every picture of thinline that shows
hits, misses and false alarms has these colours (`MEANINGS`). Which curve was missed is in the panel of the truth. The
kinds of pixels differ in lightness and the curves in hue, so that colour-blind readers and grey prints can tell them
apart: magenta and amber differ in blue and in lightness, which every kind of colour blindness leaves. The tones repeat
after eight curves.

References
----------
Okabe and Ito, "Color universal design: how to make figures that are colorblind friendly", 2002.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from thinline.vocabulary import IGNORE, UInt8

Colour = tuple[int, int, int]
Pixel = TypeVar("Pixel", np.uint8, np.bool_)

HIT: Final[Colour] = (195, 195, 195)
MISS: Final[Colour] = (215, 0, 125)
FALSE_ALARM: Final[Colour] = (235, 160, 0)
OTHER_CURVE: Final[Colour] = (0, 0, 0)
IGNORED: Final[Colour] = (228, 228, 228)
MEANINGS: Final[Mapping[str, Colour]] = {
    "hit": HIT,
    "missed": MISS,
    "false alarm": FALSE_ALARM,
    "taken for another curve": OTHER_CURVE,
}
"""What the colours of a panel of errors mean."""

_TONES: Final[tuple[Colour, ...]] = (
    (0, 80, 150),
    (180, 50, 0),
    (0, 100, 70),
    (95, 60, 140),
    (105, 85, 0),
    (0, 95, 110),
    (120, 60, 30),
    (60, 60, 130),
)
_INK: Final[Colour] = (40, 40, 40)
_FADE: Final = 0.85  # share of white over the image: black print becomes lighter than a true positive
_GAP_PX: Final = 8
_LINE_PX: Final = 16
_LETTER: Final = 0.36  # share of OpenCV's own letter size
_SWATCH_PX: Final = 8


def overlay(image: UInt8, true: UInt8, predicted: UInt8, *, classes: Sequence[str], scale: int = 2) -> UInt8:
    """RGB uint8 picture of one sheet: truth | prediction | errors at `scale`, and the legend below.

    Raises `ValueError` on shapes that differ and on a scale below 1.
    """
    faded = _background(image, true, predicted, scale=scale)
    panels = [_labelled(faded, true, scale=scale), _labelled(faded, predicted, scale=scale)]
    panels.append(_errors(faded, true, predicted, scale=scale))
    titled = [_titled(panel, title) for panel, title in zip(panels, ("truth", "prediction", "errors"), strict=True)]
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
    entries = [(name, curve_colour(number)) for number, name in enumerate(classes) if number]
    return _swatches(width, [*entries, ("not counted", IGNORED)])


def _labelled(faded: UInt8, labels: UInt8, *, scale: int) -> UInt8:
    panel = faded.copy()
    for curve in _curves(labels):
        panel[_enlarged(labels == curve, scale)] = curve_colour(curve)
    return panel


def _errors(faded: UInt8, true: UInt8, predicted: UInt8, *, scale: int) -> UInt8:
    panel = faded.copy()
    ink, drawn = (true > 0) & (true != IGNORE), predicted > 0
    panel[_enlarged(ink & (predicted == true), scale)] = HIT
    panel[_enlarged(ink & ~drawn, scale)] = MISS
    panel[_enlarged((true == 0) & drawn, scale)] = FALSE_ALARM
    panel[_enlarged(ink & drawn & (predicted != true), scale)] = OTHER_CURVE
    return panel


def _curves(labels: UInt8) -> list[int]:
    """Curve ids on the sheet, without background and ignore."""
    return [int(label) for label in np.unique(labels) if label not in (0, IGNORE)]


def curve_colour(curve: int) -> Colour:
    """The colour of the curve with the class id `curve`, 1 or more."""
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
    faded[_enlarged(true == IGNORE, scale)] = IGNORED
    return faded


def _enlarged(plane: NDArray[Pixel], scale: int) -> NDArray[Pixel]:
    return plane.repeat(scale, axis=0).repeat(scale, axis=1)


def _titled(panel: UInt8, title: str) -> UInt8:
    strip = np.full((_LINE_PX, panel.shape[1], 3), 255, np.uint8)
    _write(strip, title, left=2)
    return np.vstack([strip, panel])


def _legend(width: int, curves: Sequence[str]) -> UInt8:
    entries = [(name, curve_colour(curve)) for curve, name in enumerate(curves, start=1)]
    return _swatches(width, [*entries, *MEANINGS.items()])


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
