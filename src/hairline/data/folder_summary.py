"""What a folder of images holds for training: shares and grey levels of each class in each split, and what is odd.

Conventions
    Grey levels are those that are trained on, after `data_mix.invert`: 0 black, 255 white. The networks here expect
    dark structures on light paper.
    The contrast of a class in an image is its mean grey less that of the background within `class_greys.NEAR_PX` of it:
    below 0 for dark structures. Over a folder it is the median over the images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hairline.data.class_greys import ClassGreys
from hairline.data.image_folder import Folder, Photo
from hairline.data.pairing import printable
from hairline.vocabulary import Float64

FAINT: Final = 8.0
"""Grey levels: a class with less contrast over the folder is neither dark nor light."""
CLEAR: Final = 20.0
"""Grey levels: an image with less contrast is not said to differ from the others."""
OFF_THE_INK: Final = 0.15
"""A mask with less than this share of the contrast that is usual in the folder does not lie on its structures."""
USUAL: Final = 0.75
"""The contrast that is usual: this share of the images have no more. So half of the masks may be off."""
LARGE: Final = 0.5
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
    return [_summary(part, list(mine)) for part, mine in photos.items()]


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
    """What is probably wrong with the folder or its keys, a sentence each; nothing when nothing is odd."""
    rows = summaries(photos)
    large = _large(folder, rows)
    absent = [_absent(folder, number, rows) for number in range(len(folder.class_map.classes))]
    everyone = [photo for mine in photos.values() for photo in mine]
    known = [number for number in range(1, len(folder.class_map.classes)) if number not in large]
    return [
        *large.values(),
        *filter(None, absent),
        *_lighter(folder, everyone, known),
        *_unlike(everyone, known),
    ]


def _contrasts(photos: Sequence[Photo]) -> Float64:
    """The contrast of each class in each image, [N,C]; NaN where it has none."""
    return np.array([photo.greys.contrast for photo in photos])


def _median(values: Float64) -> float:
    """The median of those that are numbers; NaN for none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _lighter(folder: Folder, photos: Sequence[Photo], known: Sequence[int]) -> Iterator[str]:
    """The classes that are lighter than the background around them."""
    contrasts = {number: _median(_contrasts(photos)[:, number]) for number in known}
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
        yield f"{sentence}; set data_mix.invert={_word(not folder.invert)}"


def _unlike(photos: Sequence[Photo], known: Sequence[int]) -> Iterator[str]:
    """Images that are light on dark among others that are not, or the reverse, and masks that lie on no structure."""
    contrasts, names = _contrasts(photos), [printable(photo.image.name) for photo in photos]
    other = np.zeros((2, len(photos)), bool)  # light among dark, dark among light
    off = np.zeros(len(photos), bool)
    for number in known:
        mine = np.nan_to_num(contrasts[:, number])
        light, dark = mine >= CLEAR, mine <= -CLEAR
        if light.any() and dark.any():
            few = int(light.sum() > dark.sum())
            other[few] |= dark if few else light
        known_ones = np.isfinite(contrasts[:, number])
        usual = np.quantile(np.abs(mine[known_ones]), USUAL) if known_ones.any() else 0.0
        if usual >= 2 * CLEAR:
            off |= known_ones & (np.abs(mine) < OFF_THE_INK * usual)
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
    """What it means that a class has no pixel in some splits, and what to do."""
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
    else:
        advice = "take another seed, or name the splits in data_mix.split.file"
    where = " and ".join(parts)
    return f"class {folder.class_map.classes[number]} has no pixel in {where}: {', and '.join(meaning)}; {advice}"


def _large(folder: Folder, rows: Sequence[SplitSummary]) -> dict[int, str]:
    """The classes that cover more than half of a split, each with a sentence."""
    found = {}
    for number, name in enumerate(folder.class_map.classes[1:], start=1):
        shares = {row.part: row.greys.shares[number] for row in rows}
        over = [f"{100 * share:.0f} % of {part}" for part, share in shares.items() if share > LARGE]
        if over:
            found[number] = (
                f"class {name} covers {', '.join(over)}; are classes swapped in data_mix.class_map, which is "
                f"{folder.class_map.told()}?"
            )
    return found


def _listed(names: Sequence[str], those: NDArray[np.bool_]) -> str:
    chosen = [name for name, is_one in zip(names, those, strict=True) if is_one]
    more = f" and {len(chosen) - _NAMES_SHOWN} more" if len(chosen) > _NAMES_SHOWN else ""
    return ", ".join(chosen[:_NAMES_SHOWN]) + more


def _word(value: bool) -> str:
    return str(value).lower()
