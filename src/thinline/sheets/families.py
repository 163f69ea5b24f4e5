"""`sample`: from a family and a seed to a SheetSpec, for either family of sheets.

Families
    archive     stands for real scans: heavy grids, print, folds, strong wear, a good part in one bit
    procedural  the synthetic generator: a wider range of pens, grids and shapes, less wear
Both are drawn by the same code from a `Taste`, the ranges a family draws from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.sheets.pens import curves
from thinline.sheets.printed_form import form
from thinline.sheets.printed_text import prints
from thinline.sheets.spec import CUES, SheetSpec, SkewSpec, WearSpec
from thinline.sheets.style import TASTES, Taste, draw, pick

FAMILIES: Final = tuple(TASTES)
_SMALLEST_MM = 16.0


def sample(
    family: str,
    seed: int,
    *,
    size_mm: tuple[float, float] = (64.0, 64.0),
    samples: Sequence[NDArray[np.floating[Any]]] = (),
) -> SheetSpec:
    """The spec of sheet `seed` of a family; a function of its arguments alone.

    size_mm   (height, width) of the sheet, each at least 16
    samples   values of real curves, 1-D, NaN where there is no data; when given, both curves are windows of them

    ValueError: unknown family, sheet too small, a sample that is not 1-D or has fewer than two finite values.
    """
    if family not in TASTES:
        raise ValueError(f"`family` must be one of {FAMILIES}, got {family!r}; check data_mix for a typing error")
    if min(size_mm) < _SMALLEST_MM:
        raise ValueError(f"`size_mm` must be at least {_SMALLEST_MM} mm each way, got {size_mm}; ask for larger sheets")
    taste = TASTES[family]
    rng = np.random.default_rng([FAMILIES.index(family), seed])
    size = (float(size_mm[0]), float(size_mm[1]))
    cue = CUES[pick(rng, taste.cue_odds)]
    header_mm = round(draw(rng, (0.14, 0.24)) * size[0], 2) if rng.random() < taste.header else 0.0
    blank = form(taste, rng, size[1])
    texts, marks = prints(taste, rng, blank, header_mm, size)
    return SheetSpec(
        family=family,
        seed=seed,
        size_mm=size,
        cue=cue,
        tracks=blank.tracks,
        curves=curves(taste, rng, cue, blank.tracks, (header_mm, size[0]), samples),
        order=(0, 1) if rng.random() < 0.5 else (1, 0),
        texts=tuple(texts),
        marks=tuple(marks),
        header_mm=header_mm,
        skew=_skew(taste, rng),
        wear=_wear(taste, rng),
    )


def _skew(taste: Taste, rng: np.random.Generator) -> SkewSpec:
    wavy = rng.random() < taste.wavy
    return SkewSpec(
        angle_deg=round(float(rng.normal(0, taste.angle_deg)), 3),
        shear=round(float(rng.normal(0, taste.shear)), 5),
        wave_mm=draw(rng, (0.1, 0.5)) if wavy else 0.0,
        wave_period_mm=draw(rng, (40, 120)),
        wave_phase=draw(rng, (0, 6.283)),
        stretch_mm=draw(rng, (-0.4, 0.4)) if wavy else 0.0,
    )


def _wear(taste: Taste, rng: np.random.Generator) -> WearSpec:
    one_bit, faded, speckled = rng.random(3) < (taste.one_bit, taste.faded, taste.speckled)
    return WearSpec(
        seed=int(rng.integers(2**31)),
        paper=int(rng.integers(*taste.paper)),
        ink=int(rng.integers(*taste.ink)),
        bleed=draw(rng, taste.bleed),
        fade=draw(rng, taste.fade) if faded else 0.0,
        dots=draw(rng, taste.dots) if faded and rng.random() < 0.4 else 0.0,
        blotch=draw(rng, (0, taste.blotch)),
        grain=draw(rng, taste.grain),
        salt=round(float(rng.uniform(0, 0.006)), 5) if speckled else 0.0,
        pepper=round(float(rng.uniform(0, 0.006)), 5) if speckled else 0.0,
        blur_px=draw(rng, taste.blur_px),
        one_bit=draw(rng, taste.one_bit_level) if one_bit else 0.0,
    )
