"""Ranks stand where the table says, and tau is the same both ways."""

import numpy as np
import pytest
from figure_cases import points, segments, small, tables, texts

from thinline.study.figures.ranks import rank_stability, square_of, tau_matrix
from thinline.study.figures.style import NotDrawn


@pytest.fixture(scope="module")
def effects():
    return tables(small())


def test_ranks_and_their_intervals(effects):
    figure = rank_stability(effects.ranks)
    for axes in figure.axes:
        for turn, loss in enumerate(("soft_ce", "dice", "tversky", "dice_ce")):
            drawn = points(axes, loss)
            expected = [1.25 + (turn - column) % 4 for column in range(6)]
            assert drawn[:, 1].tolist() == expected
            assert drawn[:, 0].round() == pytest.approx(np.arange(6))
        heights = {tuple(segment[:, 1]) for segment in segments(axes)}
        assert heights == {(rank, rank + 1) for rank in (1, 2, 3, 4)}
        assert axes.get_ylim()[0] > axes.get_ylim()[1]  # rank 1 above
        assert set(texts(axes)) == {"soft_ce", "dice", "tversky", "dice_ce"}
    assert figure.get_suptitle() == "Ranks of loss: 4 of 4 levels are first on some measure of some curve"


def test_a_level_that_is_always_first_is_named(effects):
    one = effects.ranks.assign(rank=(effects.ranks["level"] != "dice") + 1.0)
    assert rank_stability(one).get_suptitle() == "Ranks of loss: dice is first on every measure"


def test_tau_is_symmetric_with_ones_on_the_diagonal(effects):
    table = effects.tau[effects.tau["class"] == "curve_1"].assign(tau=np.linspace(-1, 1, 15))
    names = list(dict.fromkeys([*table["measure_a"], *table["measure_b"]]))
    square = square_of(table, names)
    assert (square == square.T).all()
    assert np.diag(square).tolist() == [1] * 6
    assert square[names.index("iou"), names.index("precision")] == table["tau"].iloc[0]


def test_the_matrix_has_tau_in_its_cells(effects):
    table = effects.tau.assign(tau=np.linspace(-1, 0.9, 30))
    figure = tau_matrix(table)
    for axes in figure.axes:
        shades = np.asarray(axes.images[0].get_array())
        actual = [float(text) for text in texts(axes)]
        assert actual == pytest.approx(shades.ravel().tolist(), abs=0.005 + 1e-9)
    assert figure.get_suptitle().endswith("Kendall's tau goes down to -1.00")


def test_without_ranks_or_with_one_measure_there_is_no_figure(effects):
    with pytest.raises(NotDrawn, match="no ranks of head"):
        rank_stability(effects.ranks, factor="head")
    with pytest.raises(NotDrawn, match="no agreement of measures on loss"):
        tau_matrix(effects.tau.iloc[:0])
    with pytest.raises(NotDrawn, match="on one measure"):
        tau_matrix(effects.tau.iloc[:1].assign(measure_a="iou", measure_b="iou"))
