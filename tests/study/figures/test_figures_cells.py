"""The numbers in the cells of the matrix and the heat map are those of the tables, and shades follow them."""

import numpy as np
import pytest
from figure_cases import PENS, SWEEP, heads, one_line, small, tables, texts, tick_labels, whole

from thinline.metrics.catalogue import metric
from thinline.metrics.number_format import number
from thinline.study.figures.cells import decision_matrix, goodness, heat_map
from thinline.study.figures.style import NotDrawn
from thinline.study.stats.samples import AXES

MEASURES = ("iou", "viterbi_bridged_mae_track")


@pytest.fixture(scope="module")
def results():
    return small()


def test_a_loss_has_its_mean_interval_and_rank(results):
    figure = decision_matrix(results, tables(results).ranks, measures=MEASURES)
    axes = figure.axes[1]
    assert axes.get_title(loc="left") == "curve 2"
    assert tick_labels(axes.yaxis) == ["dice", "focal", "lovasz", "soft_ce", "tversky"]
    values = whole(results, "iou", "curve_2")
    grid = results.conditions["grid"] & (results.conditions["loss"] == "tversky")
    by_seed = values[grid].mean(axis=0)
    half = 2.7764451 * by_seed.std() / np.sqrt(5)
    actual = {text.get_text(): text.get_position() for text in axes.texts}
    assert actual[f"{number(by_seed.mean())}  #3.2"][0] == 0
    low, high = by_seed.mean() - half, by_seed.mean() + half
    assert f"{number(low)} to {number(high)}" in actual


def test_a_loss_that_was_not_run_says_so(results):
    figure = decision_matrix(results, tables(results).ranks, measures=MEASURES)
    not_run = [text.get_position() for text in figure.axes[0].texts if text.get_text() == "not run"]
    assert sorted(not_run) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert "Not run in this study: focal, lovasz." in one_line(figure.get_supxlabel())
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array())[:, 0].tolist() == [False, True, True, False, False]


def test_the_title_names_the_loss_with_most_best_means(results):
    figure = decision_matrix(results, tables(results).ranks, measures=("iou", "recall"))
    inside = results.conditions[results.conditions["grid"]]
    best = [
        whole(results, measure, name).loc[inside.index].mean(axis=1).groupby(inside["loss"]).mean().idxmax()
        for measure in ("iou", "recall")
        for name in results.classes
    ]
    assert sorted(best) == ["soft_ce", "soft_ce", "tversky", "tversky"]
    result = "Decision matrix: of 3 losses, tversky and soft_ce have the best mean in 2 of 4 columns each"
    assert figure.get_suptitle() == result
    one = decision_matrix(results, tables(results).ranks, measures=("iou", "f1")).get_suptitle()
    assert one == "Decision matrix: of 3 losses, tversky has the best mean in 4 of 4 columns"


def test_a_study_of_one_loss_has_no_matrix():
    results = small(SWEEP)
    with pytest.raises(NotDrawn, match="compares no losses"):
        decision_matrix(results, tables(results).ranks)


def test_measures_are_those_that_were_measured():
    """All but the error with gaps, which repeats coverage."""
    figure = decision_matrix(small(PENS), tables(small(PENS)).ranks)
    assert len(figure.axes[0].get_xticklabels()) == len(AXES) - 1


def test_the_heat_map_has_every_mean_in_its_cell_sorted_by_iou(results):
    figure = heat_map(results, tables(results).cells, measures=MEASURES)
    order = np.mean([whole(results, "iou", name).mean(axis=1) for name in results.classes], axis=0).argsort()[::-1]
    labels = results.conditions.index[order]
    for axes, name in zip(figure.axes, results.classes, strict=True):
        actual = {text.get_position(): text.get_text() for text in axes.texts}
        for column, measure in enumerate(MEASURES):
            means = whole(results, measure, name).mean(axis=1)
            assert [actual[column, row] for row in range(14)] == [
                number(means[label], metric(measure).digits) for label in labels
            ]
    assert tick_labels(figure.axes[0].yaxis) == list(labels)


def test_a_matrix_is_over_the_heads_that_predict_the_curve():
    results = heads()
    figure = decision_matrix(results, tables(small()).ranks.iloc[:0], measures=MEASURES)
    for axes, name in zip(figure.axes, results.classes, strict=True):
        texts_of = {text.get_position(): text.get_text() for text in axes.texts}
        rows = results.rows[(results.rows["class"] == name) & (results.rows["split"] == "test")]
        cells = results.cells[["run", "loss"]]
        means = rows.merge(cells).groupby(["measure", "loss"])["value"].mean()
        for row, loss in ((0, "dice"), (3, "soft_ce")):
            cell = {(x, round(y)): text for (x, y), text in texts_of.items() if " to " not in text}
            assert cell[0, row] == number(means["iou", loss])
            assert cell[1, row] == ("-" if name == "curve" else number(means[MEASURES[1], loss], 4))
        assert texts_of[0, 1] == texts_of[1, 1] == "not run"
    assert "of 5 columns" in figure.get_suptitle()
    assert "heads that predict the curve" in one_line(figure.get_supxlabel())


def test_a_curve_that_a_head_does_not_predict_is_a_dash_in_the_heat_map():
    """A binary head has one curve, which nobody traces, and no other."""
    results = heads()
    assert results.classes == ("curve_1", "curve_2", "curve")
    figure = heat_map(results, tables(small()).cells.iloc[:0], measures=MEASURES)
    rows = tick_labels(figure.axes[0].yaxis)
    assert [row.split("/")[0] for row in rows] == ["softmax", "softmax", "binary", "binary"], "two curves before one"
    assert "those that predict fewer curves last" in one_line(figure.get_supxlabel())
    assert "fewer" not in heat_map(small(), tables(small()).cells, measures=MEASURES).get_supxlabel()
    for axes, name in zip(figure.axes, results.classes, strict=True):
        actual = np.reshape(texts(axes), (4, 2))
        known = [row.startswith("binary") == (name == "curve") for row in rows]
        assert [text != "-" for text in actual[:, 0]] == known
        assert [text != "-" for text in actual[:, 1]] == [predicted and name != "curve" for predicted in known]
        iou = results.rows[(results.rows["class"] == name) & (results.rows["measure"] == "iou")]
        by_condition = iou.merge(results.cells[["run", "condition"]]).groupby("condition")["value"].mean()
        assert [text for text in actual[:, 0] if text != "-"] == [
            number(by_condition[label]) for label in rows if label in by_condition
        ]


def test_shades_are_goodness_within_a_column_and_errors_count_the_other_way(results):
    figure = heat_map(results, tables(results).cells, measures=MEASURES)
    shades = figure.axes[0].images[0].get_array()
    values = np.array([[float(text) for text in row] for row in np.reshape(texts(figure.axes[0]), shades.shape)])
    assert shades.min(0).tolist() == [0, 0]
    assert shades.max(0).tolist() == [1, 1]
    assert (np.diff(values[shades[:, 0].argsort(), 0]) >= 0).all()
    assert values[shades[:, 1].argmax(), 1] == values[:, 1].min()


def test_goodness():
    values = np.array([[0.2, 0.01, 5, np.nan], [0.6, 0.03, 5, 1], [0.4, 0.02, 5, 3]])
    actual = goodness(values, ["iou", "viterbi_bridged_mae_track", "recall", "hd95_px"])
    assert actual[:, :3] == pytest.approx(np.array([[0, 1, 0.5], [1, 0, 0.5], [0.5, 0.5, 0.5]]))
    assert np.isnan(actual[0, 3])
    assert actual[1:, 3].tolist() == [1, 0]
