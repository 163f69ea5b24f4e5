"""The number of curves of a track: drawn curves are counted, text, lines of the grid and dirt are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_pages import LogPage

from thinline.digitise.page.curve_count import MOST_CURVES, CurveReader, TrackWindow, curves_of_track, track_window
from thinline.digitise.page.layout import find_layout
from thinline.digitise.scan import open_scan

SCALE = 5.0
HIGH, WIDE = 320, 300
ROWS = np.arange(HIGH)


def sees_black(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A network for which everything black is the ink of a curve; its centre line is where it is darkest."""
    ink = np.where(grey < 60, np.uint8(255), np.uint8(0))
    return ink, ink


READER = CurveReader(sees_black, SCALE, HIGH)


def window(*courses: np.ndarray, pen: int = 3) -> np.ndarray:
    """White paper [HIGH,WIDE] with a curve at each of the columns `courses [HIGH]`."""
    paper = np.full((HIGH, WIDE), 255, np.uint8)
    for x in courses:
        cv2.polylines(paper, [np.stack([x, ROWS], axis=1).round().astype(np.int32)], False, 0, pen)
    return paper


def wave(middle: float, *, swing: float = 12.0, period: float = 90.0) -> np.ndarray:
    return middle + swing * np.sin(ROWS * 2 * np.pi / period)


def count(*papers: np.ndarray, lines: tuple[float, ...] = ()) -> int:
    read: list[TrackWindow] = [track_window(READER, paper, 10.0, WIDE - 10.0) for paper in papers]
    return curves_of_track(read, px_per_mm=SCALE, lines=lines)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_curves_beside_each_other_are_all_counted(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    middles = 10 + (np.arange(number) + 0.5) * (WIDE - 20) / number
    courses = [wave(x, swing=8, period=rng.uniform(40, 200)) for x in middles]
    assert count(window(*courses), window(*courses)) == number


def test_curves_that_cross_are_counted_by_the_rows_where_they_are_apart() -> None:
    assert count(window(wave(150, swing=60), wave(150, swing=-60))) == 2


def test_an_empty_track_has_no_curve() -> None:
    assert count(window()) == 0
    assert count() == 0


def test_letters_beside_a_curve_are_none() -> None:
    paper = window(wave(60))
    for top in range(30, HIGH, 60):
        cv2.putText(paper, "1234", (150, top), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 2)
    assert count(paper, paper) == 1


def test_a_level_line_across_the_track_is_none() -> None:
    paper = window(wave(60))
    for top in range(0, HIGH, 20):
        cv2.line(paper, (0, top), (WIDE, top), 0, 2)
    assert count(paper) == 1


def test_an_upright_line_of_the_grid_is_none_but_a_straight_curve_elsewhere_is_one() -> None:
    paper = window(wave(60), np.full(HIGH, 200.0))
    assert count(paper) == 2
    assert count(paper, lines=(190.0,)) == 1  # from the left edge of the track, in column 10
    assert count(paper, paper) == 1  # in the same place in every window
    assert count(window(wave(60), np.full(HIGH, 10.0))) == 1  # on the edge of the track


def test_a_curve_of_the_lower_part_of_a_log_is_counted() -> None:
    one, two = window(wave(60)), window(wave(60), wave(200))
    assert count(*[one] * 7, *[two] * 3) == 2
    assert count(*[one] * 9, two) == 1


def test_no_more_than_six_are_counted() -> None:
    courses = [wave(x, swing=2) for x in range(20, WIDE - 20, 20)]
    assert count(window(*courses)) == MOST_CURVES


@pytest.mark.parametrize("curves", [((0.5,), (0.2, 0.5, 0.8)), ((0.3, 0.7), (0.5,))])
@pytest.mark.parametrize("tilt", [0.0, 30.0])
def test_the_tracks_of_a_page_are_read_at_the_scale_of_the_network(curves, tilt: float, tmp_path: Path) -> None:
    path = LogPage(curves=curves, tilt=tilt).save(tmp_path / "log.png")
    shapes = []

    def maps(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shapes.append(grey.shape)
        return sees_black(grey)

    found = find_layout(open_scan(path), reader=CurveReader(maps, SCALE, HIGH))
    assert [track.curves for track in found.tracks] == [len(track) for track in curves]
    assert {height for height, _ in shapes} == {HIGH}
    widths = [(right - left) / 4 + 8 for left, right in LogPage().tracks]  # mm, with 4 mm on both sides
    assert {round(width / SCALE) for _, width in shapes} == {round(width) for width in widths}
