"""Scanner: thresholds against plain formulas, enlarged pixels, and truth that is removed where nothing is left."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from thinline.sheets import Sheet, sample
from thinline.sheets.drawing.draw import draw
from thinline.sheets.drawing.scanner import scan
from thinline.sheets.field_spec import ScanSpec
from thinline.sheets.spec import WearSpec
from thinline.vocabulary import UInt8

CLEAN = WearSpec(3, paper=240, ink=30)


def grey(image: UInt8) -> Sheet:
    """A sheet of the given image, all of it truth of one curve."""
    truth = np.ones(image.shape, np.uint8)
    return Sheet(image, truth, truth[None].astype(bool), np.zeros(image.shape, np.uint8), ())


def ramp() -> UInt8:
    return np.tile(np.arange(256, dtype=np.uint8), (40, 1))


def test_a_global_threshold_splits_at_the_level() -> None:
    out = scan(grey(ramp()), CLEAN, ScanSpec("global", 127.0, level=0.4), px_per_mm=5).image
    assert set(np.unique(out)) == {0, 255}
    ink_share = (255 - np.arange(256)) / 255
    black = out[0] == 0
    # wear maps paper to 240 and full ink to 30, and blurs a ramp into itself
    assert ink_share[black].min() == pytest.approx(0.4, abs=0.01)
    assert ink_share[~black].max() == pytest.approx(0.4, abs=0.01)


def test_a_reduced_scan_keeps_grey_edges() -> None:
    out = scan(grey(ramp()), CLEAN, ScanSpec("global", 400.0, level=0.4), px_per_mm=5).image[0].astype(int)
    assert (np.diff(out[::-1])[2:-2] <= 0).all()
    assert out.min() == 0
    assert out.max() == 255
    assert 20 < ((out > 0) & (out < 255)).sum() < 120


@pytest.mark.parametrize("kind", ["global", "grey", "plot"])
def test_an_enlarged_scan_repeats_pixels(kind: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (80, 90), np.uint8)
    out = scan(grey(image), CLEAN, ScanSpec(kind, 127.0, level=0.4), px_per_mm=10).image  # 5 px per mm, enlarged by two
    assert (out[::2] == out[1::2]).all()
    assert (out[:, ::2] == out[:, 1::2]).all()
    assert len(np.unique(out[:, ::2], axis=1).T) > 30


def test_a_smooth_enlarged_scan_keeps_its_positions() -> None:
    """The centre of a line stays where it is, at any ratio of the scales."""
    for dpi in (97.0, 101.0, 113.0):
        image = np.full((200, 220), 255, np.uint8)
        image[:, 150:154] = 0
        spec = ScanSpec("grey", dpi, smooth=True)
        ink = 240.0 - scan(grey(image), dataclasses.replace(CLEAN, bleed=1.0), spec, px_per_mm=5).image[100]
        assert len(np.unique(ink)) > 3
        assert abs((ink * np.arange(220)).sum() / ink.sum() - 151.5) < 0.6  # half a pixel of the scan


@pytest.mark.parametrize("kind", ["ordered", "random"])
def test_dither_turns_grey_into_a_share_of_dots(kind: str) -> None:
    shares = []
    for level in (60, 120, 160, 230):
        out = scan(grey(np.full((64, 64), level, np.uint8)), CLEAN, ScanSpec(kind, 127.0, level=0.5), px_per_mm=5).image
        assert set(np.unique(out)) <= {0, 255}
        shares.append((out == 0).mean())
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.8
    assert 0.2 < shares[1] < 0.8
    assert shares[3] < 0.1


def test_a_local_threshold_follows_the_paper() -> None:
    """Lines of one contrast stay on paper that grows dark; a global threshold loses one side."""
    image = np.tile(np.linspace(255, 120, 200).astype(np.uint8), (60, 1))
    image[:, 10::20] -= 90
    wear = dataclasses.replace(CLEAN, paper=255, ink=0)
    out = scan(grey(image), wear, ScanSpec("local", 127.0, level=0.4), px_per_mm=5).image
    assert (out[:, 10::20] == 0).all()
    assert (out[:, 20::20] == 255).all()
    whole = scan(grey(image), wear, ScanSpec("global", 127.0, level=0.4), px_per_mm=5).image
    assert not ((whole[:, 10::20] == 0).all() and (whole[:, 20::20] == 255).all())


def test_truth_is_removed_only_where_nothing_is_left() -> None:
    drawn = draw(sample("field", 11, size_mm=(60.0, 60.0)), px_per_mm=5)
    for lost, stain in ((0.8, 0.0), (0.0, 0.85)):
        kept = scan(drawn, CLEAN, ScanSpec("grey", 300.0, lost=lost, stain=stain), px_per_mm=5)
        assert (kept.strokes == drawn.strokes).all()
    for lost, stain in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        full = grey(np.zeros((300, 300), np.uint8))
        gone = scan(full, CLEAN, ScanSpec("plot", 300.0, lost=lost, stain=stain), px_per_mm=5)
        removed = ~gone.strokes[0]
        assert 0 < removed.mean() < 0.7
        assert (gone.labels[removed] == 0).all()
        if not stain:
            assert (gone.image[removed] >= 229).all()  # at most a tenth of the ink is left


def test_curves_and_layers_pass_through() -> None:
    drawn = draw(sample("field", 2), px_per_mm=4)
    scanned = scan(drawn, CLEAN, ScanSpec("local", 100.0, lost=1.0), px_per_mm=4)
    assert scanned.curves is drawn.curves
    assert scanned.layers is drawn.layers
    assert scanned.image.dtype == np.uint8
