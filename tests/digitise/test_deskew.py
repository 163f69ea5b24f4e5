"""Skew: found on what is drawn, undone to the pixel, and none found where there is none."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from scan_cases import PX_PER_MM, blank, save, trace

from thinline.digitise.deskew import STRAIGHT, Skew, estimate
from thinline.digitise.job import skew_of
from thinline.digitise.paper import Frame, Paper
from thinline.digitise.scan import open_scan
from thinline.sheets import render, sample
from thinline.sheets.spec import SkewSpec


def of(image: np.ndarray) -> Skew:
    return estimate(lambda start, stop: image[start:stop], image.shape, px_per_mm=PX_PER_MM)


def sheet(number: int, skew: SkewSpec, height_mm: float = 200.0) -> np.ndarray:
    spec = dataclasses.replace(sample("archive", number, size_mm=(height_mm, 64.0)), skew=skew)
    return render(spec, px_per_mm=PX_PER_MM).image


@pytest.mark.parametrize("number", range(6))
def test_a_straight_sheet_is_left_alone(number: int) -> None:
    assert of(sheet(number, SkewSpec())).text() == "straight"


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(("angle", "shear"), [(0.6, 0.0), (-0.3, 0.004), (-1.2, 0.0)])
def test_the_skew_of_a_sheet_is_found(number: int, angle: float, shear: float) -> None:
    skew = of(sheet(number, SkewSpec(angle_deg=angle, shear=shear)))
    slope = shear - math.tan(math.radians(angle))
    header = round(sample("archive", number, size_mm=(200.0, 64.0)).header_mm * PX_PER_MM)
    rows = np.arange(header, 800)  # a header has no lines: what lies above the first is left where it is
    assert np.abs(skew.across(rows) - slope * (rows - header)).max() <= 2.0
    assert not skew.across(np.arange(header // 2)).any()
    assert skew.slope * 128 == pytest.approx(math.tan(math.radians(angle)) * 128, abs=1.0)


def test_a_slow_wave_of_a_long_scan_is_followed() -> None:
    height = 4000
    rows = np.arange(height)
    wave = np.rint(12 * np.sin(rows * 2 * np.pi / 3000)).astype(int)
    paper = np.full((height, 300), 255, np.uint8)
    for left in range(40, 260, 20):
        paper[rows, left + wave] = 60
    skew = of(paper)
    assert np.abs(skew.across(rows) - (wave - wave[0])).max() <= 2


@pytest.mark.parametrize("image", [np.full((300, 200), 255, np.uint8), np.zeros((300, 200), np.uint8)])
def test_an_image_without_lines_is_straight(image: np.ndarray) -> None:
    for part in (image, image[:9, :9]):
        skew = of(part)
        assert not skew.known
        assert not skew.across(np.arange(len(part))).any()
        assert not skew.slope
        assert skew.text() == "not known, as no straight lines were found; nothing is corrected"


@pytest.mark.parametrize("trend", [0, 5, 15, 25])
@pytest.mark.parametrize("ink", [0, 120])
def test_a_curve_alone_is_not_straightened(trend: int, ink: int) -> None:
    rows = np.arange(512)
    x = np.linspace(100, 100 + trend, 512) + 3 * np.sin(rows / 20)
    skew = of(trace(np.full((512, 300), 255, np.uint8), x, ink=ink))
    assert not len(skew.knots)
    assert not skew.slope
    assert of(trace(blank(512, 300), x, ink=ink)).text() == "straight"


def test_noise_has_no_lines() -> None:
    assert not of(np.random.default_rng(0).integers(0, 256, (600, 300), np.uint8)).known


def test_straightening_moves_whole_rows_and_columns(tmp_path) -> None:
    grey = np.random.default_rng(0).integers(0, 200, (90, 60), np.uint8)
    scan = open_scan(save(grey, tmp_path / "a.png"))
    frame = Frame.of((0, 90), (0, 60), factors=(1.0, 1.0))
    skew = Skew(np.array([0.0, 89.0]), np.array([0.0, 8.0]), 0.05)
    seen = Paper(scan, frame, skew).rows(0, 90)
    across, down = skew.across(np.arange(90)), skew.down(60)
    for row in range(90):
        for column in range(60):
            y, x = row + down[column], column + across[row]
            inside = 0 <= y < 90 and 0 <= x < 60
            assert seen[row, column] == (grey[y, x] if inside else 255)


@pytest.mark.parametrize("factor", [1.0, 0.37, 0.5, 0.83, 1.6])
@pytest.mark.parametrize("skew", [STRAIGHT, Skew(np.array([0.0, 500.0]), np.array([0.0, -20.0]), -0.03)])
def test_bands_of_paper_show_no_seam(factor: float, skew: Skew, tmp_path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (301, 97), np.uint8)
    frame = Frame.of((3, 300), (2, 97), factors=(factor, factor))
    paper = Paper(open_scan(save(grey, tmp_path / "a.tif")), frame, skew)
    height = paper.shape[0]
    whole = paper.rows(0, height)
    assert whole.shape == paper.shape
    for step in (1, 17, 60):
        parts = [paper.rows(top, min(top + step, height)) for top in range(0, height, step)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_shrinking_by_whole_numbers_is_the_mean_and_growing_keeps_what_is_level(tmp_path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (120, 60), np.uint8)
    scan = open_scan(save(grey, tmp_path / "a.png"))
    third = Paper(scan, Frame.of((0, 120), (0, 60), factors=(1 / 3, 1 / 3))).rows(0, 40)
    mean = grey.reshape(40, 3, 20, 3).mean(axis=(1, 3))
    assert np.abs(third - mean).max() <= 0.51
    level = open_scan(save(np.full((40, 40), 77, np.uint8), tmp_path / "b.png"))
    assert (Paper(level, Frame.of((0, 40), (0, 40), factors=(2.5, 1.7))).rows(0, 100) == 77).all()


def test_coordinates_of_paper_and_scan_invert_each_other(tmp_path) -> None:
    frame = Frame.of((10, 910), (5, 405), factors=(0.5, 0.25))
    assert frame.scan_y(np.array([-0.5, 449.5])).tolist() == [9.5, 909.5]
    assert frame.scan_x(np.array([-0.5, 99.5])).tolist() == [4.5, 404.5]
    assert frame.paper_x(float(frame.scan_x(np.array([17.0]))[0])) == pytest.approx(17)


def test_the_grid_of_the_cases_is_seen_upright() -> None:
    image = blank(600, 300)
    rows = np.arange(600)
    leaning = np.stack([np.roll(image[row], round(0.01 * row)) for row in rows])
    assert np.abs(of(leaning).across(rows) - np.rint(0.01 * rows)).max() <= 1


@pytest.mark.parametrize("most", [0, 10**6])
def test_kept_rows_are_those_computed_and_are_read_once(most: int, tmp_path, monkeypatch) -> None:
    from thinline.digitise import paper as module

    monkeypatch.setattr(module, "MOST_KEPT", most)
    grey = np.random.default_rng(0).integers(0, 256, (120, 60), np.uint8)
    scan = open_scan(save(grey, tmp_path / "a.png"))
    frame = Frame.of((3, 117), (2, 57), factors=(0.6, 0.6))
    skew = Skew(np.array([0.0, 60.0]), np.array([0.0, 5.0]), 0.02)
    plain, kept = Paper(scan, frame, skew), Paper.keeping(scan, frame).straightened(skew)
    height = frame.height
    for start, stop in ((10, 20), (0, 12), (30, height), (15, 40), (0, height)):
        assert np.array_equal(kept.rows(start, stop), plain.rows(start, stop))
    assert (kept.kept is not None and kept.kept.complete) == (most > 0)
    if most:  # nothing is read again
        monkeypatch.setattr(type(scan), "rows", None)
        assert kept.rows(0, height).shape == kept.shape


def test_a_track_with_too_few_lines_has_the_skew_of_the_whole_page(tmp_path: Path) -> None:
    """Two dark edges of a track might be a curve; those of all tracks of the page are lines."""
    page = blank(900, 500)
    for left in (40, 280):
        page[:, [left, left + 180]] = 0
    turned = cv2.getRotationMatrix2D((250, 450), 1.0, 1.0)
    page = cv2.warpAffine(page, turned, (500, 900), borderValue=255)
    scan = open_scan(save(page, tmp_path / "page.png"))
    one, both = (
        skew_of(Paper(scan, Frame.of((50, 850), columns, factors=(1.0, 1.0))), px_per_mm=PX_PER_MM)
        for columns in ((20, 250), (0, 500))
    )
    rows = np.arange(800)
    assert one.known
    assert one.across(rows)[-1] == pytest.approx(-800 * math.tan(math.radians(-1.0)), abs=2)
    assert np.array_equal(one.across(rows), both.across(rows))
    assert one.slope == both.slope
