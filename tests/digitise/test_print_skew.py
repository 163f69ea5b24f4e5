"""The skew of a print under streaks of the scanner, which stay upright where the print is tilted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from log_pages import LogPage
from scan_cases import PX_PER_MM, job, save

from thinline.curves.las import LasCurve
from thinline.digitise import digitise
from thinline.digitise.deskew import Skew, estimate
from thinline.digitise.labels.labelling import DARK, LabelSettings, label_scan
from thinline.digitise.page.reduced_page import straight_rows
from thinline.digitise.print_skew import horizontal_lines, ink_of, print_skew

TILT = 20.0
STREAKS = [60, 61, 62, 130, 131, 132, 250, 251, 252, 400, 401, 402, 500, 501, 502, 640, 641, 642]


def found(page: np.ndarray) -> Skew:
    return print_skew(
        lambda start, stop: page[start:stop],
        lambda skew: lambda start, stop: straight_rows(page, skew, start, stop),
        page.shape,
        px_per_mm=PX_PER_MM,
    )


def streaked(tilt: float = TILT) -> np.ndarray:
    page = LogPage(tilt=tilt).draw()
    page[:, STREAKS] = 0
    return page


def moved(skew: Skew, height: int) -> float:
    """Columns that the print moves to the right over its grid, below the header."""
    rows = skew.across(np.array([LogPage().header, height - 1]))
    return float(rows[1] - rows[0])


@pytest.mark.parametrize("tilt", [TILT, -24.0])
def test_the_skew_is_that_of_the_print_and_not_of_the_streaks(tilt: float) -> None:
    page = streaked(tilt)
    expected = tilt * (len(page) - LogPage().header) / len(page)
    assert moved(found(page), len(page)) == pytest.approx(expected, abs=3)
    followed = estimate(lambda start, stop: page[start:stop], page.shape, px_per_mm=PX_PER_MM)
    assert abs(moved(followed, len(page))) < abs(expected) - 8  # without the check the streaks win


def test_skews_of_one_range_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on a real scan: with and without the streaks the rows move by as much, but at other depths."""
    page = streaked()
    knots = np.array([0.0, LogPage().header, len(page) - 1.0])
    right = Skew(knots, np.array([0.0, 0.0, TILT]), 0.0)
    wrong = Skew(knots, np.array([0.0, TILT, TILT]), 0.0)
    assert wrong.text() == right.text()
    estimates = iter([wrong, right])
    monkeypatch.setattr("thinline.digitise.print_skew.estimate", lambda rows, shape, px_per_mm: next(estimates))
    assert found(page) is right


@pytest.mark.parametrize("tilt", [0.0, TILT])
def test_without_streaks_it_is_the_estimate(tilt: float) -> None:
    page = LogPage(tilt=tilt).draw()
    plain = estimate(lambda start, stop: page[start:stop], page.shape, px_per_mm=PX_PER_MM)
    assert found(page).text() == plain.text()


def test_streaks_on_a_straight_print_bend_nothing() -> None:
    page = streaked(0.0)
    assert abs(moved(found(page), len(page))) <= 1


def test_a_job_straightens_the_print_under_streaks(tmp_path: Path) -> None:
    page = streaked()
    skew = digitise(job(save(page, tmp_path / "streaks.png")), tmp_path / "out").skew
    expected = TILT * (len(page) - LogPage().header) / len(page)
    assert moved(skew, len(page)) == pytest.approx(expected, abs=3)


def test_labels_are_made_on_the_paper_straightened_in_the_same_way(tmp_path: Path) -> None:
    page = streaked()
    wanted = job(save(page, tmp_path / "streaks.png"))
    ends, middle = np.array([1000.0, 1010.0]), np.array([50.0, 50.0])
    curves = [LasCurve(scale.name, "", ends, middle, "m", "well.las") for scale in wanted.scales]
    skew = label_scan(wanted, curves, LabelSettings(ink=DARK)).paper.skew
    expected = TILT * (len(page) - LogPage().header) / len(page)
    assert moved(skew, len(page)) == pytest.approx(expected, abs=3)


def test_ink_and_level_lines_are_those_drawn() -> None:
    grey = np.full((60, 80), 250, np.uint8)
    grey[20, 10:60] = 40
    grey[20, 30] = 250  # a gap of one pixel
    grey[40, 10:20] = 40
    ink = ink_of(grey, px_per_mm=4)
    assert np.array_equal(ink, grey < 100)
    lines = horizontal_lines(ink, length_px=20)
    assert lines.any(axis=1).nonzero()[0].tolist() == [20]
    assert lines[20].sum() == 50
