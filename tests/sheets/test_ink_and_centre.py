"""The two planes of a sheet against its strokes and true courses, rasterised another way."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label

from thinline.sheets import FAMILIES as ALL_FAMILIES
from thinline.sheets import DrawnCurve, Sheet, render, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.ink_and_centre import centre_lines, ink_and_centre, render_ink_and_centre
from thinline.sheets.true_positions import at_rows

SHAPE = (40, 30)
FAMILIES = ("archive", "procedural")


def curve(x, y=None, lap=None) -> DrawnCurve:
    x = np.asarray(x, np.float32)
    y = np.arange(len(x), dtype=np.float32) if y is None else np.asarray(y, np.float32)
    return DrawnCurve(x, y, np.zeros(len(x), np.int16) if lap is None else np.asarray(lap, np.int16), 30.0)


def parts(plane) -> int:
    """Number of 8-connected parts."""
    return int(label(plane, connectivity=2).max())


def sheet_of(family: str, seed: int) -> Sheet:
    return render(sample(family, seed, size_mm=(48.0, 56.0)), px_per_mm=5.0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_the_image_is_that_of_the_sheet_with_its_scanner(family, seed) -> None:
    """The planes of a `field` sheet were drawn beside an image that no scanner had read."""
    spec = sample(family, seed, size_mm=(48.0, 56.0))
    planes, sheet = render_ink_and_centre(spec, px_per_mm=5.0), render(spec, px_per_mm=5.0)
    np.testing.assert_array_equal(planes.image, sheet.image)
    np.testing.assert_array_equal(planes.strokes[0], sheet.strokes.any(axis=0))


def test_no_centre_line_where_the_ink_is_lost() -> None:
    """Where damage removes the truth of the ink the centre line goes too; in the gaps of dashes it stays."""
    removed = 0
    for seed in range(40):
        spec = sample("field", seed, size_mm=(48.0, 56.0))
        before, after = draw(spec, px_per_mm=5.0), render_ink_and_centre(spec, px_per_mm=5.0)
        ink, (kept, centre) = before.strokes.any(axis=0), after.strokes
        lost = ink & ~kept
        assert not (centre & lost).any()
        np.testing.assert_array_equal(centre & ~lost, centre_lines(before.curves, ink.shape) & ~lost)
        removed += int(lost.sum())
    assert removed > 100


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES)
def test_ink_is_the_union_of_the_strokes_and_the_rest_is_kept(family, seed) -> None:
    sheet = sheet_of(family, seed)
    both = ink_and_centre(sheet)
    ink, centre = both.strokes
    assert both.strokes.shape == (2, *sheet.image.shape)
    assert (ink == (sheet.labels > 0)).all()
    assert (both.labels == np.where(ink, np.where(centre, 2, 1), 0)).all()
    assert both.image is sheet.image
    assert both.layers is sheet.layers
    assert both.curves == sheet.curves


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_centre_line_passes_every_row_at_the_true_position(family, seed) -> None:
    """`at_rows` interpolates the course without drawing it."""
    sheet = sheet_of(family, seed)
    height, width = sheet.image.shape
    near = _dilated(ink_and_centre(sheet).strokes[1])
    for each in sheet.curves:
        x, _ = at_rows(each, height)
        rows = np.flatnonzero(np.isfinite(x) & (x >= 0) & (x <= width - 1))
        assert near[rows, np.rint(x[rows]).astype(int)].all()


@pytest.mark.parametrize("seed", range(6))
def test_no_pixel_of_the_centre_line_is_far_from_a_segment_of_a_course(seed) -> None:
    """Distance to every segment between two consecutive points, by projection."""
    sheet = sheet_of("procedural", seed)
    pixels = np.argwhere(ink_and_centre(sheet).strokes[1])[:, ::-1].astype(float)
    nearest = np.full(len(pixels), np.inf)
    for each in sheet.curves:
        points = np.stack([each.x_px, each.y_px], axis=1).astype(float)
        joined = (each.lap[1:] == each.lap[:-1]) & np.isfinite(points[1:]).all(1) & np.isfinite(points[:-1]).all(1)
        start, step = points[:-1][joined], np.diff(points, axis=0)[joined]
        along = ((pixels[:, None] - start) * step).sum(-1) / np.maximum((step**2).sum(-1), 1e-9)
        off = pixels[:, None] - start - np.clip(along, 0, 1)[..., None] * step
        nearest = np.minimum(nearest, np.sqrt((off**2).sum(-1)).min(axis=1))
    assert nearest.max() < 1.5  # half a pixel for the ends of a segment, one for its raster


def test_a_dashed_curve_has_one_centre_line_and_gaps_in_its_ink() -> None:
    for seed in range(200):
        spec = sample("procedural", seed, size_mm=(48.0, 56.0))
        if spec.curves[0].pen.dash_mm and spec.curves[1].pen.dash_mm:
            break
    sheet = render_ink_and_centre(spec, px_per_mm=5.0)
    ink, centre = sheet.strokes
    runs = sum(_runs(each) for each in sheet.curves)
    assert parts(centre) <= runs < parts(ink)
    assert (centre & ~ink).any()


def test_a_steep_flank_is_one_8_connected_line() -> None:
    jump = curve([5.0] * 10 + [25.0] * 10)
    plane = centre_lines((jump,), SHAPE)
    assert parts(plane) == 1
    assert plane[9:11].any(axis=0)[5:26].all()


def test_a_gap_and_a_wrap_break_the_line() -> None:
    gap = curve([10.0] * 8 + [np.nan] * 4 + [10.0] * 8)
    assert parts(centre_lines((gap,), SHAPE)) == 2
    assert not centre_lines((gap,), SHAPE)[8:12].any()
    wrapped = curve([28.0] * 8 + [2.0] * 8, lap=[0] * 8 + [1] * 8)
    assert parts(centre_lines((wrapped,), SHAPE)) == 2


def test_a_single_point_is_a_pixel_and_points_off_the_sheet_are_none() -> None:
    lone = curve([np.nan, 7.0, np.nan])
    assert np.argwhere(centre_lines((lone,), SHAPE)).tolist() == [[1, 7]]
    outside = curve([-3.0, 33.0, np.nan], y=[2.0, 50.0, 3.0], lap=[0, 1, 1])
    assert not centre_lines((outside,), SHAPE).any()
    assert not centre_lines((curve([np.nan] * 5),), SHAPE).any()
    assert not centre_lines((), SHAPE).any()


def _runs(each: DrawnCurve) -> int:
    """Number of stretches of a course without a missing value or wrap."""
    known = np.isfinite(each.x_px)
    joined = known[1:] & known[:-1] & (each.lap[1:] == each.lap[:-1])
    return int(known.sum() - joined.sum())


def _dilated(plane):
    padded = np.pad(plane, 1)
    height, width = plane.shape
    return np.any([padded[r : r + height, c : c + width] for r in range(3) for c in range(3)], axis=0)
