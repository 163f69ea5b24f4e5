"""Summary of a folder of images: shares and grey levels of each class in each split, and warnings.

Conventions
    Grey levels are those of training, after `data_mix.invert`: 0 black, 255 white. The networks expect dark structures
    on light paper. The contrast of a class in an image is its mean grey minus that of the background within
    `class_greys.NEAR_PX` of it: negative for dark structures. The contrast of a folder is the median over its images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thinline.data.folder.class_greys import ClassGreys
from thinline.data.folder.image_folder import Photo
from thinline.data.folder.image_pairs import printable
from thinline.data.folder.keys import Folder
from thinline.data.folder.splits import PARTS
from thinline.vocabulary import Float64

FAINT: Final = 8.0
"""Grey levels: a class of the folder with less contrast is neither dark nor light."""
CLEAR: Final = 20.0
"""Grey levels: an image with less contrast causes no warning that it differs from the others."""
OFF_THE_STRUCTURE: Final = 0.15
"""A mask with less than this share of the usual contrast of the folder does not lie on its structures."""
USUAL: Final = 0.75
"""Quantile of the contrasts that is the usual one; half of the masks may be wrong."""
LARGE: Final = 0.5
LITTLE: Final = 0.2
"""Shares of an image: a class that usually covers less than LITTLE and in some masks more than LARGE is suspicious."""
_NAMES_SHOWN: Final = 10

Photos = Mapping[str, Sequence[Photo]]


@dataclass(frozen=True, eq=False)
class SplitSummary:
    """One split: `heights` and `widths` of its images in pixels (least, most), `greys` over all of them.

    `holding [C]` counts the images that hold a class.
    """

    part: str
    images: int
    heights: tuple[int, int]
    widths: tuple[int, int]
    greys: ClassGreys
    holding: tuple[int, ...]


def summaries(photos: Photos) -> list[SplitSummary]:
    """One summary for each split, in their order."""
    return [_summary(part, list(split)) for part, split in photos.items()]


def _summary(part: str, photos: Sequence[Photo]) -> SplitSummary:
    heights, widths = [photo.height for photo in photos], [photo.width for photo in photos]
    holding = np.sum([photo.greys.pixels > 0 for photo in photos], axis=0)
    return SplitSummary(
        part,
        len(photos),
        (min(heights), max(heights)),
        (min(widths), max(widths)),
        reduce(add, (photo.greys for photo in photos)),
        tuple(holding.tolist()),
    )


def span(values: tuple[int, int]) -> str:
    """Least and most as text, one number where they are equal."""
    return f"{values[0]}" if values[0] == values[1] else f"{values[0]}..{values[1]}"


def oddities(folder: Folder, photos: Photos) -> list[str]:
    """Warnings about the folder or its keys, one sentence each."""
    rows = summaries(photos)
    absent = [_absent(folder, number, rows) for number in folder.class_map.ids]
    everyone = [photo for part in PARTS for photo in photos[part]]  # further test sets may differ, as by night
    return [
        *_large(folder, rows),
        *_large_in_some(folder, everyone),
        *filter(None, absent),
        *_lighter(folder, everyone),
        *_unlike(everyone),
    ]


def _contrasts(photos: Sequence[Photo]) -> Float64:
    """The contrast of each class in each image, [N,C]; NaN if it is absent or larger than LARGE."""
    return np.array([np.where(photo.greys.shares > LARGE, np.nan, photo.greys.contrast) for photo in photos])


def _median(values: Float64) -> float:
    """The median of the finite values; NaN for none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _lighter(folder: Folder, photos: Sequence[Photo]) -> Iterator[str]:
    """Warns of classes that are lighter than the background around them."""
    contrasts = {number: _median(values) for number, values in enumerate(_contrasts(photos).T)}
    light = [number for number, contrast in contrasts.items() if contrast >= FAINT]
    dark = [number for number, contrast in contrasts.items() if contrast <= -FAINT]
    if not light:
        return
    levels = ", ".join(f"{folder.class_map.classes[number]} by {contrasts[number]:.0f} grey levels" for number in light)
    sentence = f"lighter than the background around it: {levels}; the networks expect dark structures on light paper"
    if dark:
        names = ", ".join(folder.class_map.classes[number] for number in dark)
        yield f"{sentence}, as {names} are; no value of data_mix.invert suits all classes"
    else:
        yield f"{sentence}; set data_mix.invert={str(not folder.invert).lower()}"


def _unlike(photos: Sequence[Photo]) -> Iterator[str]:
    """Warns of images with inverted contrast among the others, and of masks that lie on no structure."""
    names = [printable(photo.image.name) for photo in photos]
    other = np.zeros((2, len(photos)), bool)  # light among dark, dark among light
    off = np.zeros(len(photos), bool)
    for contrasts in _contrasts(photos).T:
        known, contrast = np.isfinite(contrasts), np.nan_to_num(contrasts)
        light, dark = contrast >= CLEAR, contrast <= -CLEAR
        if light.any() and dark.any():
            few = int(light.sum() > dark.sum())
            other[few] |= dark if few else light
        usual = np.quantile(np.abs(contrast[known]), USUAL) if known.any() else 0.0
        if usual >= 2 * CLEAR:
            off |= known & (np.abs(contrast) < OFF_THE_STRUCTURE * usual)
    for those, word in zip(other, ("lighter", "darker"), strict=True):
        if those.any():
            yield (
                f"{those.sum()} of {len(photos)} images have structures {word} than the background, unlike the others: "
                f"{_listed(names, those)}; invert these files, or leave them out"
            )
    if off.any():
        yield (
            f"{off.sum()} of {len(photos)} masks do not lie on the structures of their images, which differ little in "
            f"grey there: {_listed(names, off)}; is one of the pair turned, shifted or of another image?"
        )


def _absent(folder: Folder, number: int, rows: Sequence[SplitSummary]) -> str | None:
    """A warning and advice for a class without a pixel in some splits."""
    parts = [row.part for row in rows if not row.greys.pixels[number]]
    if not parts:
        return None
    held = " and ".join(part for part in parts if part != "train")
    meaning = ["it cannot be learned"] if "train" in parts else []
    meaning += [f"it has no score in {held}"] if held else []
    holding = sum(row.holding[number] for row in rows)
    if holding < len(rows):
        advice = f"{holding} image{'s have' if holding != 1 else ' has'} it, each split needs one"
    elif folder.split.file is not None:
        advice = f"list an image that has it there in {folder.split.file}"
    elif folder.templates[0].part or folder.split.folds:
        advice = "the images of this split have none"
    else:
        advice = "take another seed, or name the splits in data_mix.split.file"
    where = " and ".join(parts)
    return f"class {folder.class_map.classes[number]} has no pixel in {where}: {', and '.join(meaning)}; {advice}"


def _large(folder: Folder, rows: Sequence[SplitSummary]) -> Iterator[str]:
    """Warns of classes that cover more than half of a split."""
    for number, name in enumerate(folder.class_map.classes[1:], start=1):
        shares = {row.part: row.greys.shares[number] for row in rows}
        over = [f"{100 * share:.0f} % of {part}" for part, share in shares.items() if share > LARGE]
        if over:
            yield (
                f"class {name} covers {', '.join(over)}; are classes swapped in data_mix.class_map, which is "
                f"{folder.class_map}, or in some masks?"
            )


def _large_in_some(folder: Folder, photos: Sequence[Photo]) -> Iterator[str]:
    """Warns of masks in which a class covers more than half of the image, where it usually covers little."""
    shares = np.array([photo.greys.shares for photo in photos])
    for number, name in enumerate(folder.class_map.classes[1:], start=1):
        over = shares[:, number] > LARGE
        usual = _median(shares[:, number])
        if over.any() and usual < LITTLE:
            yield (
                f"class {name} covers more than half of {over.sum()} of {len(photos)} masks, and usually "
                f"{100 * usual:.0f} %: {_listed([printable(photo.mask.name) for photo in photos], over)}; are their "
                "values swapped?"
            )


def _listed(names: Sequence[str], those: NDArray[np.bool_]) -> str:
    chosen = [name for name, is_one in zip(names, those, strict=True) if is_one]
    more = f" and {len(chosen) - _NAMES_SHOWN} more" if len(chosen) > _NAMES_SHOWN else ""
    return ", ".join(chosen[:_NAMES_SHOWN]) + more
