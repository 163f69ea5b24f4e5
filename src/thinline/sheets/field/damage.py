"""Sample tilt and bends of the paper, wear, and the scanner. Three looks: digital plots, grey scans, one-bit scans."""

from __future__ import annotations

from typing import Final

from thinline.sheets.field.draws import Draws
from thinline.sheets.field_spec import ScanSpec
from thinline.sheets.spec import SkewSpec, WearSpec

LOOKS: Final = (("plot", 0.18), ("plot, one bit", 0.16), ("grey", 0.16), ("one bit", 0.5))
_KINDS: Final = (("global", 0.62), ("local", 0.14), ("ordered", 0.11), ("random", 0.13))
_DPI: Final = (100.0, 150.0, 150.0, 200.0, 200.0, 300.0, 300.0, 400.0)
_MOST_TILT_DEG: Final = 3.0
_TILT_DEG: Final = 1.25  # standard deviation


def skew_of(draws: Draws, *, digital: bool) -> SkewSpec:
    """Tilt up to 3 degrees and slow bends; digital plots are straight."""
    if digital and draws.chance(0.85):
        return SkewSpec()
    angle = min(_MOST_TILT_DEG, max(-_MOST_TILT_DEG, draws.normal(_TILT_DEG)))
    bent = draws.chance(0.35)
    return SkewSpec(
        angle_deg=round(angle, 3),
        shear=round(draws.normal(0.004), 5),
        wave_mm=draws.log(0.1, 1.5) if bent else 0.0,
        wave_period_mm=draws.uniform(60, 300),
        wave_phase=draws.uniform(0, 6.283),
        stretch_mm=draws.uniform(-0.5, 0.5) if bent else 0.0,
    )


def wear_of(draws: Draws, look: str) -> tuple[WearSpec, ScanSpec]:
    """Wear and scanner of a look of LOOKS."""
    seed = draws.seed()
    if look == "plot":
        return WearSpec(seed, paper=255, ink=0), ScanSpec("plot", 400.0)
    if look == "plot, one bit":
        dpi = draws.pick((150.0, 150.0, 300.0))
        return WearSpec(seed, paper=255, ink=0), ScanSpec("global", dpi, draws.uniform(0.3, 0.6))
    speckled = draws.chance(0.35)
    bits = look == "one bit"
    wear = WearSpec(
        seed=seed,
        paper=draws.whole(200, 255),
        ink=draws.whole(0, 70),
        bleed=draws.uniform(1.0, 1.4) if draws.chance(0.35) else 1.0,
        blotch=draws.uniform(0, 14),
        grain=draws.log(0.5, 14.0),
        salt=round(draws.log(0.0002, 0.01), 5) if speckled else 0.0,
        pepper=round(draws.log(0.0002, 0.01), 5) if speckled else 0.0,
        blur_px=draws.uniform(0.2, 0.95),
    )
    kind = draws.weighted(_KINDS) if bits else "grey"
    lost = draws.uniform(0.25, 1.0) if draws.chance(0.3) else 0.0
    return wear, ScanSpec(
        kind=kind,
        dpi=draws.pick(_DPI),
        level=draws.uniform(0.25, 0.52),
        lost=lost,
        dotted=draws.uniform(0.0, 1.0) if lost else 0.0,
        stain=draws.uniform(0.2, 1.0) if draws.chance(0.14) else 0.0,
    )
