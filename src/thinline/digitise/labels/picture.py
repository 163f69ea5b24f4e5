"""A picture of labels: the paper, pale, with the ink of each curve in its colour, and what is ignored hatched.

A thin grey line is the course by the LAS file before it was registered. On the left are depths, and for each curve a
bar that is coloured in registered rows and grey in doubtful ones.
"""

from __future__ import annotations

import cv2
import numpy as np

from thinline.digitise.labels.labelling import LabelledScan
from thinline.digitise.labels.las_course import Course
from thinline.digitise.overlays import BAR_PX, COLOURS, ENLARGED, GAP, INK, margin, titled
from thinline.vocabulary import IGNORE, UInt8

_FADE = 0.6
_HATCH = (255, 225, 170)
_COURSE = (150, 150, 150)
_HATCH_EVERY_PX = 8


def picture_png(labelled: LabelledScan, top: int, bottom: int) -> bytes:
    """The picture of rows top..bottom-1 of the paper as the bytes of a PNG."""
    grey = labelled.paper.rows(top, bottom)
    faded = cv2.convertScaleAbs(grey, alpha=1 - _FADE, beta=255 * _FADE)
    canvas = cv2.cvtColor(_enlarged(faded), cv2.COLOR_GRAY2RGB)
    values = _enlarged(labelled.values[top:bottom])
    diagonal = np.add.outer(np.arange(values.shape[0]), np.arange(values.shape[1])) % _HATCH_EVERY_PX
    canvas[(values == IGNORE) & (diagonal < 2)] = _HATCH
    bars = margin(len(grey), labelled.depth[top:bottom], curves=len(labelled.curves))
    text_px = bars.shape[1] - (BAR_PX + 2) * len(labelled.curves) - 4
    entries = [(labelled.job.scan.path.name, INK), ("hatched: not counted", INK), ("grey line: before", _COURSE)]
    for number, curve in enumerate(labelled.curves):
        colour = COLOURS[number % len(COLOURS)]
        _draw(canvas, curve.course, top, bottom)
        canvas[values == number + 1] = colour
        left = text_px + number * (BAR_PX + 2)
        registered = curve.registration.registered[top:bottom].repeat(ENLARGED)
        bars[:, left : left + BAR_PX] = np.where(registered[:, None, None], np.array(colour), np.array(GAP))
        entries.append((curve.name, colour))
    picture = np.vstack([titled(bars.shape[1] + canvas.shape[1], entries), np.hstack([bars, canvas])])
    coded, png = cv2.imencode(".png", picture[..., ::-1])
    if not coded:
        raise ValueError(f"the picture of rows {top}..{bottom} could not be coded as PNG; label fewer columns")
    return bytes(png.tobytes())


def _enlarged(plane: UInt8) -> UInt8:
    return plane.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)


def _draw(canvas: UInt8, course: Course, top: int, bottom: int) -> None:
    """The course before registration: the middle of each range, at most a pixel wide."""
    ranges = course.intervals()[top:bottom]
    rows, parts = np.nonzero(np.isfinite(ranges[..., 0]))
    for row, (first, last) in zip(rows.tolist(), ranges[rows, parts].tolist(), strict=True):
        left, right = (round((x + 0.5) * ENLARGED - 0.5) for x in (first, last))
        cv2.line(canvas, (left, row * ENLARGED), (right, row * ENLARGED), _COURSE, 1)
