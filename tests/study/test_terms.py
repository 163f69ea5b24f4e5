"""Terms of comparisons: plain means in a balanced grid, matched ones in any other."""

from dataclasses import replace

import numpy as np
import pytest
from claim_cases import RECALL, claim_node, claims_of, verdict_of
from study_cases import THREE, planted

from hairline.study.contrasts import contrasts_of, grid_of
from hairline.study.design import Exclusion, Keep, Plan
from hairline.study.estimates import mean_of
from hairline.study.terms import NotTestable, Term, weights_of
from hairline.study.verdicts import SUPPORTED, UNTESTABLE

HOLED = replace(THREE, exclude=(Exclusion({"loss": "dice", "class_weight": "measured"}, "planted"),))
HALF = replace(
    THREE,
    factors={
        "loss": ("soft_ce", "dice"),
        "class_weight": ("none", "measured"),
        "data_mix": ("scarce", "fresh"),
        "head": ("softmax", "sigmoid_stack"),
        "resolution": ("pen1", "pen2"),
    },
    plans={"half": Plan({}, (Keep(2, {"loss": 1, "class_weight": 1, "data_mix": 1, "head": 1, "resolution": 1}),), 5)},
    plan="half",
)
SMALL = {"sheets": 4, "cell_sd": 0.0, "seed_sd": 0.001, "sheet_sd": 0.001}
PAIR = (Term("test/recall", {"loss": ("dice",)}), Term("test/recall", {"loss": ("soft_ce",)}, times=-1.0))


def of(results, *terms):
    return weights_of(results.conditions, grid_of(results), terms)


def weighted_finds_more(cell, measure, name):
    """Nothing of the loss, much of the weight."""
    return 0.2 if measure == "recall" and cell["class_weight"] == "measured" else 0.0


def test_a_complete_grid_gives_plain_means():
    results = planted(**SMALL)
    found = of(results, *PAIR)
    assert not found.matched
    for own, term in zip(found.of_terms, PAIR, strict=True):
        np.testing.assert_array_equal(own, term.times * mean_of(results.conditions, term.where, grid=True))


def test_a_grid_with_a_hole_compares_like_with_like(tmp_path):
    """Dice never ran with a weight: its plain mean would lack what the weight does, .1 of recall."""
    results = planted(HOLED, effect=weighted_finds_more, **SMALL)
    plain = mean_of(results.conditions, {"loss": "dice"}) - mean_of(results.conditions, {"loss": "soft_ce"})
    assert plain @ planted_recall(results) == pytest.approx(-0.1, abs=0.01)
    found = verdict_of(tmp_path, results, RECALL | {"expect": "none"})
    assert found.verdict == SUPPORTED, found.sentence
    assert found.key.effect == pytest.approx(0.0, abs=0.005)
    assert found.key.contrast == "loss=dice less loss=soft_ce, matched"


def planted_recall(results):
    """The recall of curve 1 of every condition, from its sheets' counts."""
    rows = results.rows.merge(results.cells, on="run")
    chosen = (rows["measure"] == "recall") & (rows["class"] == "curve_1") & (rows["split"] == "test")
    return rows[chosen].groupby("condition")["value"].mean().reindex(results.conditions.index).to_numpy()


def test_matched_terms_are_the_contrasts_of_the_effects():
    """Two implementations of one rule: every pair of levels, in a grid with a hole."""
    results = planted(HOLED, **SMALL)
    grid = grid_of(results)
    told = contrasts_of(grid, most=1)
    for row, weights in zip(told.table.to_dict("records"), told.weights, strict=True):
        plus, minus = row["contrast"].split(" - ")
        terms = (Term("test/iou", {row["term"]: (plus,)}), Term("test/iou", {row["term"]: (minus,)}, times=-1.0))
        np.testing.assert_allclose(sum(of(results, *terms).of_terms), weights, atol=1e-15)


def test_a_pair_of_levels_that_all_conditions_have_is_not_called_matched():
    results = planted(HOLED, **SMALL)
    terms = (Term("test/iou", {"data_mix": ("fresh",)}), Term("test/iou", {"data_mix": ("scarce",)}, times=-1.0))
    found = of(results, *terms)
    assert not found.matched
    assert sum(found.of_terms) @ np.ones(len(results.conditions)) == pytest.approx(0)
    assert (sum(found.of_terms) != 0).all()


def test_levels_that_all_terms_share_only_restrict():
    """`where` of both sides names two losses, of which one never ran with a weight: it falls out on both sides."""
    results = planted(HOLED, effect=lambda cell, *_: 0.3 * (cell["loss"] == "dice"), **SMALL)
    losses = ("soft_ce", "dice")
    terms = tuple(
        Term("test/iou", {"loss": losses, "class_weight": (level,)}, times=times)
        for level, times in (("measured", 1.0), ("none", -1.0))
    )
    found = of(results, *terms)
    assert found.matched
    used = results.conditions[sum(found.of_terms) != 0]
    assert set(used["loss"]) == {"soft_ce"}
    assert len(used) == 4


def test_a_fraction_of_enough_resolution_is_not_matched():
    """Of a half fraction no two conditions differ in one factor alone; balance does what matching cannot."""
    results = planted(HALF, **SMALL)
    assert len(results.conditions) == 16
    found = of(results, *PAIR)
    assert not found.matched
    assert (sum(found.of_terms) != 0).all()


def test_an_interaction_in_a_fraction_where_it_is_not_clear_is_untestable():
    results = planted(HALF, **SMALL)
    three = [
        Term("test/iou", {"loss": (loss,), "class_weight": (weight,), "head": (head,)}, times=1.0)
        for loss, weight, head in (("dice", "measured", "softmax"), ("soft_ce", "none", "sigmoid_stack"))
    ]
    with pytest.raises(NotTestable, match="differ in nothing else"):
        of(results, *three)


def test_what_never_ran_together_is_untestable(tmp_path):
    weighted = {"loss": "dice", "class_weight": "measured"}
    criterion = RECALL | {"plus": weighted, "minus": {"loss": "dice", "class_weight": "none"}, "expect": "none"}
    found = verdict_of(tmp_path, planted(HOLED, **SMALL), criterion)
    assert found.verdict == UNTESTABLE
    assert "no cells with class_weight=measured, loss=dice together" in found.sentence


def test_the_case_is_what_the_language_reads(tmp_path):
    (claim,) = claims_of(tmp_path, claim_node(RECALL | {"expect": "none"}))
    (criterion,) = claim.tests["planted"]
    assert [(term.where, term.times) for term in criterion.terms] == [(term.where, term.times) for term in PAIR]
