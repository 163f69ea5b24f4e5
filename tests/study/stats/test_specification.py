"""The main contrast under every analysis: each row is the paired difference that its choices name."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from study_cases import THREE, planted

from thinline.study.design.study import Exclusion, StudyError
from thinline.study.stats.specification import COLUMNS, specifications, summary

MAIN = ({"loss": ("dice", "tversky")}, {"loss": ("soft_ce",)})


def better_dice(cell, measure, name):
    """Dice finds more of the first curve, and its errors are smaller."""
    return {"recall": 0.1, "viterbi_bridged_mae_track": -0.03}.get(measure, 0.0) * (cell["loss"] == "dice")


@pytest.fixture(scope="module")
def results():
    return planted(replace(THREE, main=MAIN), effect=better_dice, sheets=8)


@pytest.fixture(scope="module")
def table(results):
    return specifications(results)


def difference(results, value_of, weight="measured", data="fresh"):
    """(effect, low, high) of the main contrast at one combination; `value_of(run)` is the value of a cell."""
    cells = results.cells[(results.cells["class_weight"] == weight) & (results.cells["data_mix"] == data)]
    value = {(row["loss"], row["seed"]): value_of(row["run"]) for _, row in cells.iterrows()}
    each = [(value["dice", s] + value["tversky", s]) / 2 - value["soft_ce", s] for s in results.seeds]
    low, high = stats.t.interval(0.95, len(each) - 1, np.mean(each), stats.sem(each))
    return np.mean(each), low, high


def row_of(table, **choices):
    rows = table[np.logical_and.reduce([table[name] == value for name, value in choices.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def test_there_is_a_row_for_every_choice(table):
    assert list(table.columns) == list(COLUMNS)
    assert set(table["where"]) == {"all", "none/scarce", "none/fresh", "measured/scarce", "measured/fresh"}
    assert set(table["aggregate"]) == {"split", "sheets"}
    assert set(table["threshold"]) == {"default", "tuned"}
    assert not table.duplicated(list(COLUMNS[:6])).any()
    assert table["ratio"].is_monotonic_increasing


def test_a_row_of_the_split_is_the_paired_difference_of_pooled_values(results, table):
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    pooled = rows[rows["class"] == "curve_2"].set_index("run")["value"]
    effect, low, high = difference(results, pooled.__getitem__)
    row = row_of(
        table, measure="iou", aggregate="split", threshold="default", where="measured/fresh", **{"class": "curve_2"}
    )
    assert (row["effect"], row["low"], row["high"]) == pytest.approx((effect, low, high), abs=1e-9)
    assert row["ratio"] == pytest.approx(effect / ((high - low) / 2), rel=1e-9)


def test_a_row_of_sheets_is_the_mean_of_the_values_of_single_sheets(results, table):
    sheets = results.sheets[(results.sheets["measure"] == "f1") & (results.sheets["class"] == "curve_1")]
    means = sheets.groupby("run")["value"].mean()
    effect, low, high = difference(results, means.__getitem__, weight="none", data="scarce")
    row = row_of(
        table, measure="f1", aggregate="sheets", threshold="default", where="none/scarce", **{"class": "curve_1"}
    )
    assert (row["effect"], row["low"], row["high"]) == pytest.approx((effect, low, high), abs=1e-9)


def test_a_smaller_error_is_better(table):
    errors = table[table["tracer"] == "viterbi_bridged"]
    assert len(errors) == 2 * 2 * 5
    assert (errors["effect"] < 0).all()
    assert (errors["ratio"] > 0).all()


def test_the_summary_counts_intervals_beyond_zero(table):
    better = (table["low"] > 0) | ((table["high"] < 0) & (table["tracer"] != ""))
    worse = (table["high"] < 0) & (table["tracer"] == "")
    assert summary(table) == (len(table), better.sum(), worse.sum())


def test_a_study_without_a_main_contrast_has_none():
    with pytest.raises(StudyError, match="declares no main contrast"):
        specifications(planted(sheets=2))


def test_where_a_cell_is_excluded_the_mean_is_over_combinations_that_both_sides_have():
    """The loss has no effect, the weight a large one, and Dice with the weight did not run."""
    study = replace(
        THREE,
        main=({"loss": ("dice",)}, {"loss": ("soft_ce",)}),
        exclude=(Exclusion({"loss": "dice", "class_weight": "measured"}, "planted"),),
    )

    def harmful(cell, measure, name):
        return -0.3 * (cell["class_weight"] == "measured")

    table = specifications(planted(study, effect=harmful, sheets=8))
    rows = table[(table["measure"] == "iou") & (table["where"] == "all")]
    assert len(rows) > 0
    assert (rows["effect"].abs() < 0.05).all()
