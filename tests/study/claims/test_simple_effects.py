"""Claims are judged at each level of the other factors: planted crossings, against paired differences by hand."""

import re
from dataclasses import replace

import pytest
from claim_cases import RECALL, SMALL, shift, verdict_of, with_rows
from scipy import stats
from study_cases import THREE, TWO, planted

from thinline.study.claims.comparisons import StudyData, Term
from thinline.study.claims.findings import AVERAGED, STEP
from thinline.study.claims.rule import DEPENDS, REFUTED, SUPPORTED
from thinline.study.claims.simple_effects import settings_of
from thinline.study.claims.verdicts import table
from thinline.study.design.study import Exclusion, Keep, Plan

UP = RECALL | {"expect": "up"}


def test_an_effect_at_one_level_alone_depends_on_the_factor(tmp_path):
    """The main effect of .05 supported the claim: its interval is far above 0 on both curves."""
    results = planted(effect=shift(0.1, loss="dice", class_weight="measured"), cell_sd=0.003, **SMALL)
    verdict = verdict_of(tmp_path, results, UP)
    average = next(finding for finding in verdict.findings if finding.role == AVERAGED)
    assert (average.effect, average.holds) == (pytest.approx(0.05, abs=0.01), True)
    assert (verdict.verdict, verdict.kind) == ("depends on class_weight", DEPENDS)
    assert "at class_weight=none, data_mix=" in verdict.sentence
    assert ", but +.10" in verdict.sentence
    refuted, holding = re.findall(r"at class_weight=(?:none|measured), data_mix=(\w+)", verdict.sentence)
    assert refuted == holding, "the two numbers differ in the factor of the verdict alone"
    assert "4 of 8 findings hold, 4 are refuted; +.0" in verdict.sentence
    assert "averaged over class_weight, data_mix" in verdict.sentence
    (row,) = table([verdict]).to_dict("records")
    assert (row["holding"], row["findings"], row["verdict"]) == (4, 8, "depends on class_weight")
    assert row["averaged"].startswith("+.0")


def test_findings_are_paired_differences_of_two_conditions(tmp_path):
    """Each against scipy's paired t test of the two conditions; the settings in the order of the levels."""
    results = planted(effect=shift(0.1, loss="dice", class_weight="measured"), **SMALL)
    verdict = verdict_of(tmp_path, results, UP)
    rows = results.rows.merge(results.cells, on="run")
    rows = rows[(rows["split"] == "test") & (rows["measure"] == "recall")]
    wide = rows.pivot(index="seed", columns=["class", "condition"], values="value")
    settings = [("none", "scarce"), ("none", "fresh"), ("measured", "scarce"), ("measured", "fresh")]
    expected = [(name, *own) for name in ("curve_1", "curve_2") for own in settings]
    assert [(each.of, *(level for _, level in each.setting)) for each in verdict.deciding] == expected
    for finding in verdict.deciding:
        (_, weight), (_, mix) = finding.setting
        test = stats.ttest_rel(*(wide[finding.of][f"{weight}/{loss}/{mix}"] for loss in ("dice", "soft_ce")))
        low, high = test.confidence_interval(0.95)
        assert (finding.low, finding.high, finding.p) == pytest.approx((low, high, test.pvalue), abs=1e-10)


def test_a_factor_that_the_claim_names_is_fixed(tmp_path):
    results = planted(effect=shift(0.1, loss="dice", class_weight="measured"), cell_sd=0.003, **SMALL)
    for weight, expected in (("measured", SUPPORTED), ("none", REFUTED)):
        verdict = verdict_of(tmp_path, results, UP | {"where": {"class_weight": weight}})
        assert verdict.verdict == expected
        assert {tuple(factor for factor, _ in each.setting) for each in verdict.deciding} == {("data_mix",)}


def test_an_interaction_is_judged_at_each_level_of_the_factors_it_does_not_name(tmp_path):
    """Dice gains .2 with a weight, on fresh sheets alone: averaged over the sheets the interaction is .1."""
    results = planted(effect=shift(0.2, loss="dice", class_weight="measured", data_mix="fresh"), cell_sd=0.003, **SMALL)
    pairs = [
        {key: RECALL[key] for key in ("plus", "minus")},
        {"plus": {"class_weight": "measured"}, "minus": {"class_weight": "none"}},
    ]
    verdict = verdict_of(
        tmp_path, results, {"kind": "interaction", "measure": "test/recall", "of": pairs, "expect": "up"}
    )
    assert verdict.verdict == "depends on data_mix"


def test_a_measure_that_no_factor_changes_has_one_finding(tmp_path):
    """The perturbed truth of a seed is the same in all its cells."""
    results = with_rows(planted(**SMALL), "oracle_jitter", "iou", "curve_1", lambda row: 0.2 + 0.01 * row["seed"])
    asked = {"kind": "level", "measure": "oracle_jitter/iou", "expect": "at_most", "bound": 0.5, "classes": ["curve_1"]}
    verdict = verdict_of(tmp_path, results, asked)
    assert (verdict.verdict, len(verdict.findings), verdict.key.setting) == (SUPPORTED, 1, ())
    assert verdict.key.effect == pytest.approx(0.22)


def test_a_setting_that_lacks_a_compared_level_is_left_out():
    study = replace(THREE, exclude=(Exclusion({"loss": "dice", "class_weight": "measured"}, "planted"),))
    data = StudyData(planted(study, **SMALL))
    terms = (Term("test/recall", {"loss": ("dice",)}), Term("test/recall", {"loss": ("soft_ce",)}, times=-1.0))
    assert settings_of(data, terms) == [(("class_weight", "none"), ("data_mix", mix)) for mix in ("scarce", "fresh")]


def test_in_a_fraction_the_average_decides():
    """No two conditions of this half differ in one factor alone."""
    factors = {"loss": ("soft_ce", "dice"), "class_weight": ("none", "measured"), "data_mix": ("scarce", "fresh")}
    keep = Keep(2, dict.fromkeys(factors, 1))
    half = replace(THREE, factors=factors, plans={"half": Plan({}, (keep,), 3)}, plan="half")
    data = StudyData(planted(half, **SMALL))
    terms = (Term("test/recall", {"loss": ("dice",)}), Term("test/recall", {"loss": ("soft_ce",)}, times=-1.0))
    assert (len(data.conditions), settings_of(data, terms)) == (4, [()])


@pytest.mark.parametrize(("last", "expected"), [(0.1, REFUTED), (0.3, SUPPORTED)])
def test_a_trend_is_refuted_by_a_step_the_other_way(last, expected, tmp_path):
    """Recall rises from 1 to 10 and falls from 10 to 100: the slope from 1 to 100 is a rise all the same."""
    study = replace(TWO, factors={"class_weight.value": ("1", "10", "100")})
    by_weight = {"1": 0.0, "10": 0.2, "100": last}
    results = planted(
        study,
        effect=lambda cell, measure, name: by_weight[cell["class_weight.value"]] * (measure == "recall"),
        cell_sd=0.003,
        **SMALL,
    )
    asked = {"kind": "trend", "measure": "test/recall", "factor": "class_weight.value", "levels": [1, 10, 100]}
    verdict = verdict_of(tmp_path, results, asked | {"expect": "up"})
    assert verdict.verdict == expected
    slopes = [finding for finding in verdict.deciding if finding.role != STEP]
    assert all(finding.holds for finding in slopes), "the slope alone supports it"
    steps = [finding.effect for finding in verdict.findings if finding.role == STEP and finding.of == "curve_1"]
    assert steps == pytest.approx([0.2, last - 0.2], abs=0.02)
    if expected == REFUTED:
        assert "class_weight.value=100 less class_weight.value=10: -.1" in verdict.sentence
        assert "a rise in each step was expected" in verdict.sentence


def test_a_claim_in_one_direction_is_not_refuted_by_the_other(tmp_path):
    """That weights give no overlap was refuted because the overlap fell."""
    results = planted(TWO, effect=shift(-0.2, loss="dice"), cell_sd=0.003, **SMALL)
    assert verdict_of(tmp_path, results, RECALL | {"expect": "none"}).verdict == REFUTED
    assert verdict_of(tmp_path, results, RECALL | {"expect": "not_up"}).verdict == SUPPORTED
