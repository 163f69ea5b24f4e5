"""What a sheet of the family `field` has beyond other sheets: fills, handwriting, bars, and a scanner.

Conventions
    As in `thinline.sheets.spec`: lengths in mm, darkness from 0 to 1. Nothing in this module is curve ink.

Terms
    fill     an area with a pattern, between two sides; a side is a curve (its number from 0) or a distance in mm
    hand     what a person or an accident drew: "word" (handwriting), "line", "ring", "specks" (dirt)
    bar      black area over everything, curves included; truth below a bar is removed
    blank    white area over the grid and below print and curves
    crossing minor grid lines of which only dots at their crossings are left
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PATTERNS: Final = ("level", "upright", "rising", "falling", "cross", "dots", "bricks", "grey")
HANDS: Final = ("word", "line", "ring", "specks")
SCANNERS: Final = ("plot", "grey", "global", "local", "ordered", "random")


@dataclass(frozen=True)
class FillSpec:
    """A filled area between two depths and two sides; curve numbers are -1 where the side is at `.._mm`."""

    top_mm: float
    bottom_mm: float
    left_mm: float
    right_mm: float
    left_curve: int
    right_curve: int
    pattern: str  # one of PATTERNS
    pitch_mm: float  # from line to line
    line_mm: float
    darkness: float


@dataclass(frozen=True)
class HandSpec:
    """Free lines inside a box; the course of the lines follows from `seed`."""

    kind: str  # one of HANDS
    seed: int
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    pen_mm: float
    darkness: float


@dataclass(frozen=True)
class BoxSpec:
    """An upright box, a bar or a blank. `ragged_mm` is how far the left and right side of a bar wander."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    ragged_mm: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class ScanSpec:
    """The scanner, and damage that is stronger than that of WearSpec.

    kind      "plot" (no paper: ink as drawn), "grey", or how grey became one bit: by a "global" or "local" threshold,
              by "ordered" or "random" dither
    dpi       resolution of the scanner. Above the drawn scale edges stay grey (the scan was reduced), below it pixels
              are repeated (the scan was enlarged)
    level     share of full ink from which a pixel is ink
    lost      largest share of the ink that is lost, 1: curves disappear in places
    dotted    how far lost ink breaks up into dots, 0..1
    stain     largest darkness of stains, 1: black in places
    """

    kind: str = "plot"
    dpi: float = 150.0
    level: float = 0.5
    lost: float = 0.0
    dotted: float = 0.0
    stain: float = 0.0


@dataclass(frozen=True)
class FieldSpec:
    """The parts of a `field` sheet that other families do not have."""

    scan: ScanSpec
    fills: tuple[FillSpec, ...] = ()
    hands: tuple[HandSpec, ...] = ()
    bars: tuple[BoxSpec, ...] = ()
    blanks: tuple[BoxSpec, ...] = ()
    crossing_mm: float = 0.0  # diameter of the dots at crossings of minor lines; 0 is none
    dot_mm: tuple[float, float] = (0.25, 0.6)  # dotted grid lines: ink, and ink with the gap after it
