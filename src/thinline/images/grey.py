"""Convert the numbers of pixels to grey levels, or to the values of a mask.

Conventions
    Grey is uint8, 0 black and 255 white. A number v of 0..M becomes 255 v // M for M < 255, else 256 v // (M + 1): the
    upper 8 bits of deep images, the full range for shallow ones, so a picture has the same grey at any depth. Fractions
    run from 0 black to 1 white. Transparent pixels show white paper.
    Colours become grey by their luma (ITU-R BT.601). Three libraries have been used to read images, and each rounds the
    luma in its own way; `Luma` names the rounding, so the grey of a file never changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from thinline.images.page import Samples, ScanError
from thinline.vocabulary import UInt8


class Luma(NamedTuple):
    """(red R + green G + blue B + half) >> shift."""

    red: int
    green: int
    blue: int
    half: int
    shift: int


PILLOW: Final = Luma(19595, 38470, 7471, 1 << 15, 16)
OPENCV: Final = Luma(4899, 9617, 1868, 1 << 13, 14)
LIBPNG: Final = Luma(9797, 19234, 3737, 0, 15)

_LADDER: Final = (1, 3, 15, 255, 1023, 4095, 16383)
_MOST_WHITE_IS_ZERO: Final = 4095
_AT_ONCE: Final = 1 << 21  # px that are converted together


@dataclass(frozen=True, eq=False)
class Colours:
    """Meaning of the numbers [h,W,samples] of a page.

    `model` is `grey`, `palette`, `rgb` or `cmyk`; `inverted`: 0 is white. Numbers run from 0 to `most` (1.0 for
    fractions), those of the sample `alpha` to `most_alpha`. `palette` is uint8 [n,3], or [n,4] with transparency; `key`
    is the transparent number.
    """

    model: str
    most: float
    inverted: bool = False
    most_alpha: float = 255
    alpha: int | None = None
    premultiplied: bool = False
    palette: UInt8 | None = None
    key: tuple[int, ...] | None = None
    luma: Luma = PILLOW


def full_scale(most: int, *, bits: int, inverted: bool) -> int:
    """The number of white (of black if `inverted`) on a page whose largest number is `most`.

    For 16 bits: the end of the smallest range of 1, 2, 4, 8, 10, 12 or 14 bits that contains all numbers. If 0 is
    white, small numbers may be pale ink on a page without dark ink, so only the ranges of 10 and 12 bits are used.
    """
    whole: int = (1 << bits) - 1
    fitting = next((step for step in _LADDER if most <= step), whole)
    if most == 0 or (inverted and not 255 < fitting <= _MOST_WHITE_IS_ZERO):
        return whole
    return min(fitting, whole)


def stretched(samples: Samples, colours: Colours, *, declared: int | None = None) -> tuple[Colours, str]:
    """The `colours` of 16-bit numbers with the range that `samples` use, and a notice; unchanged for other colours."""
    if colours.most != 65535 or colours.model == "palette":
        return colours, ""
    most = int(samples.max(initial=0))
    white = full_scale(most, bits=16, inverted=colours.inverted)
    if declared is not None and 255 <= declared < 65535 and most <= declared:
        white = declared
    if white == 65535:
        return colours, ""
    notice = f"uses 0 to {most} of 16 bits: its grey levels 0..{white} were stretched to 0..255"
    return replace(colours, most=white), notice


def grey_of(samples: Samples, colours: Colours) -> UInt8:
    """Grey levels [h,W] of numbers [h,W,samples], computed in blocks of rows."""
    step = max(1, _AT_ONCE // max(1, samples.shape[1]))
    if len(samples) > step:
        grey = np.empty(samples.shape[:2], np.uint8)
        for top in range(0, len(samples), step):
            grey[top : top + step] = grey_of(samples[top : top + step], colours)
        return grey
    if colours.model == "palette":
        assert colours.palette is not None
        entries = colours.palette[np.minimum(samples[..., 0], len(colours.palette) - 1)]
        grey = _luma(entries[..., :3], colours.luma)
        grey = _on_white(grey, entries[..., 3]) if entries.shape[-1] == 4 else grey
    elif colours.model == "grey":
        grey = _eight(samples[..., 0], colours.most)
        grey = np.asarray(255 - grey, np.uint8) if colours.inverted else grey
    elif colours.model == "cmyk":
        ink = 255 - _eight(samples[..., :4], colours.most).astype(np.uint16)
        grey = _luma(np.asarray((ink[..., :3] * ink[..., 3:] + 127) // 255, np.uint8), colours.luma)
    else:
        grey = _luma(_eight(samples[..., :3], colours.most), colours.luma)
    if colours.alpha is not None:
        grey = _on_white(grey, _eight(samples[..., colours.alpha], colours.most_alpha), colours.premultiplied)
    if colours.key is not None:
        clear = (samples[..., : len(colours.key)] == np.array(colours.key)).all(axis=-1)
        grey = np.where(clear, np.uint8(255), grey)
    return grey


def values_of(samples: Samples, colours: Colours) -> Samples:
    """Class values [h,W] of a mask, whole numbers 0..65535. ScanError for colours, fractions and transparency."""
    colours, numbers = _without_alpha(samples, colours)
    if colours.model == "palette":
        return _indices(numbers[..., 0], colours)
    if colours.model == "cmyk" or (numbers != numbers[..., :1]).any():
        raise ScanError("expected a mask of one value a pixel, got colours; save class values in grey")
    values = numbers[..., 0]
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        raise ScanError(f"expected a mask of whole values, got {values.dtype} with fractions; save whole values")
    if values.size and not 0 <= values.min() <= values.max() <= 65535:
        raise ScanError(
            f"expected mask values of 0 to 65535, got {values.min():g} to {values.max():g}; save class values"
        )
    if values.dtype.kind == "u" and colours.most < 255:
        values = _eight(values, colours.most)
    if colours.inverted:
        values = (255 if colours.most < 255 else int(colours.most)) - values
    return np.ascontiguousarray(values, np.uint8 if values.dtype.itemsize == 1 else np.uint16)


def _without_alpha(samples: Samples, colours: Colours) -> tuple[Colours, Samples]:
    """The samples that hold the values of a mask: its colours, or its alpha if the colours are constant."""
    count = {"rgb": 3, "cmyk": 4}.get(colours.model, 1)
    if colours.key is not None and (samples[..., : len(colours.key)] == np.array(colours.key)).all(axis=-1).any():
        raise ScanError("expected a mask without transparency, got a transparent value; save class values in grey")
    if colours.alpha is None:
        return colours, samples[..., :count]
    alpha, kept = samples[..., colours.alpha], samples[..., :count]
    if (alpha == colours.most_alpha).all():
        return colours, kept
    visible = kept[alpha > 0]
    if len(visible) and (visible != visible[0]).any():
        raise ScanError(
            "expected a mask without transparency, got values in its alpha channel and in its colours; save class "
            "values in grey"
        )
    return Colours("grey", colours.most_alpha, most_alpha=colours.most_alpha), alpha[..., None]


def _indices(indices: Samples, colours: Colours) -> Samples:
    """The grey levels of a grey palette, as other programs read it, else the indices.

    If two used indices have the same grey, the indices are the values.
    """
    assert colours.palette is not None
    used = np.unique(indices)
    if len(used) and int(used[-1]) >= len(colours.palette):
        raise ScanError(f"expected indices below {len(colours.palette)}, got {used[-1]}; the palette is too short")
    greys = colours.palette[:, 0]
    if (colours.palette[:, :3] != greys[:, None]).any() or len(np.unique(greys[used])) < len(used):
        return np.asarray(indices, np.uint8)
    if colours.palette.shape[1] == 4 and (colours.palette[used, 3] < 255).any():
        raise ScanError("expected a mask without transparency, got a transparent grey; save class values in grey")
    return np.asarray(greys[indices], np.uint8)


def _eight(numbers: Samples, most: float) -> UInt8:
    """Numbers 0..most scaled to 0..255."""
    if numbers.dtype.kind == "f":
        return np.asarray(np.rint(np.clip(numbers, 0, 1) * 255), np.uint8)
    if most == 255 and numbers.dtype == np.uint8:
        return np.asarray(numbers)
    top = int(most)
    wide = np.minimum(numbers, top).astype(np.uint32)
    return np.asarray(wide * 255 // top if top < 255 else wide * 256 // (top + 1), np.uint8)


def _luma(colours: UInt8, luma: Luma) -> UInt8:
    red, green, blue = (colours[..., i].astype(np.uint32) for i in range(3))
    mixed = luma.red * red + luma.green * green + luma.blue * blue + luma.half
    return np.asarray(mixed >> luma.shift, np.uint8)


def _on_white(grey: UInt8, alpha: UInt8, premultiplied: bool = False) -> UInt8:
    opaque = alpha.astype(np.uint32)
    ink = grey.astype(np.uint32) if premultiplied else (grey * opaque + 127) // 255
    return np.asarray(np.minimum(ink + 255 - opaque, 255), np.uint8)
