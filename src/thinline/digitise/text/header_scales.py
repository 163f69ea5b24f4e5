"""Scales printed in the heading over the tracks: a number at either end of a line, and the words between them.

Conventions
    Columns and rows are pixels of the image of the heading. A text belongs to the track over whose columns its middle
    lies. The texts of a track whose middles differ by less than half their height are one line. A line is a scale if it
    begins with a number in the left third of the track and ends with another number in the right third. Its words are
    those between the numbers, or else the nearest line of words within LINES_ABOVE times its height above it. Numbers
    without words are left out.
    Which curve a scale belongs to does not follow from its position, and digits are misread: what is found here is a
    comment to compare with the print, never a value that is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from thinline.digitise.page.layout import Layout
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.text.depth_numbers import TEXT_PX_PER_MM
from thinline.digitise.text.recogniser import PrintedText, TextReader

HEADING_MM: Final = 80.0
"""Height above the first row of the log that is read."""

BELOW_MM: Final = 8.0
LINES_ABOVE: Final = 2.5
_NUMBER: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_WHOLE_LINE: Final = re.compile(rf"({_NUMBER.pattern})\s+(.*\S)\s+({_NUMBER.pattern})")


@dataclass(frozen=True)
class HeaderScale:
    """The numbers at both ends of a line over track `track` (from 1), as printed, and the `words` of the line."""

    track: int
    left: str
    right: str
    words: str

    def text(self) -> str:
        """A phrase for the terminal and for comments."""
        return f"track {self.track}: {self.left} to {self.right} ({self.words})"


def read_header_scales(layout: Layout, reader: TextReader) -> list[HeaderScale]:
    """The scales printed over the tracks of a log, from the top down."""
    page, scan = layout.page, layout.scan
    across, down = page.px_per_mm
    first = layout.page_rows[0]
    ends = page.scan_rows(np.array([first - HEADING_MM * down, first + BELOW_MM * down]))
    top, bottom = (int(row) for row in np.clip(np.rint(ends), 0, scan.height).tolist())
    left = max(0, int(layout.tracks[0].left_px))
    right = min(scan.width, int(layout.tracks[-1].right_px) + 1)
    factors = TEXT_PX_PER_MM / down * page.frame.row_factor, TEXT_PX_PER_MM / across * page.frame.column_factor
    frame = Frame.of((top, bottom), (left, right), factors=factors)
    texts = reader(Paper(scan, frame).rows(0, frame.height))
    tracks = [(frame.paper_x(track.left_px), frame.paper_x(track.right_px)) for track in layout.tracks]
    return header_scales(texts, tracks)


def header_scales(texts: Sequence[PrintedText], tracks: Sequence[tuple[float, float]]) -> list[HeaderScale]:
    """The scales of the texts over the columns (left, right) of each track."""
    found = []
    for number, (left, right) in enumerate(tracks, start=1):
        lines = _lines([text for text in texts if left <= (text.left + text.right) / 2 <= right])
        for at, line in enumerate(lines):
            ends = _ends(line, left, right)
            if ends is not None:
                words = ends[2] if _has_letters(ends[2]) else _words_above(lines[:at], line)
                found += [HeaderScale(number, ends[0], ends[1], words)] if words else []
    return found


def _lines(texts: Sequence[PrintedText]) -> list[list[PrintedText]]:
    """The texts in lines from the top down, each from left to right."""
    lines: list[list[PrintedText]] = []
    for text in sorted(texts, key=_middle):
        if lines and _middle(text) - _middle(lines[-1][0]) < 0.5 * min(_height(text), _height(lines[-1][0])):
            lines[-1].append(text)
        else:
            lines.append([text])
    return [sorted(line, key=lambda text: text.left) for line in lines]


def _middle(text: PrintedText) -> float:
    return (text.top + text.bottom) / 2


def _height(text: PrintedText) -> float:
    return text.bottom - text.top


def _ends(line: Sequence[PrintedText], left: float, right: float) -> tuple[str, str, str] | None:
    """The numbers at both ends of a line and the words between them, None for a line that is no scale."""
    third = (right - left) / 3
    if line[0].left > left + third or line[-1].right < right - third:
        return None
    whole = _WHOLE_LINE.fullmatch(" ".join(text.text.strip() for text in line))
    numbers = [text.text.strip() for text in (line[0], line[-1])]
    if len(line) == 2 and all(_NUMBER.fullmatch(number) for number in numbers):
        ends = numbers[0], numbers[1], ""
    elif whole is not None:
        ends = whole.group(1), whole.group(5), whole.group(4)
    else:
        return None
    return ends if float(ends[0]) != float(ends[1]) else None


def _words_above(lines: Sequence[Sequence[PrintedText]], line: Sequence[PrintedText]) -> str:
    """The words of the nearest line above that has letters, empty if it is too far away."""
    for above in reversed(lines):
        if _middle(line[0]) - _middle(above[0]) > LINES_ABOVE * _height(line[0]):
            return ""
        words = " ".join(text.text.strip() for text in above)
        if _has_letters(words):
            return words
    return ""


def _has_letters(words: str) -> bool:
    return any(letter.isalpha() for letter in words)
