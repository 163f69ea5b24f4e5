"""Which contrasts there are, and their weights against means taken by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from effect_cases import full_grid, part_of
from study_cases import THREE, planted

from thinline.study.design.study import Exclusion
from thinline.study.stats.contrasts import coded_of, contrasts_of, grid_of, level_weights

GRID = full_grid(weight=("none", "measured"), loss=("ce", "dice", "tversky"), mix=("scarce", "fresh"))
VALUES = np.random.default_rng(0).normal(size=12)


def table_of(grid, values):
    """The conditions of the grid with their levels and values."""
    inside = grid.inside
    columns = {
        name: np.array(levels)[grid.codes[inside, column]] for column, (name, levels) in enumerate(grid.levels.items())
    }
    return pd.DataFrame(columns | {"value": values[inside]})


def estimated(grid, values):
    contrasts = contrasts_of(grid)
    return dict(zip(contrasts.table["contrast"], contrasts.weights @ values, strict=True))


def test_the_contrasts_of_a_full_product_are_differences_of_means():
    table = table_of(GRID, VALUES)
    by_loss = table.groupby("loss")["value"].mean()
    by_two = table.groupby(["weight", "loss"])["value"].mean()
    by_all = table.set_index(["weight", "loss", "mix"])["value"]
    got = estimated(GRID, VALUES)
    assert len(got) == (1 + 3 + 1) + (3 + 1 + 3) + 3
    assert got["tversky - dice"] == pytest.approx(by_loss["tversky"] - by_loss["dice"])
    two = by_two["measured", "tversky"] - by_two["none", "tversky"] - by_two["measured", "ce"] + by_two["none", "ce"]
    assert got["(measured - none) x (tversky - ce)"] == pytest.approx(two)

    def twice(mix):
        cell = {key: by_all[(*key, mix)] for key in product(("none", "measured"), ("ce", "dice"))}
        return cell["measured", "dice"] - cell["none", "dice"] - cell["measured", "ce"] + cell["none", "ce"]

    assert got["(measured - none) x (dice - ce) x (fresh - scarce)"] == pytest.approx(twice("fresh") - twice("scarce"))


def test_orders_and_terms_are_in_the_order_declared():
    table = contrasts_of(GRID).table
    assert list(table["term"].drop_duplicates()) == [
        *("weight", "loss", "mix"),
        *("weight:loss", "weight:mix", "loss:mix", "weight:loss:mix"),
    ]
    assert list(table["order"]) == sorted(table["order"])
    assert list(table.loc[table["term"] == "loss", "contrast"]) == ["dice - ce", "tversky - ce", "tversky - dice"]


def test_four_factors_stop_at_three_way():
    grid = full_grid(a="01", b="01", c="01", d="01")
    assert contrasts_of(grid).table["order"].value_counts().to_dict() == {1: 4, 2: 6, 3: 4}


def test_coded_parameters_add_up_to_the_conditions_and_to_zero():
    coded = coded_of(GRID)
    parameters = dict(zip(coded.table["contrast"], coded.weights @ VALUES, strict=True))
    for row in table_of(GRID, VALUES).itertuples():
        levels = (row.weight, row.loss, row.mix)
        names = [
            ":".join(level for level, used in zip(levels, mask, strict=True) if used)
            for mask in product((0, 1), repeat=3)
        ]
        assert VALUES.mean() + sum(parameters[name] for name in names if name) == pytest.approx(row.value)
    of_loss = [parameters[name] for name in ("ce", "dice", "tversky")]
    assert sum(of_loss) == pytest.approx(0)
    assert sum(parameters[f"none:{name}"] for name in ("ce", "dice", "tversky")) == pytest.approx(0)


def test_where_a_condition_is_missing_contrasts_are_matched():
    inside = np.ones(12, bool)
    inside[(GRID.codes == [1, 2, 1]).all(1)] = False  # measured, tversky, fresh
    grid = part_of(GRID, inside, 1)
    by_all = table_of(GRID, VALUES).set_index(["weight", "loss", "mix"])["value"]
    got = estimated(grid, VALUES)
    met = [key for key in product(("none", "measured"), ("scarce", "fresh")) if key != ("measured", "fresh")]
    apart = [by_all[weight, "tversky", mix] - by_all[weight, "dice", mix] for weight, mix in met]
    assert got["tversky - dice"] == pytest.approx(np.mean(apart))
    whole = [
        by_all[weight, "dice", mix] - by_all[weight, "ce", mix]
        for weight, mix in product(("none", "measured"), ("scarce", "fresh"))
    ]
    assert got["dice - ce"] == pytest.approx(np.mean(whole))
    only_scarce = (
        by_all["measured", "tversky", "scarce"]
        - by_all["none", "tversky", "scarce"]
        - by_all["measured", "ce", "scarce"]
        + by_all["none", "ce", "scarce"]
    )
    assert got["(measured - none) x (tversky - ce)"] == pytest.approx(only_scarce)
    contrasts = contrasts_of(grid)
    assert contrasts.lost == 2  # two three-way contrasts need the missing cell
    assert coded_of(grid).table.empty
    np.testing.assert_allclose(level_weights(grid, "loss").sum(1), 1)
    dice = level_weights(grid, "loss") @ VALUES
    assert dice[1] == pytest.approx(np.mean([by_all[weight, "dice", mix] for weight, mix in met]))


def test_levels_without_a_common_combination_of_the_others_are_not_compared():
    grid = full_grid(a="01", b="01")
    crossed_out = part_of(grid, np.array([True, False, False, True]), 2)
    contrasts = contrasts_of(crossed_out)
    assert (len(contrasts.table), contrasts.lost) == (0, 3)
    assert level_weights(crossed_out, "a").shape == (0, 4)


def test_a_half_fraction_estimates_contrasts_up_to_the_order_that_its_resolution_allows():
    grid = full_grid(a="01", b="01", c="01", d="01", e="01")
    half = part_of(grid, grid.codes.sum(1) % 2 == 0, 5)
    contrasts = contrasts_of(half)
    assert contrasts.table["order"].value_counts().to_dict() == {1: 5, 2: 10}
    assert contrasts.lost == 10
    signs = 2.0 * grid.codes - 1
    values = 3 + signs @ [1, 2, 3, 4, 5] + 0.5 * signs[:, 0] * signs[:, 1]
    got = contrasts.weights @ values
    np.testing.assert_allclose(got[:5], [2, 4, 6, 8, 10])
    np.testing.assert_allclose(got[5:], [2] + [0] * 9, atol=1e-12)
    np.testing.assert_allclose(level_weights(half, "a") @ values, [2, 4])


def test_the_grid_of_results_is_the_product_without_other_conditions():
    study = replace(THREE, also=({"class_weight": ("measured",), "loss": ("dice_ce",), "data_mix": ("fresh",)},))
    results = planted(study, sheets=2)
    grid = grid_of(results)
    assert grid.levels["loss"] == ("soft_ce", "dice", "tversky")
    assert grid.resolution is None
    assert results.conditions.index[~grid.inside].tolist() == ["measured/dice_ce/fresh"]
    assert (contrasts_of(grid).weights[:, ~grid.inside] == 0).all()


def test_a_factor_of_one_level_is_no_factor_and_without_any_there_is_no_contrast():
    one = replace(THREE, factors=THREE.factors | {"loss": ("dice",)})
    assert grid_of(planted(one, sheets=2)).names == ("class_weight", "data_mix")
    alone = replace(THREE, factors={name: levels[:1] for name, levels in THREE.factors.items()})
    grid = grid_of(planted(alone, sheets=2))
    assert grid.inside.tolist() == [True]
    assert contrasts_of(grid).weights.shape == (0, 1)


def test_exclusions_and_unknown_conditions_make_it_incomplete():
    study = replace(THREE, exclude=(Exclusion({"class_weight": "measured", "loss": "dice"}, "never"),))
    grid = grid_of(planted(study, sheets=2))
    assert (grid.resolution, int(grid.inside.sum())) == (1, 10)
    results = planted(sheets=2)
    of_two = results.conditions["loss"] != "dice"
    assert grid_of(results, of_two.to_numpy()).levels["loss"] == ("soft_ce", "tversky")
    assert grid_of(results, of_two.to_numpy()).resolution is None
