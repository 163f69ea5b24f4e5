"""The two frozen families: composition, cues, determinism, and the differences between them."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.sheets import FROZEN, Sheet, composition, render, sample
from thinline.sheets.spec import CUES

SHEETS = 200


@cache
def rendered(family: str) -> tuple[Sheet, ...]:
    return tuple(render(sample(family, seed), px_per_mm=4) for seed in range(SHEETS))


@pytest.mark.parametrize("family", FROZEN)
def test_background_is_97_percent_and_most_ink_is_form(family: str) -> None:
    share = composition(rendered(family))
    assert 0.96 <= share["background"] <= 0.985
    for name in ("curve_1", "curve_2"):
        assert 0.008 <= share[name] < 0.019
    form = share["background"] * (1 - share["background/paper"] - share["background/stain"])
    assert form > 4 * (share["curve_1"] + share["curve_2"])
    assert share["background/grid"] > 0.1
    assert share["background/text"] > 0.01


@pytest.mark.parametrize("family", FROZEN)
def test_a_threshold_on_grey_is_not_enough(family: str) -> None:
    """Even the threshold with the best IoU on these sheets has a low IoU."""
    curve, paper = np.zeros((2, 256), np.int64)
    for sheet in rendered(family):
        curve += np.bincount(sheet.image[sheet.labels > 0], minlength=256)
        paper += np.bincount(sheet.image[sheet.labels == 0], minlength=256)
    iou = curve.cumsum() / (curve.sum() + paper.cumsum())  # of all pixels up to each grey level
    assert iou.max() < 0.25


@pytest.mark.parametrize("family", FROZEN)
def test_both_curves_are_darker_than_the_paper_around_them(family: str) -> None:
    faint = 0
    for sheet in rendered(family):
        bare = sheet.layers == 0
        for k in range(2):
            ink = sheet.strokes[k] & bare & ~sheet.strokes[1 - k]
            if ink.sum() > 20:
                faint += float(sheet.image[bare & (sheet.labels == 0)].mean() - sheet.image[ink].mean()) < 25
    assert faint <= 0.03 * 2 * SHEETS


def test_families_differ_in_wear_and_grid() -> None:
    one_bit = [np.mean([set(np.unique(s.image)) <= {0, 255} for s in rendered(family)]) for family in FROZEN]
    assert one_bit[0] > one_bit[1] + 0.05
    archive, procedural = (np.mean([s.image.std() for s in rendered(family)]) for family in FROZEN)
    assert archive > procedural + 5


@given(st.sampled_from(FROZEN), st.integers(0, 2**40))
def test_cues_agree(family: str, seed: int) -> None:
    spec = sample(family, seed)
    first, second = spec.curves
    one, two = first.pen, second.pen
    assert spec.cue in CUES
    assert one.weight * one.darkness >= two.weight * two.darkness
    assert one.spread_mm >= two.spread_mm
    assert first.shape.rough >= second.shape.rough
    if spec.cue == "weight":
        assert one.weight > 1.3 * two.weight
        assert one.dash_mm == two.dash_mm
    elif spec.cue == "dash":
        assert not one.dash_mm
        assert two.dash_mm
        assert not first.lap_dash_mm
    else:
        assert first.shape.rough > 3 * second.shape.rough
        assert one == two
    assert sorted(spec.order) == [0, 1]
    for curve in spec.curves:
        assert max(1, round(curve.pen.weight)) == 1
        assert 0 <= curve.track < len(spec.tracks)


def test_sides_and_order_vary() -> None:
    specs = [sample("archive", seed) for seed in range(SHEETS)]
    left = [
        float(np.nanmean(sheet.curves[0].x_px)) < float(np.nanmean(sheet.curves[1].x_px))
        for sheet in rendered("archive")
    ]
    assert 0.4 < np.mean(left) < 0.6
    assert 0.4 < np.mean([spec.order == (0, 1) for spec in specs]) < 0.6
    assert Counter(spec.cue for spec in specs).keys() == set(CUES)
    assert 0.5 < np.mean([spec.curves[0].track == spec.curves[1].track for spec in specs]) < 0.95
    crossing = np.mean([sheet.strokes.all(0).any() for sheet in rendered("archive")])
    assert crossing > 0.5


def test_a_spec_is_a_function_of_its_arguments() -> None:
    first = [sample("archive", seed) for seed in range(5)]
    assert [sample("archive", seed) for seed in reversed(range(5))] == first[::-1]
    assert len({spec.digest for spec in first}) == 5
    assert sample("procedural", 0).tracks != first[0].tracks


def test_shapes_from_samples() -> None:
    rng = np.random.default_rng(0)
    values = [np.cumsum(rng.normal(size=2000)) for _ in range(3)]
    values[0][500:600] = np.nan
    for seed in range(30):
        spec = sample("archive", seed, samples=values)
        assert {curve.shape.kind for curve in spec.curves} == {"samples"}
        if spec.cue == "roughness":
            rough, smooth = (np.nanstd(np.diff(curve.shape.values, 2)) for curve in spec.curves)
            assert rough > 1.5 * smooth
        sheet = render(spec, px_per_mm=4)
        assert sheet.strokes[0].sum() > 100
        assert sheet.strokes[1].sum() > 50


@pytest.mark.parametrize("size_mm", [(16.0, 16.0), (32.0, 48.0), (128.0, 64.0)])
def test_other_sizes(size_mm: tuple[float, float]) -> None:
    for seed in range(8):
        sheet = render(sample("archive", seed, size_mm=size_mm), px_per_mm=4)
        assert sheet.image.shape == (size_mm[0] * 4, size_mm[1] * 4)
        assert sheet.labels.any()


def test_errors_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"archive.*procedural.*'archiv'"):
        sample("archiv", 0)
    with pytest.raises(ValueError, match=r"size_mm.*16"):
        sample("archive", 0, size_mm=(8.0, 64.0))
    for bad in (np.array([1.0]), np.array([1.0, np.nan, np.inf]), np.ones((3, 3)), np.array([])):
        with pytest.raises(ValueError, match=r"samples\[0\].*2 finite.*null"):
            sample("archive", 0, samples=[bad])
