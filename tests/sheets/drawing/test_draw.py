"""Drawing: ownership of crossings, content of the layers, and the effect of the resolution."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from sheet_cases import TRACK, bare, curve

from thinline.sheets import render, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.spec import LineSpec, MarkSpec, PenSpec, TextSpec, TrackSpec
from thinline.vocabulary import EDGE, GRID, STAIN, TEXT

LINE = LineSpec(0.25, 1.0)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_crossing_belongs_to_both_strokes_and_to_the_label_drawn_last(order: tuple[int, int]) -> None:
    sheet = draw(bare(curve(0.2, 0.8), curve(0.5, 0.5), order=order), px_per_mm=4)
    both = sheet.strokes.all(0)
    assert both.sum() >= 1
    assert set(sheet.labels[both]) == {order[1] + 1}
    only = sheet.strokes & ~both
    for k in range(2):
        assert (sheet.labels[only[k]] == k + 1).all()
    assert ((sheet.labels > 0) == sheet.strokes.any(0)).all()


@pytest.mark.parametrize("family", ["archive", "procedural"])
@pytest.mark.parametrize("px_per_mm", [4, 8, 12])
def test_shapes_and_types_at_every_resolution(family: str, px_per_mm: int) -> None:
    side = 64 * px_per_mm
    sheet = render(sample(family, 7), px_per_mm=px_per_mm)
    assert (sheet.image.shape, sheet.image.dtype) == ((side, side), np.uint8)
    assert (sheet.labels.shape, sheet.labels.dtype) == ((side, side), np.uint8)
    assert (sheet.strokes.shape, sheet.strokes.dtype) == ((2, side, side), np.bool_)
    assert (sheet.layers.shape, sheet.layers.dtype) == ((side, side), np.uint8)
    assert sheet.layers.max() <= GRID | EDGE | TEXT | STAIN
    assert set(np.unique(sheet.labels)) == {0, 1, 2}
    for course in sheet.curves:
        assert course.x_px.shape == course.y_px.shape == course.lap.shape == (side,)
        assert (course.x_px.dtype, course.lap.dtype) == (np.float32, np.int16)
        known = np.isfinite(course.x_px)
        assert known.any()
        assert (known == np.isfinite(course.y_px)).all()
        assert -0.51 < course.x_px[known].min() <= course.x_px[known].max() < side - 0.49


def test_a_spec_is_redrawn_not_resized() -> None:
    spec = sample("procedural", 11)
    small, large = draw(spec, px_per_mm=4), draw(spec, px_per_mm=12)
    for a, b in zip(small.curves, large.curves, strict=True):
        np.testing.assert_allclose((a.x_px + 0.5) / 4, (b.x_px[1::3] + 0.5) / 12, atol=1e-3)
        assert b.track_width_px == pytest.approx(3 * a.track_width_px)
    shrunk = cv2.resize(large.strokes[0].astype(np.uint8), (256, 256), interpolation=cv2.INTER_AREA)
    assert (shrunk != small.strokes[0]).any()


def test_the_weight_of_a_pen_is_a_shoulder_at_one_px_and_a_width_at_three() -> None:
    light, heavy = (bare(curve(0.5, 0.5, pen=PenSpec(w, 1.0, s))) for w, s in ((0.7, 0.0), (1.4, 0.05)))
    at_one = [255.0 - draw(spec, px_per_mm=4).image[100] for spec in (light, heavy)]
    assert [int(np.count_nonzero(row)) for row in at_one] == [1, 3]
    assert at_one[0].sum() == pytest.approx(255 * 0.7, abs=1)
    assert at_one[1].sum() == pytest.approx(255 * 1.8, abs=2)
    assert [int(draw(spec, px_per_mm=12).strokes[0, 100].sum()) for spec in (light, heavy)] == [2, 4]
    wide = bare(curve(0.5, 0.5, pen=PenSpec(1.0, 1.0, 0.25)))
    assert (255.0 - draw(wide, px_per_mm=12).image[300]).sum() == pytest.approx(255 * 9, abs=3)


def with_track(track: TrackSpec, **changed: object) -> np.ndarray:
    return draw(dataclasses.replace(bare(curve(np.nan, np.nan), tracks=(track,)), **changed), px_per_mm=4).layers


def test_positions_of_a_linear_grid_and_its_edges() -> None:
    layers = with_track(dataclasses.replace(TRACK, minor=LINE, major=LINE, edge=LINE, depth_step_mm=1000.0))
    columns = np.flatnonzero((layers[100] & GRID) > 0)
    expected = (4 + 56 * np.arange(1, 10) / 10) * 4 - 0.5
    assert len(columns) == 9
    assert np.abs(columns - expected).max() <= 0.5
    np.testing.assert_allclose(np.flatnonzero((layers[100] & EDGE) > 0), [16, 240], atol=1)


def test_a_logarithmic_grid_bunches() -> None:
    layers = with_track(dataclasses.replace(TRACK, minor=LINE, decades=2, depth_step_mm=1000.0))
    columns = np.flatnonzero((layers[100] & GRID) > 0)
    decade = np.log10(np.arange(1, 10))
    expected = (4 + 56 * np.concatenate([decade, 1 + decade])[1:] / 2) * 4 - 0.5
    assert np.abs(columns - expected).max() <= 0.5


@pytest.mark.parametrize(("style", "low", "high"), [("solid", 1.0, 1.0), ("dotted", 0.3, 0.6), ("broken", 0.5, 0.9)])
def test_minor_lines_are_solid_dotted_or_broken(style: str, low: float, high: float) -> None:
    minor = dataclasses.replace(LINE, style=style)
    layers = with_track(dataclasses.replace(TRACK, minor=minor, divisions=2, major_every=9, depth_step_mm=1000.0))
    assert low <= ((layers[:, 120:136] & GRID) > 0).any(1).mean() <= high
    level = dataclasses.replace(TRACK, minor=minor, divisions=1, depth_step_mm=5.0, depth_major_every=99)
    share = ((with_track(level)[:, 20:236] & GRID) > 0).sum(1).max() / 216
    assert low * 0.9 <= share <= 1.0


def test_wide_lines_have_their_width() -> None:
    for width_mm, px in ((0.25, 1), (0.5, 2), (0.75, 3)):
        edge = LineSpec(width_mm, 1.0)
        layers = with_track(dataclasses.replace(TRACK, edge=edge))
        assert ((layers[100] & EDGE) > 0).sum() == 2 * px


def test_layers_of_print_and_stains() -> None:
    marks = (MarkSpec("tick", 20.0, 20.0, 3.0, 0.5, 1.0), MarkSpec("fold", -6.0, 40.0, 80.0, 4.0, 0.5))
    layers = with_track(TRACK, marks=marks, texts=(TextSpec("GAS", 30.0, 10.0, 2.0, 0),))
    assert ((layers[80:82, 80:92] & TEXT) > 0).all()
    assert ((layers[164:172] & STAIN) > 0).all()
    assert 20 < ((layers[38:52, 118:150] & TEXT) > 0).sum() < 200


def test_turned_print_is_the_transpose_and_is_cut_at_the_edge() -> None:
    flat = with_track(TRACK, texts=(TextSpec("GAS", 30.0, 10.0, 2.0, 0),))
    turned = with_track(TRACK, texts=(TextSpec("GAS", 30.0, 10.0, 2.0, 1),))
    assert flat.any(0).sum() == turned.any(1).sum()
    cut = with_track(TRACK, texts=(TextSpec("SHALE", 62.0, 10.0, 2.0, 0), TextSpec("SHALE", 90.0, 10.0, 2.0, 0)))
    assert 0 < (cut > 0).sum() < (flat > 0).sum()


def test_nothing_is_plotted_in_the_header() -> None:
    spec = next(sample("archive", seed) for seed in range(50) if sample("archive", seed).header_mm > 0)
    sheet = draw(dataclasses.replace(spec, skew=dataclasses.replace(spec.skew, stretch_mm=0.0)), px_per_mm=4)
    assert not sheet.labels[: int(spec.header_mm * 4) - 3].any()
    assert np.isnan(sheet.curves[0].x_px[: int(spec.header_mm * 4) - 3]).all()


def test_a_sheet_of_few_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"8x8 px, got 6x6 .*px_per_mm=0.1"):
        draw(sample("archive", 0), px_per_mm=0.1)


def test_a_thin_line_has_equal_ink_at_every_resolution() -> None:
    """A line of .1 mm covers .4 px at 4 px/mm, so it must be paler there."""
    blank = dataclasses.replace(TRACK.minor, darkness=0.0)
    track = dataclasses.replace(TRACK, minor=LineSpec(0.1, 0.8), major=blank, edge=blank)
    spec = bare(curve(0.5, 0.5, pen=PenSpec(1.0, 0.0, 0.0)), tracks=(track,))
    upright, level = track.divisions - 1, 64 / track.depth_step_mm
    length_mm = upright * 64 + level * (track.right_mm - track.left_mm)
    expected = 0.8 * 0.1 * length_mm / 64**2  # overlaps at crossings are below the tolerance
    for px_per_mm in (4, 8, 12):
        ink = 1 - draw(spec, px_per_mm=px_per_mm).image.mean() / 255
        assert ink == pytest.approx(expected, rel=0.2), px_per_mm  # 1.2 px are drawn as 1
