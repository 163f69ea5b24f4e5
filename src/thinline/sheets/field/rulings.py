"""Sample the rulings of a page: a few heavy lines, level or upright, that are no part of the grid of a track.

Real pages have level lines 12 to 50 mm apart that are heavier than the major lines of the grid and often cross the
depth column, and upright lines beside a column, around the page, or in the middle of a track. A network that never saw
them takes a long straight line for a flat curve.
"""

from __future__ import annotations

from typing import Final

from thinline.sheets.field.draws import Draws
from thinline.sheets.field.layout import NONE, Area
from thinline.sheets.spec import LineSpec, TrackSpec

_PITCH_MM: Final = (12.0, 60.0)
_PEN_MM: Final = (0.25, 1.5)
_NOWHERE_MM: Final = 1e9  # between the level lines of a ruling that has none
_STYLES: Final = (("solid", 0.8), ("broken", 0.2))
_LEVEL: Final = 0.4  # share of pages with level rulings
_UPRIGHT: Final = 0.3
_DOUBLE: Final = 0.15


def rulings(draws: Draws, areas: tuple[Area, ...]) -> tuple[TrackSpec, ...]:
    """The rulings of a page with these areas, none on about four pages in ten; a ruling is a grid without curves."""
    drawn: list[TrackSpec] = []
    if draws.chance(_LEVEL):
        drawn += _level(draws, areas)
    if draws.chance(_UPRIGHT):
        drawn += _upright(draws, areas)
    return tuple(drawn)


def _line(draws: Draws) -> LineSpec:
    return LineSpec(draws.log(*_PEN_MM), draws.uniform(0.6, 1.0), draws.weighted(_STYLES))


def _level(draws: Draws, areas: tuple[Area, ...]) -> list[TrackSpec]:
    """Level lines over the page, its tracks, or one of its areas; some are double."""
    left, right = areas[0].left_mm, areas[-1].right_mm
    beyond = draws.uniform(0.0, 6.0) if draws.chance(0.3) else 0.0
    spans = [(left - beyond, right + beyond)]
    over = draws.weighted((("page", 0.6), ("tracks", 0.25), ("area", 0.15)))
    if over == "tracks":
        spans = [(area.left_mm, area.right_mm) for area in areas if area.kind == "track"]
    elif over == "area":
        area = draws.pick(areas)
        spans = [(area.left_mm, area.right_mm)]
    pitch, line = draws.log(*_PITCH_MM), _line(draws)
    first = draws.uniform(0.0, pitch)
    offsets = [first, first + line.width_mm + draws.uniform(0.4, 2.0)] if draws.chance(_DOUBLE) else [first]
    return [_ruling(*span, line, pitch_mm=pitch, offset_mm=offset) for span in spans for offset in offsets]


def _upright(draws: Draws, areas: tuple[Area, ...]) -> list[TrackSpec]:
    """Upright lines at both sides of an area or of the page, or that divide a track into two to four parts."""
    line = _line(draws)
    area = draws.pick(areas)
    kind = draws.weighted((("parts", 0.5), ("sides", 0.3), ("page", 0.2)))
    if kind == "parts":
        return [_ruling(area.left_mm, area.right_mm, line, parts=draws.whole(2, 4))]
    beyond = draws.uniform(0.5, 4.0)
    left, right = (areas[0].left_mm, areas[-1].right_mm) if kind == "page" else (area.left_mm, area.right_mm)
    return [_ruling(left - beyond, right + beyond, line, sides=True)]


def _ruling(
    left_mm: float,
    right_mm: float,
    line: LineSpec,
    *,
    pitch_mm: float = _NOWHERE_MM,
    offset_mm: float = -_NOWHERE_MM / 2,
    parts: int = 1,
    sides: bool = False,
) -> TrackSpec:
    """A grid of level lines `pitch_mm` apart, of `parts - 1` upright lines, and of two sides."""
    return TrackSpec(
        left_mm=round(left_mm, 3),
        right_mm=round(right_mm, 3),
        divisions=parts,
        major_every=1,
        decades=0,
        depth_step_mm=pitch_mm,
        depth_major_every=1,
        depth_offset_mm=round(offset_mm, 3),
        minor=NONE,
        major=line,
        edge=line if sides else NONE,
    )
