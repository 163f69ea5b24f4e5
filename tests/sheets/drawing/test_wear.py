"""Wear changes the image alone, each strength has its effect, and the noise depends on the seed alone."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from sheet_cases import bare, curve

from thinline.sheets import render, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.drawing.noise import grain, patches
from thinline.sheets.drawing.wear import wear
from thinline.sheets.sheet import Sheet
from thinline.sheets.spec import WearSpec

CLEAN = WearSpec(3, paper=240, ink=30)


def worn(spec: WearSpec, px_per_mm: float = 4) -> Sheet:
    return wear(draw(bare(curve(0.2, 0.8, 0.4), curve(0.9, 0.1)), px_per_mm=px_per_mm), spec)


def test_truth_is_untouched() -> None:
    spec = sample("archive", 4)
    before = draw(spec, px_per_mm=4)
    after = wear(before, spec.wear)
    assert after.labels is before.labels
    assert after.strokes is before.strokes
    assert after.layers is before.layers
    assert after.curves is before.curves
    assert (after.image != before.image).any()


def test_paper_and_ink_have_the_greys_of_the_spec() -> None:
    sheet = worn(CLEAN)
    assert set(np.unique(sheet.image)) == {30, 240}
    assert (sheet.image[sheet.strokes.any(0)] == 30).all()


def test_bleed_darkens_what_has_spread() -> None:
    thin, fat = worn(dataclasses.replace(CLEAN, blur_px=0.8)), worn(dataclasses.replace(CLEAN, blur_px=0.8, bleed=1.6))
    assert (fat.image <= thin.image.astype(int) + 1).all()
    assert fat.image.mean() < thin.image.mean() - 0.5
    assert fat.image.min() >= 29


def test_fading_takes_ink_away_and_dots_break_it_up() -> None:
    whole = worn(CLEAN).image.astype(int)
    pale, dotted = (worn(dataclasses.replace(CLEAN, fade=0.5, dots=d)).image.astype(int) for d in (0.0, 1.5))
    assert (pale >= whole).all()
    inked = whole < 100
    assert pale[inked].mean() > whole[inked].mean() + 10
    assert dotted[inked].std() > pale[inked].std() + 5
    assert (pale[~inked] == 240).all()


def test_grain_has_the_standard_deviation_of_the_spec() -> None:
    noisy = worn(dataclasses.replace(CLEAN, paper=128, grain=8.0))
    paper = noisy.image[noisy.labels == 0]
    assert abs(float(paper.mean()) - 128) < 1
    assert abs(float(paper.std()) - 8) < 0.5


def test_blotches_of_the_paper_are_slow() -> None:
    image = worn(dataclasses.replace(CLEAN, paper=128, blotch=12.0)).image.astype(int)
    assert image.std() > 4
    assert np.abs(np.diff(image[:40, :40], axis=1)).max() <= 3


def test_salt_and_pepper_have_the_shares_of_the_spec() -> None:
    image = worn(dataclasses.replace(CLEAN, paper=128, ink=120, salt=0.02, pepper=0.01)).image
    assert abs((image == 255).mean() - 0.02) < 0.004
    assert abs((image == 0).mean() - 0.01) < 0.003


def test_one_bit_is_one_bit() -> None:
    assert set(np.unique(worn(dataclasses.replace(CLEAN, one_bit=0.6, grain=20.0)).image)) == {0, 255}


@pytest.mark.parametrize("family", ["archive", "procedural"])
def test_a_sheet_depends_on_its_spec_alone(family: str) -> None:
    specs = [sample(family, seed) for seed in range(6)]
    first = [render(spec, px_per_mm=4).image for spec in specs]
    cv2.setRNGSeed(1)
    np.random.default_rng(0).normal(size=10)
    render(sample("archive", 99), px_per_mm=8)
    for spec, image in zip(reversed(specs), reversed(first), strict=True):
        np.testing.assert_array_equal(render(spec, px_per_mm=4).image, image)
    assert len({image.tobytes() for image in first}) == 6


@pytest.mark.parametrize("shape", [(64, 64), (256, 100), (700, 900)])
def test_noise_has_its_moments_at_any_size(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    white = grain(shape, rng)
    assert white.shape == shape
    assert abs(float(white.mean()) - 128) < 2
    assert abs(float(white.std()) - 32) < 1.5
    assert abs(np.corrcoef(white[:, 1:].ravel(), white[:, :-1].ravel())[0, 1]) < 0.05


def test_patches_are_a_tile_that_begins_where_the_seed_says() -> None:
    corners = set()
    for seed in range(20):
        tile, top, left = patches(seed)
        assert 0 <= min(top, left) <= max(top, left) < 512
        corners.add((top, left))
    assert len(corners) > 15
    assert tile.shape == (512, 64)
    bits = np.unpackbits(tile, axis=1, bitorder="little")
    assert 0.69 < bits.mean() < 0.71
    assert 0.1 < (bits[:, 1:] != bits[:, :-1]).mean() < 0.25  # patches of some pixels, not noise
