"""Depths read from the depth column: proposed by `thinline digitise scan.tif`, used with --depth-from-ocr."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import pandas as pd
import pytest
import yaml
from digitise_command import printed
from log_pages import LogPage, save

from thinline.cli.main import main
from thinline.digitise.page.proposal import read_proposal
from thinline.digitise.text.recogniser import ocr_installed

NEEDS_OCR = pytest.mark.skipif(not ocr_installed(), reason="the extra `ocr` (rapidocr) is not installed")
PAGE = LogPage(height=1200)
FIRST_BASELINE, STEP = PAGE.header + 60, 120
"""The page has the number 1000 + 10 n on the baseline FIRST_BASELINE + STEP n."""

HALF_HEIGHT = cv2.getTextSize("1000", cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)[0][1] / 2


def depth_drawn(row: float) -> float:
    """The depth of a row, by how the page was drawn."""
    return 1000 + (row - FIRST_BASELINE + HALF_HEIGHT) / STEP * 10


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return PAGE.save(tmp_path / "log.png")


@NEEDS_OCR
def test_the_proposal_has_the_depths_read_and_waits_for_the_unit(scan: Path, capsys) -> None:
    assert main(["digitise", str(scan), "--out", str(scan.parent / "out")]) == 0
    text = printed(capsys)
    assert "(100 %) fit one straight line, from 1000 in row" in text
    assert "the unit of the depths" in text
    proposal = read_proposal(scan.parent / "out.yaml")
    for mark in (proposal.depth.first, proposal.depth.second):
        assert depth_drawn(mark.row) == pytest.approx(mark.depth, abs=0.1)  # 1.2 px
    assert not proposal.depth.complete
    assert proposal.missing()[-1] == "depth: unit"
    notes = (scan.parent / "out.yaml").read_text()
    assert "# read from the depth column, not confirmed:" in notes
    assert "# the numbers that fit: 1000 in row" in notes


@pytest.mark.usefixtures("without_ocr")
def test_without_the_extra_a_sentence_names_it_and_nothing_else_changes(scan: Path, capsys) -> None:
    assert main(["digitise", str(scan), "--out", str(scan.parent / "out")]) == 0
    assert "depth: not read: expected the package rapidocr" in printed(capsys)
    proposal = read_proposal(scan.parent / "out.yaml")
    assert (proposal.depth.first.depth, proposal.depth.second.depth) == (None, None)
    assert (proposal.depth.first.row, proposal.depth.second.row) == proposal.rows
    assert main(["digitise", str(scan), "--out", str(scan.parent / "other"), "--depth-from-ocr"]) == 1
    assert "thinline[ocr]" in printed(capsys)
    assert not (scan.parent / "other.yaml").exists()


@NEEDS_OCR
def test_a_column_of_words_gives_no_depth(tmp_path: Path, capsys) -> None:
    page = PAGE.draw()
    page[PAGE.header + 1 :, 300:364] = 255
    for number, y in enumerate(range(FIRST_BASELINE, PAGE.height, 40)):
        word = ("sand", "shale", "lime", "top of", "coal", "casing")[number % 6]
        cv2.putText(page, word, (306, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0, 1)
    scan = save(page, tmp_path / "log.png")
    assert main(["digitise", str(scan), "--out", str(tmp_path / "out")]) == 0
    assert "depth: not read: expected" in printed(capsys)
    assert read_proposal(tmp_path / "out.yaml").depth.first.depth is None


@NEEDS_OCR
@pytest.mark.usefixtures("perfect")
def test_depth_from_ocr_gives_the_depths_of_the_curves(scan: Path, capsys) -> None:
    options = ["--rows", "260", "1190", "--track", "40", "294", "--left", "0", "--right", "1", "--no-deskew"]
    words = ["digitise", str(scan), *options, "--depth-from-ocr", "--min-confidence", "0", "--min-coverage", "0"]
    assert main([*words, "--unit", "m", "--out", str(scan.parent / "out")]) == 0
    assert "fit one straight line" in printed(capsys)
    depth = pd.read_csv(scan.parent / "out/curves.csv", comment="#")["depth"]
    assert depth.iloc[0] == pytest.approx(depth_drawn(260), abs=0.1)
    assert depth.iloc[-1] == pytest.approx(depth_drawn(1190), abs=0.1)


TYPED = {"unit": "m", "first": {"row": 260, "depth": 5}, "second": {"row": 1190, "depth": 6}}


def job_file(scan: Path, depth) -> Path:
    """A job file of the page, with these depths."""
    job = {
        "scan": scan.name,
        "rows": [260, 1190],
        "tracks": [{"track": 1, "left_px": 40, "right_px": 294}],
        "curves": [{"track": 1, "name": name, "left": 0, "right": 1} for name in ("GR", "SP")],
        "depth": depth,
    }
    scan.with_suffix(".yaml").write_text(yaml.safe_dump(job))
    return scan.with_suffix(".yaml")


def run_job(path: Path, *options: str) -> int:
    return main(["digitise", str(path), "--no-deskew", "--min-confidence", "0", "--min-coverage", "0", *options])


@NEEDS_OCR
@pytest.mark.usefixtures("perfect")
@pytest.mark.parametrize(
    ("depth", "options"),
    [(TYPED, ["--depth-from-ocr"]), (TYPED | {"source": "ocr", "unit": "ft"}, ["--unit", "m"])],
)
def test_depths_read_replace_those_of_a_job_file(depth, options: list[str], scan: Path) -> None:
    assert run_job(job_file(scan, depth), *options) == 0
    table = pd.read_csv(scan.parent / "log/curves.csv", comment="#")["depth"]
    assert table.iloc[0] == pytest.approx(depth_drawn(260), abs=0.1)
    assert table.iloc[-1] == pytest.approx(depth_drawn(1190), abs=0.1)
    assert re.search(r"DEPT *\.m ", (scan.parent / "log/curves.las").read_text())


@pytest.mark.usefixtures("perfect", "without_ocr")
def test_typed_ends_replace_depths_that_the_file_has_read(scan: Path, capsys) -> None:
    path = job_file(scan, {"source": "ocr", "unit": "ft"})
    assert run_job(path, "--top", "5", "--bottom", "6") == 0
    assert pd.read_csv(scan.parent / "log/curves.csv", comment="#")["depth"].iloc[0] == 5
    assert run_job(path, "--force") == 1
    assert "thinline[ocr]" in printed(capsys)
    assert run_job(path, "--top", "5", "--force") == 1
    assert "expected both --top and --bottom, or the depths in the file, got one" in printed(capsys)
    assert run_job(job_file(scan, "ocr"), "--force") == 1
    assert "log.yaml: depth: expected the unit of the depths, got none" in printed(capsys)


@NEEDS_OCR
@pytest.mark.usefixtures("perfect")
def test_a_job_file_whose_page_shows_no_depths_is_refused(tmp_path: Path, capsys) -> None:
    page = PAGE.draw()
    page[PAGE.header + 1 :, 300:364] = 255
    path = job_file(save(page, tmp_path / "log.png"), {"source": "ocr", "unit": "ft"})
    assert run_job(path) == 1
    assert "log.png: expected" in printed(capsys)
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--depth-from-ocr: expected the unit of the depths, got none"),
        (["--unit", "m", "--top", "5"], "--depth-from-ocr: expected no --top and no --bottom beside it"),
    ],
)
def test_options_that_do_not_go_with_it_are_refused(options: list[str], words: str, scan: Path, capsys) -> None:
    beside = ["--left", "0", "--right", "1", "--out", str(scan.parent / "out"), "--depth-from-ocr"]
    assert main(["digitise", str(scan), *beside, *options]) == 1
    assert words in printed(capsys)
