"""Which truth the sheets of a configuration have: named curves, or ink and centre lines."""

from __future__ import annotations

import numpy as np
import pytest

from thinline.config.schema import ConfigError
from thinline.pipeline.sheets import plan_sheets, render_sheets
from thinline.pipeline.train import CONSOLE

CURVES = ("head=curves", "classes=[background,ink,centre]")


def test_head_curves_has_the_images_of_named_curves_and_another_truth(tiny):
    named, unnamed = tiny()[0], tiny(*CURVES)[0]
    plans = plan_sheets(named), plan_sheets(unnamed)
    assert plans[0].digest != plans[1].digest  # another run, and another file of the cache
    one, other = (
        render_sheets(plan, conf, console=CONSOLE) for plan, conf in zip(plans, (named, unnamed), strict=True)
    )
    for first, second in zip(one[:3], other[:3], strict=True):
        assert np.array_equal(first.images, second.images)
        assert np.array_equal(first.labels > 0, (second.strokes & 1).astype(bool))  # bit 0 is the ink
        assert np.array_equal(second.labels == 2, second.strokes == 3)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["head=curves"], r"needs classes=\[background,ink,centre\], got \[background,curve_1,curve_2\]; add"),
        (["data_mix=field"], r"expected head=curves, got thinline\.heads\.Softmax; add head=curves classes="),
        ([*CURVES, "data_mix=folder"], "head=curves needs centre lines, which data_mix=folder does not have yet"),
    ],
)
def test_a_truth_that_the_head_cannot_use_is_refused_before_anything_is_drawn(tiny, overrides, message):
    with pytest.raises(ConfigError, match=message):
        plan_sheets(tiny(*overrides)[0])
