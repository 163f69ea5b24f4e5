"""Components of variance: their mean over many studies is what was planted."""

import numpy as np
import pandas as pd
import pytest
from effect_cases import drawn, full_grid, part_of, samples_of

from thinline.study.stats.variance_components import HIGHER, components_of

GRID = full_grid(a="01", b="012", c="01")


def signs():
    """Coded levels that add up to 0: -1, 1 of a and c, -1, 0, 1 of b."""
    return (GRID.codes * [2, 1, 2] - 1).T.astype(float)


def truth():
    a, b, c = signs()
    return 0.5 + 0.03 * a + 0.05 * b + 0.02 * a * b + 0.02 * a * b * c


PLANTED = {
    "a": 0.03**2,
    "b": 0.05**2 * 2 / 3,
    "c": 0.0,
    "a:b": 0.02**2 * 2 / 3,
    "a:c": 0.0,
    "b:c": 0.0,
    HIGHER: 0.02**2 * 2 / 3,
    "seed": 0.03**2,
    "sheet": (0.2**2 + 0.1**2) / 16,
    "residual": 0.02**2,
}


@pytest.mark.parametrize("crossed", [False, True])
def test_the_estimates_are_right_on_average(crossed):
    rng = np.random.default_rng(0)
    noise = {"seed_sd": 0.03, "cell_sd": 0.02, "sheet_sd": 0.2, "cell_sheet_sd": 0.1}
    components = []
    for _ in range(400):
        data = drawn(rng, truth(), seeds=8, sheets=16, **noise, crossed=crossed)
        components.append(components_of(data, GRID)[0].set_index("component")["variance"])
    table = pd.DataFrame(components)
    assert list(table.columns) == list(PLANTED)
    for name in ("a", "b", "a:b", HIGHER, "seed", "sheet", "residual"):
        error = table[name].std() / np.sqrt(len(table))
        assert table[name].mean() == pytest.approx(PLANTED[name], abs=4 * error + 3e-5), name
    shared = 0.1**2 / 16 if crossed else 0.02**2 / 8  # what is taken out of them; cut off at 0, a little is left
    assert (table[["c", "a:c", "b:c"]].mean() < shared / 5).all()


def test_without_sheets_it_is_the_analysis_of_variance():
    from statsmodels.formula.api import ols  # takes seconds to import
    from statsmodels.stats.anova import anova_lm

    rng = np.random.default_rng(1)
    data = drawn(rng, truth(), seeds=5, sheets=1, seed_sd=0.03, cell_sd=0.02)
    table, _ = components_of(data, GRID)
    components = table.set_index("component")["variance"]
    assert "sheet" not in components
    assert table["share"].sum() == pytest.approx(1)
    cells = pd.DataFrame(
        {name: np.repeat(GRID.codes[:, column], 5) for column, name in enumerate("abc")}
        | {"seed": np.tile(np.arange(5), 12), "value": data.values.ravel()}
    )
    anova = anova_lm(ols("value ~ C(a) * C(b) * C(c) + C(seed)", cells).fit())
    rest = anova.loc["Residual", "mean_sq"]
    assert components["residual"] == pytest.approx(rest)
    assert components["seed"] == pytest.approx((anova.loc["C(seed)", "mean_sq"] - rest) / 12)
    for name, term in {"a": "C(a)", "b": "C(b)", "a:b": "C(a):C(b)"}.items():
        row = anova.loc[term]
        assert components[name] == pytest.approx((row["sum_sq"] - row["df"] * rest) / 60)


def test_the_order_of_conditions_does_not_matter():
    data = drawn(np.random.default_rng(1), truth(), sheets=4, seed_sd=0.03, cell_sd=0.02, sheet_sd=0.1)
    order = np.random.default_rng(2).permutation(12)
    mixed = part_of(GRID, GRID.inside, None)
    mixed.codes[:] = GRID.codes[order]
    one, _ = components_of(data, GRID)
    other, _ = components_of(samples_of(data.parts[order]), mixed)
    pd.testing.assert_frame_equal(one, other)


def test_negative_components_are_set_to_zero_and_named():
    data = drawn(np.random.default_rng(3), np.full(12, 0.5), sheets=4, sheet_sd=0.3, cell_sd=0.01)
    components, below = components_of(data, GRID)
    assert below
    assert (components.set_index("component").loc[list(below), "variance"] == 0).all()
    assert (components["variance"] >= 0).all()


def test_seeds_that_lack_a_cell_are_left_out():
    data = drawn(np.random.default_rng(4), truth(), sheets=4, seed_sd=0.03, cell_sd=0.02, sheet_sd=0.1)
    whole = np.ones(data.parts.shape)
    whole[3, 1] = 0
    kept = [0, 2, 3, 4]
    one, _ = components_of(samples_of(data.parts, whole), GRID)
    other, _ = components_of(samples_of(data.parts[:, kept]), GRID)
    pd.testing.assert_frame_equal(one, other)


def test_incomplete_grids_and_single_seeds_have_none():
    data = drawn(np.random.default_rng(5), truth(), seeds=1, cell_sd=0.02)
    assert components_of(data, GRID)[0].empty
    inside = np.arange(12) != 3
    data = drawn(np.random.default_rng(5), truth(), cell_sd=0.02)
    assert components_of(data, part_of(GRID, inside, 1))[0].empty
