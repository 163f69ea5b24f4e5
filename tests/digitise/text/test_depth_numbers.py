"""Numbers of a depth column: which texts are numbers, and in which rows they lie."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from log_pages import LogPage, save

from thinline.digitise.page.columns import DEPTH, TRACK, Column
from thinline.digitise.page.layout import Layout, find_layout
from thinline.digitise.scan import open_scan
from thinline.digitise.text.depth_numbers import number_of, read_numbers
from thinline.digitise.text.recogniser import PrintedText

PLAIN = LogPage()
COLUMN_MIDDLE, TRACKS_MIDDLE = 330.0, 380.0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1000", 1000),
        (" 12,500 ", 12500),
        ("12 500", 12500),
        ("950.5", 950.5),
        ("1200m", 1200),
        ("1200 ft", 1200),
        ("1O5l", 1051),
        ("0069", 6900),  # 6900 upside down
        ("0098", 8600),
        ("0042", None),  # upside down these are no digits
        ("0", None),
        ("7", None),
        ("123456", None),
        ("GR", None),
        ("OIL", None),
        ("12-34", None),
        ("", None),
    ],
)
def test_a_text_is_a_number_or_not(text: str, number: float | None) -> None:
    assert number_of(text) == number


def marked(rows: list[int], *, height: int = 2400) -> np.ndarray:
    """A page whose depth column has a filled box of 8 px around each of the rows, in place of numbers."""
    page = LogPage(height=height).draw()
    page[250:, 296:368] = 255
    for row in rows:
        page[row - 4 : row + 5, int(COLUMN_MIDDLE) - 8 : int(COLUMN_MIDDLE) + 9] = 0
    return page


def boxes(image: np.ndarray) -> list[PrintedText]:
    """The filled boxes of an image, all as the text 1000: a reader without a network."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((image < 128).astype(np.uint8), connectivity=8)
    return [
        PrintedText("1000", 1.0, left, top, left + wide - 1, top + high - 1)
        for left, top, wide, high, area in stats[1:].tolist()
        if area > 0.9 * wide * high and 10 < high < 30 and 20 < wide < 50
    ]


def rows_read(page: np.ndarray, path: Path, *, reader=boxes) -> np.ndarray:
    layout = find_layout(open_scan(save(page, path)))
    first, second = [each for each in layout.columns if each.kind == TRACK]
    column = Column(first.right + 2, second.left - 2, DEPTH)
    return np.array([reading.row for reading in read_numbers(layout, column, reader)])


ROWS = [300, 430, 655, 656 + 60, 900, 1333, 1777, 2100]


def test_numbers_are_found_in_their_rows_in_whichever_piece_they_lie(tmp_path: Path) -> None:
    assert rows_read(marked(ROWS), tmp_path / "page.png") == pytest.approx(ROWS, abs=0.3)


def test_rows_of_a_turned_page_are_those_in_the_middle_of_the_tracks(tmp_path: Path) -> None:
    page = marked(ROWS)
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), 1.0, 1.0)
    turned = cv2.warpAffine(page, turn, page.shape[::-1], flags=cv2.INTER_LINEAR, borderValue=255)
    expected = [(turn @ [TRACKS_MIDDLE, row, 1])[1] for row in ROWS]
    read = rows_read(turned, tmp_path / "page.png", reader=loose_boxes)
    assert read == pytest.approx(expected, abs=1.5)
    beside = [(turn @ [COLUMN_MIDDLE, row, 1])[1] for row in ROWS]
    assert np.abs(np.array(expected) - beside).mean() == pytest.approx(0.87, abs=0.05)


def loose_boxes(image: np.ndarray) -> list[PrintedText]:
    """As `boxes`, for boxes whose edges are jagged."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((image < 128).astype(np.uint8), connectivity=8)
    return [
        PrintedText("1000", 1.0, left, top, left + wide - 1, top + high - 1)
        for left, top, wide, high, area in stats[1:].tolist()
        if area > 0.7 * wide * high and 10 < high < 32 and 20 < wide < 50
    ]


def test_a_text_at_the_end_of_a_piece_is_left_to_the_next_one(tmp_path: Path) -> None:
    rows = list(range(300, 2300, 23))
    assert rows_read(marked(rows), tmp_path / "page.png") == pytest.approx(rows, abs=0.3)


def test_the_reader_gets_no_upright_lines_and_progress_is_reported(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []
    layout: Layout = find_layout(open_scan(PLAIN.save(tmp_path / "page.png")))
    (column,) = [each for each in layout.columns if each.kind == DEPTH]
    done: list[tuple[int, int]] = []

    def reader(image: np.ndarray) -> list[PrintedText]:
        seen.append(image)
        return []

    assert read_numbers(layout, column, reader, report=lambda *each: done.append(each)) == ()
    assert done[-1] == (len(done), len(done))
    for image in seen:
        assert ((image < 128).mean(axis=0) < 0.3).all()
