"""Sheets whose pixels must not change: both families, all wear, pens of 1 to 3 px, skew, sizes, grids."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator

import numpy as np

from thinline.sheets import FROZEN, render, sample
from thinline.sheets.spec import CurveSpec, SheetSpec, SkewSpec, WearSpec

STRONG = {
    "fade": 0.5,
    "dots": 1.0,
    "blotch": 14.0,
    "grain": 12.0,
    "salt": 0.006,
    "pepper": 0.006,
    "blur_px": 0.75,
    "one_bit": 0.7,
    "bleed": 1.5,
}
KINDS = [{}, *({name: value} for name, value in STRONG.items()), {"fade": 0.5, "dots": 1.0}, {"blur_px": 0.3}, STRONG]
SKEWS = [
    SkewSpec(),
    SkewSpec(2.0, 0.01, 0.5, 60.0, 1.0, 0.4),
    SkewSpec(-1.5, -0.01),
    SkewSpec(0.3, 0.0, 0.3, 50.0, 2.0, 0.0),
]
DASHES = [(), (2.0, 1.0, 0.5, 1.0), (0.6, 0.72)]
LAP_DASHES = [(), (0.61, 0.73)]


def sheets() -> dict[str, list[tuple[SheetSpec, float]]]:
    """Named groups of specs, each with its px per mm."""
    groups = {f"{family}, 4 px/mm": [(sample(family, seed), 4.0) for seed in range(40)] for family in FROZEN}
    for family in FROZEN:
        for scale in (8.0, 12.0):
            groups[f"{family}, {scale:.0f} px/mm"] = [(sample(family, seed), scale) for seed in range(5)]
    for size in ((16.0, 16.0), (40.3, 51.7), (160.0, 96.0)):
        specs = [sample(family, seed, size_mm=size) for family in FROZEN for seed in range(5)]
        groups[f"{size[0]} x {size[1]} mm"] = [(spec, 4.0) for spec in specs]
    groups["wear and pens"] = [(spec, 4.0) for spec in _strong()]
    groups["grids"] = list(_grids())
    groups["samples"] = [(sample("archive", seed, samples=_values()), 4.0) for seed in range(6)]
    return groups


def _strong() -> Iterator[SheetSpec]:
    """Each kind of wear with pens of three weights, dashes and skew."""
    for n, kind in enumerate(KINDS):
        for weight in (0.5, 1.0, 2.0, 3.0):
            spec = sample(FROZEN[n % 2], 3000 + n)
            curves = tuple(_penned(curve, n, k, weight) for k, curve in enumerate(spec.curves))
            wear = dataclasses.replace(WearSpec(n + 5, paper=200 + n, ink=3 * n), **kind)
            yield dataclasses.replace(spec, curves=curves, skew=SKEWS[(n + int(2 * weight)) % 4], wear=wear)


def _penned(curve: CurveSpec, n: int, k: int, weight: float) -> CurveSpec:
    spread = (0.0, 0.05, 0.3)[(n + k) % 3]
    pen = dataclasses.replace(curve.pen, weight=weight * (1.0, 1.2)[k], spread_mm=spread, dash_mm=DASHES[(n + k) % 3])
    return dataclasses.replace(curve, pen=pen, lap_dash_mm=LAP_DASHES[(n + int(weight)) % 2])


def _grids() -> Iterator[tuple[SheetSpec, float]]:
    """All styles and widths of grid lines."""
    for n in range(24):
        spec = sample("procedural", 5000 + n)
        minor, major = ("solid", "dotted", "broken")[n % 3], ("broken", "solid", "dotted", "dotted")[n % 4]
        tracks = tuple(
            dataclasses.replace(
                track,
                minor=dataclasses.replace(track.minor, style=minor, width_mm=(0.1, 0.3, 0.6, 0.9)[n % 4]),
                major=dataclasses.replace(track.major, style=major, width_mm=(0.2, 0.5, 0.8)[n % 3]),
            )
            for track in spec.tracks
        )
        yield dataclasses.replace(spec, tracks=tracks, skew=SKEWS[n % 4]), (4.0, 8.0, 3.0)[n % 3]


def _values() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    values = [np.cumsum(rng.normal(size=2000)) for _ in range(3)]
    values[0][500:600] = np.nan
    return values


def digest(group: list[tuple[SheetSpec, float]]) -> str:
    """Of the pixels of image, labels, strokes and layers, and of the laps, of all sheets of a group."""
    total = hashlib.sha256()
    for spec, px_per_mm in group:
        sheet = render(spec, px_per_mm=px_per_mm)
        for array in (sheet.image, sheet.labels, sheet.strokes, sheet.layers, *(curve.lap for curve in sheet.curves)):
            total.update(repr((array.shape, array.dtype.str)).encode() + array.tobytes())
    return total.hexdigest()[:16]
