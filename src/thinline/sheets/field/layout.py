"""Lay out a page - tracks, depth columns, text columns - and cut it to the window; sample the grids of the tracks.

A page is a row of areas. If it is wider than the window, the window is put over a random track, so that edges, columns
and other tracks may lie outside. A window as wide as a page shows the page.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from thinline.sheets.field.draws import Draws
from thinline.sheets.spec import LineSpec, TrackSpec

_PAGE_MM: Final = 120.0
"""A window at least this wide shows a whole page."""
_WIDEST_MM: Final = 200.0  # track
_COLUMN_STEPS_MM: Final = (1.27, 2.54, 2.54, 3.175, 5.0, 6.35, 6.35, 6.35)
_ROW_STEPS_MM: Final = (1.0, 1.27, 1.5, 2.0, 2.5, 2.54, 5.0, 5.0, 6.35)
_MAJOR_EVERY: Final = (2, 4, 5, 5, 5, 10)
_STYLES: Final = (("solid", 0.62), ("dotted", 0.16), ("broken", 0.22))
_SHOWN_MM: Final = 1.0  # a track of which less is in the window is left out
NONE: Final = LineSpec(0.1, 0.0)


class Area(NamedTuple):
    """A part of the page: "track", "depth", "prose" or "gap", and its left and right in mm."""

    kind: str
    left_mm: float
    right_mm: float


class Layout(NamedTuple):
    """Tracks that the window shows, with the share of each (from, to) that lies inside, and all areas of the page."""

    tracks: tuple[TrackSpec, ...]
    inside: tuple[tuple[float, float], ...]
    areas: tuple[Area, ...]
    crossing_mm: float
    dot_mm: tuple[float, float]


class _Lines(NamedTuple):
    minor: LineSpec
    major: LineSpec
    edge: LineSpec
    crossing_mm: float


def lay_out(draws: Draws, width_mm: float, *, digital: bool) -> Layout:
    """The layout of a window `width_mm` wide; the lines of a `digital` plot are not dotted or broken by wear."""
    areas = _placed(draws, _areas(draws, width_mm), width_mm)
    row_step = _step(draws, _ROW_STEPS_MM)
    column_step = _step(draws, _COLUMN_STEPS_MM)
    lines = _lines(draws, min(row_step, column_step), digital=digital)
    offset, every = draws.uniform(0.0, row_step * 5), draws.pick(_MAJOR_EVERY)
    log, major_every = draws.chance(0.3), draws.pick(_MAJOR_EVERY)
    tracks, inside = [], []
    for area in areas:
        if area.kind != "track" or min(area.right_mm, width_mm) - max(area.left_mm, 0.0) < _SHOWN_MM:
            continue
        wide = area.right_mm - area.left_mm
        step = column_step if draws.chance(0.6) else _step(draws, _COLUMN_STEPS_MM)
        decades = draws.whole(1, 4 if wide > 35 else 2) if log and draws.chance(0.7) else 0
        track = TrackSpec(
            left_mm=area.left_mm,
            right_mm=area.right_mm,
            divisions=max(2, round(wide / step)),
            major_every=major_every,
            decades=decades,
            depth_step_mm=row_step,
            depth_major_every=every,
            depth_offset_mm=offset,
            minor=lines.minor,
            major=lines.major,
            edge=lines.edge,
        )
        tracks.append(track)
        left, right = max(0.0, -area.left_mm / wide), min(1.0, (width_mm - area.left_mm) / wide)
        inside.append((round(left, 4), round(right, 4)))
    dot = draws.uniform(0.15, 0.5)
    return Layout(
        tuple(tracks), tuple(inside), areas, lines.crossing_mm, (dot, round(dot * draws.uniform(1.6, 3.5), 3))
    )


def _areas(draws: Draws, width_mm: float) -> list[tuple[str, float]]:
    """Kinds and widths of the areas, from left to right."""
    count = draws.weighted(((1, 0.34), (2, 0.44), (3, 0.22)))
    column_before = draws.whole(0, count) if draws.chance(0.85) else -1
    areas: list[tuple[str, float]] = []
    for n in range(count):
        if n == column_before:
            areas.append(("depth", draws.uniform(7.0, 20.0)))
        elif n and draws.chance(0.5):
            areas.append(("gap", draws.uniform(0.5, 6.0)))
        areas.append(("track", draws.uniform(60.0, 66.0) if draws.chance(0.4) else draws.log(22.0, _WIDEST_MM)))
    if column_before == count:
        areas.append(("depth", draws.uniform(7.0, 20.0)))
    if draws.chance(0.15):
        areas.insert(draws.whole(0, len(areas)), ("prose", draws.log(20.0, 90.0)))
    if width_mm < _PAGE_MM:
        return areas
    margin = draws.uniform(0.02, 0.12) * width_mm
    factor = (width_mm - margin) / sum(wide for _, wide in areas)
    smaller = min(1.0, factor)
    factors = {"track": factor, "depth": smaller, "gap": smaller, "prose": smaller}
    return [(kind, min(_WIDEST_MM, wide * factors[kind])) for kind, wide in areas]


def _placed(draws: Draws, areas: list[tuple[str, float]], width_mm: float) -> tuple[Area, ...]:
    """The areas with their positions in the window, in mm."""
    total = sum(wide for _, wide in areas)
    if total <= width_mm:
        left = draws.share() * (width_mm - total)
    else:
        chosen = draws.pick(tuple(n for n, (kind, _) in enumerate(areas) if kind == "track"))
        before = sum(wide for _, wide in areas[:chosen])
        point = before + draws.uniform(0.1, 0.9) * areas[chosen][1]
        left = draws.uniform(0.2, 0.8) * width_mm - point
        if draws.chance(0.5):  # no more paper beside the page than the margin of a page
            left = min(max(left, width_mm - total - 6), 6.0)
    placed = []
    for kind, wide in areas:
        placed.append(Area(kind, round(left, 3), round(left + wide, 3)))
        left += wide
    return tuple(placed)


def _step(draws: Draws, usual: tuple[float, ...]) -> float:
    return draws.pick(usual) if draws.chance(0.65) else draws.log(1.0, 7.0)


def _lines(draws: Draws, step_mm: float, *, digital: bool) -> _Lines:
    """Minor and major lines and edges; some pages have no grid, some only dots where minor lines cross."""
    style = "solid" if digital and draws.chance(0.85) else draws.weighted(_STYLES)
    heavy = draws.chance(0.3)
    minor_mm = min(draws.log(0.07, 0.4), 0.22 * step_mm)
    minor = LineSpec(minor_mm, 1.0 if heavy else draws.uniform(0.2, 0.95), style)
    major_mm = max(minor_mm, draws.log(0.12, 1.0))
    broken = style == "broken" and draws.chance(0.4)
    major = LineSpec(major_mm, max(minor.darkness, draws.uniform(0.45, 1.0)), "broken" if broken else "solid")
    edge = LineSpec(draws.log(0.15, 1.2), max(major.darkness, draws.uniform(0.6, 1.0)))
    kind = draws.weighted((("whole", 0.78), ("none", 0.09), ("majors", 0.06), ("crossings", 0.07)))
    if kind == "none":
        return _Lines(NONE, NONE, NONE if draws.chance(0.4) else edge, 0.0)
    if kind == "whole":
        return _Lines(minor, major, edge, 0.0)
    return _Lines(NONE, major, edge, draws.uniform(0.2, 0.55) if kind == "crossings" else 0.0)
