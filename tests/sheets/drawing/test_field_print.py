"""Fills stay between their sides, bars cover truth, blanks erase the grid only, hands are no curve ink."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from thinline.sheets import SheetSpec, render, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.field_spec import HANDS, PATTERNS, BoxSpec, FillSpec, HandSpec, ScanSpec
from thinline.sheets.spec import FieldSpec, LineSpec, SkewSpec
from thinline.vocabulary import STAIN, TEXT

SIZE_MM = (40.0, 40.0)
NO_LINE = LineSpec(0.1, 0.0)


def bare(seed: int = 5, **parts: object) -> SheetSpec:
    """A sheet with curves and the given parts of a FieldSpec only."""
    spec = sample("field", seed, size_mm=SIZE_MM)
    tracks = tuple(dataclasses.replace(track, minor=NO_LINE, major=NO_LINE, edge=NO_LINE) for track in spec.tracks)
    field = dataclasses.replace(FieldSpec(ScanSpec()), **parts)  # type: ignore[arg-type]
    return dataclasses.replace(spec, tracks=tracks, texts=(), marks=(), skew=SkewSpec(), header_mm=0.0, field=field)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_fill_stays_between_its_sides_and_is_no_curve(pattern: str) -> None:
    fill = FillSpec(10.0, 30.0, 5.0, 25.0, -1, -1, pattern, 1.0, 0.2, 0.8)
    plain, filled = draw(bare(), px_per_mm=5), draw(bare(fills=(fill,)), px_per_mm=5)
    assert (plain.strokes == filled.strokes).all()
    assert (plain.labels == filled.labels).all()
    changed = (plain.image != filled.image) | (plain.layers != filled.layers)
    rows, columns = np.nonzero(changed)
    assert 50 <= rows.min() < 56
    assert 144 <= rows.max() < 150
    assert 24 <= columns.min() < 35
    assert 115 <= columns.max() <= 125
    assert (filled.layers[changed] & TEXT).all()
    within = np.s_[50:150, 25:124]
    shares = (filled.layers[within] & TEXT > 0).mean()
    assert shares == 1.0 if pattern == "grey" else 0.02 < shares < 0.7


def test_a_fill_follows_a_curve() -> None:
    fill = FillSpec(-1.0, 50.0, -5.0, 60.0, 0, -1, "grey", 1.0, 0.2, 0.5)
    sheet = draw(bare(fills=(fill,)), px_per_mm=5)
    for row in range(sheet.image.shape[0]):
        ink, filled = np.flatnonzero(sheet.strokes[0][row]), np.flatnonzero(sheet.layers[row] & TEXT)
        if len(ink):
            assert filled.min() == ink.max()  # to the right of the last ink of the row
            assert filled.max() == sheet.image.shape[1] - 1
        else:
            assert not len(filled)


def test_truth_under_a_bar_is_removed_and_the_course_stays() -> None:
    spec = bare()
    bar = BoxSpec(-5.0, 12.0, 60.0, 10.0)
    plain, barred = draw(spec, px_per_mm=5), draw(bare(bars=(bar,)), px_per_mm=5)
    covered = np.zeros(plain.labels.shape, np.bool_)
    covered[60:110] = True
    assert (barred.image[covered] == 0).all()
    assert not barred.strokes[:, covered].any()
    assert not barred.labels[covered].any()
    assert (barred.layers[covered] & STAIN).all()
    assert (barred.strokes[:, ~covered] == plain.strokes[:, ~covered]).all()
    for before, after in zip(plain.curves, barred.curves, strict=True):
        assert np.array_equal(before.x_px, after.x_px, equal_nan=True)


@pytest.mark.parametrize("kind", HANDS)
def test_hands_are_text_and_no_curve(kind: str) -> None:
    hand = HandSpec(kind, 3, 8.0, 9.0, 20.0, 7.0, 0.4, 1.0)
    plain, written = draw(bare(), px_per_mm=5), draw(bare(hands=(hand,)), px_per_mm=5)
    assert (plain.strokes == written.strokes).all()
    new = (written.layers & TEXT) > 0
    assert 20 < new.sum() < 4000
    rows, columns = np.nonzero(new)
    assert rows.min() > 25  # inside the box, give or take a wobble
    assert rows.max() < 110
    assert columns.min() > 20
    assert columns.max() < 165


def test_a_blank_erases_grid_and_no_curve() -> None:
    spec = sample("field", 3, size_mm=SIZE_MM)
    assert spec.field is not None
    box = BoxSpec(0.0, 10.0, 40.0, 10.0)
    field = dataclasses.replace(spec.field, blanks=(box,), fills=(), hands=(), bars=(), scan=ScanSpec())
    spec = dataclasses.replace(spec, texts=(), marks=(), field=field)
    plain = draw(dataclasses.replace(spec, field=dataclasses.replace(field, blanks=())), px_per_mm=5)
    blank = draw(spec, px_per_mm=5)
    assert plain.layers[50:100].any()
    assert not blank.layers[50:100].any()
    assert (blank.strokes == plain.strokes).all()
    assert (blank.image[:50] == plain.image[:50]).all()


def test_dots_lie_where_lines_would_cross() -> None:
    spec = bare(crossing_mm=0.4)
    track = dataclasses.replace(
        spec.tracks[0],
        left_mm=2.0,
        right_mm=38.0,
        divisions=6,
        decades=0,
        depth_step_mm=5.0,
        depth_offset_mm=2.5,
        major=LineSpec(0.1, 0.0),
    )
    dotted = draw(dataclasses.replace(spec, tracks=(track,) * len(spec.tracks)), px_per_mm=5)
    assert not dotted.layers.any()  # the darkness of dots is that of major lines
    track = dataclasses.replace(track, major=LineSpec(0.1, 1.0), depth_major_every=100, major_every=100)
    dotted = draw(dataclasses.replace(spec, tracks=(track,) * len(spec.tracks)), px_per_mm=5)
    for x_mm in (8.0, 14.0, 20.0, 26.0, 32.0):
        for y_mm in (7.5, 12.5, 37.0 + 0.5):
            assert dotted.layers[round(y_mm * 5 - 0.5), round(x_mm * 5 - 0.5)]
    assert not dotted.layers[(10 * 5) : (11 * 5), 60:].any()


def test_rendering_keeps_what_a_plot_shows() -> None:
    spec = bare()
    assert (render(spec, px_per_mm=5).image == draw(spec, px_per_mm=5).image).all()


def test_upright_lines_of_another_style() -> None:
    """Level lines are those of the tracks, upright ones those of the field, edges are drawn once."""
    spec = bare()
    assert spec.field is not None
    track = dataclasses.replace(
        spec.tracks[0],
        left_mm=2.0,
        right_mm=38.0,
        divisions=6,
        decades=0,
        depth_step_mm=5.0,
        depth_offset_mm=2.5,
        minor=LineSpec(0.2, 1.0),
        edge=LineSpec(0.4, 1.0),
    )
    track = dataclasses.replace(track, depth_major_every=100, major_every=100)
    tracks = (track,) * len(spec.tracks)
    images = {}
    for name, upright in {"same": None, "none": (NO_LINE, NO_LINE), "pale": (LineSpec(0.2, 0.5), NO_LINE)}.items():
        field = dataclasses.replace(spec.field, upright=upright)
        sheet = draw(dataclasses.replace(spec, tracks=tracks, field=field), px_per_mm=5)
        bare_of_curves = np.where(sheet.strokes.any(axis=0), 255, sheet.image)
        images[name] = np.median(bare_of_curves[37:60], axis=0)[15:-14], np.median(bare_of_curves[:, 42:68], axis=1)
    upright_columns = np.flatnonzero(images["same"][0] < 100)
    assert len(upright_columns) == 5
    assert (images["none"][0] == 255).all()
    assert (np.flatnonzero(images["pale"][0] < 255) == upright_columns).all()
    assert (np.abs(images["pale"][0][upright_columns] - 127) < 2).all()
    for name in ("none", "pale"):
        assert (images[name][1] == images["same"][1]).all()
    assert (images["same"][1] < 100).sum() == 8
