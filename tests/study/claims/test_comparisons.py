"""Terms of comparisons: plain means in a balanced grid, matched means in any other."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from claim_cases import RECALL, claim_node, claims_of, verdict_of
from study_cases import THREE, planted

from thinline.study.claims.comparisons import NotTestable, Term, weights_of
from thinline.study.claims.verdicts import SUPPORTED, UNDECIDED, UNTESTABLE
from thinline.study.design.study import Exclusion, Keep, Plan
from thinline.study.stats.contrasts import contrasts_of, grid_of
from thinline.study.stats.estimates import mean_of

WITH_GAP = replace(THREE, exclude=(Exclusion({"loss": "dice", "class_weight": "measured"}, "planted"),))
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


@pytest.fixture(scope="module")
def with_gap():
    """Results of three factors in which dice never ran with a weight."""
    return planted(WITH_GAP, **SMALL)


def of(results, *terms):
    return weights_of(results.conditions, grid_of(results), terms)


def weighted_finds_more(cell, measure, name):
    """Nothing of the loss, much of the weight."""
    return 0.2 if measure == "recall" and cell["class_weight"] == "measured" else 0.0


def test_a_complete_grid_gives_plain_means():
    results = planted(**SMALL)
    weights = of(results, *PAIR)
    assert not weights.matched
    for own, term in zip(weights.of_terms, PAIR, strict=True):
        np.testing.assert_array_equal(own, term.times * mean_of(results.conditions, term.where, grid=True))


def test_a_grid_with_a_gap_is_matched(tmp_path):
    """Dice never ran with a weight: its plain mean would lack what the weight does, .1 of recall."""
    results = planted(WITH_GAP, effect=weighted_finds_more, **SMALL)
    plain = mean_of(results.conditions, {"loss": "dice"}) - mean_of(results.conditions, {"loss": "soft_ce"})
    assert plain @ planted_recall(results) == pytest.approx(-0.1, abs=0.01)
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "none"})
    assert verdict.verdict == SUPPORTED, verdict.sentence
    assert verdict.key.effect == pytest.approx(0.0, abs=0.005)
    assert verdict.key.contrast == "loss=dice less loss=soft_ce, matched"


def planted_recall(results):
    """The recall of curve 1 of every condition, from its sheets' counts."""
    rows = results.rows.merge(results.cells, on="run")
    chosen = (rows["measure"] == "recall") & (rows["class"] == "curve_1") & (rows["split"] == "test")
    return rows[chosen].groupby("condition")["value"].mean().reindex(results.conditions.index).to_numpy()


def test_matched_terms_are_the_contrasts_of_the_effects(with_gap):
    """Two implementations of one rule: every pair of levels, in a grid with a gap."""
    grid = grid_of(with_gap)
    contrasts = contrasts_of(grid)
    for row, weights in zip(contrasts.table.to_dict("records"), contrasts.weights, strict=True):
        if row["order"] > 1:
            continue
        plus, minus = row["contrast"].split(" - ")
        terms = (Term("test/iou", {row["term"]: (plus,)}), Term("test/iou", {row["term"]: (minus,)}, times=-1.0))
        np.testing.assert_allclose(sum(of(with_gap, *terms).of_terms), weights, atol=1e-15)


def test_a_pair_of_levels_that_all_conditions_have_is_not_called_matched(with_gap):
    terms = (Term("test/iou", {"data_mix": ("fresh",)}), Term("test/iou", {"data_mix": ("scarce",)}, times=-1.0))
    weights = of(with_gap, *terms)
    assert not weights.matched
    assert sum(weights.of_terms) @ np.ones(len(with_gap.conditions)) == pytest.approx(0)
    assert (sum(weights.of_terms) != 0).all()


def test_a_level_that_all_terms_name_must_be_among_the_matched_ones(tmp_path, with_gap):
    """Of the two losses named on both sides one never ran with a weight: there is no verdict on both of them."""
    measured, none = ({"class_weight": level, "loss": ["soft_ce", "dice"]} for level in ("measured", "none"))
    verdict = verdict_of(tmp_path, with_gap, RECALL | {"plus": measured, "minus": none, "expect": "none"})
    assert verdict.verdict == UNTESTABLE
    assert "not for every level of class_weight=measured, loss=soft_ce and dice" in verdict.sentence
    others = {"loss": ["soft_ce", "tversky"]}
    verdict = verdict_of(
        tmp_path, with_gap, RECALL | {"plus": measured | others, "minus": none | others, "expect": "none"}
    )
    assert verdict.verdict == SUPPORTED
    assert "matched" not in verdict.key.contrast


@pytest.mark.parametrize(
    "terms",
    [
        [Term("test/iou", {"loss": ("dice",)})],
        [Term("test/iou", {"loss": ("soft_ce",)}), Term("test/f1", {"loss": ("soft_ce",)}, times=-1.0)],
        [
            Term("test/iou", {"data_mix": (mix,), "class_weight": ("none",)}, times=times)
            for mix, times in (("fresh", 1.0), ("scarce", -1.0))
        ],
    ],
    ids=["a level", "two measures", "a pair that is there at one weight"],
)
def test_terms_with_all_their_counterparts_are_plain_means(terms, with_gap):
    weights = of(with_gap, *terms)
    assert not weights.matched
    for own, term in zip(weights.of_terms, terms, strict=True):
        np.testing.assert_array_equal(own, term.times * mean_of(with_gap.conditions, term.where, grid=True))


def test_matched_interactions_are_those_of_the_effects(with_gap):
    """Where the effects have one it is the same; where they have none it is untestable."""
    grid = grid_of(with_gap)
    contrasts = contrasts_of(grid)
    names = zip(contrasts.table["term"], contrasts.table["contrast"], strict=True)
    known = dict(zip(names, contrasts.weights, strict=True))
    estimable = lost = 0
    for first, second in combinations(grid.names, 2):
        for (a, b), (c, d) in product(combinations(grid.levels[first], 2), combinations(grid.levels[second], 2)):
            terms = [
                Term(
                    "test/iou", {first: (x,), second: (y,)}, times=(1.0 if x == b else -1.0) * (1.0 if y == d else -1.0)
                )
                for x, y in product((a, b), (c, d))
            ]
            expected = known.get((f"{first}:{second}", f"({b} - {a}) x ({d} - {c})"))
            if expected is None:
                lost += 1
                with pytest.raises(NotTestable):
                    of(with_gap, *terms)
            else:
                estimable += 1
                np.testing.assert_allclose(sum(of(with_gap, *terms).of_terms), expected, atol=1e-15)
    assert (estimable, lost) == (5, 2)


def test_a_condition_without_a_value_keeps_a_comparison_open_and_is_named(tmp_path):
    """A network that found no pixel has no precision; the mean of the others would flatter its loss."""
    results = planted(**SMALL)
    runs = results.cells.loc[results.cells["condition"] == "none/dice/scarce", "run"]
    gone = results.sheets["run"].isin(runs) & (results.sheets["measure"] == "precision")
    results = replace(results, sheets=results.sheets.assign(value=results.sheets["value"].mask(gone)))
    verdict = verdict_of(tmp_path, results, RECALL | {"measure": "test/precision", "expect": "none"})
    assert verdict.verdict == UNDECIDED
    assert (verdict.key.setting, verdict.key.seeds) == ((("class_weight", "none"), ("data_mix", "scarce")), 0)
    assert "at class_weight=none, data_mix=scarce: no value in any seed" in verdict.sentence
    alone = RECALL | {"measure": "test/precision", "expect": "none"}
    alone["where"] = {"class_weight": "none", "data_mix": "scarce"}
    lacking = verdict_of(tmp_path, results, alone)
    assert lacking.verdict == UNTESTABLE
    assert "no value of test/precision for curve_1, curve_2 in none/dice/scarce" in lacking.sentence


def test_a_fraction_of_enough_resolution_is_not_matched():
    """Of a half fraction no two conditions differ in one factor alone; balance does what matching cannot."""
    results = planted(HALF, **SMALL)
    assert len(results.conditions) == 16
    weights = of(results, *PAIR)
    assert not weights.matched
    assert (sum(weights.of_terms) != 0).all()


def test_an_interaction_in_a_fraction_where_it_is_not_clear_is_untestable():
    results = planted(HALF, **SMALL)
    three = [
        Term("test/iou", {"loss": (loss,), "class_weight": (weight,), "head": (head,)}, times=1.0)
        for loss, weight, head in (("dice", "measured", "softmax"), ("soft_ce", "none", "sigmoid_stack"))
    ]
    with pytest.raises(NotTestable, match="differ in nothing else"):
        of(results, *three)


def test_levels_that_never_ran_together_are_untestable(tmp_path, with_gap):
    weighted = {"loss": "dice", "class_weight": "measured"}
    criterion = RECALL | {"plus": weighted, "minus": {"loss": "dice", "class_weight": "none"}, "expect": "none"}
    verdict = verdict_of(tmp_path, with_gap, criterion)
    assert verdict.verdict == UNTESTABLE
    assert "no cells with class_weight=measured, loss=dice together" in verdict.sentence


def test_the_terms_of_these_tests_are_those_of_the_criterion(tmp_path):
    (claim,) = claims_of(tmp_path, claim_node(RECALL | {"expect": "none"}))
    (criterion,) = claim.tests["planted"]
    assert [(term.where, term.times) for term in criterion.terms] == [(term.where, term.times) for term in PAIR]
