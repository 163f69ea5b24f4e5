"""The family `field`: its ranges, its truth, determinism, sizes and scales."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinline.sheets import FAMILIES, FROZEN, Sheet, SheetSpec, render, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.field_spec import PATTERNS, SCANNERS
from thinline.sheets.spec import PEN_MM, FieldSpec
from thinline.sheets.true_positions import true_rows
from thinline.vocabulary import GRID

WINDOW_MM = (51.2, 51.2)
SPECS = 500
SHEETS = 120


@cache
def specs() -> tuple[SheetSpec, ...]:
    return tuple(sample("field", seed, size_mm=WINDOW_MM) for seed in range(SPECS))


@cache
def rendered() -> tuple[Sheet, ...]:
    return tuple(render(spec, px_per_mm=5) for spec in specs()[:SHEETS])


def share(of: list[bool]) -> float:
    return sum(of) / len(of)


def test_the_family_comes_after_the_frozen_ones() -> None:
    assert FAMILIES == (*FROZEN, "field") == ("archive", "procedural", "field")


def test_curves_and_tracks() -> None:
    counts = Counter(len(spec.curves) for spec in specs())
    assert set(counts) == {1, 2, 3, 4, 5, 6}
    assert 0.25 < share([len(spec.curves) >= 3 for spec in specs()]) < 0.5
    assert 0.2 < counts[1] / SPECS < 0.45
    tracks = [track for spec in specs() for track in spec.tracks]
    widths = [track.right_mm - track.left_mm for track in tracks]
    assert min(widths) < 30
    assert 150 < max(widths) <= 200
    outside = [track.left_mm < 0 and track.right_mm > WINDOW_MM[1] for track in tracks]
    assert 0.15 < share(outside) < 0.7  # the window lies inside the track
    assert {len(spec.tracks) for spec in specs()} == {1, 2, 3}
    numbered = [any(text.text.isdigit() for text in spec.texts) for spec in specs()]
    assert 0.3 < share(numbered) < 0.8


def test_pens_and_dashes() -> None:
    pens_mm = np.array([curve.pen.weight * PEN_MM for spec in specs() for curve in spec.curves])
    assert pens_mm.min() >= 0.1
    assert pens_mm.max() <= 2.0
    low, median, high = np.quantile(pens_mm, [0.05, 0.5, 0.95])
    assert 0.12 < low < 0.25
    assert 0.35 < median < 0.55
    assert 0.9 < high < 1.6
    assert pens_mm.max() > 1.7
    pairs = [spec.curves[0].pen == spec.curves[1].pen for spec in specs() if len(spec.curves) > 1]
    assert 0.5 < share(pairs) < 0.8
    dashed = [bool(curve.pen.dash_mm) for spec in specs() for curve in spec.curves]
    assert 0.25 < share(dashed) < 0.55
    assert {len(curve.pen.dash_mm) for spec in specs() for curve in spec.curves} == {0, 2, 4, 6, 8}
    assert share([bool(curve.lap_dash_mm) for spec in specs() for curve in spec.curves]) > 0.1


def test_tilt_and_bends() -> None:
    tilt = np.abs([spec.skew.angle_deg for spec in specs()])
    assert tilt.max() == 3.0
    assert 0.3 < np.quantile(tilt, 0.5) < 1.0
    assert 1.7 < np.quantile(tilt, 0.95) <= 3.0
    assert 0.1 < share([spec.skew.wave_mm > 0 for spec in specs()]) < 0.4


def test_grids() -> None:
    tracks = [track for spec in specs() for track in spec.tracks]
    assert max(track.major.width_mm for track in tracks) > 0.9
    assert 1.0 < max(track.edge.width_mm for track in tracks) <= 1.2
    assert 0.1 < share([track.minor.darkness == 1.0 for track in tracks]) < 0.5
    assert 0.03 < share([track.minor.darkness == track.major.darkness == 0 for track in tracks]) < 0.2
    assert {track.minor.style for track in tracks} == {"solid", "dotted", "broken"}
    assert 0.1 < share([track.decades > 0 for track in tracks]) < 0.4
    steps = [(track.right_mm - track.left_mm) / track.divisions for track in tracks if not track.decades]
    assert min(steps) < 1.5
    assert sum(6.0 < step < 6.7 for step in steps) > 0.1 * len(steps)
    rows = Counter(track.depth_step_mm for track in tracks)
    assert rows[5.0] > 20
    assert max(rows) > 6.3


def test_heavy_lines_cross_pages_and_stand_in_tracks() -> None:
    """Real pages have single heavy lines far apart, level and upright, also over the depth column."""
    ruled = [spec.field.rulings for spec in specs() if spec.field]
    assert 0.4 < share([bool(rulings) for rulings in ruled]) < 0.75
    every = [ruling for rulings in ruled for ruling in rulings]
    level = [ruling for ruling in every if ruling.depth_step_mm < 100]
    assert min(ruling.depth_step_mm for ruling in level) < 15
    assert max(ruling.depth_step_mm for ruling in level) > 50
    assert max(ruling.major.width_mm for ruling in every) > 1.2
    upright = [ruling for ruling in every if ruling.depth_step_mm > 100]
    assert {ruling.divisions for ruling in upright} == {1, 2, 3, 4}
    assert len(upright) > 0.2 * len(every)
    wider = [
        any(r.right_mm - r.left_mm > max(t.right_mm - t.left_mm for t in spec.tracks) for r in spec.field.rulings)
        for spec in specs()
        if spec.field
    ]
    assert share(wider) > 0.15


def test_a_ruling_is_grid_and_no_truth() -> None:
    """The sheet without its rulings has the same truth and lighter paper where they were."""
    spec = next(spec for spec in specs() if spec.field and any(r.depth_step_mm < 30 for r in spec.field.rulings))
    assert spec.field is not None
    bare = dataclasses.replace(spec, field=dataclasses.replace(spec.field, rulings=()))
    ruled, plain = draw(spec, px_per_mm=5), draw(bare, px_per_mm=5)
    assert (ruled.strokes == plain.strokes).all()
    assert (ruled.labels == plain.labels).all()
    darker = ruled.image < plain.image
    assert darker.mean() > 0.003
    assert (ruled.image <= plain.image).all()
    assert (ruled.layers[darker] & GRID > 0).mean() > 0.99


def test_looks_and_print() -> None:
    kinds = Counter(spec.field.scan.kind for spec in specs() if spec.field)
    assert set(kinds) == set(SCANNERS)
    fields = [spec.field for spec in specs() if spec.field]
    assert {fill.pattern for field in fields for fill in field.fills} == set(PATTERNS)
    assert {hand.kind for field in fields for hand in field.hands} == {"word", "line", "ring", "specks"}
    for part in ("bars", "blanks", "fills", "hands"):
        assert 0.01 < share([bool(getattr(field, part)) for field in fields]) < 0.5
    assert {field.scan.dpi for field in fields} == {100.0, 150.0, 200.0, 300.0, 400.0}
    assert {mark.kind for spec in specs() for mark in spec.marks} == {"rule", "tick", "flag", "fold"}


def test_one_bit_scans_are_common() -> None:
    black_and_white = [bool(np.isin(sheet.image, (0, 255)).all()) for sheet in rendered()]
    assert 0.2 < share(black_and_white) < 0.6


def test_ink_per_row_reaches_that_of_real_curves() -> None:
    """Real curves have medians of 7 to 28 px a row (FIELD_NOTES 9); thin ones of 3 px must stay common."""
    medians = []
    for sheet in rendered():
        for ink in sheet.strokes:
            rows = ink.sum(axis=1)
            if rows.any():
                medians.append(float(np.median(rows[rows > 0])))
    assert share([7 <= median <= 28 for median in medians]) > 0.2
    assert share([median > 28 for median in medians]) > 0.02
    assert share([median <= 3 for median in medians]) > 0.15


def test_nearly_every_curve_is_seen() -> None:
    seen = [bool(ink.sum() > 20) for sheet in rendered() for ink in sheet.strokes]
    assert share(seen) > 0.95


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    height_mm=st.floats(32, 90),
    width_mm=st.floats(32, 90),
    px_per_mm=st.floats(3, 12),
)
def test_truths_agree_at_every_size_and_scale(seed: int, height_mm: float, width_mm: float, px_per_mm: float) -> None:
    spec = sample("field", seed, size_mm=(height_mm, width_mm))
    sheet = render(spec, px_per_mm=px_per_mm)
    shape = (round(height_mm * px_per_mm), round(width_mm * px_per_mm))
    assert sheet.image.shape == sheet.labels.shape == sheet.layers.shape == sheet.strokes.shape[1:] == shape
    assert len(sheet.strokes) == len(sheet.curves) == len(spec.curves)
    assert ((sheet.labels > 0) == sheet.strokes.any(axis=0)).all()
    for k, ink in enumerate(sheet.strokes, start=1):
        assert ink[sheet.labels == k].all()
    for curve in sheet.curves:
        finite = np.isfinite(curve.x_px)
        assert (finite == np.isfinite(curve.y_px)).all()
        assert (curve.x_px[finite] > -0.51).all()
        assert (curve.x_px[finite] < shape[1] - 0.49).all()


@pytest.mark.parametrize("size_mm", [(32.0, 260.0), (260.0, 200.0)])
def test_pages(size_mm: tuple[float, float]) -> None:
    for seed in range(3):
        spec = sample("field", seed, size_mm=size_mm)
        assert all(track.left_mm > -7 and track.right_mm < size_mm[1] + 7 for track in spec.tracks)
        assert render(spec, px_per_mm=3).strokes.any()


def test_true_rows_lie_on_the_ink() -> None:
    checked = on_ink = 0
    for seed in range(30):
        spec = undashed(sample("field", seed, size_mm=(40.0, 40.0)))
        sheet = render(spec, px_per_mm=5)
        for x, ink in zip(true_rows(spec, px_per_mm=5), sheet.strokes, strict=True):
            rows = np.flatnonzero(np.isfinite(x))
            rows = rows[(x[rows] > 1) & (x[rows] < ink.shape[1] - 2)]
            columns = np.rint(x[rows]).astype(int)
            on_ink += int(ink[rows, columns].sum())
            assert cv2.dilate(ink.astype(np.uint8), np.ones((3, 3)))[rows, columns].all()  # at an end of a lap
            checked += len(rows)
    assert checked > 5000
    assert on_ink > 0.998 * checked


def undashed(spec: SheetSpec) -> SheetSpec:
    """The spec with solid pens, and without damage that removes truth."""
    assert spec.field is not None
    field = dataclasses.replace(spec.field, bars=(), scan=dataclasses.replace(spec.field.scan, lost=0.0, stain=0.0))
    curves = tuple(
        dataclasses.replace(curve, lap_dash_mm=(), pen=dataclasses.replace(curve.pen, dash_mm=()))
        for curve in spec.curves
    )
    return dataclasses.replace(spec, curves=curves, field=field)


def test_a_sheet_is_a_function_of_its_arguments() -> None:
    first = [sample("field", seed) for seed in range(6)]
    images = [render(spec, px_per_mm=4).image for spec in first]
    assert [sample("field", seed) for seed in reversed(range(6))] == first[::-1]
    assert len({spec.digest for spec in first}) == 6
    for spec, image in reversed(list(zip(first, images, strict=True))):
        assert (render(spec, px_per_mm=4).image == image).all()


def test_the_json_holds_the_parts_of_the_family() -> None:
    written = json.loads(specs()[0].to_json())
    assert set(written["field"]) == {field.name for field in dataclasses.fields(FieldSpec)}
    assert written == json.loads(json.dumps(dataclasses.asdict(specs()[0])))
    assert "field" not in json.loads(sample("archive", 0).to_json())


def test_shapes_from_samples() -> None:
    rng = np.random.default_rng(0)
    values = [np.cumsum(rng.normal(size=2000)) for _ in range(3)]
    values[0][500:600] = np.nan
    kinds: Counter[str] = Counter()
    for seed in range(40):
        spec = sample("field", seed, size_mm=(150.0, 60.0), samples=values)
        kinds.update(curve.shape.kind for curve in spec.curves)
        if seed < 8:
            assert render(spec, px_per_mm=3).strokes.any()
    assert 0.5 < kinds["samples"] / kinds.total() < 0.85
