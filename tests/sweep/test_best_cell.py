"""The best cell has a lead that is larger than the spread over seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from thinline.sweep.best_cell import best_cell


def scores(**cells):
    """A row for each seed; shorter lists lack the last seeds."""
    return pd.DataFrame({name: pd.Series(values, dtype=float) for name, values in cells.items()})


def test_a_lead_that_is_the_same_in_every_seed_makes_the_best_cell():
    assert best_cell(scores(dice=[0.50, 0.60, 0.40], focal=[0.45, 0.55, 0.35])) == "dice"


def test_scores_may_scatter_while_differences_do_not():
    """The paired difference counts: the scores differ by 0.4 between seeds, the cells by 0.05 in each."""
    assert best_cell(scores(dice=[0.2, 0.6, 0.4], focal=[0.15, 0.551, 0.349])) == "dice"


def test_no_cell_is_best_within_what_one_seed_gives():
    assert best_cell(scores(dice=[0.50, 0.60, 0.40], focal=[0.45, 0.62, 0.35])) is None


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_limit_is_the_prediction_interval_of_one_further_seed(count):
    """Reference: a t test of one further observation against the sample, by scipy.stats, at 2.5 % on one side."""
    differences = np.random.default_rng(count).normal(0, 0.01, count)
    differences -= differences.mean()
    limit = stats.t.isf(0.025, count - 1) * differences.std(ddof=1) * np.sqrt(1 + 1 / count)
    for factor, best in ((0.99, None), (1.01, "dice")):
        assert best_cell(scores(dice=0.5 + differences + factor * limit, focal=[0.5] * count)) == best


def test_one_seed_gives_no_best_cell():
    assert best_cell(scores(dice=[0.9], focal=[0.1])) is None
    assert best_cell(scores(dice=[0.9, 0.9], focal=[0.1])) is None  # one shared seed


def test_a_cell_tied_with_another_is_not_best():
    assert best_cell(scores(dice=[0.5, 0.6, 0.4], focal=[0.1, 0.2, 0.0], ce=[0.5, 0.6, 0.4])) is None


def test_a_cell_with_an_undefined_score_is_not_compared():
    cells = {"dice": [0.5, 0.6], "focal": [0.4, 0.5], "ce": [np.inf, 0.9]}
    assert best_cell(scores(**cells)) == "dice"
    assert best_cell(scores(dice=[0.5, 0.6], ce=[np.inf, 0.9])) is None
