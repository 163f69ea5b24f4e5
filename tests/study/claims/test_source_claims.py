"""The file of claims: read, refused by name, and true to the source texts that it cites."""

import re
from pathlib import Path

import pandas as pd
import pytest
from claim_cases import GROUPS, MARGINS, RECALL, asked_by, claim_node, claims_of, write_claims
from study_cases import STUDIES, declared

from thinline.study.claims.claims import CLAIMS, SOURCES, read_claims
from thinline.study.claims.comparisons import COUNTED, Comparison
from thinline.study.claims.nodes import Beside
from thinline.study.design.study import StudyError
from thinline.sweep.jobs import groups

ROOT = Path(__file__).parents[3]
TEXTS = ROOT.parent / "shared" / "source"
UP = RECALL | {"expect": "up"}


@pytest.fixture(scope="module")
def claims():
    return read_claims(ROOT / "experiments" / CLAIMS, groups=groups())


def test_the_file_has_every_required_claim(claims):
    required = {
        *("weighting_raises_recall", "weighting_leaves_overlap", "region_loss_moves_overlap", "effects_add"),
        *("synthesis_raises_precision", "no_single_family_clears", "loss_order_of_curve_error", "f1_stops_rising"),
        *("lovasz_and_soft_ce_between", "pixels_are_claimed_twice", "resolution_lifts_thin_iou"),
        *("overlap_understates_a_good_curve", "fresh_beats_duplicated", "effective_number_over_raw_ratio"),
        *("class_map_survives_crossings", "weight_is_more_than_a_threshold"),
    }
    assert required <= {claim.id for claim in claims}
    assert {claim.source for claim in claims} == set(SOURCES)
    assert {claim.standing for claim in claims} == {"sourced", "illustrative"}
    assert sum(claim.tested for claim in claims) > 40


def test_the_known_numbers_are_there_with_their_run(claims):
    """The numbers that the source is known for, each at least once and never without its run."""
    numbers = {(number.measure, number.printed) for claim in claims for number in claim.numbers}
    for wanted in (
        *(("IoU", value) for value in ("0.94", "0.26", "0.21", "0.51")),
        *(("precision", value) for value in ("0.41", "0.36")),
        *(("recall", value) for value in ("0.96", "0.97")),
        *(("F1", value) for value in ("0.37", "0.26", "0.55")),
        *(("MAE", value) for value in ("0.0277", "0.0367", "0.0405")),
        *(("R2", "0.9891"), ("class weight", "42"), ("share of background", "97 percent")),
    ):
        assert wanted in numbers
    for claim in claims:
        assert claim.run
        if claim.numbers:
            assert claim.sourced_numbers.endswith(f"({claim.run})")


@pytest.mark.skipif(not TEXTS.is_dir(), reason="the source texts do not travel with the project")
def test_every_number_is_printed_in_its_source(claims):
    texts = {name: (TEXTS / name).read_text(encoding="utf-8") for name in SOURCES}
    numbers = [(claim, number) for claim in claims for number in claim.numbers]
    assert len(numbers) > 60
    for claim, number in numbers:
        assert number.printed in texts[claim.source], f"{claim.id}: {number.printed!r} is not in {claim.source}"


@pytest.mark.skipif(not TEXTS.is_dir(), reason="the source texts do not travel with the project")
def test_no_statement_is_a_sentence_of_the_source(claims):
    """Six words in a row may be a coincidence, ten are a copy."""
    words = {name: " ".join(_words((TEXTS / name).read_text(encoding="utf-8"))) for name in SOURCES}
    for claim in claims:
        own = _words(claim.statement)
        for start in range(len(own) - 9):
            assert " ".join(own[start : start + 10]) not in words[claim.source], claim.id


def _words(text):
    return re.findall(r"[a-z0-9.]+", text.lower())


def test_values_are_what_is_printed(claims):
    """Digits read in another way: by float, and by hand for a share."""
    for claim in claims:
        for number in claim.numbers:
            if re.fullmatch(r"\d+\.\d+|\d+", number.printed):
                assert number.value == float(number.printed), claim.id
    assert {number.value for claim in claims for number in claim.numbers if number.printed == "97 percent"} == {0.97}
    assert {number.value for claim in claims for number in claim.numbers if number.printed == "15,000"} == {15000}
    assert {number.value for claim in claims for number in claim.numbers if number.printed == "80% background"} == {0.8}


def test_every_claim_that_a_study_declares_is_in_the_file(claims):
    announced = {words for claim in claims for words in (*claim.declared, *claim.against)}
    of_studies = {words: name for name in STUDIES for words in declared(name).claims}
    assert set(of_studies) == announced
    for claim in claims:
        for words in (*claim.declared, *claim.against):
            assert of_studies[words] in claim.studies, (claim.id, words)


def test_studies_that_test_a_claim_exist_and_have_the_levels(claims):
    """A level that no cell has would be untestable for ever, so a misspelt level must fail here."""
    declarations = {name: declared(name) for name in STUDIES}
    for claim in claims:
        for study, criteria in claim.tests.items():
            assert study in STUDIES, claim.id
            known = declarations[study]
            for criterion in criteria:
                wheres = [term.where for term in criterion.terms] if isinstance(criterion, Comparison) else []
                wheres += [criterion.where] if isinstance(criterion, Beside) else []
                for factor, levels in ((name, level) for where in wheres for name, level in where.items()):
                    assert set(levels) <= set(known.factors.get(factor, ())), (claim.id, study, factor, levels)


def test_the_claim_that_answers_a_study_is_tested_on_it(claims):
    tests = {claim.id: claim.tests for claim in claims}
    answers = {name: declared(name).answer for name in STUDIES}
    assert len([answer for answer in answers.values() if answer]) == 8
    assert [name for name, answer in answers.items() if answer and name not in tests[answer]] == []


def test_measures_that_tests_name_are_in_published_results(claims):
    published = (ROOT / "experiments").glob("*/results.parquet")
    measured = set(COUNTED).union(
        *(pd.read_parquet(path, columns=["measure"])["measure"].unique() for path in published)
    )
    asked = {name for claim in claims for own in claim.tests.values() for each in own for name, _ in asked_by(each)}
    assert {name.partition("/")[2] for name in asked} <= measured


def test_a_claim_is_read(tmp_path):
    (claim,) = claims_of(
        tmp_path,
        claim_node(
            UP,
            numbers=[
                {"measure": "recall", "class": "mask 1", "printed": "0.96"},
                {"measure": "hours", "printed": "ten hours", "value": 10},
            ],
            caution="Of two\n  runs.",
        ),
    )
    assert claim.studies == ("planted",)
    assert claim.sourced_numbers == "recall 0.96 of mask 1; hours ten hours (one run)"
    assert [number.value for number in claim.numbers] == [0.96, 10]
    assert claim.caution == "Of two runs."
    (criterion,) = claim.tests["planted"]
    assert (criterion.measure, criterion.expected.kind, criterion.expected.margin) == ("test/recall", "up", 0.02)
    assert criterion.text == "loss=dice less loss=soft_ce"


PATH = r"claim 'one'\.test\[0\]\.all\[0\]"
BAD = {
    # what -> (node, the message)
    "kind": (claim_node(UP | {"kind": "differense"}), PATH + ": expected a kind of .* did you mean 'difference'"),
    "no kind": (claim_node({"measure": "test/iou"}), PATH + ": expected a mapping with `kind`, one of difference"),
    "no mapping": (claim_node("difference"), "expected a mapping with `kind`.* got 'difference'"),
    "key": (claim_node(UP | {"wheer": {}}), PATH + ".difference: expected the keys .*; did you mean 'where'"),
    "lacking key": (claim_node(RECALL), "expected the keys .* got no 'expect'"),
    "expectation": (claim_node(UP | {"expect": "higher"}), "difference.expect: expected 'up', 'down',.* got 'higher'"),
    "factor": (
        claim_node(UP | {"plus": {"lose": "dice"}}),
        "difference.plus: expected a group of .* got 'lose'; did you mean 'loss'",
    ),
    "level": (claim_node(UP | {"plus": {"loss": "dise"}}), "plus: expected a level of loss: one of .* mean 'dice'"),
    "level of an order": (
        claim_node({"kind": "order", "measure": "test/iou", "factor": "loss", "levels": ["dice", "fokal"]}),
        "order: expected a level of loss: one of .* did you mean 'focal'",
    ),
    "levels": (claim_node(UP | {"plus": "dice"}), "difference.plus: expected levels as a mapping"),
    "split": (claim_node(UP | {"measure": "train/iou"}), "difference.measure: expected `split/name`.* got 'train/iou'"),
    "measure": (claim_node(UP | {"measure": "test/iuo"}), "difference.measure: expected a measure .* got 'test/iuo'"),
    "no margin": (claim_node(UP | {"measure": "test/breaks"}), "expected a `margin`.* test/breaks; add one"),
    "no margin of best": (claim_node({"kind": "best", "measure": "test/breaks"}), "best: expected a `margin`"),
    "margin": (claim_node(UP | {"margin": "wide"}), "difference.margin: expected a number, got 'wide'"),
    "bound": (
        claim_node({"kind": "level", "measure": "test/iou", "expect": "up", "bound": 0.5}),
        "level.expect: expected 'at_least' or 'at_most', got 'up'",
    ),
    "pairs": (
        claim_node({"kind": "interaction", "measure": "test/iou", "expect": "none", "of": [{"plus": {}, "minus": {}}]}),
        r"interaction.of",
    ),
    "one level": (
        claim_node({"kind": "order", "measure": "test/iou", "factor": "loss", "levels": ["dice"]}),
        "order.levels: expected a list with at least 2 items, not 1",
    ),
    "words in a trend": (
        claim_node(
            {"kind": "trend", "measure": "test/iou", "factor": "loss", "levels": ["dice", "focal"], "expect": "up"}
        ),
        "numbers above 0, got dice, focal",
    ),
    "thresholds": (
        claim_node({"kind": "clears", "thresholds": [0.5], "short": [1]}),
        "clears.thresholds: expected a mapping",
    ),
    "measure of a threshold": (
        claim_node({"kind": "clears", "thresholds": {"test/iuo": 0.5}, "short": [1]}),
        "clears: expected a measure .* got 'test/iuo'",
    ),
    "outside": (claim_node(UP | {"outside": "yes"}), "difference.outside: expected true or false, got 'yes'"),
    "no source": (claim_node(UP, source=None), "claim 'one': expected the keys .* got no 'source'"),
    "source": (claim_node(UP, source="005_ff.txt"), "source: expected one of 000_badef.* got '005_ff.txt'"),
    "standing": (claim_node(UP, standing="true"), "standing: expected 'sourced' or 'illustrative', got 'true'"),
    "statement": (claim_node(UP, statement=" "), "statement: expected a text, got ' '"),
    "nothing tests it": (claim_node(), "`test` or `untestable`"),
    "both": (claim_node(UP, untestable="why"), "got both or neither"),
    "study twice": (claim_node(test=[{"studies": ["a", "a"], "all": [UP]}] * 2), "each study once in `test`, got a"),
    "number in words": (
        claim_node(UP, numbers=[{"measure": "hours", "printed": "ten hours"}]),
        r"numbers\[0\]: expected a `value` of 'ten hours'",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_claim_is_refused_by_name(what, tmp_path):
    node, message = BAD[what]
    with pytest.raises(StudyError, match=message) as error:
        claims_of(tmp_path, node)
    assert "claim 'one'" in str(error.value)
    assert "claims.yaml" in str(error.value)


def test_a_claim_without_an_id_is_named_by_its_number(tmp_path):
    with pytest.raises(StudyError, match=r"claim 'number 2': expected the keys .* got no 'id'"):
        claims_of(tmp_path, claim_node(UP), claim_node(UP, id=None))


def test_a_duplicate_id_is_refused(tmp_path):
    with pytest.raises(StudyError, match="ids of their own, got one twice"):
        claims_of(tmp_path, *[claim_node(UP)] * 2)


def test_a_margin_needs_its_reason(tmp_path):
    path = write_claims(tmp_path, margins=[{key: MARGINS[0][key] for key in ("measures", "margin")}])
    with pytest.raises(StudyError, match=r"claims.yaml: margins\[0\]: expected the keys .* got no 'because'"):
        read_claims(path, groups=GROUPS)


@pytest.mark.parametrize(("text", "words"), [("claims: [", "expected claims as YAML"), ("- 1", "expected a mapping")])
def test_a_file_of_something_else_is_refused(text, words, tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match=words):
        read_claims(path, groups=GROUPS)
    with pytest.raises(StudyError, match=r"none\.yaml: expected claims"):
        read_claims(tmp_path / "none.yaml", groups=GROUPS)
