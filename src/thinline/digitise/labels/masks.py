"""Class values of the pixels of a paper: the ink of registered curves, background, and what no loss may count.

Conventions
    Value k is the ink of curve k, counted from 1, 0 is background, IGNORE is not counted. A mask has one value for a
    pixel: where two curves cross it is that of the curve whose course is nearer.
    Ink of curves belongs to a curve if it lies in a registered row of it and within its *reach* of its registered
    course: half the width of its pen (the median over its course) plus SLACK_MM. So do other dark pixels within half
    the width of the pen: where print is worn the network finds less than there is.
    Ignored are
        the doubtful rows of a curve, from edge to edge of its track and EDGE_MM beyond, but for the ink of the other
        curves; in bridged rows only what is within its reach
        ink that belongs to no curve, with a rim of a pixel: the LAS file may lack this curve
        the outermost pixels of the ink that the network finds, where they are not dark
        damaged rows
        where the ink is every dark pixel: all columns outside the tracks of the curves, instead of other ink, because
        grids and letters are dark too
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from thinline.digitise.labels.registration import Registration
from thinline.vocabulary import IGNORE, Bool, Float32, UInt8

SLACK_MM: Final = 0.3
EDGE_MM: Final = 0.75
"""Columns outside a track on which the ink of its curves may lie: half a heavy pen."""

_MOST_PEN_MM: Final = 1.0  # half width
_ROWS: Final = 2048


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a paper: the ink of curves [H,W], all dark pixels [H,W], damaged rows [H].

    `dark` is None where the ink of curves is not separated from other print: then `ink` is all dark pixels.
    """

    ink: Bool
    dark: Bool | None
    hidden: Bool
    px_per_mm: float


def mask_of(evidence: Evidence, registrations: Sequence[Registration], edges: Sequence[tuple[float, float]]) -> UInt8:
    """The values [H,W] of a paper. `edges` are the columns of the edges of the track of each curve."""
    height, width = evidence.ink.shape
    halves = [_half_pen(evidence, registration) for registration in registrations]
    around = int(max(halves) + SLACK_MM * evidence.px_per_mm) + 2
    values = np.empty((height, width), np.uint8)
    for top in range(0, height, _ROWS):
        first, bottom = max(0, top - around), min(height, top + _ROWS)
        rows = slice(first, min(height, bottom + around))
        part = _part(evidence, registrations, edges, halves, rows)
        values[top:bottom] = part[top - first : bottom - first]
    values[evidence.hidden] = IGNORE
    return values


def drawn(registration: Registration, those: Bool, rows: slice, width: int) -> Bool:
    """The shifted course of a curve in `rows`, as far as `those` [H] rows are true, bool [h,W]."""
    ranges = registration.ranges[rows]
    columns = np.arange(width)
    covered = (columns >= ranges[:, :, :1]) & (columns <= ranges[:, :, 1:])
    return np.asarray(covered.any(axis=1) & those[rows, None], np.bool_)


def _half_pen(evidence: Evidence, registration: Registration) -> float:
    """Half the width of the pen in px: the median distance of the course from the edge of its ink; 1 without ink."""
    found = []
    height, width = evidence.ink.shape
    for top in range(0, height, _ROWS):
        rows = slice(top, min(height, top + _ROWS))
        inside = cv2.distanceTransform(evidence.ink[rows].view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        near = cv2.dilate(inside, np.ones((3, 3), np.uint8))  # the course may lie a pixel beside the middle
        found.append(near[drawn(registration, registration.registered, rows, width)])
    values = np.concatenate(found)
    values = values[values > 0]
    # the distance counts from centre to centre of pixels, and an edge lies half a pixel nearer
    return min(float(np.median(values)) - 0.5, _MOST_PEN_MM * evidence.px_per_mm) if len(values) else 1.0


def _part(
    evidence: Evidence,
    registrations: Sequence[Registration],
    edges: Sequence[tuple[float, float]],
    halves: Sequence[float],
    rows: slice,
) -> UInt8:
    """The values of some rows."""
    ink, width = evidence.ink[rows], evidence.ink.shape[1]
    dark = ink if evidence.dark is None else evidence.dark[rows]
    columns, scale = np.arange(width), evidence.px_per_mm
    nearest = np.full(ink.shape, np.inf, np.float32)
    owner = np.zeros(ink.shape, np.uint8)
    ignored = np.zeros(ink.shape, np.bool_)
    in_track = np.zeros(width, np.bool_)
    for number, registration in enumerate(registrations, start=1):
        half, (left, right) = halves[number - 1], edges[number - 1]
        reach = half + SLACK_MM * scale
        track = (columns >= left - EDGE_MM * scale) & (columns <= right + EDGE_MM * scale)
        in_track |= track
        doubtful = ~(registration.registered | registration.bridged)
        ignored |= doubtful[rows, None] & track
        ignored |= _distance(drawn(registration, registration.bridged, rows, width)) <= reach
        distance = _distance(drawn(registration, registration.registered, rows, width))
        mine = (ink & (distance <= reach)) | (dark & (distance <= half))
        mine &= registration.registered[rows, None] & (distance < nearest)
        owner[mine], nearest[mine] = number, distance[mine]
    if evidence.dark is None:
        ignored |= ~in_track
    else:
        square = np.ones((3, 3), np.uint8)
        other = (ink & (owner == 0)).astype(np.uint8)
        ignored |= cv2.dilate(other, square).view(np.bool_)
        rim = ink & ~dark & ~cv2.erode(ink.view(np.uint8), square).view(np.bool_)
        ignored |= rim
        owner[rim] = 0
    return np.where(owner > 0, owner, np.where(ignored, np.uint8(IGNORE), np.uint8(0))).astype(np.uint8)


def _distance(course: Bool) -> Float32:
    """Distance of every pixel from the course, in px; infinite without one."""
    if not course.any():
        return np.full(course.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform((~course).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
