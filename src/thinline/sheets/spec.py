"""The specification of one sheet in millimetres: a frozen tree of dataclasses, seeds included.

Conventions
    Lengths are in mm, `x` to the right and `y` down from the top left corner of the sheet. Darkness runs from 0 (bare
    paper) to 1 (black). A spec holds no pixels: it can be drawn at any resolution. Drawing depends on the spec alone;
    equal specs have equal JSON and equal digests.

Terms
    cue        what distinguishes curve 1 from curve 2: "weight" (curve 1 is heavier), "dash" (curve 1 is solid),
               "roughness" (curve 1 is rougher). The other properties are equal for both curves or agree with the cue.
    overflow   treatment of values outside the track: "wrap" (the curve continues at the other edge, one lap later) or
               "clip" (it runs flat along the edge).
    order      drawing order; the last curve lies on top and owns the pixels of a crossing.
    field      parts that only sheets of the family `field` have. None is left out of the JSON, so the digests of the
               other families are those from before it existed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from thinline.sheets.field_spec import BoxSpec, FillSpec, HandSpec, ScanSpec

CUES: Final = ("weight", "dash", "roughness")
PEN_MM: Final = 0.25
"""Width of the nominal pen: 1, 2 and 3 px at 4, 8 and 12 px per mm."""


@dataclass(frozen=True)
class ShapeSpec:
    """The values of a curve along depth, in fractions of the track (0 left edge, 1 right edge)."""

    kind: str  # one of thinline.sheets.curve_shapes.KINDS
    seed: int
    centre: float  # middle of the swings
    swing: float  # half the height of a typical swing
    detail: float  # height of the faster swings, as a share of `swing`
    period_mm: float  # depth of one swing, or of two blocks
    rough: float  # standard deviation of the jitter
    rough_step_mm: float  # depth between two values of the jitter
    events_per_mm: float = 0.0  # number of spikes per mm
    values: tuple[float, ...] = ()  # kind "samples": values at even steps of depth; NaN is missing


@dataclass(frozen=True)
class PenSpec:
    """A pen. `dash_mm` is on, off, on, off, ... along the ink; empty is solid."""

    weight: float  # times PEN_MM
    darkness: float
    spread_mm: float  # how far the ink spreads into the paper on each side
    dash_mm: tuple[float, ...] = ()


@dataclass(frozen=True)
class CurveSpec:
    """One curve: track, shape and pen. No data above `first_mm` and below `last_mm`."""

    track: int
    shape: ShapeSpec
    pen: PenSpec
    lap_dash_mm: tuple[float, ...]  # dashes on every lap but the first; empty: those of the pen
    overflow: str
    low: float  # values clipped to by "clip": the edges of the track or lines of its grid
    high: float
    first_mm: float
    last_mm: float


@dataclass(frozen=True)
class LineSpec:
    """A line of the printed form; `style` is "solid", "dotted" or "broken" (as after a coarse threshold)."""

    width_mm: float
    darkness: float
    style: str = "solid"


@dataclass(frozen=True)
class TrackSpec:
    """A track and its grid. `decades` 0 is linear with `divisions`; otherwise logarithmic."""

    left_mm: float
    right_mm: float
    divisions: int
    major_every: int
    decades: int
    depth_step_mm: float
    depth_major_every: int
    depth_offset_mm: float
    minor: LineSpec
    major: LineSpec
    edge: LineSpec


@dataclass(frozen=True)
class TextSpec:
    """One line of print: its top left corner, the height of a capital, and 0 or 1 quarter turns anticlockwise."""

    text: str
    x_mm: float
    y_mm: float
    height_mm: float
    turned: int


@dataclass(frozen=True)
class MarkSpec:
    """Other ink: "rule" (a line of print), "tick" (correlation tick), "flag" (shaded box), "fold" (dark band)."""

    kind: str
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    darkness: float


@dataclass(frozen=True)
class SkewSpec:
    """Movement of the paper under the scanner; formula in `thinline.sheets.drawing.skew`."""

    angle_deg: float = 0.0
    shear: float = 0.0
    wave_mm: float = 0.0
    wave_period_mm: float = 100.0
    wave_phase: float = 0.0
    stretch_mm: float = 0.0


@dataclass(frozen=True)
class WearSpec:
    """Effects of age and scanner on ink and paper; strengths in grey levels of 255 unless noted."""

    seed: int
    paper: int = 245  # grey of bare paper
    ink: int = 20  # grey of full ink
    bleed: float = 1.0  # gain of the ink after it has spread; 1 is none
    fade: float = 0.0  # largest share of the ink lost
    dots: float = 0.0  # strength of the breaking up of faded ink into dots
    blotch: float = 0.0  # slow unevenness of the paper
    grain: float = 0.0  # standard deviation of the noise from pixel to pixel
    salt: float = 0.0  # share of white pixels
    pepper: float = 0.0  # share of black pixels
    blur_px: float = 0.0
    one_bit: float = 0.0  # threshold between ink (0) and paper (1); 0 keeps the greys


@dataclass(frozen=True)
class FieldSpec:
    """The parts of a `field` sheet that other families do not have.

    crossing_mm  diameter of the dots where minor lines would cross; 0 is none
    dot_mm       of dotted grid lines: ink, and ink with the gap after it
    face         letter form of all print, a position in `thinline.sheets.drawing.printed_marks.FACES`
    upright      minor and major lines from top to bottom, if they differ from the level lines of the tracks
    rulings      grids of a few heavy lines over all others; they may reach over several tracks and the depth column
    """

    scan: ScanSpec
    fills: tuple[FillSpec, ...] = ()
    hands: tuple[HandSpec, ...] = ()
    bars: tuple[BoxSpec, ...] = ()
    blanks: tuple[BoxSpec, ...] = ()
    crossing_mm: float = 0.0
    dot_mm: tuple[float, float] = (0.25, 0.6)
    face: int = 0
    upright: tuple[LineSpec, LineSpec] | None = None
    rulings: tuple[TrackSpec, ...] = ()


@dataclass(frozen=True)
class SheetSpec:
    """One sheet; terms as in the module. `curves` are in the order of their class ids, curve 1 first."""

    family: str
    seed: int
    size_mm: tuple[float, float]
    cue: str
    tracks: tuple[TrackSpec, ...]
    curves: tuple[CurveSpec, ...]
    order: tuple[int, ...]
    texts: tuple[TextSpec, ...]
    marks: tuple[MarkSpec, ...]
    header_mm: float
    skew: SkewSpec
    wear: WearSpec
    field: FieldSpec | None = None

    def to_json(self) -> str:
        """The spec as one line of JSON: keys in a fixed order, floats exact, NaN as null."""
        try:
            return json.dumps(self, allow_nan=False, separators=(",", ":"), default=_fields)
        except ValueError:  # a NaN, which only real curves have
            return json.dumps(_plain(self), allow_nan=False, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """Sha256 of the JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _fields(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    fields = {name: getattr(value, name) for name in _field_names(kind)}
    if fields.get("field", value) is None:
        del fields["field"]
    return fields


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists; 20 times faster than dataclasses.asdict, which copies the leaves."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(item) for name, item in _fields(value).items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if value != value else value  # JSON has no NaN
