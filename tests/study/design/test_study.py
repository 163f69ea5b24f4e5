"""The cells of a study, the resolution of its fractions, and how bad declarations are refused."""

import math
from dataclasses import replace
from itertools import product

import pytest
from composed import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from study_cases import STUDIES, declared

from thinline.study.design.study import StudyError, expand, select, strength
from thinline.study.design.yaml import read_study
from thinline.sweep.cost import refusal

GROUPS = {
    "loss": ["dice", "focal"],
    "head": ["softmax", "binary"],
    "class_weight": ["none", "fixed"],
    "budget": ["smoke", "laptop"],
}


def node(**changes):
    given = {
        "name": "small",
        "question": "Which?",
        "primary": ["test/iou"],
        "seeds": [0, 1],
        "factors": {"loss": ["dice", "focal"], "head": ["softmax", "binary"]},
    }
    return {key: value for key, value in (given | changes).items() if value is not None}


def read(**changes):
    return read_study(node(**changes), groups=GROUPS)


def test_the_product_seed_by_seed():
    cells = expand(read())
    reference = [
        {"loss": loss, "head": head, "seed": seed}
        for seed, loss, head in product("01", ("dice", "focal"), ("softmax", "binary"))
    ]
    assert cells == reference


def test_cells_outside_the_product_run_with_their_seed():
    study = read(also=[{"class_weight": ["fixed"], "class_weight.value": [2, 42], "loss": ["dice"]}])
    cells = expand(study)
    assert len(cells) == 2 * (4 + 2)
    assert [cell["seed"] for cell in cells] == ["0"] * 6 + ["1"] * 6
    assert {"class_weight": "fixed", "class_weight.value": "42", "loss": "dice", "seed": "1"} in cells
    assert study.names == ("loss", "head", "class_weight", "class_weight.value", "seed")


def test_two_conditions_with_one_name_are_refused():
    """Of two blocks with level 2 of different factors one condition would be lost."""
    blocks = ({"loss.gamma": ("2",)}, {"class_weight.value": ("2",)})
    assert len(expand(replace(read(), also=blocks[:1]))) == 2 * (4 + 1)
    with pytest.raises(StudyError, match=r"a name of its own for every condition, got '2' for .*gamma.*value"):
        expand(replace(read(), also=blocks))


def test_excluded_cells_are_left_out():
    rule = {"cells": {"loss": "focal", "head": "binary"}, "because": "it is not defined"}
    cells = expand(read(exclude=[rule]))
    assert len(cells) == 6
    assert all(cell["loss"] != "focal" or cell["head"] != "binary" for cell in cells)


BAD = [
    ({"seeds": None}, r"study: expected the keys .* got no 'seeds'; see conf/experiment"),
    ({"seeds": []}, "no 'seeds'"),
    ({"seeds": [0, 0]}, r"study.seeds: expected a list of different levels, got \['0', '0'\]"),
    ({"seeds": 3}, "study.seeds: expected a list, got 3"),
    ({"seeds": ["a"]}, "study.seeds: expected whole numbers, 0 or above, got a"),
    ({"seeds": [-1]}, "whole numbers, 0 or above, got -1"),
    ({"primary": ["iou"]}, "study.primary: expected measures as test/iou or tuned/f1, got iou"),
    ({"budget": "labtop"}, "study.budget: expected one of .* did you mean 'laptop'"),
    ({"question": None}, "no 'question'"),
    ({"factor": {"loss": ["dice"]}}, "did you mean 'factors'"),
    ({"factors": ["loss"]}, "study.factors: expected a mapping"),
    ({"factors": {"losss": ["dice"]}}, "study.factors: expected a group of .* did you mean 'loss'"),
    ({"factors": {"loss": ["dicey"]}}, "a level of loss: one of dice, focal, got 'dicey'; did you mean 'dice'"),
    ({"factors": {"loss": []}}, r"study.factors.loss: expected a list of different levels"),
    ({"factors": {"seed": [1]}}, "must not name the seed"),
    ({"also": [{"loss": ["dice"], "head": ["softmax"]}]}, "twice"),
    ({"also": {"loss": ["dice"]}}, "study.also: expected a list"),
    ({"exclude": [3]}, r"study.exclude\[0\]: expected a mapping"),
    ({"exclude": [{"cells": {"loss": "dice"}}]}, "no 'because'"),
    ({"exclude": [{"cells": {"loss": "tversky"}, "because": "x"}]}, "no cell has"),
    ({"exclude": [{"cells": {"seed": "0"}, "because": "x"}, {"cells": {"seed": "1"}, "because": "x"}]}, "no cells"),
    ({"plan": "half"}, "one of full"),
    ({"plans": {"half": {"levels": {"loss": ["tversky"]}}}}, "plans.half.levels.loss: expected one of dice, focal"),
    ({"plans": {"half": {"keep": [{"modulus": 0, "of": {"loss": 1}}]}}}, r"keep\[0\].modulus: .* equal to 2, got 0"),
    ({"plans": {"half": {"keep": [{"modulus": 2}]}}}, r"plans.half.keep\[0\]: .* no 'of'"),
    ({"plans": {"half": {"keep": [{"modulus": 2, "of": {"loss": 1}}], "resolution": 3}}}, "declares resolution 3"),
    ({"plans": {"half": {"keep": [{"modulus": 2, "of": {"tail": 1}}], "resolution": 3}}}, "names tail"),
    ({"plans": {"half": {"kept": 1}}}, "did you mean 'keep'"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_bad_declaration_is_refused_by_name(changes, message):
    with pytest.raises(StudyError, match=message):
        expand(read(**changes))


def test_selecting_levels_keeps_the_order():
    cells = expand(read())
    chosen = select(cells, {"seed": ["1"], "loss": ["focal", "dice"]})
    assert chosen == [cell for cell in cells if cell["seed"] == "1"]
    with pytest.raises(StudyError, match="seed=7 is no level"):
        select(cells, {"seed": ["7"]})


def test_the_half_fraction_of_five_factors_has_resolution_five():
    """The textbook 2^(5-1) with the defining relation I = ABCDE: strength 4, and no more."""
    names = "abcde"
    whole = [dict(zip(names, levels, strict=True)) for levels in product("01", repeat=5)]
    half = [cell for cell in whole if sum(map(int, cell.values())) % 2 == 0]
    assert strength(whole, names) == 5
    assert strength(half, names) == 4
    assert strength([cell for cell in half if cell["a"] == cell["b"]], names) == 1


def test_a_latin_square_has_resolution_three():
    cells = [{"a": str(a), "b": str(b), "c": str((a + b) % 3)} for a, b in product(range(3), repeat=2)]
    assert strength(cells, "abc") == 2


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_full_strength_means_every_combination(counts, data):
    names = [f"f{number}" for number in range(len(counts))]
    cells = [dict(zip(names, map(str, levels), strict=True)) for levels in product(*(range(count) for count in counts))]
    assert strength(cells, names) == len(names)
    kept = data.draw(st.lists(st.sampled_from(cells), min_size=1, unique_by=lambda cell: tuple(cell.values())))
    complete = math.prod(len({cell[name] for cell in kept}) for name in names) == len(kept)
    assert (strength(kept, names) == len(names)) == complete


COUNTS = {
    "three_family": 80,
    "five_losses": 100,
    "weight_sweep": 100,
    "target_shape": 75,
    "resolution": 45,
    "data_mix": 40,
    "gpu_stack": 20,
    "longer": 20,
    "tuned_losses": 300,
    "weight_dose": 250,
    "topomortar": 130,
    "vessels": 60,
    "full_factorial": 3000 - 3 * 4 * 3 * 5,  # three losses that one weight cannot balance under the stack
}


@pytest.mark.parametrize("name", STUDIES)
def test_an_experiment_of_conf_is_documented(name):
    study = declared(name)
    assert study.name == name
    assert len(study.seeds) >= 5
    assert study.command == f"python train.py -m +experiment={name}" + (" study.plan=screening" if study.plans else "")
    assert study.claims or not study.answer, "a study without claims of the sources has no claim to quote"
    assert study.expected
    assert composed(f"+experiment={name}").budget.name == study.budget
    assert len(expand(study)) == COUNTS[name]


def test_no_experiment_of_conf_has_a_cell_that_is_refused():
    """Each option is composed once; a combination is one configuration with the other options put in."""
    groups_of_objective = ("loss", "head", "class_weight")
    options = {name: {} for name in groups_of_objective}
    combinations = set()
    for study in STUDIES:
        for cell in expand(declared(study)):
            combinations.add(
                tuple(
                    tuple(f"{key}={level}" for key, level in cell.items() if key.partition(".")[0] == name)
                    for name in groups_of_objective
                )
            )
    for overrides in combinations:
        for name, own in zip(groups_of_objective, overrides, strict=True):
            if own not in options[name]:
                options[name][own] = composed(*own)
        of_loss, of_head, of_weight = (options[name][own] for name, own in zip(options, overrides, strict=True))
        config = of_loss.copy()
        config.head, config.class_weight = of_head.head, of_weight.class_weight
        assert refusal(config) is None, overrides
    assert len(combinations) > 80


@pytest.mark.parametrize(("plan", "cells"), [("fifth", 600 - 36), ("screening", 80)])
def test_the_plans_of_the_full_factorial(plan, cells):
    assert len(expand(declared("full_factorial", plan=plan))) == cells
