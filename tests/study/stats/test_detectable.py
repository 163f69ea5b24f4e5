"""The smallest difference of two conditions, against the power of a paired t test on planted rows."""

import numpy as np
import pytest
from scipy import stats
from study_cases import planted

from thinline.study.stats.detectable import smallest_difference, smallest_of


def test_a_paired_test_finds_the_smallest_difference_in_four_of_five_studies():
    """Two conditions that share the noise of their seeds, .1, which no paired difference has."""
    rng = np.random.default_rng(0)
    own = rng.normal(0, 0.01, (4000, 2, 5)) + rng.normal(0, 0.1, (4000, 1, 5))
    error = 0.01 * np.sqrt(2 / 5)
    values = np.array([[0.0] * 5, [-1.0, 0.5, 0.0, -0.5, 1.0]])
    values[1] *= error * np.sqrt(5) / values[1].std(ddof=1)
    difference = smallest_difference(values)
    p = stats.ttest_rel(own[:, 1] + difference, own[:, 0], axis=1).pvalue
    assert (p < 0.05).mean() == pytest.approx(0.8, abs=0.03)


def test_it_is_far_smaller_than_the_intervals_of_rows():
    results = planted(sheets=4, seed_sd=0.05)
    rows = results.rows.merge(results.cells, on="run")
    rows = rows[(rows["split"] == "test") & (rows["measure"] == "recall") & (rows["class"] == "curve_1")]
    half = rows.groupby("condition")["value"].sem().median() * stats.t.ppf(0.975, 4)
    assert 0 < smallest_of(results, "recall", "curve_1") < half / 2


def test_too_few_seeds_or_conditions_have_none():
    assert np.isnan(smallest_difference(np.zeros((3, 1))))
    assert np.isnan(smallest_difference(np.array([[1.0, 2.0], [np.nan, 1.0]])))
    three = np.array([[0.1, 0.2, 0.4], [0.0, 0.3, 0.5]])
    assert smallest_difference(np.c_[three, [np.nan, 0.5]]) == smallest_difference(three)
    assert np.isnan(smallest_of(planted(sheets=3), "breaks", "curve_1"))
