"""The frontier board shows the numbers it was given, and its lines are lines of equal IoU."""

from dataclasses import replace

import numpy as np
import pytest
from figure_cases import FAMILIES, heads, one_line, points, segments, small, tables, texts, tick_labels, whole

from thinline.study.claims.remedies import families_of, moves
from thinline.study.claims.usable import BOARD, usable_conditions, weakest_axis
from thinline.study.design.study import Study
from thinline.study.figures.frontier import frontier, precision_at
from thinline.study.figures.style import NotDrawn


@pytest.fixture(scope="module")
def results():
    return small()


@pytest.fixture(scope="module")
def board(results):
    return frontier(results, tables(results).cells)


def scatter_and_dots(figure, row=0):
    """The two panels of a curve; the legend's comes last."""
    return figure.axes[2 * row : 2 * row + 2]


@pytest.mark.parametrize(("row", "name"), [(0, "curve_1"), (1, "curve_2")])
def test_every_condition_is_drawn_at_its_mean_recall_and_precision(board, results, row, name):
    scatter, _ = scatter_and_dots(board, row)
    recall, precision = (whole(results, measure, name).mean(axis=1) for measure in ("recall", "precision"))
    inside, known = results.conditions["grid"], families_of(results.conditions)
    for families in set(known.values()):
        for filled in (True, False):
            labels = [label for label, own in known.items() if own == families and inside[label] == filled]
            if labels:
                drawn = points(scatter, moves(families) + ("" if filled else ", outside of the grid"))
                expected = np.column_stack([recall[labels], precision[labels]])
                assert sorted(map(tuple, drawn.round(12))) == sorted(map(tuple, expected.round(12)))


def test_intervals_run_from_low_to_high_in_both_directions(board, results):
    scatter, _ = scatter_and_dots(board)
    actual = {tuple(np.ravel(ends).round(9)) for ends in segments(scatter)}
    recall, precision = (whole(results, measure, "curve_1").mean(axis=1) for measure in ("recall", "precision"))
    for x, y in zip(recall, precision, strict=True):
        assert tuple(np.round((x - 0.01, y, x + 0.03, y), 9)) in actual
        assert tuple(np.round((x, y - 0.01, x, y + 0.03), 9)) in actual


def test_dots_show_the_three_axes_in_the_order_of_the_weakest(board, results):
    _, dots = scatter_and_dots(board, 1)
    least = np.min([whole(results, axis, name).mean(axis=1) for axis in BOARD for name in results.classes], axis=0)
    order = results.conditions.index[np.argsort(-least, kind="stable")]
    assert tick_labels(dots.yaxis) == [f"{n}  {label}" for n, label in enumerate(order, start=1)]
    assert points(dots, "IoU")[:, 0] == pytest.approx(whole(results, "iou", "curve_2").mean(axis=1)[order].to_numpy())
    scatter, _ = scatter_and_dots(board, 1)
    assert {str(n) for n in range(1, 15)} <= set(texts(scatter))


def test_hollow_markers_are_outside_of_the_grid(board):
    scatter, _ = scatter_and_dots(board)
    faces = {line.get_label(): line.get_markerfacecolor() for line in scatter.lines}
    assert faces["A+B+C, outside of the grid"] == "white" != faces["A+B+C"]


@pytest.mark.parametrize("iou", [0.1, 0.5, 0.9])
def test_lines_of_equal_iou(iou):
    recall = np.linspace(iou + 1e-6, 1, 50)
    precision = precision_at(iou, recall)
    assert precision * recall / (precision + recall - precision * recall) == pytest.approx(iou)
    assert precision[-1] == pytest.approx(iou)
    assert np.isinf(precision_at(0.5, np.array([0.2])))


def test_the_usable_area_ends_where_one_threshold_is_just_reached(results):
    usable = {"recall": 0.55, "precision": 0.7, "iou": 0.5}
    scatter, _ = scatter_and_dots(frontier(results, tables(results).cells, usable=usable))
    recall, precision = points(scatter, "usable").T
    iou = precision * recall / (precision + recall - precision * recall)
    slack = np.min([recall - 0.55, precision - 0.7, iou - 0.5], axis=0)
    assert len(recall) > 50
    assert (precision == 0.7).any()
    assert np.abs(slack).max() < 1e-9


def test_the_title_counts_conditions_that_clear_all_axes_on_all_curves(results):
    low = {"recall": 0.55, "precision": 0.3, "iou": 0.25}
    means = {axis: [whole(results, axis, name).mean(axis=1) for name in results.classes] for axis in BOARD}
    clear = np.all([values >= low[axis] for axis, by_class in means.items() for values in by_class], axis=0)
    assert 0 < clear.sum() < len(clear)
    cells = tables(results).cells
    lows = cells[(cells["split"] == "test") & cells["measure"].isin(BOARD)].assign(
        bar=lambda table: table["measure"].map(low)
    )
    whole_ones = int((lows["low"] >= lows["bar"]).groupby(lows["condition"]).all().sum())
    assert 0 < whole_ones < clear.sum()
    title = f"Measured frontier: {clear.sum()} of 14 conditions are usable on both curves by their means, {{}}"
    for table, result in (
        (cells, title.format(f"{whole_ones} with whole intervals")),
        (cells.assign(low=0.0), title.format("none with whole intervals")),
        (cells.assign(low=np.nan, high=np.nan), title.removesuffix(", {}")),
    ):
        assert one_line(frontier(results, table, usable=low).get_suptitle()) == result
    by_axis = {
        name: {axis: by_class[number].to_frame("mean") for axis, by_class in means.items()}
        for number, name in enumerate(results.classes)
    }
    assert usable_conditions(by_axis, low) == list(results.conditions.index[clear])
    assert weakest_axis(by_axis).iloc[0] == np.array(list(means.values())).min(axis=(0, 1)).max()


def test_a_condition_is_usable_by_the_curves_that_its_head_predicts():
    """Two heads, of which one has no curve of the other: both were counted as unusable."""
    results = heads()
    figure = frontier(results, tables(small()).cells.iloc[:0], usable={"recall": 0.3, "precision": 0.3, "iou": 0.2})
    title = "Measured frontier: 4 of 4 conditions are usable on every curve they predict by their means, "
    assert one_line(figure.get_suptitle()).startswith(title)
    iou = results.rows[(results.rows["measure"].isin(BOARD)) & (results.rows["split"] == "test")]
    cells = results.cells[["run", "condition"]]
    means = iou.merge(cells).groupby(["condition", "class", "measure"])["value"].mean().groupby("condition").min()
    # conditions with two curves come first
    order = sorted(means.index, key=lambda condition: (condition.startswith("binary"), -means[condition]))
    for row, absent in enumerate(("binary", "binary", "softmax")):
        _, dots = scatter_and_dots(figure, row)
        assert tick_labels(dots.yaxis) == [f"{n}  {label}" for n, label in enumerate(order, start=1)]
        lacking = [text.get_position()[1] for text in dots.texts if text.get_text() == "no value of this curve"]
        assert lacking == [number for number, label in enumerate(order) if label.startswith(absent)]
    strict = frontier(results, tables(small()).cells.iloc[:0], usable={"recall": 0.99, "precision": 0.3, "iou": 0.2})
    assert one_line(strict.get_suptitle()).startswith("Measured frontier: 0 of 4")


def test_without_table_the_means_come_from_the_results(results):
    scatter, _ = scatter_and_dots(frontier(results, tables(results).cells.iloc[:0]))
    actual = points(scatter, "base")[0]
    assert actual == pytest.approx(
        [whole(results, measure, "curve_1").mean(axis=1).iloc[0] for measure in ("recall", "precision")]
    )


def test_of_many_conditions_the_ends_are_named_and_it_says_so():
    study = Study(
        name="wide",
        question="?",
        primary=("test/iou",),
        seeds=("0", "1"),
        factors={"loss": tuple(f"loss_{n}" for n in range(15)), "data_mix": ("scarce", "fresh")},
    )
    results = small(study)
    figure = frontier(results, tables(results, measures=BOARD).cells)
    scatter, dots = scatter_and_dots(figure)
    assert "Shown: the first 10 and the last 10 of 30." in one_line(figure.get_supxlabel())
    assert len(dots.get_yticklabels()) == 20
    assert sum(len(points(scatter, label)) for label in ("base", "C")) == 30


def test_one_seed_has_no_intervals():
    study = Study(name="one", question="?", primary=("test/iou",), seeds=("0",), factors=dict(FAMILIES.factors))
    results = small(study)
    figure = frontier(results, tables(results).cells.iloc[:0])
    assert len(segments(scatter_and_dots(figure)[0])) == 0
    assert "One seed: no intervals." in one_line(figure.get_supxlabel())


def test_a_study_without_precision_says_so(results):
    rows = results.rows[results.rows["measure"] != "precision"]
    sheets = results.sheets[results.sheets["measure"] != "precision"]
    with pytest.raises(NotDrawn, match="no run of this study has test/precision of curve 1"):
        frontier(replace(results, rows=rows, sheets=sheets), tables(results).cells.iloc[:0])
