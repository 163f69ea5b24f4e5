"""Notes on what a study cannot estimate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from effect_cases import full_grid, part_of, samples_of
from study_cases import THREE, planted

from thinline.study.design.study import Keep, Plan
from thinline.study.stats.caveats import listed, on_design, on_estimates, on_values
from thinline.study.stats.contrasts import grid_of
from thinline.study.stats.series import Series

GRID = full_grid(a="01", b="01")


def of(values, whole=None, **more):
    return Series(samples_of(values, whole, **more), GRID, primary=False)


def test_a_study_without_gaps_has_no_notes():
    results = planted(sheets=2)
    assert list(on_design(results, [grid_of(results)])) == []
    assert list(on_values([of(np.random.default_rng(0).random((4, 3, 2)))], [])) == []


def test_one_seed_one_level_and_conditions_outside_of_the_grid_are_noted():
    study = replace(
        THREE,
        seeds=("0",),
        factors=THREE.factors | {"loss": ("dice",)},
        also=({"class_weight": ("fixed",), "class_weight.value": ("2",), "loss": ("dice",), "data_mix": ("fresh",)},),
    )
    one, level, beside = on_design(planted(study, sheets=2), [])
    assert one.startswith("There is one seed")
    assert level.startswith("loss has one level in the grid (dice)")
    assert beside.startswith("class_weight.value varies outside of the grid alone")


def test_a_fractional_design_notes_the_order_of_its_clear_contrasts():
    two = dict.fromkeys("abcde", ("0", "1"))
    half = Plan({}, (Keep(2, dict.fromkeys("abcde", 1)),), 5)
    study = replace(THREE, factors=two, plans={"half": half}, plan="half")
    (note,) = on_design(planted(study, sheets=2), [])
    assert note.startswith("The grid has 16 of the 32 conditions of the full product: contrasts of up to 2 factors are")


def test_measures_without_values_in_some_conditions_are_noted():
    results = planted(sheets=2)
    known = np.arange(12) != 4
    (note,) = on_design(results, [grid_of(results), grid_of(results, known)])
    assert "their grid is not complete" in note


def test_values_that_are_missing_are_named():
    values = np.random.default_rng(0).random((4, 3, 2))
    whole = np.ones((4, 3, 2))
    whole[2] = whole[0, 1] = 0
    always, once = on_values([of(values, whole)], [])
    assert always == "No value of test/iou/curve_1 in any seed of c2, left out of its grid."
    assert "no value in c0/s1;" in once


def test_a_class_that_a_head_does_not_predict_is_named_once():
    values = np.random.default_rng(0).random((4, 3, 2))
    whole = np.ones((4, 3, 2))
    whole[2:] = 0
    series = [of(values, whole, measure=key, name=name) for name in ("curve_1", "curve_2") for key in ("iou", "f1")]
    assert list(on_values([*series, of(values, np.ones((4, 3, 2)), name="curve_2", measure="recall")], [])) == [
        "No value of curve_1 in any measure in any seed of c2, c3, left out of its grid.",
        "No value of test/iou/curve_2, test/f1/curve_2 in any seed of c2, c3, left out of its grid.",
    ]


def test_constant_plain_and_lacking_measures_are_named():
    flat = of(np.full((4, 3, 1), 0.3), measure="f1")
    lacking, plain, constant = on_values([flat], ["test/breaks/curve_1"])
    assert "test/breaks/curve_1" in lacking
    assert plain.startswith("No values of single sheets of f1")
    assert "The same value in all cells of the grid: test/f1/curve_1." in constant


def test_contrasts_without_interval_are_counted():
    contrasts = pd.DataFrame({"seeds": [5, 1, 0]})
    (few,) = on_estimates(contrasts, seeds=5)
    assert few.startswith("2 of 3 contrasts")
    assert list(on_estimates(contrasts, seeds=1)) == []


@pytest.mark.parametrize(("count", "text"), [(2, "0, 1"), (6, "0, 1, 2, 3 and 2 more")])
def test_long_lists_are_cut(count, text):
    assert listed([str(number) for number in range(count)]) == text


def test_a_part_is_not_constant_for_what_lies_outside():
    values = np.full((4, 3, 1), 0.3)
    values[3] = 0.9
    part = part_of(GRID, np.arange(4) < 3, 1)
    assert Series(samples_of(values), part, primary=True).constant
    assert not of(values).constant
