"""Drawn ink and drawn curves for the tests of tracers."""

import numpy as np

from thinline.curves.curve import ink_of


def picture(text):
    """Class ids of a picture: `.` background, `1` and `2` curves."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return np.array([[0 if mark == "." else int(mark) for mark in line] for line in lines], np.uint8)


def ink(text, curves=2):
    return ink_of(picture(text), curves=curves)


def lines_as_ink(courses, width, *, sure=0.9, doubt=0.05):
    """Ink [K,H,W] of courses [K,H], a pixel wide each; of two in one pixel the last one has it."""
    courses = np.asarray(courses, dtype=float)
    ids = np.zeros((courses.shape[1], width), np.uint8)
    for k, course in enumerate(courses, start=1):
        for row, x in enumerate(course):
            if np.isfinite(x):
                ids[row, round(x)] = k
    return np.where(ink_of(ids, curves=len(courses)) > 0, np.float32(sure), np.float32(doubt) * (ids > 0))
