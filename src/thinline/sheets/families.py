"""Sample a SheetSpec from a family of sheets and a seed.

Families
    archive     stands for real scans: heavy grids, print, folds, strong wear, many of them one-bit
    procedural  the synthetic generator: a wider range of pens, grids and shapes, less wear
    field       windows of pages with one to six curves, like real scans and digital plots (thinline.sheets.field)
The first two use the same code with different ranges (family_ranges.py). They are frozen: their specs and pixels do not
change, because published runs were trained and scored on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thinline.sheets.family_ranges import RANGES, Ranges, choose, uniform
from thinline.sheets.field import sample_field
from thinline.sheets.pens import curves
from thinline.sheets.printed_form import form, print_of
from thinline.sheets.spec import CUES, SheetSpec, SkewSpec, WearSpec

FROZEN: Final = tuple(RANGES)
FAMILIES: Final = (*FROZEN, "field")
"""The position of a family is part of the seed of its sheets: new families are appended."""
_SMALLEST_MM = 16.0


def sample(
    family: str,
    seed: int,
    *,
    size_mm: tuple[float, float] = (64.0, 64.0),
    samples: Sequence[NDArray[np.floating[Any]]] = (),
) -> SheetSpec:
    """The spec of sheet `seed` of a family; depends on the arguments alone.

    size_mm   (height, width) of the sheet, each at least 16
    samples   values of real curves, 1-D, NaN = missing; if given, both curves are windows of them
              (on `field` sheets 70 % of the curves)

    ValueError: unknown family, sheet too small, a sample that is not 1-D or has fewer than two finite values.
    """
    if family not in FAMILIES:
        raise ValueError(f"`family` must be one of {FAMILIES}, got {family!r}; check data_mix for a typing error")
    if min(size_mm) < _SMALLEST_MM:
        raise ValueError(f"`size_mm` must be at least {_SMALLEST_MM} mm each way, got {size_mm}; ask for larger sheets")
    rng = np.random.default_rng([FAMILIES.index(family), seed])
    size = (float(size_mm[0]), float(size_mm[1]))
    if family not in RANGES:
        return sample_field(rng, seed, size, samples)
    ranges = RANGES[family]
    cue = CUES[choose(rng, ranges.cue_odds)]
    header_mm = round(uniform(rng, (0.14, 0.24)) * size[0], 2) if rng.random() < ranges.header else 0.0
    blank = form(ranges, rng, size[1])
    texts, marks = print_of(ranges, rng, blank, header_mm, size)
    return SheetSpec(
        family=family,
        seed=seed,
        size_mm=size,
        cue=cue,
        tracks=blank.tracks,
        curves=curves(ranges, rng, cue, blank.tracks, (header_mm, size[0]), samples),
        order=(0, 1) if rng.random() < 0.5 else (1, 0),
        texts=tuple(texts),
        marks=tuple(marks),
        header_mm=header_mm,
        skew=_skew(ranges, rng),
        wear=_wear(ranges, rng),
    )


def _skew(ranges: Ranges, rng: np.random.Generator) -> SkewSpec:
    wavy = rng.random() < ranges.wavy
    return SkewSpec(
        angle_deg=round(float(rng.normal(0, ranges.angle_deg)), 3),
        shear=round(float(rng.normal(0, ranges.shear)), 5),
        wave_mm=uniform(rng, (0.1, 0.5)) if wavy else 0.0,
        wave_period_mm=uniform(rng, (40, 120)),
        wave_phase=uniform(rng, (0, 6.283)),
        stretch_mm=uniform(rng, (-0.4, 0.4)) if wavy else 0.0,
    )


def _wear(ranges: Ranges, rng: np.random.Generator) -> WearSpec:
    one_bit, faded, speckled = rng.random(3) < (ranges.one_bit, ranges.faded, ranges.speckled)
    return WearSpec(
        seed=int(rng.integers(2**31)),
        paper=int(rng.integers(*ranges.paper)),
        ink=int(rng.integers(*ranges.ink)),
        bleed=uniform(rng, ranges.bleed),
        fade=uniform(rng, ranges.fade) if faded else 0.0,
        dots=uniform(rng, ranges.dots) if faded and rng.random() < 0.4 else 0.0,
        blotch=uniform(rng, (0, ranges.blotch)),
        grain=uniform(rng, ranges.grain),
        salt=round(float(rng.uniform(0, 0.006)), 5) if speckled else 0.0,
        pepper=round(float(rng.uniform(0, 0.006)), 5) if speckled else 0.0,
        blur_px=uniform(rng, ranges.blur_px),
        one_bit=uniform(rng, ranges.one_bit_level) if one_bit else 0.0,
    )
