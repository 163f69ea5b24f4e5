"""Damaged rows: which rows of the paper they hide, and that no file has a value there."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import lasio
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_cases import PX_PER_MM, Killed, Options, Torn, job, killed_after, save, sees

from thinline.digitise import Frame, Job, ScanError, digitise
from thinline.digitise.damaged_rows import MARGIN_MM, merged
from thinline.digitise.deskew import Skew
from thinline.digitise.paper import Paper
from thinline.images import Damage

BESIDE = round(MARGIN_MM * PX_PER_MM)
REASON = "bad code word, strip 3"


def torn(path: Path, *ranges: tuple[int, int], network=sees, options: Options | None = None, **more: Any) -> Job:
    scan = Torn(path, [Damage(first, last, 1, REASON) for first, last in ranges], **more)
    return dataclasses.replace(job(path, network, options), scan=scan)  # type: ignore[arg-type]


def beside(*ranges: tuple[int, int], height: int = 500) -> np.ndarray:
    """Rows without values, at factor 1 and straight."""
    rows = np.arange(height)
    return np.any([(rows >= first - BESIDE) & (rows < last + BESIDE) for first, last in ranges], axis=0)


@pytest.mark.parametrize("deskew", [True, False])
def test_damaged_rows_are_gaps_and_are_named_in_every_file(deskew: bool, two_curves: Path, tmp_path: Path) -> None:
    options = Options(deskew=deskew)
    digitise(job(two_curves, options=options), tmp_path / "whole")
    finished = digitise(torn(two_curves, (200, 240), (400, 410), options=options), tmp_path / "out")
    gaps = beside((200, 240), (400, 410))
    table = pd.read_csv(tmp_path / "out/curves.csv", comment="#")
    whole = pd.read_csv(tmp_path / "whole/curves.csv")
    assert table.depth.to_numpy() == pytest.approx(whole.depth.to_numpy())
    for name in ("GR", "NPHI"):
        assert table[name][gaps].isna().all()
        assert table[f"{name}.confidence"][gaps].eq(0).all()
        both = table[name].notna() & whole[name].notna()
        assert both[~gaps].mean() > 0.95
        assert np.abs(table[name] - whole[name])[both].max() < 0.01 * 150
    las = lasio.read(tmp_path / "out/curves.las")
    assert np.array_equal(np.isnan(las["GR"]), table.GR.isna())
    words = (
        "page 1 in rows 200 to 239, 1040.00 to 1048.00 m (bad code word, strip 3)",
        "page 1 in rows 400 to 409, 1080.00 to 1082.00 m (bad code word, strip 3)",
    )
    comments = [line for line in (tmp_path / "out/curves.csv").read_text().splitlines() if line.startswith("#")]
    for texts in (comments, las.other.splitlines(), finished.warnings):
        assert len(texts) == 2
        for text, part in zip(texts, words, strict=True):
            assert part in text
    assert finished.curves[0].coverage == pytest.approx(table.GR.notna().mean())
    assert finished.curves[0].coverage < 1 - gaps.mean() + 1e-9
    labels = cv2.imread(str(tmp_path / "out/class_map.png"))
    assert (labels[gaps] == 255).all()
    assert not (cv2.imread(str(tmp_path / "whole/class_map.png"))[gaps] == 255).all()


def test_the_overlay_shows_where_the_scan_is_damaged(two_curves: Path, tmp_path: Path) -> None:
    digitise(job(two_curves), tmp_path / "whole")
    digitise(torn(two_curves, (200, 240)), tmp_path / "out")
    whole, hatched = (cv2.imread(str(tmp_path / name / "overlay.png")).astype(int) for name in ("whole", "out"))
    top = len(hatched) - 1000  # below the title, two pixels a row
    red = (hatched[..., 2] > hatched[..., 0] + 20) & (hatched[..., 2] > hatched[..., 1] + 20)
    share = red[top:].reshape(500, 2, -1).mean(axis=(1, 2))
    gaps = beside((200, 240))
    assert share[gaps].min() > 0.2
    far = ~cv2.dilate(gaps[:, None].astype(np.uint8), np.ones((9, 1))).astype(bool)[:, 0].repeat(2)
    assert np.array_equal(whole[-1000:][far][:, -400:], hatched[top:][far][:, -400:])


def test_no_tracer_follows_ink_that_a_network_sees_in_damaged_rows(two_curves: Path, tmp_path: Path) -> None:
    """A network with context draws lines through white rows; their strands are no evidence."""

    def dreams(image: torch.Tensor) -> torch.Tensor:
        logits = sees(image)
        blank_rows = (image == 0).all(dim=3)
        column = torch.arange(image.shape[3]) == image.shape[3] // 2
        logits[:, 1] = torch.where(blank_rows.squeeze(1)[..., None] & column, 40.0, logits[:, 1])
        return logits

    out = tmp_path / "out"
    digitise(torn(two_curves, (200, 240), network=dreams), out)
    table = pd.read_csv(out / "curves.csv", comment="#")
    assert table.GR[beside((200, 240))].isna().all()


def test_a_scan_without_damage_has_no_comment(two_curves: Path, tmp_path: Path) -> None:
    finished = digitise(torn(two_curves), tmp_path / "out")
    assert finished.warnings == ()
    assert (tmp_path / "out/curves.csv").read_text().startswith("depth,")


def test_a_notice_of_the_scan_is_written_into_both_tables(two_curves: Path, tmp_path: Path) -> None:
    finished = digitise(torn(two_curves, notices=("page 1: 12 bits\nof 16 are used",)), tmp_path / "out")
    assert finished.warnings == ("page 1: 12 bits\nof 16 are used",)
    assert (tmp_path / "out/curves.csv").read_text().startswith("# warning: page 1: 12 bits of 16 are used\ndepth,")
    assert "page 1_ 12 bits of 16 are used" in lasio.read(tmp_path / "out/curves.las").other


def test_a_scan_that_is_damaged_everywhere_is_an_error_and_leaves_nothing(two_curves: Path, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"rows that are not damaged, got none: .* in rows 0 to 499, .*bad code word"):
        digitise(torn(two_curves, (0, 300), (300, 500)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damage_beyond_the_rows_that_are_digitised_is_not_named(two_curves: Path, tmp_path: Path) -> None:
    part = dataclasses.replace(torn(two_curves, (0, 40)), frame=Frame.of((100, 500), (0, 200), factors=(1.0, 1.0)))
    assert digitise(part, tmp_path / "out").warnings == ()


@pytest.mark.parametrize("deskew", [True, False])
@pytest.mark.parametrize("calls", [3, 7])
def test_a_job_that_goes_on_has_the_same_gaps(calls: int, deskew: bool, two_curves: Path, tmp_path: Path) -> None:
    def hurt(network=sees) -> Job:
        options = Options(deskew=deskew, tile_px=90)
        return torn(two_curves, (20, 50), (300, 310), network=network, options=options, notices=("page 1 has 12 bits",))

    digitise(hurt(), tmp_path / "whole")
    with pytest.raises(Killed):
        digitise(hurt(killed_after(calls)), tmp_path / "out")
    finished = digitise(hurt(), tmp_path / "out")
    assert finished.resumed > 0
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()


@settings(max_examples=25, deadline=None)
@given(
    factor=st.sampled_from([0.3, 0.5, 0.77, 1.0, 1.6, 3.0]),
    slope=st.sampled_from([0.0, 0.04, -0.06]),
    first=st.integers(0, 99),
    count=st.integers(1, 30),
)
def test_hidden_rows_are_those_that_change_with_a_damaged_row(factor, slope, first, count, tmp_path_factory) -> None:
    """The reference: rows of paper that differ between a black scan and one whose damaged rows are white."""
    black = save(np.zeros((100, 80), np.uint8), tmp_path_factory.mktemp("made") / "black.tif")
    last = min(first + count, 100)
    scan = Torn(black, [Damage(first, last, 1, REASON)])
    frame = Frame.of((0, 100), (0, 80), factors=(factor, 1.0))
    papers = [Paper(each, frame, Skew(np.zeros(0), np.zeros(0), slope)) for each in (scan.scan, scan)]  # type: ignore[arg-type]
    before, after = (paper.rows(0, frame.height) for paper in papers)
    marks = np.zeros(100, np.bool_)
    marks[first:last] = True
    assert np.array_equal(papers[0].made_of(marks), (before != after).any(axis=1))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from("ab")), max_size=8))
def test_merged_ranges_cover_the_same_rows_and_do_not_touch(ranges: list[tuple[int, int, str]]) -> None:
    damage = [Damage(first, first + count, 1, reason) for first, count, reason in ranges]
    joined = merged(damage)
    for reason in "ab":
        rows = [
            {n for part in each if part.reason == reason for n in range(part.first_row, part.last_row)}
            for each in (damage, joined)
        ]
        assert rows[0] == rows[1]
        own = [part for part in joined if part.reason == reason]
        assert all(first.last_row < second.first_row for first, second in pairwise(own))
