"""Contrasts by matrix products: against one at a time, and what their intervals and p are worth over many studies."""

import numpy as np
import pytest
from effect_cases import SEEDS_RULE, SHEETS_RULE, drawn, full_grid, samples_of
from statsmodels.stats.multitest import multipletests

from hairline.study.contrasts import contrasts_of
from hairline.study.estimates import estimate
from hairline.study.paired import estimate_all, holm

GRID = full_grid(weight="01", loss="012", mix="01")
WEIGHTS = contrasts_of(GRID).weights
STUDIES = 1000
TRUTH = 0.5 + 0.1 * np.random.default_rng(7).normal(size=12)


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("lost", [0, 3])
def test_the_same_as_one_estimate_after_the_other(crossed, lost):
    rng = np.random.default_rng(lost)
    data = drawn(rng, TRUTH, **SEEDS_RULE, crossed=crossed, sheets=9)
    whole = rng.integers(1, 50, data.parts.shape).astype(float)
    whole[2, 1, 4] = whole[:, :, 7] = 0
    for a, s in zip(rng.integers(12, size=lost), range(lost), strict=True):
        whole[a, s] = 0
    whole[5, 4, 1:] = 0  # one sheet alone: without it there is no value
    data = samples_of(data.parts, whole, crossed=crossed)
    found = estimate_all(data, WEIGHTS)
    for place, weights in enumerate(WEIGHTS):
        one = estimate(data, weights)
        assert found.seeds[place] == one.seeds
        mine = [getattr(found, name)[place] for name in ("effect", "low", "high", "p")]
        np.testing.assert_allclose(mine, [one.effect, one.low, one.high, one.p], rtol=1e-9, atol=1e-13)


def test_fewer_than_two_seeds_have_an_effect_and_no_interval():
    one = estimate_all(drawn(np.random.default_rng(0), TRUTH, seeds=1, **SEEDS_RULE), WEIGHTS)
    assert np.isfinite(one.effect).all()
    assert np.isnan([one.low, one.high, one.p, one.error]).all()
    none = estimate_all(samples_of(np.zeros((12, 5, 2)), np.zeros((12, 5, 2))), WEIGHTS)
    assert np.isnan(none.effect).all()
    assert (none.seeds == 0).all()


def test_equal_values_do_not_differ_by_rounding():
    rng = np.random.default_rng(0)
    whole = np.broadcast_to(rng.integers(1, 1000, (12, 5, 7)), (12, 5, 7)).astype(float)
    found = estimate_all(samples_of(np.full((12, 5, 7), 0.1), whole), WEIGHTS)
    assert (found.effect == 0).all()
    assert (found.p == 1).all()
    assert (found.error == 0).all()


def simulated(noise, truth, **more):
    """Estimates of many studies, one after the other."""
    rng = np.random.default_rng(1)
    return [estimate_all(drawn(rng, truth, **noise, **more), WEIGHTS) for _ in range(STUDIES)]


@pytest.mark.parametrize("noise", [SEEDS_RULE, SHEETS_RULE], ids=["seeds rule", "sheets rule"])
def test_intervals_cover_the_truth_in_95_of_100_studies(noise):
    found = simulated(noise, TRUTH, sheets=16)
    truth = WEIGHTS @ TRUTH
    low, high = np.array([it.low for it in found]), np.array([it.high for it in found])
    covered = ((low <= truth) & (truth <= high)).mean(0)
    assert (covered >= 0.93).all(), covered.min()
    assert (covered <= 0.97).all(), covered.max()


@pytest.mark.parametrize("noise", [SEEDS_RULE, SHEETS_RULE], ids=["seeds rule", "sheets rule"])
def test_intervals_over_common_sheets_cover_about_as_much(noise):
    found = simulated(noise, TRUTH, sheets=16, crossed=True)
    truth = WEIGHTS @ TRUTH
    low, high = np.array([it.low for it in found]), np.array([it.high for it in found])
    covered = ((low <= truth) & (truth <= high)).mean(0)
    assert 0.93 <= covered.mean() <= 0.98


@pytest.mark.parametrize("noise", [SEEDS_RULE, SHEETS_RULE], ids=["seeds rule", "sheets rule"])
def test_without_effects_none_is_called_more_often_than_declared(noise):
    found = simulated(noise, np.full(12, 0.5), sheets=16)
    p = np.array([it.p for it in found])
    of_chance = np.sqrt(0.05 * 0.95 / STUDIES)
    assert np.abs((p < 0.05).mean(0) - 0.05).max() < 4 * of_chance
    corrected = holm(p.ravel(), np.repeat(np.arange(STUDIES), len(WEIGHTS)).tolist()).reshape(p.shape)
    wrong = (corrected < 0.05).any(1).mean()
    assert 0.01 < wrong < 0.05 + 3 * of_chance


def test_holm_against_statsmodels_family_by_family():
    rng = np.random.default_rng(0)
    p = rng.random(40) ** 3
    p[5] = np.nan
    families = ["one"] * 25 + ["other"] * 15
    found = holm(p, families)
    assert np.isnan(found[5])
    for name in ("one", "other"):
        own = np.array([it == name for it in families]) & np.isfinite(p)
        np.testing.assert_allclose(found[own], multipletests(p[own], method="holm")[1])
