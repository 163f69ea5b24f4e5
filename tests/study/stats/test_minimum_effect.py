"""The minimum detectable effect against statsmodels and against studies in which it is true."""

import numpy as np
import pytest
from effect_cases import drawn
from statsmodels.stats.power import TTestPower

from thinline.study.stats.estimates import estimate_all
from thinline.study.stats.minimum_effect import detectable


@pytest.mark.parametrize("seeds", [3, 5, 10, 50])
def test_the_same_as_statsmodels(seeds):
    found = detectable(np.array([1 / np.sqrt(seeds)]), np.array([seeds - 1.0]))
    assert found[0] == pytest.approx(TTestPower().solve_power(nobs=seeds, alpha=0.05, power=0.8), rel=1e-4)


@pytest.mark.parametrize("seeds", [3, 5])
def test_it_is_found_in_80_of_100_studies(seeds):
    cell_sd = 0.02
    (size,) = detectable(np.array([cell_sd * np.sqrt(2 / seeds)]), np.array([seeds - 1.0]))
    rng = np.random.default_rng(2)
    weights = np.array([[-1.0, 1.0]])
    p = [
        estimate_all(drawn(rng, [0.5, 0.5 + size], seeds=seeds, sheets=1, cell_sd=cell_sd), weights).p
        for _ in range(2000)
    ]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.8, abs=3 * 0.4 / np.sqrt(2000))


def test_more_power_needs_a_larger_effect_and_no_noise_says_nothing():
    error, freedom = np.array([0.1, 0.0, np.nan]), np.array([4.0, 4.0, np.nan])
    usual, strict = detectable(error, freedom), detectable(error, freedom, power=0.95)
    assert usual[0] < strict[0]
    assert np.isnan(usual[1:]).all()
