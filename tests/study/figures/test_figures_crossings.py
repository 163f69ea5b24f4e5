"""Crossing zones and swaps, from whole splits."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_cases import heads, points, segments, small, tables, texts, tick_labels, whole, with_rows

from thinline.study.figures.crossings import crossing_errors
from thinline.study.figures.style import NotDrawn


def rate(cell, name, seed):
    return 0.3 + 0.1 * (cell["data_mix"] == "fresh") + 0.01 * seed


@pytest.fixture(scope="module")
def results():
    return with_rows(
        small(),
        {
            ("test", "crossing_inside_iou"): rate,
            ("test", "crossing_outside_iou"): lambda *arguments: rate(*arguments) + 0.25,
            ("test", "viterbi_swaps"): lambda cell, name, seed: 4.0,
            ("test", "edge_follower_swaps"): lambda cell, name, seed: 20.0 + seed,
        },
    )


def test_each_condition_has_its_rates_and_swaps(results):
    figure = crossing_errors(results, tables(results).cells)
    order = tick_labels(figure.axes[0].yaxis)
    iou = sum(whole(results, "iou", name).mean(axis=1) for name in results.classes)
    assert order == list(iou.sort_values(ascending=False).index)
    expected = [0.42 if condition.endswith("fresh") else 0.32 for condition in order]
    for zones, swaps in (figure.axes[:2], figure.axes[2:]):
        assert points(zones, "inside crossings")[:, 0] == pytest.approx(expected)
        assert points(zones, "outside crossings")[:, 0] == pytest.approx([value + 0.25 for value in expected])
        assert points(swaps, "viterbi")[:, 0].tolist() == [4.0] * 14
        assert points(swaps, "edge follower")[:, 0] == pytest.approx([22.0] * 14)
        half = 2.7764451 * 2.5**0.5 / 5**0.5
        ends = segments(swaps)[14:, :, 0]
        assert ends == pytest.approx(np.array([[22 - half, 22 + half]] * 14))
    assert figure.get_suptitle() == "Crossings: IoU there is .250 below that elsewhere, on average"


def test_a_better_rate_at_crossings_is_said_to_be(results):
    values = {"crossing_inside_f1": 0.9, "crossing_outside_f1": 0.8}
    worse = with_rows(results, {("test", name): lambda *_, name=name: values[name] for name in values})
    title = crossing_errors(worse, tables(results).cells, rate="f1").get_suptitle()
    assert title == "Crossings: F1 there is .100 above that elsewhere, on average"


@pytest.mark.parametrize("every", [True, False])
def test_a_curve_that_was_not_traced_says_so_and_one_without_zones_is_left_out(every):
    """A head for any curve has no crossings: of the zones inside all values are NaN, and the title said so."""
    results = heads()
    iou = results.rows[(results.rows["measure"] == "iou") & (results.rows["split"] == "test")]
    less = {"curve_1": 0.2, "curve_2": 0.3, "curve": 0.1}
    inside = iou.assign(measure="crossing_inside_iou", value=iou["value"] - iou["class"].map(less))
    swaps = inside[inside["class"] != "curve"]
    zones = pd.concat([inside, iou.assign(measure="crossing_outside_iou")])
    nowhere = (zones["class"] == "curve") & (zones["measure"] == "crossing_inside_iou")
    zones = zones.assign(value=zones["value"].where(~nowhere | every, np.nan))
    added = [swaps.assign(measure=f"{trace}_swaps", value=7.0) for trace in ("viterbi", "edge_follower")]
    results = replace(results, rows=pd.concat([results.rows, zones, *added], ignore_index=True))
    figure = crossing_errors(results, tables(small()).cells.iloc[:0])
    curves = 3 if every else 2
    assert len(figure.axes) == 2 * curves
    marked = [np.isfinite(points(axes, "inside crossings")[:, 0]).sum() for axes in figure.axes[::2]]
    assert marked == [2, 2, 2][:curves]
    assert [np.isfinite(points(axes, "viterbi")[:, 0]).sum() for axes in figure.axes[1::2]] == [2, 2, 0][:curves]
    assert [texts(axes) for axes in figure.axes[1::2]] == [[], [], ["not traced"]][:curves]
    assert (
        figure.get_suptitle()
        == f"Crossings: IoU there is {'.200' if every else '.250'} below that elsewhere, on average"
    )


def test_without_zones_there_is_no_figure():
    results = small()
    with pytest.raises(NotDrawn, match="no run of this study has test/crossing_inside_iou"):
        crossing_errors(results, tables(results).cells)
