"""From findings to a verdict: a table by hand, Holm's correction, and how often a false claim is supported."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from claim_cases import RECALL, claim_node, claims_of
from rows_only import by_study, cells_of, drawn_rows
from scipy import stats
from study_cases import TWO

from thinline.study.claims.comparisons import StudyData
from thinline.study.claims.expectations import Expectation
from thinline.study.claims.findings import AVERAGED, STEP, Finding
from thinline.study.claims.rule import REFUTED, SUPPORTED, UNDECIDED, corrected, decide, deciding_of
from thinline.study.claims.simple_effects import findings_of

LEVELS = {"weight": ("none", "measured"), "mix": ("scarce", "fresh")}
MARKS = {"+": True, "-": False, "?": None}


def finding(holds, setting=(), *, role="level", asked="a", p=0.0):
    """A finding at a setting."""
    numbers = (0.0, -1.0, 1.0, p, 5)
    return Finding(
        "m", "c", "x", "a rise", *numbers, holds, setting=setting, role=role, asked=asked, p_refuted=p, p_holds=p
    )


def grid(marks, **changes):
    """A finding at each of the four settings: none/scarce, none/fresh, measured/scarce, measured/fresh."""
    settings = product(*([(factor, level) for level in own] for factor, own in LEVELS.items()))
    return [finding(MARKS[mark], setting, **changes) for mark, setting in zip(marks, settings, strict=True)]


@pytest.mark.parametrize(
    ("marks", "verdict"),
    [
        ("++++", SUPPORTED),
        ("+++?", UNDECIDED),
        ("????", UNDECIDED),
        ("----", REFUTED),
        ("-???", REFUTED),
        ("--++", "depends on weight"),
        ("-?++", "depends on weight"),
        ("+-+-", "depends on mix"),
        ("+--+", "depends on weight and mix"),
        ("-+++", "depends on weight and mix"),
        ("-??+", "depends on weight"),
    ],
)
def test_the_states_of_the_settings_make_the_verdict(marks, verdict):
    assert decide(grid(marks)).verdict == verdict


def test_a_claim_holds_where_all_its_findings_hold():
    """One finding holds with weights and is refuted without, the other the reverse: the claim holds nowhere."""
    assert decide(grid("--++") + grid("++--", asked="b")).verdict == REFUTED
    assert decide(grid("--++") + grid("-+-+", asked="b")).verdict == "depends on weight and mix"
    everywhere = finding(True, asked="b")
    assert decide([*grid("--++"), everywhere]).verdict == "depends on weight"
    assert decide([*grid("++++"), replace(everywhere, holds=False)]).verdict == REFUTED


def test_findings_of_other_factors_meet_at_every_combination():
    """A finding by weight and one by mix: the claim holds at measured/fresh alone."""
    by_weight = [
        finding(holds, (("weight", level),)) for level, holds in zip(LEVELS["weight"], (False, True), strict=True)
    ]
    by_mix = [
        finding(holds, (("mix", level),), asked="b") for level, holds in zip(LEVELS["mix"], (False, True), strict=True)
    ]
    assert decide(by_weight + by_mix).verdict == "depends on weight and mix"
    assert decide(by_weight + [replace(each, holds=True) for each in by_mix]).verdict == "depends on weight"


def test_averages_decide_nothing_and_steps_only_refute():
    assert decide([*grid("++++"), finding(False, role=AVERAGED)]).verdict == SUPPORTED
    assert decide([*grid("++++"), *grid("????", role=STEP, asked="b")]).verdict == SUPPORTED
    assert decide([*grid("++++"), *grid("+--+", role=STEP, asked="b")]).verdict == "depends on weight and mix"


def test_a_correction_does_not_support_what_is_refuted_without_it():
    step = [replace(each, p_refuted=0.02) for each in grid("----", role=STEP, asked="b")]
    findings = [*grid("++++"), *step]
    assert decide(findings).verdict == REFUTED
    assert decide(corrected(findings)).verdict == UNDECIDED
    assert len(deciding_of(findings)) == 8
    assert len(deciding_of([*grid("++++"), *grid("????", role=STEP, asked="b")])) == 4


def test_holm_leaves_what_its_steps_reject():
    """By hand at .025: the smallest of four is compared with .00625, then .00833, .0125 and .025."""
    ps = (0.001, 0.008, 0.02, 0.0251)
    holding = [replace(each, p_holds=p, p_refuted=1.0) for each, p in zip(grid("++++"), ps, strict=True)]
    assert [each.holds for each in corrected(holding)] == [True, True, None, None]
    refuted = [replace(each, p_holds=1.0, p_refuted=p) for each, p in zip(grid("----"), (0.02,) * 4, strict=True)]
    assert decide(corrected(refuted)).verdict == UNDECIDED
    unknown = [replace(each, p_holds=np.nan, p_refuted=np.nan) for each in grid("----")]
    assert decide(corrected(unknown)).verdict == REFUTED


@pytest.mark.parametrize("kind", ["up", "down", "none", "not_up", "not_down", "at_least", "at_most"])
def test_the_p_of_an_expectation_agree_with_its_interval(kind):
    """The interval of Student's t at 95 % against the one-sided p at 2.5 %."""
    rng = np.random.default_rng(1)
    expected = Expectation(kind, 0.02)
    for effect, error in zip(rng.normal(0, 0.03, 200), rng.uniform(0.001, 0.02, 200), strict=True):
        low, high = stats.t.interval(0.95, 4, loc=effect, scale=error)
        p_holds, p_refuted = expected.p_of(effect, error, 4)
        decided = False if p_refuted < 0.025 else True if p_holds < 0.025 else None
        assert expected.holds(low, high) is decided, (effect, error)


def false_claim(cell, measure, name):
    """A rise of .1 that is 0 at one setting of one curve: the claim is false."""
    at_one = (cell["data_mix"], name) == ("fresh", "curve_2")
    return 0.1 * (cell["loss"] == "dice") * (not at_one)


def test_a_false_claim_is_supported_no_more_often_than_declared(tmp_path):
    """Three of four findings hold for sure; the fourth is 0 and holds in 2.5 % of studies, within 3 standard errors.
    Its interval covers 0 in 93 to 97 of 100."""
    (claim,) = claims_of(tmp_path, claim_node(RECALL | {"expect": "up", "margin": 0.0}))
    (comparison,) = claim.tests["planted"]
    studies, noise = 400, np.random.default_rng(0)
    results = drawn_rows(TWO, cells_of(TWO), noise, truth=false_claim, cell_sd=0.005, studies=studies)
    supported, covered, below = 0, 0, 0
    parts = by_study(findings_of(StudyData(results), comparison))
    assert len(parts) == studies
    for findings in parts:
        supported += decide(findings).verdict == SUPPORTED
        at_null = (("data_mix", "fresh"),)
        (null,) = [each for each in findings if each.of.startswith("curve_2.") and each.setting == at_null]
        covered += null.low <= 0 <= null.high
        below += null.p_holds < 0.05
    assert supported / studies <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / studies)
    assert 0.93 <= covered / studies <= 0.97
    assert 0.03 <= below / studies <= 0.07, "the one-sided p of a true null is uniform"


def test_a_refuted_finding_counts_where_another_comparison_did_not_run():
    first = [finding(holds, (("weight", level),)) for level, holds in zip(LEVELS["weight"], (True, False), strict=True)]
    second = finding(True, (("weight", LEVELS["weight"][0]),), asked="b")
    assert decide([*first, second]).verdict == "depends on weight"
    assert decide([*first[::-1], second]).verdict == "depends on weight"
    assert decide([replace(first[0], holds=None), first[1], second]).verdict == REFUTED
