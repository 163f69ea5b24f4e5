"""Lines of interactions go through the means over the conditions that have both levels."""

import numpy as np
import pytest
from figure_cases import FAMILIES, PENS, SWEEP, heads, panel, points, segments, small, texts, tick_labels, whole
from scipy import stats

from thinline.study.design.study import Study
from thinline.study.figures.interactions import interactions, pair_means
from thinline.study.figures.style import NotDrawn
from thinline.study.figures.tables import data_of


def test_a_line_for_each_level_through_the_means_of_the_grid():
    results = small()
    axes = panel(interactions(results, "recall"), "curve 2, a line for each class weight", below="loss")
    inside = results.conditions[results.conditions["grid"]]
    by_seed = whole(results, "recall", "curve_2").loc[inside.index]
    by_seed = by_seed.groupby([inside["class_weight"], inside["loss"]]).mean()
    ends = {tuple(np.round(segment[:, 1], 9)) for segment in segments(axes)}
    for weight in ("none", "measured"):
        part = by_seed.loc[weight].loc[["soft_ce", "dice", "tversky"]]
        assert points(axes, weight)[:, 1] == pytest.approx(part.mean(axis=1).to_numpy())
        assert points(axes, weight)[:, 0] == pytest.approx([0, 1, 2], abs=0.06)
        for _, row in part.iterrows():
            low, high = stats.t.interval(0.95, 4, row.mean(), row.std() / np.sqrt(5))
            assert any(np.allclose(end, (low, high), atol=1e-9) for end in ends)
    assert {"none", "measured"} <= set(texts(axes))


def test_every_pair_of_factors_has_a_panel_for_each_curve():
    figure = interactions(small(), "iou")
    assert sum(axes.get_visible() for axes in figure.axes) == 3 * 2
    assert figure.get_suptitle().startswith("Interactions on IoU:")


def test_another_split_is_named():
    figure = interactions(small(SWEEP), "f1", split="tuned")
    assert figure.get_suptitle().startswith("Interactions on F1 (tuned):")
    axes = panel(figure, "curve 1, a line for each head", below="weight of a curve")
    assert tick_labels(axes.xaxis) == ["1", "10", "42", "5"]
    actual = points(axes, "softmax")[:, 1]
    values = whole(small(SWEEP), "f1", "curve_1", split="tuned").mean(axis=1)
    assert actual == pytest.approx([values[f"fixed/{weight}/softmax/soft_ce"] for weight in ("1", "10", "42", "5")])


def test_a_curve_predicted_by_one_head_is_left_out_and_lines_are_named_at_their_end():
    with pytest.raises(NotDrawn, match="no curve is predicted at two levels of two factors"):
        interactions(heads(), "f1")
    results = heads(("softmax", "sigmoid_stack", "binary"))
    figure = interactions(results, "f1")
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert titles == ["curve 1, a line for each loss", "curve 2, a line for each loss"]
    for axes in figure.axes:
        assert tick_labels(axes.xaxis) == ["softmax", "sigmoid_stack", "binary"]
        assert {"dice", "soft_ce"} <= set(texts(axes))


def test_means_are_over_the_heads_that_predict_the_curve():
    """Of a third factor the binary head, without a value, made every mean one of nothing."""
    names = ("softmax", "sigmoid_stack", "binary")
    results = heads(names, loss=("dice", "soft_ce", "tversky", "focal"), data_mix=("scarce", "fresh"))
    figure = interactions(results, "f1")
    seen = [axes for axes in figure.axes if axes.get_visible()]
    titles = [f"{axes.get_title(loc='left')} over {axes.get_xlabel()}" for axes in seen]
    result = [
        "a line for each head over loss",
        "a line for each data mix over head",
        "a line for each data mix over loss",
    ]
    assert sorted(titles) == sorted([f"curve {n}, {end}" for n in (1, 2) for end in result] + [f"curve, {result[2]}"])
    rows = results.rows[(results.rows["measure"] == "f1") & (results.rows["split"] == "test")]
    means = rows.merge(results.cells).groupby(["class", "loss", "data_mix"])["value"].mean()
    for axes, title in zip(seen, titles, strict=True):
        assert "binary" not in [line.get_label() for line in axes.lines]
        if title.endswith(result[2]):
            name = title.partition(",")[0].replace(" ", "_")
            for mix in ("scarce", "fresh"):
                expected = [means[name, loss, mix] for loss in ("dice", "soft_ce", "tversky", "focal")]
                assert points(axes, mix)[:, 1] == pytest.approx(expected)


def test_of_many_pairs_the_least_parallel_are_shown():
    study = Study(
        name="five_factors",
        question="?",
        primary=("test/iou",),
        seeds=("0",),
        factors=dict(FAMILIES.factors) | {"head": ("softmax", "binary"), "resolution": ("pen1", "pen2")},
    )
    results = small(study)
    figure = interactions(results, "recall")
    assert "Shown: the 6 least parallel of 10 pairs" in figure.get_supxlabel()
    shown = {(axes.get_xlabel(), axes.get_title(loc="left")) for axes in figure.axes if axes.get_visible()}
    assert len(shown) == 12
    assert ("loss", "curve 1, a line for each class weight") in shown  # the only interaction planted


def test_pairs_that_never_meet_are_left_out():
    results = small(PENS)
    conditions = results.conditions
    fewer = conditions.assign(grid=conditions.index != "pen2/dice")
    actual = pair_means(fewer, data_of(results, "iou", "curve_1"), ("resolution", "loss"))
    assert list(actual["dice"].index) == ["pen1", "pen3"]
    assert list(actual["soft_ce"].index) == ["pen1", "pen2", "pen3"]


def test_one_factor_cannot_interact():
    study = Study(
        name="one_factor", question="?", primary=("test/iou",), seeds=("0",), factors={"loss": ("dice", "focal")}
    )
    with pytest.raises(NotDrawn, match="fewer than two factors"):
        interactions(small(study), "iou")
    with pytest.raises(NotDrawn, match="no run of this study has test/hausdorff of curve 1"):
        interactions(small(), "hausdorff")
