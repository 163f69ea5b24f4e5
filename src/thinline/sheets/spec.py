"""What to draw: a frozen, JSON-able description of one sheet in millimetres, seeds included.

Conventions
    Lengths are millimetres, `x` to the right and `y` down from the top left corner of the sheet. Darkness runs from 0
    (bare paper) to 1 (black). A spec holds no pixels: the same spec is drawn at any number of pixels per millimetre.
    Equal specs give equal bytes of JSON, hence equal digests; drawing depends on the spec alone.

Vocabulary
    cue        how curve 1 is told from curve 2: "weight" (curve 1 is the heavier), "dash" (curve 1 is the solid one),
               "roughness" (curve 1 is the rougher). The properties that are not the cue are equal for both or agree.
    overflow   what a value outside the track does: "wrap" (comes back on the other side, one lap later) or "clip"
               (runs flat along the edge).
    order      the order of drawing; the last curve lies on top and owns the pixels of a crossing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

CUES: Final = ("weight", "dash", "roughness")
PEN_MM: Final = 0.25
"""Width of the nominal pen: 1, 2 and 3 px at 4, 8 and 12 px per mm."""


@dataclass(frozen=True)
class ShapeSpec:
    """How the value runs with depth, in fractions of the track (0 left edge, 1 right edge)."""

    kind: str  # one of thinline.sheets.curve_shapes.KINDS
    seed: int
    centre: float  # middle of the swings
    swing: float  # half the height of a typical swing
    detail: float  # height of the faster swings upon them, as a share of `swing`
    period_mm: float  # depth of one swing, or of two blocks
    rough: float  # standard deviation of the jitter
    rough_step_mm: float  # depth from one kick of the jitter to the next
    events_per_mm: float = 0.0  # spikes
    values: tuple[float, ...] = ()  # kind "samples": the values, evenly spaced over the depth; NaN is no data


@dataclass(frozen=True)
class PenSpec:
    """A pen. `dash_mm` is on, off, on, off, ... along the ink; empty is solid."""

    weight: float  # times PEN_MM
    darkness: float
    spread_mm: float  # how far the ink creeps into the paper on each side
    dash_mm: tuple[float, ...] = ()


@dataclass(frozen=True)
class CurveSpec:
    """One curve: where, how shaped, with which pen. No data above `first_mm` and below `last_mm`."""

    track: int
    shape: ShapeSpec
    pen: PenSpec
    lap_dash_mm: tuple[float, ...]  # dashes of the pen on every lap but the first; empty: as the pen
    overflow: str
    low: float  # "clip" runs flat along these two fractions of the track: its edges or lines of the grid
    high: float
    first_mm: float
    last_mm: float


@dataclass(frozen=True)
class LineSpec:
    """A line of the printed form; `style` is "solid", "dotted" or "broken" (as by a coarse threshold)."""

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
    """Movement of the paper under the scanner, as formula in `thinline.sheets.drawing.skew`."""

    angle_deg: float = 0.0
    shear: float = 0.0
    wave_mm: float = 0.0
    wave_period_mm: float = 100.0
    wave_phase: float = 0.0
    stretch_mm: float = 0.0


@dataclass(frozen=True)
class WearSpec:
    """What age and the scanner do to the ink and the paper; strengths are in grey levels of 255 unless named."""

    seed: int
    paper: int = 245  # grey of bare paper
    ink: int = 20  # grey of full ink
    bleed: float = 1.0  # gain of the ink after it has spread; 1 is none
    fade: float = 0.0  # share of the ink lost where the paper has faded most
    dots: float = 0.0  # how far the loss breaks up into dots
    blotch: float = 0.0  # slow unevenness of the paper
    grain: float = 0.0  # standard deviation of the noise from pixel to pixel
    salt: float = 0.0  # share of pixels lost to white
    pepper: float = 0.0  # share of pixels lost to black
    blur_px: float = 0.0
    one_bit: float = 0.0  # threshold as a share of the way from ink to paper; 0 keeps the greys


@dataclass(frozen=True)
class SheetSpec:
    """One sheet; see the module. `curves` are in the order of the classes: curve 1 first."""

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

    def to_json(self) -> str:
        """One line of JSON; keys in a fixed order, floats exact, NaN as null."""
        return json.dumps(_plain(self), allow_nan=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> SheetSpec:
        """The spec that `to_json` wrote. ValueError names a missing, unknown or wrongly typed key."""
        spec: SheetSpec = _thawed(SheetSpec, json.loads(text), "SheetSpec")
        return spec

    @cached_property
    def digest(self) -> str:
        """Sha256 of the JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@cache
def _field_types(kind: type) -> dict[str, Any]:
    return {field.name: typing.get_type_hints(kind)[field.name] for field in dataclasses.fields(kind)}


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists; twenty times faster than dataclasses.asdict, which copies the leaves."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _field_types(type(value))}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if value != value else value  # JSON has no NaN


def _thawed(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        expected = _field_types(kind)
        if not isinstance(value, dict) or set(value) != set(expected):
            got = sorted(value) if isinstance(value, dict) else type(value).__name__
            raise ValueError(
                f"{where}: expected an object with the keys {sorted(expected)}, got {got}; "
                "was the file written by another version of thinline?"
            )
        return kind(**{name: _thawed(hint, value[name], f"{where}.{name}") for name, hint in expected.items()})
    if isinstance(typing.get_origin(kind) or kind, type) and typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{where}: expected a list, got {type(value).__name__}; compare with SheetSpec.to_json()")
        return tuple(_thawed(typing.get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if kind is float and value is None:
        return math.nan
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, types.GenericAlias) or not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{where}: expected {kind.__name__}, got {value!r}; compare with SheetSpec.to_json()")
    return value
