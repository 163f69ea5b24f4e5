"""A scan from end to end with a perfect network: geometry, scales and files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import (
    GRID,
    INK,
    ONE,
    PX_PER_MM,
    TWO,
    Killed,
    Options,
    blank,
    everything,
    job,
    killed_after,
    nothing,
    own_las,
    save,
    trace,
    wave,
)

from thinline.curves.las import LasCurve, read_las, read_las_dir
from thinline.digitise import digitise
from thinline.digitise.axes import CurveScale
from thinline.digitise.output_folder import OutputError
from thinline.sheets import sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.drawing.skew import move
from thinline.sheets.spec import SkewSpec
from thinline.vocabulary import EDGE
from thinline.vocabulary import GRID as GRID_BIT

SHARED = Path(__file__).parents[3] / "shared/data/las"


def test_values_depths_and_files_of_a_straight_scan(two_curves: Path, tmp_path: Path) -> None:
    finished = digitise(job(two_curves), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/curves.csv")
    assert list(table) == ["depth", *(f"{n}{k}" for n in ("GR", "NPHI") for k in ("", ".x_px", ".confidence", ".lap"))]
    assert table.depth.to_numpy() == pytest.approx(1000 + (np.arange(500) + 0.5) / 5)
    for name, truth in (("GR", ONE), ("NPHI", TWO)):
        known = table[name].notna()
        assert known.mean() > 0.95  # but for crossings
        assert np.abs(table[f"{name}.x_px"] - truth)[known].max() <= 1.0
        assert table[name][known].to_numpy() == pytest.approx(
            (table[f"{name}.x_px"][known] + 0.5) / 200 * 150, abs=0.01
        )
        assert (table[f"{name}.lap"][known] == 0).all()
    read = {curve.name: curve for curve in read_las(tmp_path / "out/curves.las")}
    assert set(read) == {"GR", "NPHI"}
    assert read["GR"].unit == "API"
    assert read["GR"].depth_unit == "m"
    assert read["GR"].values == pytest.approx(table.GR.to_numpy(), abs=1e-3, nan_ok=True)
    assert read["GR"].depth == pytest.approx(table.depth.to_numpy(), abs=1e-5)
    assert "scan.tif" in (tmp_path / "out/curves.las").read_text()
    labels = cv2.imread(str(tmp_path / "out/class_map.png"))
    assert labels.shape == (500, 200, 3)
    assert len(np.unique(labels.reshape(-1, 3), axis=0)) == 3
    picture = cv2.imread(str(tmp_path / "out/overlay.png"))
    assert picture.shape[0] > 1000
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in finished.files)


@pytest.mark.parametrize("tile_px", [48, 128, 200, 700])
def test_the_tile_size_changes_nothing_for_a_network_of_pixels(tile_px: int, two_curves: Path, tmp_path: Path) -> None:
    digitise(job(two_curves, options=Options(tile_px=tile_px)), tmp_path / "one")
    digitise(job(two_curves, options=Options(tile_px=90)), tmp_path / "other")
    for name in ("curves.csv", "curves.las", "class_map.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_the_curve_of_a_las_file_comes_back_through_paper_and_las(tmp_path: Path) -> None:
    curve = las_curve(tmp_path)
    height, width, left, right = 1200, 300, 30, 270
    low, high = np.nanpercentile(curve.values, [10, 90])  # the rest wraps
    scale = CurveScale("GR", "API", left, right, float(low), float(high))
    top, bottom = float(curve.depth[0]), float(curve.depth[-1])
    depth = top + (np.arange(height) + 0.5) / height * (bottom - top)
    smooth = cv2.GaussianBlur(np.interp(depth, curve.depth, curve.values)[:, None], (1, 31), 6)[:, 0]
    x, lap = scale.columns(smooth)
    paper = trace(blank(height, width, left=left, right=right), x)
    options = Options(left=float(low), right=float(high), track=(left, right), depth=(top, bottom))
    digitise(job(save(paper, tmp_path / "scan.png"), options=options), tmp_path / "out")
    (back,) = (curve for curve in read_las(tmp_path / "out/curves.las") if curve.name == "GR")
    pixel = (high - low) / (right - left)
    known = np.isfinite(back.values)
    assert len(np.unique(lap)) > 1, "nothing wraps, so nothing is tested"
    assert known.mean() > 0.95
    assert back.depth == pytest.approx(depth, abs=1e-3)
    error = np.abs(back.values - smooth)[known] / pixel
    steep = np.abs(np.gradient(smooth))[known] / pixel > 1
    assert (error[~steep] <= 1.0).mean() > 0.995  # the row where it wraps has two positions
    assert np.percentile(error, 99) < 4


def las_curve(tmp_path: Path) -> LasCurve:
    """A gamma ray of the shared folder, else one written here."""
    if SHARED.is_dir():
        with pytest.warns(UserWarning, match="left out"):
            curves = read_las_dir(SHARED)
        return next(curve for curve in curves if curve.name == "GR" and len(curve.runs()[0]) < 2000)
    return read_las(own_las(tmp_path / "own.las"))[0]


@pytest.mark.parametrize("number", [0, 3, 6])
@pytest.mark.parametrize("skew", [SkewSpec(), SkewSpec(angle_deg=0.7), SkewSpec(angle_deg=-0.4, shear=0.004)])
def test_a_drawn_sheet_comes_back_straight_on_its_track(number: int, skew: SkewSpec, tmp_path: Path) -> None:
    spec = sample("archive", number, size_mm=(150.0, 64.0))
    track = spec.tracks[spec.curves[0].track]
    solid = dataclasses.replace(spec.curves[0].pen, dash_mm=())
    first = dataclasses.replace(spec.curves[0], pen=solid, lap_dash_mm=())
    spec = dataclasses.replace(spec, curves=(first, *spec.curves[1:]), order=(1, 0), header_mm=0.0)
    truth = draw(dataclasses.replace(spec, skew=SkewSpec()), px_per_mm=PX_PER_MM).curves[0]
    height = len(truth.x_px)
    top = [0.5 / PX_PER_MM]
    edges = [move(np.array([x]), np.array(top), skew, spec.size_mm)[0][0] for x in (track.left_mm, track.right_mm)]
    edges = [max(x * PX_PER_MM - 0.5, -0.5) for x in edges]
    wide = (track.right_mm - track.left_mm) * PX_PER_MM
    options = Options(left=0, right=wide, track=(edges[0], edges[0] + wide), depth=(0, height))
    sheet = draw(dataclasses.replace(spec, skew=skew), px_per_mm=PX_PER_MM)
    paper = np.where(sheet.layers & (GRID_BIT | EDGE), np.uint8(GRID), np.uint8(255))
    for label in (2, 1):
        paper[sheet.labels == label] = INK[label - 1]
    finished = digitise(job(save(paper, tmp_path / "s.png"), options=options), tmp_path / "out")
    curve = finished.curves[0]
    true = truth.x_px + 0.5 - track.left_mm * PX_PER_MM + truth.lap * wide
    known = np.isfinite(curve.values) & np.isfinite(true)
    flat = cv2.dilate(np.abs(np.gradient(true))[:, None], np.ones((5, 1)))[:, 0] < 1  # a lying line has many values
    error = np.abs(curve.values - true)[known & flat]
    assert known.mean() > 0.6
    assert np.median(error) <= 1.0
    assert (error <= 2.0).mean() > 0.93


def test_a_scan_at_another_resolution_is_rescaled_and_reported_in_its_own_pixels(tmp_path: Path) -> None:
    one = wave(900, middle=200, swing=90)
    path = save(trace(blank(900, 420), one, pen=3), tmp_path / "scan.tif")
    finished = digitise(job(path, options=Options(factor=0.5)), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/curves.csv")
    assert len(table) == 450
    truth = one.reshape(450, 2).mean(axis=1)
    assert np.nanmax(np.abs(table["GR.x_px"] - truth)) <= 2.0  # a pixel of the paper
    assert finished.curves[0].coverage > 0.9


def test_empty_and_full_predictions_are_refused_with_a_reason(two_curves: Path, tmp_path: Path) -> None:
    for network, reason in ((nothing, "no row of it was found"), (everything, "% of its track")):
        out = tmp_path / network.__name__
        finished = digitise(job(two_curves, network), out)
        assert not finished.accepted
        assert reason in finished.curves[0].refused
        assert sorted(path.name for path in out.iterdir()) == ["class_map.png", "overlay.png"]


def test_a_missing_curve_is_refused_and_the_other_accepted(tmp_path: Path) -> None:
    path = save(trace(blank(300, 200), wave(300, middle=90, swing=30)), tmp_path / "scan.png")
    finished = digitise(job(path), tmp_path / "out")
    assert [bool(curve.refused) for curve in finished.curves] == [False, True]
    assert "NPHI" not in pd.read_csv(tmp_path / "out/curves.csv")
    text = (tmp_path / "out/curves.las").read_text()
    assert "NPHI was refused: no row of it was found" in text


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    one = wave(300, middle=90, swing=30)
    one[100:160] = np.nan
    finished = digitise(job(save(trace(blank(300, 200), one), tmp_path / "scan.png")), tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/curves.csv")
    assert table.GR[101:158].isna().all()
    assert "-999.25" in (tmp_path / "out/curves.las").read_text()
    assert finished.curves[0].longest_gap_mm == pytest.approx(60 / PX_PER_MM, abs=1)


def test_lengths_in_mm_are_those_of_the_file_where_the_scale_was_chosen(tmp_path: Path) -> None:
    one = wave(300, middle=90, swing=30)
    one[100:160] = np.nan
    path = save(trace(blank(300, 200), one), tmp_path / "scan.png")
    at_file = dataclasses.replace(job(path), file_px_per_mm=2.5 * PX_PER_MM)
    plain, own = (digitise(each, tmp_path / name).curves[0] for each, name in ((job(path), "a"), (at_file, "b")))
    assert own.longest_gap_mm == pytest.approx(plain.longest_gap_mm / 2.5)


def test_a_killed_job_resumes_with_the_same_files(two_curves: Path, tmp_path: Path) -> None:
    digitise(job(two_curves), tmp_path / "whole")
    with pytest.raises(Killed):
        digitise(job(two_curves, killed_after(4)), tmp_path / "out")
    stored = list((tmp_path / "out/.partial").glob("band*"))
    assert stored
    finished = digitise(job(two_curves, killed_after(9)), tmp_path / "out")
    assert finished.resumed == len(stored)
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
    assert not (tmp_path / "out/.partial").exists()


def test_a_folder_that_exists_is_not_touched_without_force(two_curves: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "curves.csv").write_text("mine")
    (out / "notes.txt").write_text("mine too")
    with pytest.raises(OutputError, match="--force"):
        digitise(job(two_curves), out)
    assert (out / "curves.csv").read_text() == "mine"
    digitise(job(two_curves), out, force=True)
    assert (out / "curves.csv").read_text() != "mine"
    assert (out / "notes.txt").read_text() == "mine too"


def test_an_unfinished_job_of_another_scan_is_not_resumed(two_curves: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        digitise(job(two_curves, killed_after(4)), tmp_path / "out")
    with pytest.raises(OutputError, match="unfinished job of another scan"):
        digitise(job(save(blank(500, 200), tmp_path / "other.tif")), tmp_path / "out")


def test_a_job_without_a_finished_band_leaves_nothing(two_curves: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        digitise(job(two_curves, killed_after(0)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@settings(max_examples=6)
@given(height=st.integers(30, 400), width=st.integers(60, 260), tile=st.integers(16, 300))
def test_any_size_of_scan_and_tile_is_covered_once(height, width, tile, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("any")
    x = wave(height, middle=width / 2, swing=width / 5)
    path = save(trace(blank(height, width), x), folder / "scan.png")
    finished = digitise(job(path, options=Options(tile_px=tile, deskew=False)), folder / "out")
    assert np.isfinite(finished.curves[0].u_px).mean() > 0.9
    assert np.nanmax(np.abs(finished.curves[0].u_px - x)) <= 1.0
