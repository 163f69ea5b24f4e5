"""Several curves of a track, read by a network that finds ink and names no curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scan_cases import PX_PER_MM, Options, Torn, blank, job, save, trace, wave

from thinline.digitise import CurveScale, Job, digitise
from thinline.digitise.tracks import Hints
from thinline.heads import Curves
from thinline.images import Damage

HEIGHT, WIDTH = 500, 400
LEFT, RIGHT = (-0.5, 199.5), (199.5, 399.5)
A = wave(HEIGHT, middle=60, swing=25)
B = wave(HEIGHT, middle=140, swing=30, period=260)
C = wave(HEIGHT, middle=300, swing=60, period=330)
HEAD = Curves(("background", "ink", "centre"))


def finds_ink(image: torch.Tensor) -> torch.Tensor:
    """Logits [B,2,H,W] of darkness [B,1,H,W]: ink and centre line are what is darker than the grid."""
    ink = (image > 0.35).float() * 20 - 10
    return torch.cat([ink, ink], dim=1)


def job_of(path: Path, tracks: Sequence[tuple[float, float]], hints: tuple[Hints, ...] = ()) -> Job:
    """A job with one curve, named A, B, ..., for each of `tracks`."""
    one = job(path, finds_ink, Options(deskew=False), head=HEAD)
    scales = tuple(
        CurveScale(name, "", *track, track[0] + 0.5, track[1] + 0.5)
        for name, track in zip("ABCDEF", tracks, strict=False)
    )
    return replace(one, scales=scales, hints=hints)


@pytest.fixture
def three_curves(tmp_path: Path) -> Path:
    """A and B in the left half, C in the right half, all with one pen."""
    paper = blank(HEIGHT, WIDTH)
    for course in (A, B, C):
        trace(paper, course, pen=2)
    return save(paper, tmp_path / "scan.tif")


def table_of(made: Job, out: Path) -> pd.DataFrame:
    """The curves of a job."""
    digitise(made, out)
    return pd.read_csv(out / "curves.csv", comment="#")


def test_curves_of_two_tracks_are_named_from_left_to_right(three_curves: Path, tmp_path: Path) -> None:
    table = table_of(job_of(three_curves, [LEFT, LEFT, RIGHT]), tmp_path / "out")
    for name, truth in (("A", A), ("B", B), ("C", C)):
        known = table[name].notna()
        assert known.mean() > 0.98
        assert np.abs(table[f"{name}.x_px"] - truth)[known].max() <= 1.5
        assert table[name][known].to_numpy() == pytest.approx(table[f"{name}.x_px"][known] + 0.5, abs=0.01)


def test_the_table_says_how_sure_a_name_is(tmp_path: Path) -> None:
    """Two curves of one pen that touch: sure above, not below. In the other track a curve alone is sure."""
    rows = np.arange(HEIGHT)
    away = np.maximum(0, np.abs(rows - 250.0) - 40) * 0.2
    paper = blank(HEIGHT, WIDTH)
    for course in (100 - away, 100 + away, C):
        trace(paper, course, pen=2)
    made = job_of(save(paper, tmp_path / "scan.tif"), [LEFT, LEFT, RIGHT])
    table = table_of(made, tmp_path / "out")
    for name in "AB":
        assert table[f"{name}.name_confidence"][:180].min() > 0.99
        assert table[f"{name}.name_confidence"][320:].between(0.4, 0.7).all()
    assert (table["C.name_confidence"] == 1).all()


def test_hints_say_which_curve_is_which(three_curves: Path, tmp_path: Path) -> None:
    """The first name goes to the right one of the two curves."""
    hints = ((((250.0, float(B[250]))),), ((100.0, float(A[100])),))
    table = table_of(job_of(three_curves, [LEFT, LEFT], hints), tmp_path / "out")
    assert np.nanmax(np.abs(table["A.x_px"] - B)) <= 1.5
    assert np.nanmax(np.abs(table["B.x_px"] - A)) <= 1.5


def test_a_curve_that_is_named_but_not_there_is_refused_and_said(three_curves: Path, tmp_path: Path) -> None:
    finished = digitise(job_of(three_curves, [LEFT, LEFT, RIGHT, RIGHT]), tmp_path / "out")
    assert [bool(curve.refused) for curve in finished.curves].count(True) == 1
    assert finished.curves[0].refused == finished.curves[1].refused == ""
    assert "ink of one curve in track 2; you named two" in finished.warnings
    assert "you named two" in (tmp_path / "out/curves.las").read_text()


def test_bridged_rows_are_counted(tmp_path: Path) -> None:
    """A gap of 6 rows, 1.5 mm, is bridged and said; one of 40 rows stays a gap."""
    course = C.copy()
    course[100:106] = course[300:340] = np.nan
    path = save(trace(blank(HEIGHT, WIDTH), course, pen=2), tmp_path / "scan.tif")
    finished = digitise(job_of(path, [RIGHT]), tmp_path / "out")
    (note,) = finished.warnings
    count = int(note.removeprefix("A: ").split(" of ")[0])
    assert 4 <= count <= 8
    table = pd.read_csv(tmp_path / "out/curves.csv", comment="#")
    assert table["A"][100:106].notna().all()
    assert table["A"][302:338].isna().all()


def test_damaged_rows_are_gaps(three_curves: Path, tmp_path: Path) -> None:
    made = job_of(three_curves, [RIGHT])
    torn = replace(made, scan=Torn(three_curves, [Damage(200, 240, 1, "test")]))
    table = table_of(torn, tmp_path / "out")
    margin = round(2 * PX_PER_MM)
    assert table["A"][200 - margin + 1 : 240 + margin - 1].isna().all()
    assert table["A"][:180].notna().mean() > 0.95
    assert table["A"][260:].notna().mean() > 0.95


def test_a_killed_job_resumes_with_the_same_curves(three_curves: Path, tmp_path: Path) -> None:
    whole = table_of(job_of(three_curves, [LEFT, LEFT]), tmp_path / "whole")
    calls = 0

    def dies(image: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise KeyboardInterrupt
        return finds_ink(image)

    made = job_of(three_curves, [LEFT, LEFT])
    with pytest.raises(KeyboardInterrupt):
        digitise(replace(made, reader=replace(made.reader, network=dies)), tmp_path / "out")
    finished = digitise(made, tmp_path / "out")
    assert finished.resumed > 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out/curves.csv", comment="#"), whole)


def test_a_dense_band_is_a_curve(tmp_path: Path) -> None:
    """Jitter over 60 px of a track of 200 px: with full ink a third of the track, which is no reason to refuse it."""
    rng = np.random.default_rng(0)
    paper = blank(HEIGHT, WIDTH)
    for row in range(HEIGHT):
        left = 270 + rng.integers(-5, 6)
        paper[row, left : left + 60] = 0
    table = table_of(job_of(save(paper, tmp_path / "scan.tif"), [RIGHT]), tmp_path / "out")
    assert table["A"].notna().mean() > 0.95
    assert np.nanmean(table["A.x_px"]) == pytest.approx(299.5, abs=1.0)
