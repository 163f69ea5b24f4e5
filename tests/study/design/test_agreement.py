"""Repeated cells compared with published values."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_cases import planted

from thinline.study.design.agreement import cell_of, chosen, compare, prediction
from thinline.study.design.study import StudyError


@pytest.fixture(scope="module")
def results():
    return planted(sheets=3)


def again(results, row, shift=0.0):
    table = results.rows[results.rows["run"] == row["run"]]
    return table.assign(value=table["value"] + shift)


def test_a_repeated_run_is_the_same_on_every_measure(results):
    row = results.cells.iloc[7]
    repeated = compare(results, row, again(results, row), measures=["test/iou", "tuned/f1"])
    assert [(number.measure, number.of) for number in repeated] == [
        ("test/iou", "curve_1"),
        ("test/iou", "curve_2"),
        ("tuned/f1", "curve_1"),
        ("tuned/f1", "curve_2"),
    ]
    assert all(number.same for number in repeated)


def test_another_value_is_compared_with_the_interval_of_the_other_seeds(results):
    row = results.cells.iloc[7]
    rows = results.rows[(results.rows["measure"] == "iou") & (results.rows["class"] == "curve_1")].set_index("run")
    of_condition = results.cells[results.cells["condition"] == row["condition"]]
    others = rows.loc[of_condition.loc[of_condition["run"] != row["run"], "run"], "value"]
    (near, _), (far, _) = (
        compare(results, row, again(results, row, shift), measures=["test/iou"]) for shift in (1e-9, 0.5)
    )
    assert (near.low, near.high) == prediction(others.to_numpy())
    assert not near.same
    assert far.inside is False
    assert near.inside is bool(near.low <= near.again <= near.high)


def test_the_interval_of_one_more_value_covers_it():
    noise = np.random.default_rng(0).normal(size=(4000, 6))
    inside = [low <= row[5] <= high for row in noise for low, high in [prediction(row[:5])]]
    assert abs(np.mean(inside) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 4000)


def test_the_interval_against_the_formula():
    values = np.array([0.1, 0.2, 0.4])
    low, high = prediction(values)
    half = stats.t(2).ppf(0.975) * np.std(values, ddof=1) * np.sqrt(4 / 3)
    np.testing.assert_allclose([low, high], [values.mean() - half, values.mean() + half])
    assert np.isnan(prediction(np.array([0.1, np.nan]))).all()


def test_an_undefined_number_is_the_same_as_itself(results):
    row = results.cells.iloc[0]
    lost = results.rows.assign(value=results.rows["value"].where(results.rows["run"] != row["run"]))
    part = pd.DataFrame(again(results, row)).assign(value=np.nan)
    (number, _) = compare(replace(results, rows=lost), row, part, measures=["test/iou"])
    assert number.same


def test_cells_are_drawn_in_order_and_the_same_again(results):
    cells = chosen(results, 5, seed=1)
    assert list(cells.index) == sorted(cells.index)
    assert cells.equals(chosen(results, 5, seed=1))
    assert not cells.equals(chosen(results, 5, seed=2))
    with pytest.raises(StudyError, match="1 to 60"):
        chosen(results, 61)


def test_a_cell_is_named_by_its_levels_and_seed(results):
    row = results.cells.iloc[0]
    assert cell_of(results, row) == {
        "class_weight": "none",
        "loss": "soft_ce",
        "data_mix": "scarce",
        "seed": "0",
    }
    assert "loss" not in cell_of(results, row.where(row.index != "loss"))
