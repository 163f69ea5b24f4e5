"""The estimator against slow loops; coverage of intervals, p, probabilities and power over many simulated studies."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from effect_cases import SEEDS_RULE, SHEETS_RULE, drawn, full_grid, samples_of
from scipy import stats

import thinline.study
from thinline.study.stats import estimates
from thinline.study.stats.contrasts import contrasts_of
from thinline.study.stats.estimates import (
    chance_above,
    estimate,
    estimate_all,
    estimate_of_seeds,
    holm,
    minimum_detectable_effect,
    rounded,
)
from thinline.study.stats.samples import jackknife

GRID = full_grid(weight="01", loss="012", mix="01")
WEIGHTS = contrasts_of(GRID).weights
STUDIES = 1000
TRUTH = 0.5 + 0.1 * np.random.default_rng(7).normal(size=12)
NOISES = pytest.mark.parametrize("noise", [SEEDS_RULE, SHEETS_RULE], ids=["seeds rule", "sheets rule"])


def by_loops(data, weights):
    """Effect, low, high, p and seeds of one contrast, seed by seed and sheet by sheet."""
    used = np.flatnonzero(weights)

    def of_seed(seed, sheets):
        values = []
        for condition in used:
            whole = sum(data.whole[condition, seed, sheet] for sheet in sheets)
            if not whole:
                return None
            parts = sum(data.parts[condition, seed, sheet] for sheet in sheets)
            values.append(weights[condition] * parts / whole)
        return sum(values)

    sheets = range(data.parts.shape[-1])
    seeds = [seed for seed in range(data.parts.shape[1]) if of_seed(seed, sheets) is not None]
    each = [of_seed(seed, sheets) for seed in seeds]
    of_seeds, freedom = np.var(each, ddof=1) / len(each), len(each) - 1
    variance = of_seeds
    if data.crossed:
        means = []
        for left_out in sheets:
            others = [of_seed(seed, [sheet for sheet in sheets if sheet != left_out]) for seed in seeds]
            if None not in others:
                means.append(np.mean(others))
        of_sheets = (len(means) - 1) / len(means) * sum((mean - np.mean(means)) ** 2 for mean in means)
        variance = of_seeds + of_sheets
        freedom = variance**2 / (of_seeds**2 / freedom + of_sheets**2 / (len(sheets) - 1))
    mean, error = np.mean(each), np.sqrt(variance)
    low, high = stats.t.interval(0.95, freedom, loc=mean, scale=error)
    return mean, low, high, 2 * stats.t.sf(abs(mean / error), freedom), len(seeds)


@pytest.mark.parametrize("crossed", [False, True])
@pytest.mark.parametrize("lost", [0, 3])
def test_the_same_as_slow_loops(crossed, lost):
    rng = np.random.default_rng(lost)
    data = drawn(rng, TRUTH, **SEEDS_RULE, crossed=crossed, sheets=9)
    whole = rng.integers(1, 50, data.parts.shape).astype(float)
    whole[2, 1, 4] = whole[:, :, 7] = 0
    for a, s in zip(rng.integers(12, size=lost), range(lost), strict=True):
        whole[a, s] = 0
    whole[5, 4, 1:] = 0  # one sheet alone: without it there is no value
    data = samples_of(data.parts, whole, crossed=crossed)
    table = estimate_all(data, WEIGHTS)
    for row in range(0, len(WEIGHTS), 3):
        *expected, seeds = by_loops(data, WEIGHTS[row])
        assert table.seeds[row] == seeds
        numbers = [getattr(table, name)[row] for name in ("effect", "low", "high", "p")]
        np.testing.assert_allclose(numbers, expected, rtol=1e-9, atol=2e-12)
        one = estimate(data, WEIGHTS[row])
        assert [one.effect, one.low, one.high, one.p] == numbers
        assert one.seeds == seeds


def test_a_contrast_is_computed_once(monkeypatch):
    computed = []
    original = estimates._computed
    monkeypatch.setattr(estimates, "_computed", lambda data, rows: computed.append(len(rows)) or original(data, rows))
    data = drawn(np.random.default_rng(0), TRUTH, **SEEDS_RULE, sheets=2)
    table = estimate_all(data, WEIGHTS)
    again = estimate_all(data, np.concatenate([WEIGHTS[::-1], np.eye(12)[:1], np.where(WEIGHTS == 0, -0.0, WEIGHTS)]))
    assert computed == [len(WEIGHTS), 1]
    np.testing.assert_array_equal(again.effect[: len(WEIGHTS)], table.effect[::-1])
    np.testing.assert_array_equal(again.per_seed[-len(WEIGHTS) :], table.per_seed)
    assert estimate_all(data, WEIGHTS[:0]).per_seed.shape == (0, 5)


def test_the_mean_of_seeds_is_students():
    values = np.random.default_rng(0).normal(0.5, 0.1, 5)
    one = estimate_of_seeds(values)
    assert [one.low, one.high] == pytest.approx(
        stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values)), rel=1e-9
    )
    assert one.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    alone = estimate_of_seeds(values[:1])
    assert alone.effect == pytest.approx(values[0])
    assert np.isnan([alone.low, alone.high, alone.p]).all()


def test_the_jackknife_of_a_mean_is_the_variance_of_a_mean():
    values = np.random.default_rng(0).normal(size=20)
    without = (values.sum() - values) / 19
    assert jackknife(without, np.ones(20, np.bool_)) == pytest.approx(values.var(ddof=1) / 20)


def test_fewer_than_two_seeds_have_an_effect_and_no_interval():
    one = estimate_all(drawn(np.random.default_rng(0), TRUTH, seeds=1, **SEEDS_RULE), WEIGHTS)
    assert np.isfinite(one.effect).all()
    assert np.isnan([one.low, one.high, one.p, one.error, chance_above(one)]).all()
    none = estimate_all(samples_of(np.zeros((12, 5, 2)), np.zeros((12, 5, 2))), WEIGHTS)
    assert np.isnan(none.effect).all()
    assert (none.seeds == 0).all()


@pytest.mark.parametrize("crossed", [False, True])
def test_equal_values_do_not_differ_by_rounding(crossed):
    rng = np.random.default_rng(0)
    whole = np.broadcast_to(rng.integers(1, 1000, (12, 5, 7)), (12, 5, 7)).astype(float)
    steady = estimate_all(samples_of(np.full((12, 5, 7), 0.1), whole, crossed=crossed), WEIGHTS)
    for name, value in (("effect", 0), ("low", 0), ("high", 0), ("p", 1), ("error", 0)):
        assert (getattr(steady, name) == value).all(), name
    assert not np.signbit(steady.effect).any()
    assert (chance_above(steady) == 0.5).all()


@pytest.mark.parametrize("size", [3e-9, 0.1, 0.7, 1.0, 4.2e7])
def test_values_are_rounded_to_a_part_of_the_largest(size):
    values = size * np.random.default_rng(1).uniform(-1, 1, 200)
    near = values * (1 + 1e-16) + size * 1e-17
    assert np.abs(rounded(values, size) - values).max() <= 0.51e-12 * size
    assert (rounded(near, size) == rounded(values, size)).all()
    assert not np.signbit(rounded(np.array([-0.3e-13 * size, -0.0]), size)).any()


def simulated(noise, truth, **more):
    """Estimates of many studies, one after the other."""
    rng = np.random.default_rng(1)
    return [estimate_all(drawn(rng, truth, sheets=16, **noise, **more), WEIGHTS) for _ in range(STUDIES)]


@NOISES
@pytest.mark.parametrize("crossed", [False, True])
def test_intervals_cover_the_truth_in_95_of_100_studies(noise, crossed):
    """With sheets common to all seeds the interval is slightly wide, and the coverage is that of all contrasts."""
    studies = simulated(noise, TRUTH, crossed=crossed)
    truth = WEIGHTS @ TRUTH
    low, high = (np.array([getattr(each, end) for each in studies]) for end in ("low", "high"))
    covered = ((low <= truth) & (truth <= high)).mean(0)
    if crossed:
        assert 0.93 <= covered.mean() <= 0.98
    else:
        assert covered.min() >= 0.93
        assert covered.max() <= 0.97


@NOISES
def test_without_effects_none_is_called_more_often_than_declared(noise):
    p = np.array([each.p for each in simulated(noise, np.full(12, 0.5))])
    standard_error = np.sqrt(0.05 * 0.95 / STUDIES)
    assert np.abs((p < 0.05).mean(0) - 0.05).max() < 4 * standard_error
    wrong = (p.min(1) * len(WEIGHTS) < 0.05).mean()  # studies where Holm's correction calls one effect or more
    assert 0.01 < wrong < 0.05 + 3 * standard_error


def of_equal_levels(noise, *, pairs, seed, **more):
    """P(A > B) of many pairs of levels that are truly equal, and the share of them outside of .025 to .975.

    The noise of seeds and of sheets is common to a pair and cancels, the rest is independent: each pair is a study.
    """
    data = drawn(np.random.default_rng(seed), np.full(2 * pairs, 0.5), sheets=16, **noise, **more)
    weights = np.kron(np.eye(pairs), [1.0, -1.0])
    chances = chance_above(estimate_all(data, weights))
    return chances, ((chances < 0.025) | (chances > 0.975)).mean()


@NOISES
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_with_equal_levels_a_probability_is_outside_of_95_in_5_of_100_studies(noise, seeds):
    """Of 5,000 studies with a share of 5 % the standard error is .31 %."""
    drawn_pairs = [of_equal_levels(noise, pairs=500, seed=number, seeds=seeds) for number in range(10)]
    share = np.mean([outside for _, outside in drawn_pairs])
    assert share == pytest.approx(0.05, abs=3.2 * np.sqrt(0.05 * 0.95 / 5000))
    chances = np.concatenate([chances for chances, _ in drawn_pairs])
    assert stats.kstest(chances, "uniform").pvalue > 0.001


@NOISES
def test_over_common_sheets_a_probability_is_not_too_sure(noise):
    share = np.mean([of_equal_levels(noise, pairs=400, seed=number, crossed=True)[1] for number in range(5)])
    assert 0.01 < share < 0.05 + 3.2 * np.sqrt(0.05 * 0.95 / 2000)


def test_a_probability_is_that_of_a_difference_with_the_sign_of_its_effect():
    table = estimate_all(drawn(np.random.default_rng(3), TRUTH, **SEEDS_RULE), WEIGHTS)
    chances = chance_above(table)
    np.testing.assert_allclose(2 * np.minimum(chances, 1 - chances), table.p, atol=1e-12)
    assert ((chances > 0.5) == (table.effect > 0)).all()
    sure = estimate_all(samples_of(np.repeat([[[0.2]], [[0.5]]], 5, 1)), np.array([[-1.0, 1.0], [1.0, -1.0]]))
    assert chance_above(sure).tolist() == [1.0, 0.0]


def test_holm_against_a_slow_step_down_family_by_family():
    rng = np.random.default_rng(0)
    p = rng.random(40) ** 3
    p[5] = p[39] = np.nan
    p[7] = p[8]
    families = ["one"] * 25 + ["other"] * 14 + ["nothing known"]
    corrected = holm(p, families)
    for value, own_family, result in zip(p, families, corrected, strict=True):
        own = [each for each, family in zip(p, families, strict=True) if family == own_family and np.isfinite(each)]
        steps = [each * sum(other >= each for other in own) for each in own if each <= value]
        assert result == pytest.approx(min(1.0, max(steps)) if steps else np.nan, nan_ok=True)


@pytest.mark.parametrize("seeds", [3, 5, 10, 50])
def test_the_minimum_detectable_effect_is_that_of_statsmodels(seeds):
    from statsmodels.stats.power import TTestPower  # takes a second to import

    effect = minimum_detectable_effect(np.array([1 / np.sqrt(seeds)]), np.array([seeds - 1.0]))
    assert effect[0] == pytest.approx(TTestPower().solve_power(nobs=seeds, alpha=0.05, power=0.8), rel=1e-4)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_minimum_detectable_effect_is_found_in_80_of_100_studies(seeds):
    """Every pair of conditions is a study."""
    cell_sd, studies = 0.02, 2000
    (size,) = minimum_detectable_effect(np.array([cell_sd * np.sqrt(2 / seeds)]), np.array([seeds - 1.0]))
    truth = np.tile([0.5, 0.5 + size], studies)
    data = drawn(np.random.default_rng(2), truth, seeds=seeds, sheets=1, cell_sd=cell_sd)
    p = stats.ttest_rel(data.values[1::2], data.values[::2], axis=1).pvalue
    first = estimate_all(data, np.kron(np.eye(20, studies), [-1.0, 1.0])).p
    assert first == pytest.approx(p[:20], rel=1e-6)
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=3 * 0.4 / np.sqrt(studies))


def test_more_power_needs_a_larger_effect_and_no_noise_gives_none():
    error, freedom = np.array([0.1, 0.0, np.nan]), np.array([4.0, 4.0, np.nan])
    usual, strict = minimum_detectable_effect(error, freedom), minimum_detectable_effect(error, freedom, power=0.95)
    assert usual[0] < strict[0]
    assert np.isnan(usual[1:]).all()


def test_the_code_of_a_study_has_no_matrix_product():
    """Their order of summing, and so their last digits, depend on the processor and the number of threads."""
    products = {"dot", "vdot", "inner", "matmul", "einsum", "tensordot"}
    for path in Path(thinline.study.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.MatMult), path.name
            name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            assert name not in products, f"{path.name} calls {name}"


PRINTED = """
import sys
from dataclasses import astuple
sys.path.insert(0, "tests/cases")
import numpy as np
from effect_cases import SEEDS_RULE, drawn, full_grid
from thinline.study.stats.contrasts import contrasts_of, level_weights
from thinline.study.stats.estimates import estimate_all
from thinline.study.stats.ranks import compared
from thinline.study.stats.variance_components import components_of
grid = full_grid(weight="01", loss="012", mix="01")
for crossed in (False, True):
    data = drawn(np.random.default_rng(0), np.full(12, 0.5), **SEEDS_RULE, crossed=crossed)
    for values in astuple(estimate_all(data, contrasts_of(grid).weights)):
        print(values.tobytes().hex())
    for table in (*compared(data, level_weights(grid, "loss"), "abc"), components_of(data, grid)[0]):
        print(table.to_csv(index=False))
"""


def test_estimates_are_the_same_to_the_last_bit_on_other_processors():
    """OpenBLAS with the code of an old and of a newer processor, on one and on two threads."""
    printed = []
    for core, threads in (("Prescott", "1"), ("Haswell", "2")):
        surroundings = os.environ | {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", PRINTED]
        root = Path(__file__).parents[3]
        printed.append(subprocess.run(command, env=surroundings, cwd=root, capture_output=True, check=True).stdout)
    assert printed[0].count(b"\n") > 50
    assert printed[0] == printed[1]
