"""Sample what is printed on a sheet: tracks, depth column and grids, then texts and marks.

Texts are depth numbers, curve headers and annotations; marks are correlation ticks, flags and folds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from thinline.sheets.family_ranges import Ranges, choose, uniform
from thinline.sheets.spec import LineSpec, MarkSpec, TextSpec, TrackSpec

_WIDE_MM = 35.0  # wider tracks get finer grids and more decades
_STEPS_MM = (1.0, 1.25, 1.5, 2.0, 2.5)
Printed = tuple[list[TextSpec], list[MarkSpec]]
_NOTES = ("SHALE", "LST", "CSG 9 5/8", "GAS", "TD", "RPT", "SS", "DST 2", "TIGHT", "COAL", "OWC", "BIT 8.5", "CORE 1")
_NAMES = ("GAMMA RAY", "SP", "CALI", "ILD", "RHOB", "NPHI", "DT", "LLD", "MSFL", "SFL", "CNL", "BHC")
_SCALES = (("0", "150"), ("-160", "40"), ("6", "16"), (".2", "2000"), ("1.95", "2.95"), ("45", "-15"), ("140", "40"))
_DEPTH_STEPS = (10, 25, 50, 100)
_CLOSEST_MM = 9.0  # between two depth numbers
_LETTER = 0.95  # width of a letter over the height of a capital
_ROW_MM = 5.0  # of a header


class Form(NamedTuple):
    """Tracks, depth column (left, width), and depth numbers (position of the first, distance to the next), in mm."""

    tracks: tuple[TrackSpec, ...]
    column_mm: tuple[float, float]
    numbered_mm: tuple[float, float]


def form(ranges: Ranges, rng: np.random.Generator, width_mm: float) -> Form:
    """One or two tracks and a depth column on a sheet `width_mm` wide."""
    column = min(0.2 * width_mm, uniform(rng, (7.0, 11.0)))
    left, right = uniform(rng, (0.5, 2.5)), width_mm - uniform(rng, (0.5, 2.5))
    if rng.random() < ranges.two_tracks:
        middle = uniform(rng, (0.42, 0.5)) * width_mm
        spans, column_at = [(left, middle), (middle + column, right)], middle
    elif rng.random() < 0.5:
        spans, column_at = [(left + column, right)], left
    else:
        spans, column_at = [(left, right - column)], right - column
    step = _STEPS_MM[int(rng.integers(len(_STEPS_MM)))]
    every = (5, 10 if step < 2 else 4)[int(rng.integers(2))]
    offset = uniform(rng, (0.0, step * every))
    minor = LineSpec(
        0.1, uniform(rng, ranges.minor_darkness), ("solid", "dotted", "broken")[choose(rng, ranges.styles)]
    )
    major = LineSpec(uniform(rng, ranges.major_mm), uniform(rng, ranges.major_darkness))
    edge = LineSpec(uniform(rng, (0.25, 0.6)), max(major.darkness, uniform(rng, (0.7, 1.0))))
    tracks = tuple(
        TrackSpec(
            left_mm=round(start, 3),
            right_mm=round(end, 3),
            divisions=((10, 20) if end - start > _WIDE_MM else (10, 5))[int(rng.integers(2))],
            major_every=5,
            decades=int(rng.integers(1, 4 if end - start > _WIDE_MM else 3)) if rng.random() < ranges.log_track else 0,
            depth_step_mm=step,
            depth_major_every=every,
            depth_offset_mm=offset,
            minor=minor,
            major=major,
            edge=edge,
        )
        for start, end in spans
    )
    return Form(tracks, (column_at, column), (offset, step * every))


def print_of(
    ranges: Ranges, rng: np.random.Generator, form: Form, header_mm: float, size_mm: tuple[float, float]
) -> Printed:
    """Texts and marks of a sheet whose header ends at `header_mm`."""
    height = size_mm[0]
    texts = _depths(rng, form, (header_mm, height))
    marks: list[MarkSpec] = []
    for track in form.tracks if header_mm else ():
        names, rules = _header(rng, track, header_mm)
        texts, marks = texts + names, marks + rules
    for _ in range(int(rng.integers(ranges.notes[0], ranges.notes[1] + 1))):
        texts.append(_note(rng, form, (header_mm, height)))
    if rng.random() < ranges.marked:
        marks += _side_marks(rng, form, (header_mm, height))
    if rng.random() < ranges.stained:
        marks.append(_fold(rng, size_mm))
    return texts, marks


def _depths(rng: np.random.Generator, form: Form, between_mm: tuple[float, float]) -> list[TextSpec]:
    """Depth numbers at major lines, at least `_CLOSEST_MM` apart, upright or turned."""
    turned = int(rng.random() < 0.35)
    tall = uniform(rng, (1.5, 2.2))
    number, step = int(rng.integers(5, 180)) * 50, _DEPTH_STEPS[int(rng.integers(len(_DEPTH_STEPS)))]
    left, wide = form.column_mm
    first, pitch = form.numbered_mm
    pitch *= np.ceil(_CLOSEST_MM / pitch)
    texts = []
    for y in np.arange(first, between_mm[1], pitch):
        text = str(number)
        number += step
        long = _LETTER * tall * len(text)
        x = left + (wide - (tall if turned else min(long, wide))) / 2
        if y > between_mm[0] + 3:
            texts.append(_text(text, x, y - (long if turned else tall) / 2, tall, turned=turned))
    return texts


def _header(rng: np.random.Generator, track: TrackSpec, depth_mm: float) -> Printed:
    """Header rows over a track: a name, the scale at both ends, and a dashed or solid line."""
    left, wide = track.left_mm, track.right_mm - track.left_mm
    texts: list[TextSpec] = []
    marks = [MarkSpec("rule", left, depth_mm - 0.3, wide, 0.3, 1.0), MarkSpec("rule", left, 0.8, wide, 0.25, 0.9)]
    for row in range(max(1, int((depth_mm - 1.5) / _ROW_MM))):
        y = 1.6 + _ROW_MM * row
        name, (low, high) = _word(rng, _NAMES), _SCALES[int(rng.integers(len(_SCALES)))]
        texts.append(_text(name, left + (wide - 1.5 * _LETTER * len(name)) / 2, y, 1.5))
        texts.append(_text(low, left + 0.6, y + 0.9, 1.2))
        texts.append(_text(high, left + wide - 0.6 - 1.2 * _LETTER * len(high), y + 0.9, 1.2))
        dash = wide - 1.2 if rng.random() < 0.5 else uniform(rng, (1.0, 3.0))
        for x in np.arange(left + 0.6, left + wide - 0.6 - dash / 2, dash * 1.5):
            marks.append(MarkSpec("rule", round(float(x), 3), y + 3.4, dash, 0.25, 0.95))
    return texts, marks


def _note(rng: np.random.Generator, form: Form, between_mm: tuple[float, float]) -> TextSpec:
    """A random word inside a track."""
    track = form.tracks[int(rng.integers(len(form.tracks)))]
    x = uniform(rng, (track.left_mm + 1, max(track.left_mm + 2, track.right_mm - 12)))
    y = uniform(rng, (between_mm[0] + 1, between_mm[1] - 3))
    return _text(_word(rng, _NOTES), x, y, uniform(rng, (1.3, 2.2)), turned=int(rng.random() < 0.15))


def _side_marks(rng: np.random.Generator, form: Form, between_mm: tuple[float, float]) -> list[MarkSpec]:
    """Correlation ticks and shaded flags on one side of a track."""
    track = form.tracks[int(rng.integers(len(form.tracks)))]
    right = rng.random() < 0.5
    top, bottom = between_mm
    marks = []
    for n in range(int(rng.integers(2, 11))):
        long = uniform(rng, (1.0, 3.0))
        x = round(track.right_mm - long if right else track.left_mm, 3)
        if n % 4 < 3:
            marks.append(MarkSpec("tick", x, uniform(rng, (top + 1, bottom - 1)), long, 0.3, 0.9))
        else:
            y = uniform(rng, (top + 1, max(top + 2, bottom - 8)))
            marks.append(MarkSpec("flag", x, y, long, uniform(rng, (1.5, 6.0)), uniform(rng, (0.2, 0.5))))
    return marks


def _fold(rng: np.random.Generator, size_mm: tuple[float, float]) -> MarkSpec:
    """A fold, a stain or a paper join: a dark band across the sheet, the wider the paler."""
    deep = uniform(rng, (0.4, 5.0))
    darkness = round(uniform(rng, (0.2, 0.55)) / (1 + 0.25 * deep), 3)
    return MarkSpec("fold", -6.0, uniform(rng, (2.0, size_mm[0] - 4.0)), size_mm[1] + 12.0, deep, darkness)


def _text(text: str, x: float, y: float, tall: float, *, turned: int = 0) -> TextSpec:
    return TextSpec(text, round(float(x), 2), round(float(y), 2), round(tall, 3), turned)


def _word(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]
