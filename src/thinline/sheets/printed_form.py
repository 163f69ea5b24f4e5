"""The printed form of a sheet: where the tracks and the depth column lie, and the grid of each track."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from thinline.sheets.spec import LineSpec, TrackSpec
from thinline.sheets.style import Taste, draw, pick

_WIDE_MM = 35.0  # a track from which finer grids and more decades fit
_STEPS_MM = (1.0, 1.25, 1.5, 2.0, 2.5)


class Form(NamedTuple):
    """Tracks; the depth column as (left, width); the depths of the first numbered line and from one to the next; mm."""

    tracks: tuple[TrackSpec, ...]
    column_mm: tuple[float, float]
    numbered_mm: tuple[float, float]


def form(taste: Taste, rng: np.random.Generator, width_mm: float) -> Form:
    """One or two tracks and a depth column on a sheet of that width."""
    column = min(0.2 * width_mm, draw(rng, (7.0, 11.0)))
    left, right = draw(rng, (0.5, 2.5)), width_mm - draw(rng, (0.5, 2.5))
    if rng.random() < taste.two_tracks:
        middle = draw(rng, (0.42, 0.5)) * width_mm
        spans, column_at = [(left, middle), (middle + column, right)], middle
    elif rng.random() < 0.5:
        spans, column_at = [(left + column, right)], left
    else:
        spans, column_at = [(left, right - column)], right - column
    step = _STEPS_MM[int(rng.integers(len(_STEPS_MM)))]
    every = (5, 10 if step < 2 else 4)[int(rng.integers(2))]
    offset = draw(rng, (0.0, step * every))
    minor = LineSpec(0.1, draw(rng, taste.minor_darkness), ("solid", "dotted", "broken")[pick(rng, taste.styles)])
    major = LineSpec(draw(rng, taste.major_mm), draw(rng, taste.major_darkness))
    edge = LineSpec(draw(rng, (0.25, 0.6)), max(major.darkness, draw(rng, (0.7, 1.0))))
    tracks = tuple(
        TrackSpec(
            left_mm=round(start, 3),
            right_mm=round(end, 3),
            divisions=((10, 20) if end - start > _WIDE_MM else (10, 5))[int(rng.integers(2))],
            major_every=5,
            decades=int(rng.integers(1, 4 if end - start > _WIDE_MM else 3)) if rng.random() < taste.log_track else 0,
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
