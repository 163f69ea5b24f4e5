"""Maps of ink and centre lines as a network would give them, from true courses, for the tests of curves/many."""

import numpy as np

from thinline.curves.many import Track, trace_track


def maps_of(courses, width, *, pen=3.0, on=None):
    """Ink and centre [H,W] uint8 of courses x [N,H] (NaN: none); the ink of a row reaches halfway to its neighbours.

    `pen` is a width in px, or one for each course; `on` bool [N,H] marks rows with ink, the others have a centre line.
    """
    courses = np.asarray(courses, float)
    pens = np.broadcast_to(np.asarray(pen, float), len(courses))
    ink, centre = np.zeros((2, courses.shape[1], width), np.uint8)
    columns = np.arange(width)
    for k, course in enumerate(courses):
        for row, x in enumerate(course):
            if np.isnan(x):
                continue
            near = [course[r] for r in (row - 1, row + 1) if 0 <= r < len(course) and np.isfinite(course[r])]
            ends = [x, *((x + each) / 2 for each in near)]
            centre[row, (columns >= min(ends) - 0.75) & (columns <= max(ends) + 0.75)] = 230
            if on is None or on[k][row]:
                half = pens[k] / 2
                ink[row, (columns > min(ends) - half) & (columns < max(ends) + half)] = 255
    return ink, centre


def traced(courses, width, *, hints=(), wraps=False, centre=True, curves=None, **how):
    """The traced track of `maps_of` the courses, at 4 px/mm."""
    ink, lines = maps_of(courses, width, **how)
    track = Track(0, width - 1, curves or len(courses), hints=hints, wraps=wraps)
    return trace_track(ink, lines if centre else None, track=track, px_per_mm=4.0)


def columns(track):
    """x of all curves of a traced track, [N,H]."""
    return np.array([each.curve.x_px for each in track.curves])
