"""`thinline label scan.yaml curves.las` with the network that comes with the package, and everything it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from digitise_command import printed
from labelled_pages import PX_PER_MM, Page, las_curves, near, page, write_case

from thinline.cli.digitise import CONTEXT_MM
from thinline.cli.main import main
from thinline.vocabulary import IGNORE


@pytest.fixture(scope="module")
def drawn() -> Page:
    return page("archive", 3)


@pytest.fixture
def case(drawn: Page, tmp_path: Path) -> tuple[Path, Path]:
    return write_case(drawn, tmp_path, las_curves(drawn, down_mm=1.5, right_mm=0.4))


def label(case: tuple[Path, Path], *options: str) -> int:
    return main(["label", *map(str, case), "--no-deskew", *options])


def test_the_masks_are_the_drawn_ink(drawn: Page, case: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert label(case) == 0
    text = printed(capsys)
    out = case[0].parent / "page_labels"
    for words in ("registered", "doubtful", "along depth", "data_set=labels", "look at the overlay"):
        assert words in text
    table = pd.read_csv(out / "registration.csv")
    for name in ("C1", "C2"):
        rows = table[table[f"{name}.registered"] == 1]
        assert len(rows) >= 0.8 * len(table)
        assert rows[f"{name}.depth_mm"].median() == pytest.approx(1.5, abs=0.4)
        assert rows[f"{name}.side_mm"].median() == pytest.approx(-0.4, abs=0.2)
    mask = np.concatenate([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted((out / "masks").iterdir())])
    left = math.floor(min(left for left, _ in drawn.edges) - CONTEXT_MM * PX_PER_MM + 0.5)
    strokes = drawn.sheet.strokes.any(axis=0)[: len(mask), max(0, left) :][:, : mask.shape[1]]
    counted = mask != IGNORE
    ink = (mask > 0) & counted
    assert near(ink, strokes, 2) >= 0.97
    assert near(strokes & counted, ink, 2) >= 0.97


def test_a_curve_that_the_las_file_lacks_is_named_with_the_nearest(case, capsys) -> None:
    node = yaml.safe_load(case[0].read_text())
    node["curves"][0]["name"] = "C11"
    case[0].write_text(yaml.safe_dump(node))
    assert label(case) == 1
    assert "expected a curve C11, got C1, C2; did you mean C1?" in printed(capsys)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": {"unit": "ft", "first": {"row": 0, "depth": 50}, "second": {"row": 500, "depth": 60}}}, "got 1001"),
        ({"depth": {"unit": None, "first": {"row": 0}, "second": {"row": 500}}}, "got none for depth: first.depth"),
        (
            {"depth": {"unit": "s", "first": {"row": 0, "depth": 1}, "second": {"row": 9, "depth": 2}}},
            "expected depths in s",
        ),
        ({"scan": "none.png"}, "found no such file"),
        ({"trakcs": []}, "did you mean 'tracks'?"),
    ],
)
def test_a_job_that_does_not_fit_is_refused(change, words, case, capsys) -> None:
    case[0].write_text(yaml.safe_dump(yaml.safe_load(case[0].read_text()) | change))
    assert label(case) == 1
    assert words in printed(capsys)
    assert not (case[0].parent / "page_labels").exists()


def test_values_that_are_not_filled_in_are_refused(case, capsys) -> None:
    node = yaml.safe_load(case[0].read_text())
    node["curves"][0]["left"] = None
    case[0].write_text(yaml.safe_dump(node))
    assert label(case) == 1
    assert "got none for curves[0] (C1): left; fill them in" in printed(capsys)


def test_other_files_are_refused(case, capsys) -> None:
    scan = case[0].with_name("page.png")
    assert label((scan, case[1])) == 1
    assert "expected a job file (.yaml), got another file" in printed(capsys)
    assert label((case[0], scan)) == 1
    assert "page.png" in printed(capsys)
    assert label((case[0], case[1].with_name("none.las"))) == 1
    assert "none.las" in printed(capsys)
    case[0].with_name("page_labels").mkdir()
    assert label(case) == 1
    assert "expected a folder that does not exist yet" in printed(capsys)
    assert label(case, "--depth-tolerance", "-1", "--out", str(case[0].with_name("o"))) == 1
    assert "--depth-tolerance: expected 0 to 30 mm" in printed(capsys)


@pytest.mark.usefixtures("perfect")
def test_a_network_that_names_curves_is_refused(case, capsys, monkeypatch) -> None:
    from thinline.cli import digitise
    from thinline.cli.pages import labels_of_scan

    monkeypatch.setattr(labels_of_scan, "load_run", digitise.load_run)
    assert label(case) == 1
    assert "expected a network that finds the ink of any curve (head=curves), got perfect@0" in printed(capsys)
