"""Truths of the ruler: of drawn sheets, of LAS files, and of masks."""

import cv2
import lasio
import numpy as np
import pytest

from thinline.ruler.truth import MARGIN_PX, RulerError, names_of, of_courses, of_masks, of_sheets
from thinline.sheets import sample
from thinline.sheets.drawing.draw import draw


def test_the_truth_of_sheets_is_that_of_the_drawn_curves():
    sheets = of_sheets(2, px_per_mm=4)
    sheet = draw(sample("archive", 0), px_per_mm=4)
    assert sheets[0].lines.shape == (2, *np.add(sheet.labels.shape, (0, 2 * MARGIN_PX)))
    for line, x, curve in zip(sheets[0].lines, sheets[0].x_px, sheet.curves, strict=True):
        known = np.isfinite(x) & np.isfinite(curve.x_px)
        assert np.median(np.abs(x[known] - MARGIN_PX - curve.x_px[known])) < 8  # the sheet itself is skewed
        rows = np.flatnonzero(np.isfinite(x))
        assert line[rows, np.rint(x[rows]).astype(int)].all()
    assert names_of(sheets) == "archive sheet 0 to archive sheet 1 (2)"
    with pytest.raises(RulerError, match="--count must be 1 or more"):
        of_sheets(0, px_per_mm=4)


def test_a_wrap_is_not_joined_across_the_track():
    x = np.array([[10.0, 11, 12, np.nan, 1, 2]])
    (line,) = of_courses(x, 20).lines
    assert line.sum() == 5
    assert cv2.connectedComponents(line.astype(np.uint8), connectivity=8)[0] == 3


def test_las_files_are_drawn(tmp_path):
    file = lasio.LASFile()
    depth = np.arange(400) * 0.5
    file.append_curve("DEPT", depth, unit="M")
    file.append_curve("GR", 60 + 30 * np.sin(depth / 7), unit="GAPI")
    file.write(str(tmp_path / "one.las"), version=2.0)
    drawn_from_las = of_sheets(1, px_per_mm=4, las_dir=tmp_path)[0]
    assert drawn_from_las.lines.any(axis=(1, 2)).all()
    assert (drawn_from_las.lines != of_sheets(1, px_per_mm=4)[0].lines).any()


def save(path, mask):
    assert cv2.imwrite(str(path), mask.astype(np.uint8))


def test_masks_are_thinned_and_each_value_is_a_curve(tmp_path):
    mask = np.zeros((60, 50), np.uint8)
    mask[:, 9:12] = 1
    mask[:, 30:33] = 2
    save(tmp_path / "b.png", mask)
    save(tmp_path / "a.png", (mask == 1) * 255)
    one, two = of_masks(str(tmp_path), count=5)
    assert (one.name, two.name) == ("a.png", "b.png")
    assert (len(one.lines), len(two.lines)) == (1, 2)
    np.testing.assert_allclose(two.x_px[:, 30], np.array([10, 31]) + MARGIN_PX)
    assert two.lines[:, 5:-5].sum(axis=2).max() == 1
    assert [truth.name for truth in of_masks(f"{tmp_path}/b*", count=5)] == ["b.png"]
    assert [truth.name for truth in of_masks(str(tmp_path), count=1)] == ["a.png"]


def test_the_window_of_a_large_mask_has_the_most_ink(tmp_path):
    mask = np.zeros((1400, 1400), np.uint8)
    mask[900:1300, 1100] = 255
    save(tmp_path / "large.png", mask)
    (truth,) = of_masks(str(tmp_path), count=1)
    assert truth.lines.shape == (1, 512, 512 + 2 * MARGIN_PX)
    assert truth.lines.sum() > 350


def test_invalid_masks_are_refused(tmp_path):
    with pytest.raises(RulerError, match="got none at"):
        of_masks(str(tmp_path / "none"), count=1)
    save(tmp_path / "empty.png", np.zeros((20, 20)))
    with pytest.raises(RulerError, match="values other than 0"):
        of_masks(str(tmp_path), count=1)
    save(tmp_path / "grey.png", np.arange(400).reshape(20, 20) % 256)
    with pytest.raises(RulerError, match=r"grey\.png: a mask must hold at most 8 values"):
        of_masks(str(tmp_path / "grey.png"), count=1)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(RulerError, match=r"broken\.png: cannot be read"):
        of_masks(str(tmp_path / "broken.png"), count=1)
