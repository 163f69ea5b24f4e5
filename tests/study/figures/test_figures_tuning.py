"""Curves over the levels of a tuned factor, with rings at the chosen ones."""

from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from study_cases import planted

from thinline.study.design.study import Study, Tuning
from thinline.study.design.tuning import analysed
from thinline.study.figures.style import NotDrawn
from thinline.study.figures.tuning import tuning_curves

STUDY = Study(
    name="rates",
    question="?",
    primary=("test/iou",),
    seeds=("0", "1"),
    factors={"loss": ("ce", "dice"), "optimiser": ("muon", "adamw"), "rate": (".001", ".01", ".1")},
    tuning=Tuning("rate", "val/iou", ("0",), {"optimiser": {"muon": ".01", "adamw": ".001"}}),
)


@pytest.fixture(scope="module")
def results():
    rows = []
    for number, (loss, optimiser, rate) in enumerate(product(*STUDY.factors.values())):
        value = 0.5 + 0.01 * number
        default = STUDY.tuning.default["optimiser"][optimiser] == rate
        rows.append([loss, optimiser, rate, value, value / 2, value, rate == ".1", default])
    columns = [*STUDY.factors, "val/iou curve_1", "test/iou curve_1", "mean", "chosen", "default"]
    return replace(planted(analysed(STUDY), sheets=2), choices=pd.DataFrame(rows, columns=columns))


def test_a_line_for_each_loss_over_the_rates_with_a_ring_at_the_chosen_one(results):
    figure = tuning_curves(results)
    assert len(figure.axes) == 2 * 2  # validation and test, muon and adamw
    top, below = figure.axes[0], figure.axes[2]
    lines = {line.get_label(): line.get_xydata() for line in top.lines if line.get_label() in ("ce", "dice")}
    assert lines["dice"][:, 0] == pytest.approx([0.001, 0.01, 0.1])
    assert lines["dice"][:, 1] == pytest.approx([0.56, 0.57, 0.58])
    rings = [line.get_xydata()[0] for line in top.lines if line.get_markersize() == 10]
    assert [tuple(ring) for ring in rings] == [pytest.approx((0.1, 0.52)), pytest.approx((0.1, 0.58))]
    assert (top.get_ylabel(), below.get_ylabel()) == ("IoU, validation", "IoU, curve 1")
    assert (top.get_title(loc="left") or top.get_title()) == "muon"
    assert figure.get_suptitle() == "rate: 4 of 4 choices on validation differ from the default"


def test_other_studies_have_no_such_figure():
    with pytest.raises(NotDrawn, match="chooses no level"):
        tuning_curves(planted(sheets=2))
