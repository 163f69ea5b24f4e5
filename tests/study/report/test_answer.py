"""The first screen of a report, against the tables of effects."""

import re
from dataclasses import replace

import pytest
from report_cases import BOARD, PENS, VERDICTS, small, tables
from scipy import stats
from study_cases import THREE, planted

from thinline.study.design.study import Exclusion
from thinline.study.report.answer import answer
from thinline.study.report.tables import measures_of, verdicts
from thinline.study.stats.effects import effects

VERDICT_ROWS = verdicts(VERDICTS[VERDICTS["verdict"] != "undecided"])


@pytest.fixture(scope="module")
def results():
    return small()


@pytest.fixture(scope="module")
def estimates(results):
    return effects(results)


def of(results, estimates, rows=VERDICT_ROWS):
    return answer(results, estimates, measures_of(estimates.cells), rows)


def value(row, *, turned: bool) -> str:
    """`+.128 [+.118, +.139]`, written another way than by the package; `turned`: of the levels exchanged."""
    numbers = [-row["effect"], -row["high"], -row["low"]] if turned else [row["effect"], row["low"], row["high"]]
    texts = [f"{number:+.3f}".replace("0.", ".", 1) for number in numbers]
    return f"{texts[0]} [{texts[1]},\u00a0{texts[2]}]"


def test_the_first_sentence_is_the_largest_main_effect(results, estimates):
    table = estimates.contrasts.query("split == 'test' and measure == 'iou' and order == 1")
    largest = table.loc[table["effect"].abs().idxmax()]
    first, second = largest["contrast"].split(" - ")[:: 1 if largest["effect"] > 0 else -1]
    text = of(results, estimates)["sentences"][0]
    assert f"on IoU is of {largest['term'].replace('_', ' ')}, {first} less {second}: " in text
    for _, row in table[(table["term"] == largest["term"]) & (table["contrast"] == largest["contrast"])].iterrows():
        assert value(row, turned=largest["effect"] < 0) in text


def test_an_interaction_comes_second_if_it_is_large_and_differs(results, estimates):
    table = estimates.contrasts
    other = of(results, replace(estimates, contrasts=table.assign(p_holm=1.0)))["sentences"]
    assert other[0].endswith("None differs from 0 after Holm's correction.")
    assert other[1].startswith("Next is ")
    large = table.assign(p_holm=0.0)
    chosen = (large["order"] == 2) & (large["measure"] == "iou")
    large.loc[chosen, ["effect", "low", "high"]] = [0.5, 0.4, 0.6]
    row = large[chosen].iloc[0]
    text = of(results, replace(estimates, contrasts=large))["sentences"][1]
    largest = table.query("split == 'test' and measure == 'iou' and order == 1")
    factor = largest.loc[largest["effect"].abs().idxmax(), "term"]
    names = row["term"].split(":")
    inner = names.index(factor) if factor in names else 1
    contrasts = [part.strip("()").split(" - ") for part in row["contrast"].split(" x ")]
    plus, minus = contrasts[inner]
    assert text.startswith(f"The effect of {names[inner]} depends on {names[1 - inner]}: ".replace("_", " "))
    assert f": {plus} less {minus} is " in text
    for level in contrasts[1 - inner]:
        low, mean, high = simple_effect(results, {names[inner]: (plus, minus)}, {names[1 - inner]: level})
        assert f"{mean:+.3f} [{low:+.3f},\u00a0{high:+.3f}] on curve\u00a01".replace("0.", ".") in text
        assert f" at {level}" in text


def simple_effect(results, sides, where):
    """Interval and mean over seeds of the difference of two levels in IoU of curve 1, from the rows of the splits."""
    rows = results.rows.query("split == 'test' and measure == 'iou' and `class` == 'curve_1'")
    cells = results.cells[results.cells["grid"]].merge(rows[["run", "value"]], on="run")
    for name, level in where.items():
        cells = cells[cells[name] == level]
    [(name, (plus, minus))] = sides.items()
    means = cells.groupby([name, "seed"])["value"].mean()
    each = (means[plus] - means[minus]).to_numpy()
    low, high = stats.t.interval(0.95, len(each) - 1, each.mean(), stats.sem(each))
    return low, each.mean(), high


def test_the_best_condition_and_the_verdicts_come_last(results, estimates):
    cells = estimates.cells.query("split == 'test' and measure == 'iou'")
    best = cells.groupby("condition")["mean"].mean().idxmax()
    text = of(results, estimates)["sentences"][2]
    assert text.startswith(
        f"Verdicts on 2 claims: 1 supported and 1 refuted; the condition with the highest mean, {best}, has IoU "
    )
    row = cells[(cells["condition"] == best) & (cells["class"] == "curve_2")].iloc[0]
    assert f"{row['mean']:.3f}"[1:] in text
    assert of(results, estimates, [])["sentences"][2].startswith(
        f"The condition with the highest mean, {best}, has IoU "
    )


def test_the_claim_that_answers_the_question_is_quoted_with_its_interval(results, estimates):
    """Only if the study tests it."""
    for claim, quoted in (
        (
            "iou-still",
            '"Weighting leaves overlap" is refuted (IoU of curve 1: -.050 [-.060,\u00a0-.040]); the condition',
        ),
        ("stack-stops", "Verdicts on 2 claims"),
    ):
        own = replace(results, study=replace(results.study, answer=claim))
        assert of(own, estimates)["sentences"][2].startswith(quoted)


def test_a_claim_that_depends_on_a_factor_is_quoted_with_it_and_its_caution(results, estimates):
    row = VERDICT_ROWS[1] | {"kind": "depends", "verdict": "depends on loss", "caution": "Of another run."}
    own = replace(results, study=replace(results.study, answer=row["claim"]))
    text = of(own, estimates, [row])["sentences"][2]
    assert text.startswith('"Weighting leaves overlap" depends on loss (IoU of curve 1: -.050 [')
    assert "; caution: Of another run); the condition with the highest mean" in text
    assert "1 that depend on a factor" in of(results, estimates, [row])["sentences"][2]


def test_a_study_of_one_factor_has_three_sentences():
    actual = small(replace(PENS, primary=("test/iou", "test/recall")))
    sentences = of(actual, effects(actual), [])["sentences"]
    assert [text.partition(" is ")[0] for text in sentences[:2]] == [
        f"The largest effect on {name}" for name in ("IoU", "recall")
    ]
    assert sentences[2].startswith("The condition with the highest mean, pen")


def test_a_study_without_contrasts_has_its_best_condition(results, estimates):
    bare = replace(estimates, contrasts=estimates.contrasts.iloc[:0])
    content = of(results, bare)
    assert content["sentences"][0].startswith("The condition with the highest mean, ")
    assert content["sentences"][1].startswith("Of the same condition precision is ")
    assert content["sentences"][2] == "Verdicts on 2 claims: 1 supported and 1 refuted."
    assert [row["label"] for row in content["figure"]["rows"]] == ["IoU", "precision", "recall"]
    assert not content["figure"]["effects"]


def test_positions_are_proportional_and_on_the_axis(results, estimates):
    figure = of(results, estimates)["figure"]
    rows = [(bar, float(bar["text"].replace(".", "0.", 1))) for row in figure["rows"] for bar in row["bars"]]
    assert len(figure["rows"]) <= 5
    assert len({row["term"] for row in figure["rows"][:3]}) == 3
    scales = [(bar["at"] - figure["zero"]) / value for bar, value in rows if abs(value) > 0.02]
    assert scales == pytest.approx([scales[0]] * len(scales), rel=0.05)
    for bar, _ in rows:
        assert 0 <= bar["left"] <= bar["at"] <= bar["left"] + bar["width"] + 0.1 <= 100


def test_one_seed_has_sentences_without_intervals():
    actual = small(replace(BOARD, seeds=("0",)))
    content = of(actual, tables(actual))
    assert len(content["sentences"]) == 3
    assert "[" not in " ".join(content["sentences"])
    assert {bar["span"] for row in content["figure"]["rows"] for bar in row["bars"]} == {""}


def test_simple_effects_are_those_of_conditions_that_all_cells_have():
    """Fresh data lower Dice by .25; Dice with the weight on fresh sheets did not run, and the weight costs .2."""
    study = replace(
        THREE,
        factors={"loss": ("soft_ce", "dice"), "data_mix": ("scarce", "fresh"), "class_weight": ("none", "measured")},
        exclude=(Exclusion({"loss": "dice", "data_mix": "fresh", "class_weight": "measured"}, "planted"),),
        also=(),
    )

    def planted_at(cell, measure, name):
        harmed = (cell["loss"], cell["data_mix"]) == ("dice", "fresh")
        return -0.2 * (cell["class_weight"] == "measured") - 0.25 * harmed if measure == "nsd_1px" else 0.0

    results = planted(study, effect=planted_at, sheets=4, seed_sd=0.001, cell_sd=0.001)
    results = replace(results, study=replace(study, primary=("test/nsd_1px",)))
    estimates = effects(results)
    row = estimates.contrasts.query("term == 'loss:data_mix' and measure == 'nsd_1px'").iloc[0]
    measures = [measure for measure in measures_of(estimates.cells) if measure.measure == "nsd_1px"]
    text = answer(results, estimates, measures, [])["sentences"][1]
    assert row["effect"] == pytest.approx(-0.25, abs=0.01)
    found = sorted(float(number) for number in re.findall(r"[-+]\.\d{3}(?= \[)", text))
    assert found == pytest.approx([-0.25] * 2 + [0.0] * 2, abs=0.01), text
