"""Draw what only `field` sheets have besides curves: grids of two line styles, dots, blanks, fills, hands and bars."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from thinline.sheets.drawing.capsules import draw_pen
from thinline.sheets.drawing.grids import draw_grid
from thinline.sheets.drawing.skew import Matrix, move
from thinline.sheets.field_spec import PATTERNS, BoxSpec, FillSpec, HandSpec
from thinline.sheets.generators import generator
from thinline.sheets.spec import FieldSpec, LineSpec, SheetSpec, TrackSpec
from thinline.system.numba_kernels import call, kernel
from thinline.vocabulary import Bool, Float64, UInt8

_NO_LINE: Final = LineSpec(0.1, 0.0)
_NOWHERE_MM: Final = 1e9  # between level lines of a track that has none
_LETTERS: Final = 9  # vertices of a letter of a handwritten word
_RING: Final = 40  # vertices of a ring


def draw_lines(spec: SheetSpec, field: FieldSpec, shape: tuple[int, int], skewed: Matrix) -> tuple[UInt8, UInt8]:
    """Ink of the grid and of the edges, uint8 [H,W] each, with dots at crossings and without blanks."""
    tracks = spec.tracks if field.upright is None else tuple(_parted(spec.tracks, *field.upright))
    grid, edge = draw_grid(dataclasses.replace(spec, tracks=tracks + field.rulings), shape, skewed)
    if field.crossing_mm > 0:
        _draw_crossings(grid, spec, field.crossing_mm, skewed)
    for box in field.blanks:
        top, left = (max(0, round(at * skewed[5])) for at in (box.y_mm, box.x_mm))
        end, right = (round(at * skewed[5]) for at in (box.y_mm + box.height_mm, box.x_mm + box.width_mm))
        for canvas in (grid, edge):
            canvas[top : max(end, 0), left : max(right, 0)] = 0
    return grid, edge


def _parted(tracks: tuple[TrackSpec, ...], minor: LineSpec, major: LineSpec) -> Iterator[TrackSpec]:
    """Each track as one of level lines alone, and one of upright lines in another style."""
    for track in tracks:
        yield dataclasses.replace(track, divisions=1, decades=0, edge=_NO_LINE)
        upright = dataclasses.replace(track, minor=minor, major=major)
        yield dataclasses.replace(upright, depth_step_mm=_NOWHERE_MM, depth_offset_mm=-_NOWHERE_MM / 2)


def draw_fills(canvas: UInt8, spec: SheetSpec, field: FieldSpec, strokes: UInt8, skewed: Matrix) -> None:
    """Draw the fills of `field` into `canvas`, ink 0..255, between strokes uint8 [K,H,W] or positions."""
    for fill in field.fills:
        left = _side(fill.left_curve, fill.left_mm, spec, strokes, skewed, last=True)
        right = _side(fill.right_curve, fill.right_mm, spec, strokes, skewed, last=False)
        call(_fill_between, canvas, (left, right), *_pattern(fill, skewed[5]))


def _pattern(fill: FillSpec, px_per_mm: float) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    rows = max(0, round(fill.top_mm * px_per_mm)), round(fill.bottom_mm * px_per_mm)
    pitch = max(2, round(fill.pitch_mm * px_per_mm))
    line = min(pitch - 1, max(1, round(fill.line_mm * px_per_mm)))
    return rows, (PATTERNS.index(fill.pattern), pitch, line, round(255 * fill.darkness))


def _side(curve: int, x_mm: float, spec: SheetSpec, strokes: UInt8, skewed: Matrix, *, last: bool) -> Float64:
    """The column of a side in every row, [H]; NaN where the curve of that side has no ink."""
    if curve >= 0:
        ends: Float64 = call(_ends_of_rows, strokes[curve], last)
        return ends
    y_mm: Float64 = (np.arange(strokes.shape[1], dtype=np.float64) + 0.5) / skewed[5]
    moved, _ = move(np.full(len(y_mm), x_mm), y_mm, spec.skew, spec.size_mm)
    return np.asarray(moved * skewed[5] - 0.5)


@kernel
def _ends_of_rows(stroke, last):  # type: ignore[no-untyped-def]
    """The first or the last column of the ink in every row, NaN without ink."""
    height, width = stroke.shape
    ends = np.full(height, np.nan)
    for row in range(height):
        for n in range(width):
            column = width - 1 - n if last else n
            if stroke[row, column]:
                ends[row] = column
                break
    return ends


@kernel
def _fill_between(canvas, sides, rows, pattern):  # type: ignore[no-untyped-def]
    """Draw a pattern (number in PATTERNS, pitch, line, ink) between the two sides; the larger ink stays."""
    kind, pitch, line, ink = pattern
    height, width = canvas.shape
    for row in range(rows[0], min(rows[1], height)):
        left, right = sides[0][row], sides[1][row]
        if np.isnan(left) or np.isnan(right):
            continue
        for column in range(max(0, math.ceil(left)), min(width - 1, math.floor(right)) + 1):
            level, upright = row % pitch < line, column % pitch < line
            if kind == 0:
                on = level
            elif kind == 1:
                on = upright
            elif kind == 2:
                on = (row + column) % pitch < line
            elif kind == 3:
                on = (row - column) % pitch < line
            elif kind == 4:
                on = level or upright
            elif kind == 5:
                on = row % pitch < line and (column + (row // pitch % 2) * (pitch // 2)) % pitch < line
            elif kind == 6:
                on = level or (column + (row // pitch % 2) * pitch) % (2 * pitch) < line
            else:
                on = True
            if on:
                canvas[row, column] = max(canvas[row, column], np.uint8(ink))


def _draw_crossings(canvas: UInt8, spec: SheetSpec, diameter_mm: float, skewed: Matrix) -> None:
    """Draw dots where the minor lines of each linear track cross."""
    height_mm = spec.size_mm[0]
    none = np.zeros((1, 1), np.uint8)
    for track in spec.tracks:
        step = (track.right_mm - track.left_mm) / track.divisions
        x = track.left_mm + step * np.arange(1, track.divisions)
        x = x[(x > -4) & (x < spec.size_mm[1] + 4)]
        first = track.depth_offset_mm % track.depth_step_mm
        y = np.arange(first, height_mm, track.depth_step_mm)
        if not len(x) or not len(y):
            continue
        moved_x, moved_y = move(np.tile(x, len(y)), np.repeat(y, len(x)), spec.skew, spec.size_mm)
        pen = diameter_mm * skewed[5], 255.0 * track.major.darkness
        call(_draw_dots, canvas, none, moved_x * skewed[5] - 0.5, moved_y * skewed[5] - 0.5, pen)


@kernel
def _draw_dots(canvas, none, x, y, pen):  # type: ignore[no-untyped-def]
    reach = math.ceil(pen[0] / 2 + 1)
    height, width = canvas.shape
    for n in range(len(x)):
        for row in range(max(0, int(y[n]) - reach), min(height, int(y[n]) + reach + 2)):
            for column in range(max(0, int(x[n]) - reach), min(width, int(x[n]) + reach + 2)):
                share = pen[0] / 2 + 0.5 - math.hypot(row - y[n], column - x[n])
                ink = np.uint8(pen[1] * min(max(share, 0.0), 1.0, pen[0]) + 0.5)
                canvas[row, column] = max(canvas[row, column], ink)


def draw_hands(canvas: UInt8, hands: tuple[HandSpec, ...], px_per_mm: float) -> None:
    """Draw handwriting and dirt into `canvas`, ink 0..255."""
    unused = np.zeros(canvas.shape, np.uint8) if hands else canvas
    for hand in hands:
        x_mm, y_mm, on = _hand_lines(hand)
        line = x_mm * px_per_mm - 0.5, y_mm * px_per_mm - 0.5, on
        call(draw_pen, (canvas, unused, unused), line, (hand.pen_mm * px_per_mm, 255.0 * hand.darkness), 1)


def _hand_lines(hand: HandSpec) -> tuple[Float64, Float64, Bool]:
    """Vertices in mm, [V] each, and whether the pen is down between two of them, [V-1]."""
    rng = generator(hand.seed)
    if hand.kind == "word":
        x, y, on = _word(rng, max(1, round(hand.width_mm / (0.7 * hand.height_mm))))
    elif hand.kind == "ring":
        turn = np.linspace(0, 6.6, _RING)
        wobble = 1 + 0.08 * np.cumsum(rng.standard_normal(_RING)) / 4
        x, y = 0.5 + 0.5 * np.cos(turn) * wobble, 0.5 + 0.5 * np.sin(turn) * wobble
        on = np.ones(_RING - 1, np.bool_)
    elif hand.kind == "line":
        share = np.linspace(0, 1, 8)
        sag = 0.06 * rng.standard_normal() * share * (1 - share)
        rising = rng.random() < 0.5
        x, y = share + sag, (1 - share if rising else share) + 0.3 * sag
        on = np.ones(7, np.bool_)
    else:  # specks: short lines all over the box, with gaps between them
        places = rng.random((12, 2))
        ends = places + 0.02 * rng.standard_normal((12, 2))
        both = np.stack([places, ends], 1).reshape(-1, 2)
        x, y, on = both[:, 0], both[:, 1], np.arange(23) % 2 == 0
    return hand.x_mm + x * hand.width_mm, hand.y_mm + y * hand.height_mm, on


def _word(rng: np.random.Generator, letters: int) -> tuple[Float64, Float64, Bool]:
    """Letters of loops and strokes: each is random vertices joined by a smooth line, some joined to the next."""
    knots = rng.random((letters, 5, 2))
    at = np.linspace(0, 4, _LETTERS)
    whole = np.minimum(at.astype(np.int64), 3)
    share = (at - whole)[None, :, None]
    share = share * share * (3 - 2 * share)
    course = knots[:, whole] * (1 - share) + knots[:, whole + 1] * share
    x = ((course[..., 0] * 0.75 + np.arange(letters)[:, None]) / letters).ravel()
    y = (course[..., 1] * rng.choice((0.55, 1.0), (letters, 1))).ravel()
    on = np.ones(letters * _LETTERS - 1, np.bool_)
    on[_LETTERS - 1 :: _LETTERS] = rng.random(letters - 1) < 0.35
    return x, 1 - y, on


def under_bars(bars: tuple[BoxSpec, ...], shape: tuple[int, int], skewed: Matrix) -> Bool:
    """The pixels that bars cover, bool [H,W]; bars lean with the sheet, their sides wander."""
    covered = np.zeros(shape, np.bool_)
    y_mm = (np.arange(shape[0]) + 0.5) / skewed[5]
    columns = np.arange(shape[1])
    for bar in bars:
        rng = generator(bar.seed)
        knots = np.linspace(0, len(y_mm) / skewed[5], 12)
        sides = []
        for x_mm in (bar.x_mm, bar.x_mm + bar.width_mm):
            wander = np.interp(y_mm, knots, bar.ragged_mm * rng.standard_normal(12))
            sides.append((skewed[0] * (x_mm + wander) + skewed[1] * y_mm + skewed[2]) * skewed[5] - 0.5)
        rows = (y_mm >= bar.y_mm) & (y_mm < bar.y_mm + bar.height_mm)
        covered |= rows[:, None] & (columns >= sides[0][:, None]) & (columns <= sides[1][:, None])
    return covered
