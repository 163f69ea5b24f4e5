"""The mask of drawn pages with planted shifts, against the drawn strokes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from labelled_pages import PX_PER_MM, TOP, Page, job_of, las_curves, near, page

from thinline.curves.las import LasCurve
from thinline.digitise import open_scan
from thinline.digitise.labels import LabelError, LabelSettings, label_scan
from thinline.digitise.labels.labelling import DARK
from thinline.digitise.paper import Paper
from thinline.sheets import render, sample
from thinline.sheets.spec import SkewSpec
from thinline.vocabulary import IGNORE

SHIFTS = {"down_mm": 1.5, "right_mm": 0.4, "wave_mm": 1.0}


@pytest.fixture(scope="module")
def drawn() -> Page:
    return page("archive", 3)


@pytest.mark.parametrize(("family", "number"), [("archive", 3), ("archive", 8), ("field", 3)])
def test_the_mask_is_the_drawn_ink_despite_the_shifts(family, number, tmp_path) -> None:
    own = page(family, number)
    labelled = label_scan(job_of(own, tmp_path), las_curves(own, **SHIFTS), LabelSettings())
    counted, true = labelled.values != IGNORE, own.sheet.strokes.any(axis=0)
    ink = (labelled.values > 0) & counted
    assert near(ink, true, 2) >= 0.98
    assert near(true & counted, ink, 2) >= 0.98
    assert (ink & true).sum() / ((ink | true) & counted).sum() >= 0.75
    assert (true & counted).sum() / true.sum() >= 0.75
    for number, strokes in enumerate(own.sheet.strokes, start=1):
        assert near(labelled.values == number, strokes, 2) >= 0.93  # both names where two curves cross


def test_a_tilted_scan_is_straightened_first(drawn: Page, tmp_path) -> None:
    spec = replace(sample("archive", 3, size_mm=(120.0, 80.0)), skew=SkewSpec(angle_deg=1.0))
    tilted = render(spec, px_per_mm=PX_PER_MM)
    moved = [b.x_px[0] - a.x_px[0] for a, b in zip(drawn.sheet.curves, tilted.curves, strict=True)]
    across = float(np.nanmean(moved))  # of the first row, in which the edges of the tracks are given
    edges = tuple((left + across, right + across) for left, right in drawn.edges)
    job = replace(job_of(Page(tilted, edges, drawn.readings), tmp_path), deskew=True)
    straight = label_scan(job, las_curves(drawn, **SHIFTS), LabelSettings(ink=DARK)).paper
    cv2.imwrite(str(tmp_path / "truth.png"), np.where(tilted.strokes.any(axis=0), 0, 255).astype(np.uint8))
    true = Paper(open_scan(tmp_path / "truth.png"), job.frame, straight.skew).rows(0, len(tilted.image)) < 128
    known = replace(drawn, sheet=replace(drawn.sheet, strokes=true[None]))
    (tmp_path / "known").mkdir()
    job = replace(job, reader=job_of(known, tmp_path / "known").reader)
    labelled = label_scan(job, las_curves(drawn, **SHIFTS), LabelSettings())
    counted = labelled.values != IGNORE
    ink = (labelled.values > 0) & counted
    assert straight.skew.text() != "straight"
    assert near(ink, true, 2) >= 0.95
    assert near(true & counted, ink, 2) >= 0.95
    assert (true & counted).sum() / true.sum() >= 0.75


def test_unregistered_the_mask_would_be_wrong(drawn: Page, tmp_path) -> None:
    """The planted shifts are large enough to matter: the course of the file lies off the ink."""
    labelled = label_scan(job_of(drawn, tmp_path), las_curves(drawn, **SHIFTS), LabelSettings())
    for curve, strokes in zip(labelled.curves, drawn.sheet.strokes, strict=True):
        known = np.flatnonzero(curve.course.known)
        middle = np.clip(np.rint((curve.course.low + curve.course.high)[known] / 2), 0, strokes.shape[1] - 1)
        before = np.zeros_like(strokes)
        before[known, middle.astype(int)] = True
        assert near(before, strokes, 2) < 0.8


def test_blank_rows_and_ink_of_other_curves_are_not_counted(drawn: Page, tmp_path) -> None:
    sheet, strokes, image = drawn.sheet, drawn.sheet.strokes.copy(), drawn.sheet.image.copy()
    strokes[:, 200:300] = False
    image[200:300] = 245
    blank = Page(replace(sheet, strokes=strokes, image=image), drawn.edges, drawn.readings)
    job = job_of(blank, tmp_path)
    labelled = label_scan(job, las_curves(blank, **SHIFTS), LabelSettings())
    for left, right in drawn.edges:
        assert (labelled.values[210:290, int(left) + 1 : int(right)] == IGNORE).all()
    assert not any(curve.registration.registered[210:290].any() for curve in labelled.curves)
    one = replace(job, scales=job.scales[:1])
    alone = label_scan(one, las_curves(blank, **SHIFTS)[:1], LabelSettings()).values
    other = strokes[1] & ~cv2.dilate(strokes[0].astype(np.uint8), np.ones((9, 9))).astype(bool)
    assert (alone[other] == IGNORE).mean() >= 0.99


def test_dark_pixels_do_without_a_network(tmp_path) -> None:
    height, width = 400, 200
    rows = np.arange(height)
    x = 100 + 60 * np.sin(rows / 30)
    image = np.full((height, width), 245, np.uint8)
    cv2.polylines(image, [np.rint(np.stack([x, rows], axis=1)).astype(np.int32)], False, 20, 3)
    strokes = (image < 128)[None]
    readings = np.stack([TOP + (rows + 0.5) / PX_PER_MM, (x - 20) / 160])
    own = page("archive", 3)
    plain = Page(replace(own.sheet, image=image, strokes=strokes), ((20.0, 180.0),), (readings,))
    labelled = label_scan(job_of(plain, tmp_path), las_curves(plain, **SHIFTS), LabelSettings(ink=DARK))
    counted = labelled.values != IGNORE
    ink = labelled.values == 1
    assert counted[50:350, 25:175].all()
    assert not counted[:, :15].any()
    assert (ink & strokes[0]).sum() / ((ink | strokes[0]) & counted).sum() >= 0.95


def test_a_file_of_another_scan_is_refused(drawn: Page, tmp_path) -> None:
    depth = np.arange(TOP, TOP + 120, 0.2)
    edge = LasCurve("C1", "", depth, 0.02 + 0.005 * np.sin(depth), "m", "other.las")
    job = job_of(drawn, tmp_path)
    empty = replace(drawn.sheet, strokes=np.zeros_like(drawn.sheet.strokes))
    job = replace(job, scales=job.scales[:1], reader=job_of(replace(drawn, sheet=empty), tmp_path).reader)
    with pytest.raises(LabelError, match="got none in any row"):
        label_scan(job, [edge], LabelSettings())
    with pytest.raises(LabelError, match="one for each scale"):
        label_scan(job, [edge, edge], LabelSettings())
