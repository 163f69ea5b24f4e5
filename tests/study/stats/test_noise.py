"""The noise of cells and seeds against what was planted."""

import numpy as np
import pytest

from thinline.study.stats.noise import Prior, _cholesky, noise_of, prior_of

CODES = np.array([[a, b] for a in range(3) for b in range(4)], np.int64)


def planted(rng, *, measures=2, seeds=5, cell_sd=0.01, seed_sd=0.02, common=0.0):
    """Values [K,A,S]: noise of seeds, and of cells of which the share `common` is that of all measures."""
    shape = (measures, len(CODES), seeds)
    cells = np.sqrt(common) * rng.standard_normal(shape[1:]) + np.sqrt(1 - common) * rng.standard_normal(shape)
    return rng.normal(0, seed_sd, (measures, 1, seeds)) + np.asarray(cell_sd)[..., None] * cells


def test_equal_variances_are_pooled_and_unequal_ones_keep_most_of_themselves():
    rng = np.random.default_rng(0)
    equal = rng.chisquare(4, 200) / 4
    prior = prior_of(equal, 4)
    assert prior == Prior(pytest.approx(equal.mean()), np.inf)
    assert prior.shrunk(equal, 4) == pytest.approx(np.full(200, equal.mean()))
    unequal = equal * np.repeat([1.0, 100.0], 100)
    prior = prior_of(unequal, 4)
    assert prior.freedom < 4
    kept = prior.shrunk(unequal, 4)
    assert kept[100:].mean() > 20 * kept[:100].mean()
    assert prior_of(equal[:2], 4).shrunk(equal[:2], 4) == pytest.approx(equal[:2])


def test_the_prior_is_that_of_the_distribution_it_was_drawn_from():
    """Variances from a scaled inverse chi square of 6 degrees of freedom around 2."""
    rng = np.random.default_rng(1)
    true = 6 * 2 / rng.chisquare(6, 20000)
    prior = prior_of(true * rng.chisquare(4, 20000) / 4, 4)
    assert (prior.common, prior.freedom) == (pytest.approx(2, rel=0.05), pytest.approx(6, rel=0.15))


def test_planted_noise_is_found_on_average():
    rng = np.random.default_rng(2)
    drawn = [noise_of(planted(rng, common=0.6), CODES) for _ in range(60)]
    assert np.mean([noise.cells**2 for noise in drawn]) == pytest.approx(1e-4, rel=0.05)
    assert np.mean([(noise.shared**2).sum(1) for noise in drawn]) == pytest.approx(4e-4, rel=0.25)
    correlation = np.mean([(noise.mixing @ noise.mixing.T)[0, 1] for noise in drawn])
    assert correlation == pytest.approx(0.6, abs=0.06)


def test_the_variance_of_a_contrast_is_that_of_its_draws():
    rng = np.random.default_rng(3)
    noise = noise_of(planted(rng, common=0.5), CODES)
    weights = np.zeros((2, 12))
    weights[0, :3], weights[1, 5] = (1.0, -0.5, -0.5), 2.0
    cells, of_seeds = noise.draw(np.random.default_rng(0), 4000, 5, np.arange(12))
    contrasts = np.einsum("nsuk,ku->ns", cells, weights) + of_seeds @ weights.sum(1)
    assert contrasts.var() == pytest.approx(noise.variance(weights), rel=0.05)


def test_conditions_with_more_noise_keep_it():
    rng = np.random.default_rng(4)
    deviations = np.where(CODES[:, 0] == 0, 0.05, 0.005)
    cells = np.mean([noise_of(planted(rng, cell_sd=deviations), CODES).cells ** 2 for _ in range(40)], axis=(0, 1))
    assert cells[:4].mean() > 20 * cells[4:].mean()


def test_cells_without_value_are_left_out():
    values = planted(np.random.default_rng(5))
    values[1, 3] = np.nan
    noise = noise_of(values, CODES)
    assert np.isfinite(noise.cells).all()
    assert noise.cells[1, 3] == 0
    assert np.isfinite(noise.mixing).all()


def test_the_lower_triangle_is_that_of_lapack():
    rng = np.random.default_rng(6)
    matrix = np.corrcoef(rng.standard_normal((4, 30)))
    np.testing.assert_allclose(_cholesky(matrix), np.linalg.cholesky(matrix), atol=1e-12)
