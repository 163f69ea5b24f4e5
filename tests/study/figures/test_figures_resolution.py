"""Measures over the width of the pen, as means over the other factors."""

import numpy as np
import pytest
from figure_cases import PENS, panel, points, small, texts, whole, with_rows

from thinline.metrics.number_format import number
from thinline.study.figures.resolution import pen_px, resolution_response
from thinline.study.figures.style import NotDrawn


@pytest.fixture(scope="module")
def results():
    return with_rows(
        small(PENS),
        {
            ("test", "viterbi_bridged_mae_mm"): lambda cell, name, seed: 3 / pen_px(cell["resolution"]) + 0.01 * seed,
            ("oracle_jitter", "iou"): lambda cell, name, seed: 0.1 * pen_px(cell["resolution"]),
        },
    )


@pytest.fixture(scope="module")
def figure(results):
    return resolution_response(results)


def means(results, measure, name):
    values = whole(results, measure, name).mean(axis=1)
    return values.groupby(results.conditions["resolution"]).mean()


def test_means_over_the_other_factors(results, figure):
    for name, label in (("curve_1", "curve 1"), ("curve_2", "curve 2")):
        drawn = points(panel(figure, "IoU"), label)
        assert drawn[:, 1] == pytest.approx(means(results, "iou", name).to_numpy())
        assert drawn[:, 0] == pytest.approx([1, 2, 3], abs=0.03)
    assert points(panel(figure, "MAE, bridged [mm]"), "curve 1")[:, 1] == pytest.approx([3.01, 1.51, 1.01])


def test_faint_lines_are_the_levels_of_the_others(results, figure):
    faint = [line.get_ydata() for line in panel(figure, "IoU").lines if line.get_alpha()]
    dice = whole(results, "iou", "curve_1").mean(axis=1)[["pen1/dice", "pen2/dice", "pen3/dice"]]
    assert len(faint) == 4
    assert any(np.allclose(values, dice) for values in faint)


def test_what_a_perfect_trace_with_jitter_scores_is_dotted(figure):
    dotted = [line.get_ydata() for line in panel(figure, "IoU").lines if line.get_linestyle() == ":"]
    assert np.array(dotted) == pytest.approx(np.array([[0.1, 0.2, 0.3]] * 2))


def test_the_title_says_both_ends(results, figure):
    first, last = (np.mean([means(results, "iou", name)[pen] for name in results.classes]) for pen in ("pen1", "pen3"))
    expected = f"Pens of 1 and 3 px: IoU {number(first)} and {number(last)}, MAE, bridged [mm] 3.010 and 1.010"
    assert figure.get_suptitle() == expected


def test_what_was_not_measured_says_so():
    figure = resolution_response(small(PENS))
    assert texts(panel(figure, "MAE, bridged [mm]")) == ["not measured"]
    assert figure.get_suptitle().endswith("MAE, bridged [mm] not measured")


def test_one_resolution_is_no_response():
    with pytest.raises(NotDrawn, match="one resolution"):
        resolution_response(small())
    assert pen_px("pen12") == 12
    with pytest.raises(NotDrawn, match="'fine' does not say how wide"):
        pen_px("fine")
