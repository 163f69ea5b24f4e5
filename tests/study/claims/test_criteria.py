"""Each kind of criterion on planted studies, with each verdict."""

from dataclasses import replace

import numpy as np
import pytest
from claim_cases import RECALL, SMALL, shift, verdict_of, with_rows
from effect_cases import difference
from scipy import stats
from study_cases import LOSSES, TWO, planted

from thinline.study.claims.findings import STEP
from thinline.study.claims.verdicts import REFUTED, SUPPORTED, UNDECIDED, UNTESTABLE
from thinline.study.design.study import Study
from thinline.study.stats.samples import samples

SWEEP = Study(
    name="planted",
    question="Does it rise?",
    primary=("test/recall",),
    seeds=("0", "1", "2", "3", "4"),
    factors={"class_weight.value": ("1", "10", "100")},
)


DIFFERENCES = {
    # verdict -> (expected, planted effect of dice on recall, noise of cells)
    ("up", SUPPORTED): (0.1, 0.005),
    ("up", REFUTED): (-0.1, 0.005),
    ("up", UNDECIDED): (0.02, 0.06),
    ("none", SUPPORTED): (0.0, 0.005),
    ("none", REFUTED): (0.1, 0.005),
    ("none", UNDECIDED): (0.02, 0.06),
    ("down", SUPPORTED): (-0.1, 0.005),
    ("not_down", SUPPORTED): (0.1, 0.005),
    ("not_down", REFUTED): (-0.1, 0.005),
}


@pytest.mark.parametrize(("expect", "expected"), DIFFERENCES)
def test_each_verdict_of_a_difference(expect, expected, tmp_path):
    effect, noise = DIFFERENCES[expect, expected]
    results = planted(LOSSES, effect=shift(effect, loss="dice"), cell_sd=noise, **SMALL)
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": expect})
    assert verdict.verdict == expected
    assert [finding.of for finding in verdict.findings] == ["curve_1", "curve_2"]
    for finding in verdict.findings:
        assert (finding.effect, finding.low, finding.high) == pytest.approx(by_hand(results, finding.of), abs=1e-12)


def recall_of(results, name):
    """The rows of recall over the whole test split, of one curve."""
    rows = results.rows.merge(results.cells, on="run")
    return rows[(rows["split"] == "test") & (rows["measure"] == "recall") & (rows["class"] == name)]


def by_hand(results, name):
    """Recall of dice less soft_ce, averaged over the other factors, by Student's t."""
    means = recall_of(results, name).groupby(["seed", "loss"])["value"].mean().unstack()
    each = means["dice"] - means["soft_ce"]
    low, high = stats.t.interval(0.95, len(each) - 1, loc=each.mean(), scale=stats.sem(each))
    return each.mean(), low, high


@pytest.mark.parametrize("shared", [False, True])
def test_the_interval_is_that_of_the_effects(shared, tmp_path):
    """With test sheets of each seed's own, and with sheets that all seeds share, whose noise widens the interval."""
    results = planted(LOSSES, effect=shift(0.1, loss="dice"), **SMALL)
    if shared:
        results = replace(results, sheets=results.sheets.assign(support=500))
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    for finding in verdict.findings:
        one = difference(results, "recall", finding.of, plus=RECALL["plus"], minus=RECALL["minus"])
        assert (finding.effect, finding.low, finding.high, finding.p) == pytest.approx(
            (one.effect, one.low, one.high, one.p), abs=1e-12
        )
    assert samples(results, "recall", "curve_1").crossed is shared


def test_an_effect_too_small_to_count_is_no_rise(tmp_path):
    """.01 is found with certainty, and is less than the margin of .02."""
    results = planted(LOSSES, effect=shift(0.01, loss="dice"), cell_sd=1e-4, **SMALL)
    verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    assert all(finding.low > 0 for finding in verdict.findings)
    assert verdict.verdict == REFUTED
    own = RECALL | {"expect": "up", "margin": 0.005, "margin_of": "source"}
    supported = verdict_of(tmp_path, results, own)
    assert supported.verdict == SUPPORTED
    assert "(margin .005, of the source)" in supported.sentence


def test_one_curve_is_enough_to_refute(tmp_path):
    def of_one(cell, measure, name):
        return shift(0.1 if name == "curve_1" else -0.1, loss="dice")(cell, measure, name)

    verdict = verdict_of(tmp_path, planted(LOSSES, effect=of_one, **SMALL), RECALL | {"expect": "up"})
    assert verdict.verdict == REFUTED
    assert [finding.holds for finding in verdict.findings] == [True, False]
    assert verdict.key.of == "curve_2"
    assert "recall of curve_2, loss=dice less loss=soft_ce: -.098 [" in verdict.sentence
    assert "; 1 of 2 findings hold, 1 is refuted; " in verdict.sentence
    alone = verdict_of(
        tmp_path, planted(LOSSES, effect=of_one, **SMALL), RECALL | {"expect": "up", "classes": ["curve_1"]}
    )
    assert alone.verdict == SUPPORTED


def test_levels_shared_by_both_sides_narrow_a_difference(tmp_path):
    results = planted(TWO, effect=shift(0.1, loss="dice", data_mix="fresh"), **SMALL)
    for mix, expected in (("fresh", SUPPORTED), ("scarce", REFUTED)):
        verdict = verdict_of(tmp_path, results, RECALL | {"expect": "up", "where": {"data_mix": mix}})
        assert (verdict.verdict, verdict.key.contrast) == (expected, f"loss=dice less loss=soft_ce, at data_mix={mix}")


PAIRS = [
    {"plus": {"loss": "dice"}, "minus": {"loss": "soft_ce"}},
    {"plus": {"data_mix": "fresh"}, "minus": {"data_mix": "scarce"}},
]


@pytest.mark.parametrize(
    ("effect", "noise", "expect", "expected"),
    [
        (0.2, 0.005, "up", SUPPORTED),
        (0.2, 0.005, "none", REFUTED),
        (0.0, 0.001, "none", SUPPORTED),
        (0.02, 0.06, "none", UNDECIDED),
        (-0.2, 0.005, "down", SUPPORTED),
    ],
)
def test_each_verdict_of_an_interaction(effect, noise, expect, expected, tmp_path):
    """Recall of dice gains `effect` with fresh sheets and nothing else: that is the interaction."""
    results = planted(TWO, effect=shift(effect, loss="dice", data_mix="fresh"), cell_sd=noise, **SMALL)
    asked = {"kind": "interaction", "measure": "test/recall", "of": PAIRS, "expect": expect}
    verdict = verdict_of(tmp_path, results, asked)
    assert verdict.verdict == expected
    assert verdict.findings[0].effect == pytest.approx(effect, abs=3 * noise + 0.01)


def test_effects_that_add_do_not_interact(tmp_path):
    def both(cell, measure, name):
        return shift(0.1, loss="dice")(cell, measure, name) + shift(0.1, data_mix="fresh")(cell, measure, name)

    asked = {"kind": "interaction", "measure": "test/recall", "of": PAIRS, "expect": "none"}
    verdict = verdict_of(tmp_path, planted(TWO, effect=both, cell_sd=0.001, seed_sd=0.001, **SMALL), asked)
    assert verdict.verdict == SUPPORTED


@pytest.mark.parametrize(
    ("steps", "noise", "expected"),
    [((0.0, 0.1, 0.2), 0.005, SUPPORTED), ((0.0, 0.2, 0.1), 0.005, REFUTED), ((0.0, 0.1, 0.12), 0.06, UNDECIDED)],
)
def test_each_verdict_of_an_order(steps, noise, expected, tmp_path):
    by_loss = dict(zip(("soft_ce", "dice", "tversky"), steps, strict=True))
    results = planted(
        LOSSES,
        effect=lambda cell, measure, name: by_loss[cell["loss"]] if measure == "recall" else 0,
        cell_sd=noise,
        **SMALL,
    )
    asked = {"kind": "order", "measure": "test/recall", "factor": "loss", "levels": ["soft_ce", "dice", "tversky"]}
    verdict = verdict_of(tmp_path, results, asked)
    assert verdict.verdict == expected
    assert [finding.contrast for finding in verdict.findings[::2]] == [
        "loss=dice less loss=soft_ce",
        "loss=tversky less loss=dice",
    ]


@pytest.mark.parametrize(
    ("slope", "noise", "expect", "expected"),
    [
        (0.1, 0.002, "up", SUPPORTED),
        (0.1, 0.002, "not_up", REFUTED),
        (0.0, 0.002, "not_up", SUPPORTED),
        (0.0, 0.002, "up", REFUTED),
        (0.02, 0.06, "up", UNDECIDED),
        (-0.1, 0.002, "not_up", SUPPORTED),
    ],
)
def test_each_verdict_of_a_trend(slope, noise, expect, expected, tmp_path):
    """Recall rises by `slope` for a tenfold weight."""
    results = planted(
        SWEEP,
        effect=lambda cell, measure, name: slope * np.log10(float(cell["class_weight.value"])) * (measure == "recall"),
        cell_sd=noise,
        **SMALL,
    )
    asked = {"kind": "trend", "measure": "test/recall", "factor": "class_weight.value", "levels": [1, 10, 100]}
    verdict = verdict_of(tmp_path, results, asked | {"expect": expect})
    assert verdict.verdict == expected
    for finding in (finding for finding in verdict.deciding if finding.role != STEP):
        assert finding.effect == pytest.approx(slope_by_fit(results, finding.of), abs=1e-12)


def slope_by_fit(results, name):
    rows = recall_of(results, name)
    return np.polyfit(np.log10(rows["class_weight.value"].astype(float)), rows["value"], 1)[0]


@pytest.mark.parametrize(
    ("more", "noise", "expected"), [(0.1, 0.002, SUPPORTED), (0.0, 0.002, REFUTED), (0.02, 0.06, UNDECIDED)]
)
def test_each_verdict_of_two_measures_of_the_same_cells(more, noise, expected, tmp_path):
    """nsd is higher than recall by `more`; noise of seeds and sheets is their own."""
    results = planted(
        replace(LOSSES, factors={"loss": ("soft_ce",)}),
        effect=lambda cell, measure, name: more if measure == "nsd_1px" else 0.0,
        cell_sd=noise,
        seed_sd=noise,
        sheet_sd=1e-4,
        **SMALL,
    )
    asked = {"kind": "within", "plus": "test/nsd_1px", "minus": "test/recall", "expect": "up", "margin": 0.03}
    verdict = verdict_of(tmp_path, results, asked)
    assert verdict.verdict == expected
    assert verdict.findings[0].measure == "test/nsd_1px less test/recall"
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["class"] == "curve_1")]
    means = rows.groupby("measure")["value"].mean()
    assert verdict.findings[0].effect == pytest.approx(means["nsd_1px"] - means["recall"], abs=1e-12)


def test_measures_with_and_without_sheets_and_other_classes_are_paired_by_seed(tmp_path):
    """`tuned/f1` is planted at test/f1 and .01 more, in every cell: no noise is left."""
    results = planted(replace(LOSSES, factors={"loss": ("soft_ce",)}), **SMALL)
    asked = {"kind": "within", "plus": "tuned/f1", "minus": "test/f1", "expect": "not_up"}
    verdict = verdict_of(tmp_path, results, asked)
    assert (verdict.verdict, [finding.effect for finding in verdict.findings]) == (SUPPORTED, pytest.approx([0.01] * 2))
    assert verdict.findings[0].high - verdict.findings[0].low < 1e-9
    background = with_rows(results, "test", "iou", "background", lambda row: 0.99)
    wide = {"kind": "within", "plus": {"measure": "test/iou", "class": "background"}, "minus": "test/iou"}
    verdict = verdict_of(tmp_path, background, wide | {"expect": "up", "margin": 0.2})
    iou = results.rows[(results.rows["measure"] == "iou") & (results.rows["class"] == "curve_2")]["value"].mean()
    assert (verdict.verdict, verdict.findings[1].effect) == (SUPPORTED, pytest.approx(0.99 - iou))
    means = {"kind": "within", "plus": "test/iou", "minus": {"measure": "test/iou", "class": ["curve_1", "curve_2"]}}
    verdict = verdict_of(tmp_path, background, means | {"expect": "none", "margin": 0.5})
    assert sum(finding.effect for finding in verdict.findings) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "noise", "expected"), [(0.2, 0.01, SUPPORTED), (0.7, 0.01, REFUTED), (0.51, 0.2, UNDECIDED)]
)
def test_each_verdict_of_a_level_of_the_perturbed_truth(value, noise, expected, tmp_path):
    results = with_rows(
        planted(replace(LOSSES, factors={"loss": ("soft_ce",)}), **SMALL),
        "oracle_jitter",
        "iou",
        "curve_1",
        lambda row: value,
        sd=noise,
    )
    asked = {"kind": "level", "measure": "oracle_jitter/iou", "expect": "at_most", "bound": 0.5, "classes": ["curve_1"]}
    verdict = verdict_of(tmp_path, results, asked)
    assert verdict.verdict == expected
    assert verdict.key.expected == ".5 or less"
    assert not verdict.key.value.startswith("+")


def test_a_criterion_reads_perturbed_truth_that_the_runs_lack_from_beside_them(tmp_path):
    """A difference from the one that they have, paired by seed."""
    results = with_rows(planted(**SMALL), "oracle_thick", "iou", "curve_1", lambda row: 0.3 + row["seed"] / 100)
    shifted = with_rows(results, "oracle_shift_normal", "iou", "curve_1", lambda row: 0.05 + row["seed"] / 100)
    lacking = replace(results, beside=shifted.rows[shifted.rows["split"] == "oracle_shift_normal"])
    asked = {"kind": "within", "plus": "oracle_thick/iou", "minus": "oracle_shift_normal/iou", "expect": "up"}
    for each in (shifted, lacking):
        verdict = verdict_of(tmp_path, each, asked | {"classes": ["curve_1"]})
        assert (verdict.verdict, verdict.key.effect) == (SUPPORTED, pytest.approx(0.25))
    assert verdict_of(tmp_path, results, asked | {"classes": ["curve_1"]}).verdict == UNTESTABLE


def test_a_contrast_may_have_any_terms(tmp_path):
    """2 of one cell less two others, planted to be .3."""
    results = planted(TWO, effect=shift(0.15, loss="dice"), cell_sd=0.001, **SMALL)
    terms = [
        {"times": 2, "where": {"loss": "dice"}},
        {"times": -1, "where": {"loss": "soft_ce"}},
        {"times": -1, "where": {"loss": "tversky", "data_mix": "fresh"}},
    ]
    verdict = verdict_of(
        tmp_path, results, {"kind": "contrast", "measure": "test/recall", "terms": terms, "expect": "up"}
    )
    assert verdict.verdict == SUPPORTED
    assert verdict.key.contrast == "+2 (loss=dice) -1 (loss=soft_ce) -1 (data_mix=fresh, loss=tversky)"
    assert verdict.key.effect == pytest.approx(0.3, abs=0.01)
