"""Scales over the tracks: which lines of texts are scales, and what they say."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from log_pages import LogPage, save

from thinline.digitise.page.layout import find_layout
from thinline.digitise.scan import open_scan
from thinline.digitise.text.header_scales import HeaderScale, header_scales, read_header_scales
from thinline.digitise.text.recogniser import PrintedText, ocr_installed, open_text_reader

TRACKS = [(0.0, 300.0), (400.0, 700.0)]


def printed(text: str, left: float, top: float) -> PrintedText:
    """A text of 10 px a letter and 20 px height."""
    return PrintedText(text, 0.9, left, top, left + 10 * len(text), top + 20)


LINES = {
    "numbers with a name between": (
        [printed("0", 2, 50), printed("GR API", 120, 52), printed("150", 268, 49)],
        [HeaderScale(1, "0", "150", "GR API")],
    ),
    "the name on the line above": (
        [printed("GAMMA RAY", 100, 20), printed("0", 2, 50), printed("150", 268, 49)],
        [HeaderScale(1, "0", "150", "GAMMA RAY")],
    ),
    "a name too far above": (
        [printed("LOG", 100, 20), printed("0", 2, 90), printed("9", 288, 90)],
        [],
    ),
    "one box for the whole line": (
        [printed("0.2 RESISTIVITY OHMM 2000", 410, 50)],
        [HeaderScale(2, "0.2", "2000", "RESISTIVITY OHMM")],
    ),
    "two tracks side by side": (
        [
            *[printed("-80", 2, 50), printed("SP", 130, 50), printed("20", 278, 50)],
            *[printed("RT", 540, 24), printed(".2", 402, 50), printed("20", 678, 50)],
        ],
        [HeaderScale(1, "-80", "20", "SP"), HeaderScale(2, ".2", "20", "RT")],
    ),
    "numbers without words": ([printed("0", 2, 50), printed("11", 140, 50), printed("200", 268, 50)], []),
    "one number": ([printed("0", 2, 50), printed("GR", 140, 50)], []),
    "equal numbers": ([printed("5", 2, 50), printed("5.0", 268, 50)], []),
    "numbers in the middle": ([printed("12", 130, 50), printed("34", 170, 50)], []),
    "a date": ([printed("12-04", 2, 50), printed("1984", 258, 50)], []),
    "between the tracks": ([printed("0", 310, 50), printed("9", 380, 50)], []),
    "no text": ([], []),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_a_scale_or_not(name: str) -> None:
    texts, expected = LINES[name]
    assert header_scales(texts, TRACKS) == expected
    assert header_scales(texts[::-1], TRACKS) == expected


@pytest.mark.skipif(not ocr_installed(), reason="the extra `ocr` (rapidocr) is not installed")
def test_scales_drawn_over_the_tracks_are_read(tmp_path: Path) -> None:
    page = LogPage().draw()
    page[150:236] = 255
    numbers = {"0": (44, 220), "150": (258, 220), "0.2": (374, 220), "2000": (676, 220)}
    for text, at in {**numbers, "GR": (150, 195), "DEEP": (520, 220)}.items():
        cv2.putText(page, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1, cv2.LINE_AA)
    layout = find_layout(open_scan(save(page, tmp_path / "log.png")))
    scales = read_header_scales(layout, open_text_reader())
    assert [(scale.track, scale.left, scale.right) for scale in scales] == [(1, "0", "150"), (2, "0.2", "2000")]
    assert [scale.words for scale in scales] == ["GR", "DEEP"]
