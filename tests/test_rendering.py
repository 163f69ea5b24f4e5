"""A resolution renders the same sheets at another scale; it never resizes and never draws others."""

import numpy as np
import pytest

from hairline.config import CONF, checked, compose_config
from hairline.rendering import plan_sheets
from hairline.sheets import PEN_MM
from hairline.sheets.draw import draw

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
    """The course at one depth in mm, read at three scales, agrees to half a coarse pixel where it is not steep."""
    for spec in planned["pen1"].splits.test.specs:
        at = {}
        for pen, conf in confs.items():
            scale = conf.resolution.px_per_mm
            sheet = draw(spec, px_per_mm=scale)
            assert sheet.labels.shape == tuple(round(side * scale) for side in spec.size_mm)
            curve = sheet.curves[0]
            rows_mm = (np.arange(len(curve.x_px)) + 0.5) / scale
            depth = np.arange(1.125, spec.size_mm[0] - 1, 0.25)  # centres of the rows of pen1
            nearest = np.abs(rows_mm[:, None] - depth).argmin(0)
            at[pen] = (curve.x_px[nearest] + 0.5) / scale
        for pen in ("pen2", "pen3"):
            off = np.abs(at[pen] - at["pen1"])
            assert np.isfinite(off).mean() > 0.5
            assert np.nanmedian(off) < 0.125


def test_truth_covers_the_same_share_at_every_resolution(confs, planned):
    """A pen of .25 mm: ink in mm^2 agrees between scales, which resized truth does not (sheets --resolution)."""
    ink = {
        pen: sum((draw(s, px_per_mm=c.resolution.px_per_mm).labels > 0).mean() for s in planned[pen].splits.train.specs)
        for pen, c in confs.items()
    }
    assert ink["pen2"] == pytest.approx(ink["pen1"], rel=0.35)
    assert ink["pen3"] == pytest.approx(ink["pen2"], rel=0.35)
