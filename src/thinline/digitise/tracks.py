"""Trace the curves of a scan track by track, for a network that finds the ink of any curve (head=curves).

Conventions
    Curves whose tracks have the same edges are in one track, and are traced together (curves/many). Which curve of a
    track is which is decided there: by the hints, by the order of the curves from left to right, by their pens, and by
    continuity. A hint is (row, column) of the scan on the curve.
    A row that the file has damaged holds no ink.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.curves.curve import Curve
from thinline.curves.many import TracedTrack, Track, TrackTracer
from thinline.curves.many.tracer import BRIDGE_MM
from thinline.digitise.damaged_rows import Hidden
from thinline.digitise.inference import Band
from thinline.digitise.paper import Paper
from thinline.vocabulary import Bool, Float32, Float64

Hints = Sequence[tuple[float, float]]
_INK: Final = 0.5


@dataclass(frozen=True, eq=False)
class TracedCurves:
    """The curves in the order of their names; for each the share of its track that is its ink [K,H]; `notes`.

    `name_confidence` float64 [K,H] is empty where the network names the curves.
    """

    curves: tuple[Curve, ...]
    inked: Float32
    notes: tuple[str, ...]
    name_confidence: tuple[Float64, ...] = ()


def trace_tracks(
    bands: Iterable[Band],
    paper: Paper,
    edges: Float64,
    *,
    hidden: Hidden,
    names: Sequence[str],
    hints: Sequence[Hints],
    px_per_mm: float,
) -> TracedCurves:
    """Trace the curves `names` between the columns `edges [K,2]` of the paper. `hints` are empty or one for each curve.

    The share of ink of a curve is that of its track, divided by the number of curves in the track.
    """
    groups = _groups(edges)
    own = [_on_paper(paper, points) for points in hints or [()] * len(names)]
    tracers = [
        TrackTracer(_track(number, group, edges, own), px_per_mm=px_per_mm) for number, group in enumerate(groups, 1)
    ]
    columns = np.arange(paper.frame.width)
    inside = [(columns >= edges[group[0], 0]) & (columns <= edges[group[0], 1]) for group in groups]
    shares: list[Float32] = []
    for band in bands:
        seen = ~hidden.rows[band.start : band.stop, None]
        ink, centre = (np.where(seen, plane, 0).astype(np.float32) for plane in _planes(band))
        grey = paper.rows(band.start, band.stop)
        for tracer in tracers:
            tracer.push(ink, centre, grey)
        shares.append(_shares(ink > _INK, inside))
    traced = [tracer.finish() for tracer in tracers]
    inked = np.concatenate(shares, axis=1)
    return _in_order(traced, groups, inked, names)


def _groups(edges: Float64) -> list[list[int]]:
    """The numbers of the curves of each track, tracks from left to right."""
    tracks: dict[tuple[float, float], list[int]] = {}
    for number, (left, right) in enumerate(edges.tolist()):
        tracks.setdefault((left, right), []).append(number)
    return [tracks[track] for track in sorted(tracks)]


def _track(number: int, group: Sequence[int], edges: Float64, hints: Sequence[Hints]) -> Track:
    left, right = edges[group[0]].tolist()
    return Track(left, right, len(group), tuple(hints[curve] for curve in group), name=f"track {number}")


def _planes(band: Band) -> tuple[Float32, Float32]:
    if band.centre is None:
        raise ValueError("`bands` must have centre lines, got none; use a network with head=curves")
    return band.probabilities()[0], np.asarray(band.centre, np.float32)


def _shares(ink: Bool, inside: Sequence[Bool]) -> Float32:
    """The share of the columns of each track that is ink, [tracks,h]."""
    return np.asarray([ink[:, columns].mean(axis=1) if columns.any() else ink.mean(axis=1) for columns in inside])


def _on_paper(paper: Paper, points: Hints) -> Hints:
    """Row and column of the straightened paper for points of the scan."""
    frame, down = paper.frame, paper.skew.down(paper.frame.width)
    found = []
    for row, column in points:
        v, u = (row - frame.first_row + 0.5) * frame.row_factor - 0.5, frame.paper_x(column)
        v -= down[int(np.clip(round(u), 0, frame.width - 1))]
        nearest = int(np.clip(round(v), 0, frame.height - 1))
        found.append((float(v), float(u - paper.skew.across(np.array([nearest]))[0])))
    return tuple(found)


def _in_order(
    traced: Sequence[TracedTrack], groups: Sequence[Sequence[int]], inked: Float32, names: Sequence[str]
) -> TracedCurves:
    """The curves of all tracks in the order of their names."""
    curves: dict[int, Curve] = {}
    sure: dict[int, Float64] = {}
    shares = np.zeros((len(names), inked.shape[1]), np.float32)
    notes = [track.message for track in traced if track.message]
    for track, group, share in zip(traced, groups, inked, strict=True):
        for number, own in zip(group, track.curves, strict=True):
            curves[number], sure[number] = own.curve, own.name_confidence
            shares[number] = share / len(group)
            count = int(own.bridged.sum())
            if count:
                rows = int(own.curve.traced.sum())
                notes.append(
                    f"{names[number]}: {count:,} of {rows:,} rows are bridged, between dashes or over gaps of up to "
                    f"{BRIDGE_MM:g} mm"
                )
    order = range(len(names))
    return TracedCurves(
        tuple(curves[number] for number in order), shares, tuple(notes), tuple(sure[number] for number in order)
    )
