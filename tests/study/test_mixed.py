"""The mixed model beside the contrasts: the same effects in balance, and what it does out of it."""

import numpy as np
import pytest
from effect_cases import drawn, full_grid, part_of

from hairline.study.contrasts import contrasts_of
from hairline.study.mixed import mixed_of
from hairline.study.paired import estimate_all

GRID = full_grid(weight=("none", "measured"), loss=("ce", "dice", "tversky"), mix=("scarce", "fresh"))
EFFECTS = (0.08, 0.05, 0.03)


def truth(threefold=0.0):
    weight, loss, mix = GRID.codes.T
    return 0.5 + 0.08 * weight + 0.05 * (loss == 2) + 0.03 * mix + threefold * weight * (loss == 1) * mix


def values(seed_sd=0.05, cell_sd=0.01, threefold=0.0):
    return drawn(np.random.default_rng(0), truth(threefold), sheets=1, seed_sd=seed_sd, cell_sd=cell_sd)


def test_in_balance_it_agrees_with_the_contrasts():
    data = values(threefold=0.02)
    found = mixed_of(data.values, GRID)
    contrasts = contrasts_of(GRID, most=1)
    paired = estimate_all(data, contrasts.weights)
    assert list(found["contrast"]) == list(contrasts.table["contrast"])
    assert list(found["term"]) == list(contrasts.table["term"])
    np.testing.assert_allclose(found["effect"], paired.effect, atol=1e-9)
    assert found["converged"].all()
    wide, narrow = paired.high - paired.low, (found["high"] - found["low"]).to_numpy()
    assert (narrow < 3 * wide).all()
    assert (narrow > wide / 5).all()
    assert (found.loc[found["contrast"] != "dice - ce", "p"] < 1e-6).all()


def test_its_standard_error_is_that_of_the_analysis_of_variance():
    found = mixed_of(values().values, GRID).set_index("contrast")
    table = values().values
    rest = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    weight, loss, mix = GRID.codes.T
    coded = (2.0 * weight - 1) * (2.0 * mix - 1)
    threefold = [coded * (1.0 * (loss == level) - (loss == 0)) for level in (1, 2)]
    basis = np.linalg.qr(np.stack(threefold, 1))[0]  # three-way: pooled with the rest, as the model has none
    squares = (rest**2).sum() + 5 * ((basis.T @ table.mean(1)) ** 2).sum()
    error = np.sqrt(squares / (44 + 2) * 2 / 30)
    half = (found["high"] - found["low"])["measured - none"] / 2
    assert half == pytest.approx(1.959964 * error, rel=1e-3)


def test_missing_cells_do_not_move_it_far():
    whole = values().values
    holes = whole.copy()
    holes[[3, 7, 11], [0, 1, 2]] = np.nan
    one, other = mixed_of(whole, GRID), mixed_of(holes, GRID)
    np.testing.assert_allclose(one["effect"], other["effect"], atol=0.01)
    part = part_of(GRID, np.arange(12) != 5, 1)
    np.testing.assert_allclose(one["effect"], mixed_of(whole, part)["effect"], atol=0.015)


def test_a_grid_too_thin_for_interactions_has_main_effects_alone():
    grid = full_grid(a="01", b="01", c="01")
    half = part_of(grid, grid.codes.sum(1) % 2 == 0, 3)
    exact = 0.5 + grid.codes @ EFFECTS
    data = drawn(np.random.default_rng(1), exact, sheets=1, seed_sd=0.01, cell_sd=1e-4)
    np.testing.assert_allclose(mixed_of(data.values, half)["effect"], EFFECTS, atol=1e-3)


def test_what_cannot_be_fitted_is_empty_or_said_not_to_converge(recwarn):
    assert mixed_of(values().values[:, :1], GRID).empty
    assert mixed_of(np.full((12, 5), 0.1), GRID).empty
    assert mixed_of(values().values, part_of(GRID, np.arange(12) < 1, 1)).empty
    steady = mixed_of(values(seed_sd=0.0).values, GRID)
    assert np.isfinite(steady["effect"]).all()
    exact = mixed_of(np.repeat(truth()[:, None], 5, 1), GRID)
    assert not exact["converged"].any()
    assert not recwarn.list
