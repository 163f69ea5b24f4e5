"""Trace N curves of one track together, from maps of the ink and the centre lines of any curve.

Method
    1. runs.py       each row becomes a few runs; nothing else of the maps is kept
    2. fragments.py  runs of consecutive rows become fragments, pieces of a curve without a choice
    3. links.py, paths.py    N paths of least total cost through the fragments; two paths may share a fragment
    4. positions.py, naming.py   where paths meet, continuity, pens, and hints decide which path is which curve
    5. courses.py    column, confidence, lap, and bridged rows of each curve

    `TrackTracer` takes strips of any height from the top. Step 1 looks at single rows, and steps 2 to 5 begin when all
    rows are known, so strips give exactly what one map gives, and there is no look-ahead that could be too short.
    Memory: one strip, and about 350 bytes for each row of two curves, 700 of four (measured: 250,000 rows of 600 px
    take 80 and 170 MB). At worst, in a map of noise with MOST runs in every row, 12 kB for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from thinline.curves.many.courses import TracedCurve, courses_of
from thinline.curves.many.fragments import Fragments, fragments_of
from thinline.curves.many.links import links_of
from thinline.curves.many.naming import named
from thinline.curves.many.paths import cheapest_paths
from thinline.curves.many.positions import Positions, meetings_of, positions_of
from thinline.curves.many.runs import Runs, runs_of
from thinline.vocabulary import Float32, Float64, UInt8

MOST_CURVES: Final = 6
BRIDGE_MM: Final = 3.0
EDGE_MM: Final = 0.6
"""A run that comes this close to the edge of its track is at the edge; a curve may leave there."""

OWN_MM: Final = 5.0
OWN_SHARE: Final = 0.05
"""A curve is there if it has ink of its own, beside that of the others, in so many rows (in mm and of all with ink)."""

TOUCH_MM: Final = 0.4
JOIN_MM: Final = 0.75


@dataclass(frozen=True, eq=False)
class Track:
    """The columns between `left_px` and `right_px` (numbers, or float64 [H]) and the number of `curves` in them.

    `hints` has for each curve any number of (row, column); an empty tuple is no hint. With `wraps` a curve may leave at
    one edge and go on from the other.
    """

    left_px: float | Float64
    right_px: float | Float64
    curves: int
    hints: Sequence[Sequence[tuple[float, float]]] = field(default=())
    wraps: bool = True
    name: str = "the track"


@dataclass(frozen=True, eq=False)
class TracedTrack:
    """The curves of a track, as many as were named; `found` of them have ink. `message` is empty if all have."""

    curves: tuple[TracedCurve, ...]
    found: int
    message: str


def trace_track(
    ink: UInt8 | Float32,
    centre: UInt8 | Float32 | None = None,
    grey: UInt8 | None = None,
    *,
    track: Track,
    px_per_mm: float,
    bridge_mm: float = BRIDGE_MM,
) -> TracedTrack:
    """The curves of `track` in maps [H,W] of probabilities: float32 0..1, or uint8 0..255. Errors as `TrackTracer`.

    `ink` is the ink of any curve, `centre` the centre line of any curve, through the gaps between dashes. `grey` is the
    image, 0 black: it tells pens apart by width and darkness. All maps have the same pixels.
    """
    tracer = TrackTracer(track, px_per_mm=px_per_mm, bridge_mm=bridge_mm)
    tracer.push(ink, centre, grey)
    return tracer.finish()


class TrackTracer:
    """Traces one track of a scan that is read in strips: `push` each strip, then `finish`.

    ValueError for a scale that is not above 0, a number of curves outside 1..MOST_CURVES, and more hints than curves.
    """

    def __init__(self, track: Track, *, px_per_mm: float, bridge_mm: float = BRIDGE_MM) -> None:
        if not px_per_mm > 0:
            raise ValueError(f"`px_per_mm` must be above 0, got {px_per_mm}; take the scale of the maps")
        if not 1 <= track.curves <= MOST_CURVES:
            raise ValueError(f"{track.name} must have 1 to {MOST_CURVES} curves, got {track.curves}; split the track")
        if len(track.hints) > track.curves:
            raise ValueError(
                f"`hints` of {track.name} must be for at most {track.curves} curves, got {len(track.hints)}; "
                "name as many curves as there are hints"
            )
        self.track, self.px_per_mm, self.bridge_mm = track, px_per_mm, bridge_mm
        self._parts: list[Runs] = []
        self._rows = 0

    def push(self, ink: UInt8 | Float32, centre: UInt8 | Float32 | None = None, grey: UInt8 | None = None) -> None:
        """Add the next rows, maps [h,W]. TypeError for other types, ValueError for other shapes and probabilities."""
        quantised = _quantised(ink, "ink")
        lines = None if centre is None else _quantised(centre, "centre")
        for name, other in (("centre", lines), ("grey", grey)):
            if other is not None and other.shape != quantised.shape:
                raise ValueError(f"`{name}` must have the shape of `ink` {quantised.shape}, got {other.shape}")
        rows = slice(self._rows, self._rows + len(quantised))
        left, right = self._edges(rows)
        reach = EDGE_MM * self.px_per_mm
        self._parts.append(runs_of(quantised, lines, grey, left=left - reach, right=right + reach))
        self._rows = rows.stop

    def finish(self) -> TracedTrack:
        """The curves in all rows."""
        runs = Runs.joined(self._parts)
        edges = np.stack(self._edges(slice(0, self._rows)), axis=1)
        wanted, number = self.track.curves, self.track.curves
        fragments = self._fragments(runs, edges)
        positions = self._positions(runs, fragments, edges, number)
        number = min(number, self._found(runs, positions))
        if number < wanted:
            positions = self._positions(runs, fragments, edges, number)
        positions = positions.padded(wanted)
        scale = self.px_per_mm
        touch, join = max(1.5, TOUCH_MM * scale), round(JOIN_MM * scale)
        meetings = meetings_of(runs, fragments, positions, touch_px=touch, join_px=join)
        hints = [*self.track.hints, *[()] * (wanted - len(self.track.hints))]
        names = named(runs, positions, meetings, hints, px_per_mm=scale)
        longest = round(self.bridge_mm * scale)
        curves = courses_of(runs, positions, names, meetings, edges, longest_px=longest, px_per_mm=scale)
        return TracedTrack(curves, number, self._message(number))

    def _fragments(self, runs: Runs, edges: Float64) -> Fragments:
        at_edge = np.zeros((len(runs.row), 2), np.bool_)
        if self.track.wraps:
            reach = EDGE_MM * self.px_per_mm
            at_edge[:, 0] = runs.low <= edges[runs.row, 0] + reach
            at_edge[:, 1] = runs.high >= edges[runs.row, 1] - reach
        return fragments_of(runs, at_edge, px_per_mm=self.px_per_mm)

    def _positions(self, runs: Runs, fragments: Fragments, edges: Float64, number: int) -> Positions:
        reach = EDGE_MM * self.px_per_mm
        ends = np.stack([edges[fragments.top], edges[fragments.bottom]], axis=1) + np.array([reach, -reach])
        if not self.track.wraps:
            ends[:] = np.nan
        links = links_of(runs, fragments, ends, fragments.pen_px(runs), px_per_mm=self.px_per_mm)
        paths = cheapest_paths(runs, fragments, links, curves=number, px_per_mm=self.px_per_mm)
        return positions_of(runs, fragments, links, paths, px_per_mm=self.px_per_mm)

    def _found(self, runs: Runs, positions: Positions) -> int:
        """The number of curves that have ink of their own beside that of the others in enough rows."""
        run = np.sort(np.where(positions.run >= 0, positions.run, -1), axis=0)
        inked = (run >= 0) & runs.inked[run] if len(runs.row) else np.zeros(run.shape, np.bool_)
        different = inked.copy()
        different[1:] &= run[1:] != run[:-1]
        apart = different.sum(axis=0)
        least = max(OWN_MM * self.px_per_mm, OWN_SHARE * (apart > 0).sum())
        least = min(least, 0.5 * self._rows)
        rows = [(apart >= n).sum() for n in range(1, len(run) + 1)]
        return sum(bool(count and count >= least) for count in rows)

    def _message(self, found: int) -> str:
        wanted, name = self.track.curves, self.track.name
        if found == wanted:
            return ""
        ink = f"ink of {('no curve', 'one curve', 'two curves')[found] if found < 3 else f'{found} curves'}"
        named = {1: "one", 2: "two"}.get(wanted, str(wanted))
        return f"{ink} in {name}; you named {named}"

    def _edges(self, rows: slice) -> tuple[Float64, Float64]:
        """Left and right edge of the track in these rows, [h] each."""
        edges = []
        for side in (self.track.left_px, self.track.right_px):
            column = np.asarray(side, np.float64)
            if column.ndim and len(column) < rows.stop:
                raise ValueError(f"the edges of {self.track.name} must reach row {rows.stop}, got {len(column)} rows")
            edges.append(column[rows] if column.ndim else np.full(rows.stop - rows.start, float(column)))
        return edges[0], edges[1]


def _quantised(map_: UInt8 | Float32, name: str) -> UInt8:
    """A map [h,W] as uint8."""
    if map_.ndim != 2:
        raise ValueError(f"`{name}` must be [h,W], got {list(map_.shape)}; pass one map at a time")
    if map_.dtype == np.uint8:
        return np.asarray(map_, np.uint8)
    if map_.dtype != np.float32:
        raise TypeError(f"`{name}` must be float32 0..1 or uint8 0..255, got {map_.dtype}; convert it")
    if map_.size and not (map_.min() >= 0 and map_.max() <= 1):
        raise ValueError(f"`{name}` must hold probabilities 0..1, got {map_.min()}..{map_.max()}; apply the head first")
    return np.rint(map_ * 255).astype(np.uint8)
