"""A resolution renders the same sheets at another scale, without resizing."""

from pathlib import Path

import numpy as np
import pytest

from thinline.config.schema import CONF, checked, compose_config
from thinline.pipeline.sheets import plan_sheets
from thinline.sheets import PEN_MM
from thinline.sheets.drawing.draw import draw

LAS = Path(CONF).parent / "../shared/data/las"
PENS = sorted(path.stem for path in (CONF / "resolution").glob("*.yaml"))


@pytest.fixture(scope="module")
def confs():
    return {pen: checked(compose_config([f"resolution={pen}", "budget=smoke"])) for pen in PENS}


@pytest.fixture(scope="module")
def planned(confs):
    return {pen: plan_sheets(conf) for pen, conf in confs.items()}


def test_a_pen_is_as_many_pixels_wide_as_its_name_says(confs):
    assert {pen: conf.resolution.px_per_mm * PEN_MM for pen, conf in confs.items()} == {"pen1": 1, "pen2": 2, "pen3": 3}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_resolution_has_the_same_specs_and_another_digest(planned, split):
    specs = {tuple(spec.digest for spec in getattr(plan.splits, split).specs) for plan in planned.values()}
    assert len(specs) == 1
    assert len({plan.digest for plan in planned.values()}) == 3


def test_curves_lie_at_the_same_millimetres(confs, planned):
    """The centre of row i is that of row 3i + 1 at three times the scale: pen1 and pen3, and pen2 at 24 px per mm."""
    for spec in planned["pen1"].splits.test.specs:
        for scale in (confs["pen1"].resolution.px_per_mm, confs["pen2"].resolution.px_per_mm):
            coarse, fine = (draw(spec, px_per_mm=times * scale) for times in (1, 3))
            assert coarse.labels.shape == tuple(round(side * scale) for side in spec.size_mm)
            for here, there in zip(coarse.curves, fine.curves, strict=True):
                x_mm, y_mm = (here.x_px + 0.5) / scale, (here.y_px + 0.5) / scale
                assert np.isfinite(x_mm).mean() > 0.5
                np.testing.assert_allclose((there.x_px[1::3] + 0.5) / scale / 3, x_mm, atol=1e-4)
                np.testing.assert_allclose((there.y_px[1::3] + 0.5) / scale / 3, y_mm, atol=1e-4)
                np.testing.assert_array_equal(there.lap[1::3], here.lap)


def test_truth_covers_the_same_share_at_every_resolution(confs, planned):
    """A pen of .25 mm: ink in mm^2 agrees between scales, which resized truth does not (sheets --resolution)."""
    ink = {
        pen: sum((draw(s, px_per_mm=c.resolution.px_per_mm).labels > 0).mean() for s in planned[pen].splits.train.specs)
        for pen, c in confs.items()
    }
    assert ink["pen2"] == pytest.approx(ink["pen1"], rel=0.35)
    assert ink["pen3"] == pytest.approx(ink["pen2"], rel=0.35)


@pytest.mark.skipif(not LAS.is_dir(), reason="the real LAS curves are not beside this checkout")
def test_sheets_are_drawn_from_real_curves(planned):
    invented = planned["pen1"]
    actual = plan_sheets(checked(compose_config(["budget=smoke", f"data_mix.archive.las_dir={LAS}"])))
    assert actual.digest != invented.digest
    assert len(actual.digest) == len(invented.digest)
    for specs in zip(actual.splits.test.specs, invented.splits.test.specs, strict=True):
        real, other = (draw(spec, px_per_mm=4.0).labels for spec in specs)
        assert set(np.unique(real)) == {0, 1, 2}
        assert (real != other).any()
