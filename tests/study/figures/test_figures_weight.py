"""The weight sweep: means over the weight as a number, the tuned ones beside them, controls as bands."""

from dataclasses import replace

import numpy as np
import pytest
from figure_cases import SWEEP, points, segments, small, whole, with_rows
from scipy import stats

from thinline.study.figures.style import NotDrawn
from thinline.study.figures.weight import weight_sweep

WEIGHTS = ("1", "5", "10", "42")


@pytest.fixture(scope="module")
def results():
    return small(SWEEP)


@pytest.fixture(scope="module")
def panels(results):
    """Panels by measure and head, of both curves."""
    axes = [panel for panel in weight_sweep(results).axes if panel.get_title(loc="left")]
    return {(panel.get_title(loc="left"), number // 6): panel for number, panel in enumerate(axes)}


@pytest.mark.parametrize("head", ["softmax", "sigmoid_stack"])
@pytest.mark.parametrize(("title", "measure"), [("F1", "f1"), ("recall", "recall")])
def test_means_by_weight_in_the_order_of_numbers(results, panels, head, title, measure):
    drawn = points(panels[f"{title}, {head}", 1], "weighted, test")
    means = whole(results, measure, "curve_2").mean(axis=1)
    assert drawn[:, 0].tolist() == [1, 5, 10, 42]
    assert drawn[:, 1] == pytest.approx([means[f"fixed/{weight}/{head}/soft_ce"] for weight in WEIGHTS])


def test_the_tuned_threshold_is_there_where_it_was_measured(results, panels):
    drawn = points(panels["F1, softmax", 0], "weighted, at its tuned threshold")
    means = whole(results, "f1", "curve_1", split="tuned").mean(axis=1)
    assert drawn[:, 1] == pytest.approx([means[f"fixed/{weight}/softmax/soft_ce"] for weight in WEIGHTS])
    labels = [line.get_label() for line in panels["precision, softmax", 0].lines]
    assert "weighted, at its tuned threshold" not in labels


def test_a_control_is_a_band_of_its_head(results, panels):
    axes = panels["F1, sigmoid_stack", 0]
    values = whole(results, "f1", "curve_1").loc["tuned_threshold/sigmoid_stack/soft_ce"]
    (line,) = [line for line in axes.lines if line.get_label() == "control: tuned threshold"]
    assert line.get_ydata()[0] == pytest.approx(values.mean())
    low, high = stats.t.interval(0.95, 2, values.mean(), values.std() / np.sqrt(3))
    (band,) = axes.patches
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((low, high))


def test_a_control_with_another_loss_says_so_and_stands_beside_that_loss_without_weight() -> None:
    """`small` plants f1 of the test by condition and of the tuned split; the lines are means of these, of the head."""
    heads = ("softmax", "sigmoid_stack")
    also = (
        {"class_weight": ("logit_adjustment",), "head": heads, "loss": ("ce",)},
        {"class_weight": ("fixed",), "class_weight.value": ("1",), "head": heads, "loss": ("ce",)},
    )
    results = small(replace(SWEEP, name="of two losses", also=SWEEP.also + also))
    axes = next(panel for panel in weight_sweep(results).axes if panel.get_title(loc="left") == "F1, softmax")
    controls = [line for line in axes.lines if str(line.get_label()).startswith("control")]
    drawn = {line.get_label(): line.get_ydata()[0] for line in controls}
    test, tuned = (whole(results, "f1", "curve_1", split=split).mean(axis=1) for split in ("test", "tuned"))
    assert drawn == pytest.approx(
        {
            "control: tuned threshold": test["tuned_threshold/softmax/soft_ce"],
            "control: logit adjustment of ce": test["logit_adjustment/softmax/ce"],
            "control: logit adjustment of ce, at its tuned threshold": tuned["logit_adjustment/softmax/ce"],
            "control: weight 1 of ce": test["fixed/1/softmax/ce"],
        }
    )


def test_intervals_are_drawn_at_their_weight(results, panels):
    values = whole(results, "recall", "curve_1").loc["fixed/42/softmax/soft_ce"]
    low, high = stats.t.interval(0.95, 2, values.mean(), values.std() / np.sqrt(3))
    assert any(np.allclose(segment, [[42, low], [42, high]]) for segment in segments(panels["recall, softmax", 0]))


def test_the_axis_is_logarithmic_and_the_title_names_the_best_weight(results):
    figure = weight_sweep(results)
    assert {panel.get_xscale() for panel in figure.axes if panel.get_title(loc="left")} == {"log"}
    means = [whole(results, "f1", name).mean(axis=1) for name in results.classes]
    of = {
        weight: np.mean([f1[f"fixed/{weight}/{head}/soft_ce"] for f1 in means for head in SWEEP.factors["head"]])
        for weight in WEIGHTS
    }
    assert figure.get_suptitle().endswith(f"is at weight {max(of, key=of.get)}")


def test_tuned_precision_is_drawn_where_it_was_measured(results):
    more = with_rows(results, {("tuned", "precision"): lambda cell, name, seed: 0.25})
    axes = next(panel for panel in weight_sweep(more).axes if panel.get_title(loc="left") == "precision, softmax")
    assert points(axes, "weighted, at its tuned threshold")[:, 1].tolist() == [0.25] * 4


def test_a_study_without_sweep_says_so():
    with pytest.raises(NotDrawn, match="does not sweep the weight"):
        weight_sweep(small())
