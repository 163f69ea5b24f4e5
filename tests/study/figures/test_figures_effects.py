"""The forest has each contrast at its effect with its interval; bars of variance are as long as their shares."""

import numpy as np
import pytest
from figure_cases import contrasts, points, segments, small, tables, tick_labels
from matplotlib.colors import to_hex

from thinline.study.figures.effects import forest, variance_shares
from thinline.study.figures.style import BLUE, GREY, NotDrawn


@pytest.fixture(scope="module")
def results():
    return small()


@pytest.fixture(scope="module")
def table(results):
    return contrasts(results)


def marks(axes):
    """(effect, row, ink, face) of every mark of a panel."""
    lines = [line for line in axes.lines if line.get_marker() in ("o", "s")]
    return [
        (x, y, to_hex(line.get_color()).upper(), line.get_markerfacecolor())
        for line in lines
        for x, y in line.get_xydata()
    ]


def test_every_contrast_of_a_measure_is_in_its_column_at_its_effect(table):
    figure = forest(table)
    for axes, measure in zip(figure.axes, ("iou", "recall"), strict=True):
        part = table[table["measure"] == measure]
        assert sorted(mark[0] for mark in marks(axes)) == sorted(part["effect"])
        ends = {tuple(segment[:, 0].round(9)) for segment in segments(axes)}
        assert ends == set(zip(part["low"].round(9), part["high"].round(9), strict=True))


def test_rows_are_contrasts_main_effects_first(table):
    axes = forest(table).axes[0]
    names = tick_labels(axes.yaxis)
    assert names == ["loss: level_0 - other", "loss: level_1 - other", "level_0 - other", "level_1 - other"]
    row = {mark[0]: round(mark[1]) for mark in marks(axes)}
    part = table[table["measure"] == "iou"]
    expected = [2 * (order - 1) + int(text[6]) for order, text in zip(part["order"], part["contrast"], strict=True)]
    assert [row[effect] for effect in part["effect"]] == expected


def test_blue_and_filled_is_what_holm_leaves(table):
    figure = forest(table)
    clear = set(table.loc[table["p_holm"] < 0.05, "effect"])
    for effect, _, ink, face in [mark for axes in figure.axes for mark in marks(axes)]:
        assert (ink, face) == ((BLUE, BLUE) if effect in clear else (GREY, "white"))
    assert (
        figure.get_suptitle()
        == f"Effects: {len(clear)} of {len(table)} contrasts differ from 0 after Holm's correction"
    )


def test_grey_bars_reach_what_is_detectable(table):
    bars = forest(table).axes[0].patches
    assert {(round(bar.get_x(), 9), round(bar.get_width(), 9)) for bar in bars} == {(-0.03, 0.06)}


def test_of_too_many_contrasts_the_largest_of_both_orders_are_shown(results):
    table = contrasts(results, count=40)
    figure = forest(table)
    assert "Shown: the 30 largest of 80 contrasts." in figure.get_supxlabel()
    names = tick_labels(figure.axes[0].yaxis)
    size = table["effect"].abs().groupby([table["order"], table["contrast"]]).max()
    kept = {f"loss: {contrast}" for contrast in size[1].nlargest(18).index} | set(size[2].nlargest(12).index)
    assert set(names) == kept


def test_with_one_seed_nothing_is_tested(table):
    one = table.assign(low=np.nan, high=np.nan, p=np.nan, p_holm=np.nan, detectable=np.nan, seeds=1)
    figure = forest(one)
    assert figure.get_suptitle() == f"Effects: {len(table)} contrasts, none of which can be tested with one seed"
    assert "One seed: no intervals." in figure.get_supxlabel()
    assert len(marks(figure.axes[0])) == len(table) / 2
    assert len(segments(figure.axes[0])) == len(figure.axes[0].patches) == 0


def test_no_primary_contrast_no_forest(table):
    with pytest.raises(NotDrawn, match="no contrasts of primary measures"):
        forest(table.assign(primary=False))
    with pytest.raises(NotDrawn, match="no contrasts"):
        forest(table, orders=(3,))


def test_bars_of_variance(results):
    table = tables(results).variance
    figure = variance_shares(table)
    for axes in figure.axes:
        bars = axes.patches
        assert [round(bar.get_width(), 9) for bar in bars] == [0.75] * 6 + [0.25] * 6
        assert {(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars} == {(0.0, 0.75), (0.75, 1.0)}
    with pytest.raises(NotDrawn, match="no variance components"):
        variance_shares(table.iloc[:0])


def test_one_curve_is_one_marker(table):
    (axes,) = forest(table[(table["class"] == "curve_1") & (table["measure"] == "iou")]).axes
    assert {line.get_marker() for line in axes.lines if len(line.get_xydata()) and line.get_marker() in "os"} == {"o"}
    assert len(points(axes, axes.lines[0].get_label())) > 0
