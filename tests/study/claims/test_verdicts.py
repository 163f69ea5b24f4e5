"""Verdicts and their sentences; the real claims on planted results of every study."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from claim_cases import CLEARS, RECALL, SMALL, claim_node, claims_of, complete, shift, verdict_of, with_rows
from study_cases import LOSSES, STUDIES, THREE, TWO, declared, planted

from thinline.study.claims.claims import CLAIMS, read_claims
from thinline.study.claims.verdicts import (
    COLUMNS,
    FINDING_COLUMNS,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    UNTESTABLE,
    findings_table,
    table,
    table_of_studies,
    verdicts_of,
)
from thinline.study.stats import estimates
from thinline.study.stats.effects import effects
from thinline.sweep.jobs import groups

ROOT = Path(__file__).parents[3]
UNTESTABLES = {
    "a factor that is not varied": (RECALL | {"expect": "up", "where": {"head": "softmax"}}, "head is not varied"),
    "a level that no cell has": (RECALL | {"expect": "up", "plus": {"loss": "focal"}}, "no cells with loss=focal"),
    "levels that do not meet": (
        RECALL | {"expect": "up", "plus": {"loss": "dice", "class_weight": "measured", "data_mix": "fresh"}},
        "no cells with class_weight=measured, data_mix=fresh, loss=dice together",
    ),
    "a measure that no run has": (
        RECALL | {"expect": "up", "measure": "test/breaks", "margin": 1},
        "no value of test/breaks for curve_1, curve_2",
    ),
    "a stack that is not there": (CLEARS, "no cells with all 3 families moved"),
    "no pair of families": ({"kind": "best", "measure": "test/iou"}, "no cells with all 3 families moved"),
}


@pytest.mark.parametrize("what", UNTESTABLES)
def test_what_a_study_lacks_is_untestable(what, tmp_path):
    criterion, words = UNTESTABLES[what]
    rule = {"loss": "dice", "class_weight": "measured", "data_mix": "fresh"}
    results = planted(**SMALL)
    cells = results.cells[~((results.cells[list(rule)] == list(rule.values())).all(axis=1))]
    cells = cells[~((cells["loss"] == "tversky") & (cells["data_mix"] == "fresh"))]
    verdict = verdict_of(tmp_path, replace(results, cells=cells.reset_index(drop=True)), criterion)
    assert (verdict.verdict, verdict.findings, verdict.key) == (UNTESTABLE, (), None)
    assert words in verdict.sentence


def test_a_claim_that_no_run_can_test_says_why(tmp_path):
    verdict = verdict_of(tmp_path, planted(**SMALL), untestable="an identity")
    assert (verdict.verdict, verdict.sentence) == (UNTESTABLE, "Untestable: an identity.")
    other = verdict_of(tmp_path, planted(**SMALL), RECALL | {"expect": "up"}, study="three_family")
    assert other.sentence == "Untestable: planted does not vary what is needed, three_family does."


def test_one_seed_has_no_interval(tmp_path):
    results = planted(replace(THREE, seeds=("0",)), effect=shift(0.3, loss="dice"), **SMALL)
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    assert verdict.verdict == UNDECIDED
    assert verdict.sentence.startswith("Undecided: one seed, no interval; test/recall of curve_1")
    assert verdict_of(tmp_path, results, CLEARS).verdict == UNDECIDED


def test_a_constant_measure_has_a_verdict(tmp_path):
    results = with_rows(planted(**SMALL), "test", "breaks", "curve_1", lambda row: 3.0)
    asked = RECALL | {"measure": "test/breaks", "margin": 1, "classes": ["curve_1"]}
    for expect, expected in (("none", SUPPORTED), ("up", REFUTED), ("not_down", SUPPORTED)):
        verdict = verdict_of(tmp_path, results, asked | {"expect": expect})
        assert (verdict.verdict, verdict.key.low, verdict.key.high) == (expected, 0, 0)


def without_curve_2(results, column, value):
    """The results, of which the cells with this value of a column have no number of the second curve."""
    runs = results.cells.loc[results.cells[column] == value, "run"]
    lost = results.sheets["run"].isin(runs) & (results.sheets["class"] == "curve_2")
    return replace(results, sheets=results.sheets.assign(value=results.sheets["value"].where(~lost)))


def test_a_curve_without_value_leaves_a_claim_on_all_curves_open(tmp_path):
    """Every seed has a cell in which the second curve has no value: the first alone decides nothing."""
    results = without_curve_2(planted(LOSSES, effect=shift(0.1, loss="dice"), **SMALL), "condition", "dice")
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    assert verdict.verdict == UNDECIDED, verdict.sentence
    assert [(finding.of, finding.holds, finding.seeds) for finding in verdict.findings] == [
        ("curve_1", True, 5),
        ("curve_2", None, 0),
    ]
    assert verdict.sentence == (
        "Undecided: test/recall of curve_2, loss=dice less loss=soft_ce: no value in any seed where a rise with "
        "an upper end of .02 or more was expected (margin .02, ours); 1 of 2 findings hold."
    )


def test_numbers_of_seeds_that_differ_between_curves_are_a_range(tmp_path):
    results = without_curve_2(planted(LOSSES, effect=shift(0.1, loss="dice"), **SMALL), "cell", "dice/s3")
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    assert verdict.sentence.startswith("Supported over 4 to 5 seeds: ")


def test_a_claim_of_several_criteria_needs_all(tmp_path):
    results = planted(LOSSES, effect=shift(0.1, loss="dice"), **SMALL)
    wrong = RECALL | {"measure": "test/precision", "expect": "up"}
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up"}, wrong)
    assert verdict.verdict == REFUTED
    assert [finding.holds for finding in verdict.findings] == [True, True, False, False]
    lacking = verdict_of(
        tmp_path, results, RECALL | {"expect": "up"}, RECALL | {"expect": "up", "plus": {"loss": "focal"}}
    )
    assert lacking.verdict == UNTESTABLE
    both = verdict_of(tmp_path, results, RECALL | {"expect": "up"}, {"kind": "beside", "measure": "test/iou"})
    assert (both.verdict, len(both.findings)) == (SUPPORTED, 4)
    assert both.sentence.startswith(
        "Supported over 5 seeds: all 2 findings hold; nearest to its bound is test/recall of curve_"
    )


def test_verdicts_read_the_estimates_of_the_effects(tmp_path, monkeypatch):
    """No difference, interaction or single condition is computed again."""
    results = planted(TWO, effect=shift(0.1, loss="dice"), **SMALL)
    effects(results)
    monkeypatch.setattr(estimates, "_computed", None)
    pairs = [
        {key: RECALL[key] for key in ("plus", "minus")},
        {"plus": {"data_mix": "fresh"}, "minus": {"data_mix": "scarce"}},
    ]
    interaction = {"kind": "interaction", "measure": "test/recall", "of": pairs, "expect": "none"}
    assert verdict_of(tmp_path, results, interaction).findings


def two_studies(tmp_path, *, first, second):
    """A claim on recall that two studies test, preferring `first`, and what it gets from `second` in each."""
    criterion = RECALL | {"expect": "up"}
    (claim,) = claims_of(tmp_path, claim_node(test=[{"studies": ["one", "two"], "all": [criterion]}]))
    results = {}
    for name, effect in (("one", first), ("two", second)):
        if effect is not None:
            study = replace(THREE, name=name)
            results[name] = planted(study, effect=shift(effect, loss="dice"), **SMALL)
    return claim, results


def over_studies(claim, results):
    """The row of one claim over all studies."""
    tables = {name: table(verdicts_of([claim], own, draws=0)) for name, own in results.items()}
    return table_of_studies([claim], tables).iloc[0]


def test_the_verdict_is_that_of_the_first_study_that_can_test_a_claim(tmp_path):
    claim, results = two_studies(tmp_path, first=0.1, second=-0.1)
    columns = ["study", "verdict", "elsewhere"]
    row = over_studies(claim, {name: results[name] for name in ("two", "one")})
    assert row[columns].tolist() == ["one", SUPPORTED, f"two: {REFUTED}"]
    row = over_studies(claim, {"two": results["two"]})
    assert row[columns].tolist() == ["two", REFUTED, ""]
    cells = results["one"].cells
    narrow = replace(results["one"], cells=cells[cells["loss"] != "dice"].reset_index(drop=True))
    row = over_studies(claim, {"one": narrow, "two": results["two"]})
    assert row[columns].tolist() == ["two", REFUTED, f"one: {UNTESTABLE}"]
    assert over_studies(claim, {})["sentence"] == "Untestable: needs one or two, none of which has run."


def test_the_table_keeps_the_numbers_of_the_source_apart(tmp_path):
    node = claim_node(
        RECALL | {"expect": "up"}, numbers=[{"measure": "recall", "printed": "0.96"}], caution="Of another run."
    )
    claims = claims_of(tmp_path, node, claim_node(id="two", untestable="an identity"))
    verdicts = verdicts_of(claims, planted(LOSSES, effect=shift(0.1, loss="dice"), **SMALL))
    rows = table(verdicts)
    assert list(rows.columns) == list(COLUMNS)
    first, second = rows.to_dict("records")
    assert (first["claim"], first["verdict"], first["study"], first["seeds"]) == ("one", SUPPORTED, "planted", 5)
    assert first["sourced_numbers"] == "recall 0.96 (one run)"
    assert first["caution"] == "Of another run."
    assert "0.96" not in first["sentence"]
    assert (first["effect"], first["low"], first["high"]) == (
        verdicts[0].key.effect,
        verdicts[0].key.low,
        verdicts[0].key.high,
    )
    assert np.isnan(second["effect"])
    assert second["sourced_numbers"] == ""
    findings = findings_table(verdicts)
    assert list(findings.columns) == list(FINDING_COLUMNS)
    assert findings["holds"].tolist() == findings["holm"].tolist() == ["yes", "yes"]
    assert (first["holding"], first["findings"], first["holm"]) == (2, 2, SUPPORTED)
    assert list(table([]).columns) == list(COLUMNS)


# the real claims on the real studies ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def claims():
    return read_claims(ROOT / "experiments" / CLAIMS, groups=groups())


@pytest.fixture(scope="module")
def results(claims):
    """Planted results of every declared study with two seeds, without levels that no claim names."""
    planted_results = {}
    for name in STUDIES:
        study = replace(declared(name), seeds=("0", "1"), exclude=())
        if name == "full_factorial":
            fewer = {"loss": ("soft_ce", "dice", "tversky"), "class_weight": ("none", "measured", "effective_number")}
            study = replace(study, factors={**study.factors, **fewer})
        planted_results[name] = complete(study, claims)
    return planted_results


@pytest.fixture(scope="module")
def verdicts(claims, results):
    """The verdicts of every declared study."""
    return {name: verdicts_of(claims, own, draws=0) for name, own in results.items()}


@pytest.mark.parametrize("name", STUDIES)
def test_every_claim_has_a_verdict_of_every_study(name, claims, verdicts):
    assert [verdict.claim.id for verdict in verdicts[name]] == [claim.id for claim in claims]
    for verdict in verdicts[name]:
        if name in verdict.claim.studies:
            assert verdict.findings, f"{verdict.claim.id}: {verdict.sentence}"
            assert (verdict.verdict != UNTESTABLE) == verdict.claim.tested
        else:
            assert verdict.verdict == UNTESTABLE
        assert "\n" not in verdict.sentence
        assert verdict.sentence.endswith(".")
        assert "nan" not in verdict.sentence
    tested = sum(name in claim.studies for claim in claims)
    assert tested >= 5 or (tested == 0 and not declared(name).claims)


def test_every_claim_has_the_verdict_of_its_preferred_study(claims, verdicts):
    rows = table_of_studies(claims, {name: table(own) for name, own in verdicts.items()}).set_index("claim")
    for claim in claims:
        assert rows.loc[claim.id, "study"] == (claim.studies[0] if claim.studies else "")
    assert (rows["verdict"] != UNTESTABLE).sum() == sum(claim.tested for claim in claims)
    assert set(rows["verdict"]) == {SUPPORTED, REFUTED, UNDECIDED, UNTESTABLE}


def test_planted_truths_get_their_verdicts(claims):
    """Weighting moves recall and precision as the source says, a region loss nothing, and effects add."""

    def as_the_source_says(cell, measure, name):
        weighted, fresh = cell["class_weight"] == "measured", cell["data_mix"] == "fresh"
        return {"recall": 0.2 * weighted, "precision": 0.15 * fresh - 0.2 * weighted}.get(measure, 0.0)

    results = complete(declared("three_family"), claims, effect=as_the_source_says, sheet_sd=0.01, cell_sd=0.002)
    verdicts = {verdict.claim.id: verdict.verdict for verdict in verdicts_of(claims, results, draws=0)}
    assert verdicts["weighting_raises_recall"] == SUPPORTED
    assert verdicts["synthesis_raises_precision"] == SUPPORTED
    assert verdicts["region_loss_buys_no_recall"] == SUPPORTED
    assert verdicts["region_loss_moves_overlap"] == REFUTED
    assert verdicts["axes_move_independently"] == UNTESTABLE
