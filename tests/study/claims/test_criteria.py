"""Each kind of test, on planted studies, with each of its verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from claim_cases import RECALL, SMALL, shift, verdict_of, with_rows
from scipy import stats
from study_cases import planted

from thinline.study.claims.verdicts import REFUTED, SUPPORTED, UNDECIDED
from thinline.study.design.study import Study
from thinline.study.stats.estimates import difference
from thinline.study.stats.samples import samples

SWEEP = Study(
    name="planted",
    question="Does it rise?",
    primary=("test/recall",),
    seeds=("0", "1", "2", "3", "4"),
    factors={"class_weight.value": ("1", "10", "100"), "loss": ("soft_ce", "dice")},
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


@pytest.mark.parametrize(("expect", "verdict"), DIFFERENCES)
def test_a_difference(expect, verdict, tmp_path):
    effect, noise = DIFFERENCES[expect, verdict]
    results = planted(effect=shift(effect, loss="dice"), cell_sd=noise, **SMALL)
    found = verdict_of(tmp_path, results, RECALL | {"expect": expect})
    assert found.verdict == verdict
    assert [finding.of for finding in found.findings] == ["curve_1", "curve_2"]
    for finding in found.findings:
        assert (finding.effect, finding.low, finding.high) == pytest.approx(by_hand(results, finding.of), abs=1e-12)


def by_hand(results, name):
    """Recall of dice less soft_ce from the rows of whole splits, averaged over the other factors, by Student's t."""
    rows = results.rows.merge(results.cells, on="run")
    rows = rows[(rows["split"] == "test") & (rows["measure"] == "recall") & (rows["class"] == name)]
    means = rows.groupby(["seed", "loss"])["value"].mean().unstack()
    each = means["dice"] - means["soft_ce"]
    low, high = stats.t.interval(0.95, len(each) - 1, loc=each.mean(), scale=stats.sem(each))
    return each.mean(), low, high


@pytest.mark.parametrize("shared", [False, True])
def test_the_interval_is_that_of_the_effects(shared, tmp_path):
    """With test sheets of each seed's own, and with sheets that all seeds share, whose noise widens the interval."""
    results = planted(effect=shift(0.1, loss="dice"), **SMALL)
    if shared:
        results = replace(results, sheets=results.sheets.assign(support=500))
    found = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    for finding in found.findings:
        told = difference(results, "recall", finding.of, plus=RECALL["plus"], minus=RECALL["minus"])
        assert (finding.effect, finding.low, finding.high, finding.p) == pytest.approx(
            (told.effect, told.low, told.high, told.p), abs=1e-12
        )
    assert samples(results, "recall", "curve_1").crossed is shared


def test_an_effect_too_small_to_count_is_no_rise(tmp_path):
    """.01 is found with certainty, and is less than the margin of .02."""
    results = planted(effect=shift(0.01, loss="dice"), cell_sd=1e-4, **SMALL)
    found = verdict_of(tmp_path, results, RECALL | {"expect": "up"})
    assert all(finding.low > 0 for finding in found.findings)
    assert found.verdict == REFUTED
    assert verdict_of(tmp_path, results, RECALL | {"expect": "up", "margin": 0.005}).verdict == SUPPORTED


def test_one_curve_is_enough_to_refute_and_to_leave_open(tmp_path):
    def of_one(cell, measure, name):
        return shift(0.1 if name == "curve_1" else -0.1, loss="dice")(cell, measure, name)

    found = verdict_of(tmp_path, planted(effect=of_one, **SMALL), RECALL | {"expect": "up"})
    assert found.verdict == REFUTED
    assert [finding.holds for finding in found.findings] == [True, False]
    assert found.key.of == "curve_2"
    assert "test/recall of curve_2, loss=dice less loss=soft_ce: -.1" in found.sentence
    assert "(1 of 2 findings)" in found.sentence
    alone = verdict_of(tmp_path, planted(effect=of_one, **SMALL), RECALL | {"expect": "up", "classes": ["curve_1"]})
    assert alone.verdict == SUPPORTED


def test_levels_shared_by_both_sides_narrow_a_difference(tmp_path):
    results = planted(effect=shift(0.1, loss="dice", data_mix="fresh"), **SMALL)
    for mix, verdict in (("fresh", SUPPORTED), ("scarce", REFUTED)):
        found = verdict_of(tmp_path, results, RECALL | {"expect": "up", "where": {"data_mix": mix}})
        assert (found.verdict, found.key.contrast) == (verdict, f"loss=dice less loss=soft_ce, at data_mix={mix}")


PAIRS = [
    {"plus": {"loss": "dice"}, "minus": {"loss": "soft_ce"}},
    {"plus": {"data_mix": "fresh"}, "minus": {"data_mix": "scarce"}},
]


@pytest.mark.parametrize(
    ("effect", "noise", "expect", "verdict"),
    [
        (0.2, 0.005, "up", SUPPORTED),
        (0.2, 0.005, "none", REFUTED),
        (0.0, 0.001, "none", SUPPORTED),
        (0.02, 0.06, "none", UNDECIDED),
        (-0.2, 0.005, "down", SUPPORTED),
    ],
)
def test_an_interaction(effect, noise, expect, verdict, tmp_path):
    """Recall of dice gains `effect` with fresh sheets and nothing else: that is the interaction."""
    results = planted(effect=shift(effect, loss="dice", data_mix="fresh"), cell_sd=noise, **SMALL)
    asked = {"kind": "interaction", "measure": "test/recall", "of": PAIRS, "expect": expect}
    found = verdict_of(tmp_path, results, asked)
    assert found.verdict == verdict
    assert found.findings[0].effect == pytest.approx(effect, abs=3 * noise + 0.01)


def test_effects_that_add_do_not_interact(tmp_path):
    def both(cell, measure, name):
        return shift(0.1, loss="dice")(cell, measure, name) + shift(0.1, data_mix="fresh")(cell, measure, name)

    asked = {"kind": "interaction", "measure": "test/recall", "of": PAIRS, "expect": "none"}
    found = verdict_of(tmp_path, planted(effect=both, cell_sd=0.001, seed_sd=0.001, **SMALL), asked)
    assert found.verdict == SUPPORTED


@pytest.mark.parametrize(
    ("steps", "noise", "verdict"),
    [((0.0, 0.1, 0.2), 0.005, SUPPORTED), ((0.0, 0.2, 0.1), 0.005, REFUTED), ((0.0, 0.1, 0.12), 0.06, UNDECIDED)],
)
def test_an_order(steps, noise, verdict, tmp_path):
    by_loss = dict(zip(("soft_ce", "dice", "tversky"), steps, strict=True))
    results = planted(
        effect=lambda cell, measure, name: by_loss[cell["loss"]] if measure == "recall" else 0, cell_sd=noise, **SMALL
    )
    asked = {"kind": "order", "measure": "test/recall", "factor": "loss", "levels": ["soft_ce", "dice", "tversky"]}
    found = verdict_of(tmp_path, results, asked)
    assert found.verdict == verdict
    assert [finding.contrast for finding in found.findings[::2]] == [
        "loss=dice less loss=soft_ce",
        "loss=tversky less loss=dice",
    ]


@pytest.mark.parametrize(
    ("slope", "noise", "expect", "verdict"),
    [
        (0.1, 0.002, "up", SUPPORTED),
        (0.1, 0.002, "not_up", REFUTED),
        (0.0, 0.002, "not_up", SUPPORTED),
        (0.0, 0.002, "up", REFUTED),
        (0.02, 0.06, "up", UNDECIDED),
        (-0.1, 0.002, "not_up", SUPPORTED),
    ],
)
def test_a_trend(slope, noise, expect, verdict, tmp_path):
    """Recall rises by `slope` for a tenfold weight."""
    results = planted(
        SWEEP,
        effect=lambda cell, measure, name: slope * np.log10(float(cell["class_weight.value"])) * (measure == "recall"),
        cell_sd=noise,
        **SMALL,
    )
    asked = {"kind": "trend", "measure": "test/recall", "factor": "class_weight.value", "levels": [1, 10, 100]}
    found = verdict_of(tmp_path, results, asked | {"expect": expect})
    assert found.verdict == verdict
    for finding in found.findings:
        assert finding.effect == pytest.approx(slope_by_fit(results, finding.of), abs=1e-12)


def slope_by_fit(results, name):
    rows = results.rows.merge(results.cells, on="run")
    rows = rows[(rows["split"] == "test") & (rows["measure"] == "recall") & (rows["class"] == name)]
    return np.polyfit(np.log10(rows["class_weight.value"].astype(float)), rows["value"], 1)[0]


@pytest.mark.parametrize(
    ("more", "noise", "verdict"), [(0.1, 0.002, SUPPORTED), (0.0, 0.002, REFUTED), (0.02, 0.06, UNDECIDED)]
)
def test_two_measures_of_the_same_cells(more, noise, verdict, tmp_path):
    """nsd is higher than recall by `more`; noise of seeds and sheets is their own."""
    results = planted(
        effect=lambda cell, measure, name: more if measure == "nsd_1px" else 0.0,
        cell_sd=noise,
        seed_sd=noise,
        sheet_sd=1e-4,
        **SMALL,
    )
    asked = {"kind": "within", "plus": "test/nsd_1px", "minus": "test/recall", "expect": "up", "margin": 0.03}
    found = verdict_of(tmp_path, results, asked)
    assert found.verdict == verdict
    assert found.findings[0].measure == "test/nsd_1px less test/recall"
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["class"] == "curve_1")]
    means = rows.groupby("measure")["value"].mean()
    assert found.findings[0].effect == pytest.approx(means["nsd_1px"] - means["recall"], abs=1e-12)


def test_measures_with_and_without_sheets_and_other_classes_are_paired_by_seed(tmp_path):
    """`tuned/f1` is planted at test/f1 and .01 more, in every cell: no noise is left."""
    results = planted(**SMALL)
    asked = {"kind": "within", "plus": "tuned/f1", "minus": "test/f1", "expect": "not_up"}
    found = verdict_of(tmp_path, results, asked)
    assert (found.verdict, [finding.effect for finding in found.findings]) == (SUPPORTED, pytest.approx([0.01] * 2))
    assert found.findings[0].high - found.findings[0].low < 1e-9
    background = with_rows(results, "test", "iou", "background", lambda row: 0.99)
    wide = {"kind": "within", "plus": {"measure": "test/iou", "class": "background"}, "minus": "test/iou"}
    found = verdict_of(tmp_path, background, wide | {"expect": "up", "margin": 0.2})
    iou = results.rows[(results.rows["measure"] == "iou") & (results.rows["class"] == "curve_2")]["value"].mean()
    assert (found.verdict, found.findings[1].effect) == (SUPPORTED, pytest.approx(0.99 - iou))
    means = {"kind": "within", "plus": "test/iou", "minus": {"measure": "test/iou", "class": ["curve_1", "curve_2"]}}
    found = verdict_of(tmp_path, background, means | {"expect": "none", "margin": 0.5})
    assert sum(finding.effect for finding in found.findings) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "noise", "verdict"), [(0.2, 0.01, SUPPORTED), (0.7, 0.01, REFUTED), (0.51, 0.2, UNDECIDED)]
)
def test_a_level_of_an_oracle(value, noise, verdict, tmp_path):
    results = with_rows(planted(**SMALL), "oracle_jitter", "iou", "curve_1", lambda row: value, sd=noise)
    asked = {"kind": "level", "measure": "oracle_jitter/iou", "expect": "at_most", "bound": 0.5, "classes": ["curve_1"]}
    found = verdict_of(tmp_path, results, asked)
    assert found.verdict == verdict
    assert found.key.expected == ".5 or less"
    assert not found.key.value.startswith("+")


def test_any_sum_of_conditions(tmp_path):
    """2 of one cell less two others, planted to be .3."""
    results = planted(effect=shift(0.15, loss="dice"), cell_sd=0.001, **SMALL)
    terms = [
        {"times": 2, "where": {"loss": "dice"}},
        {"times": -1, "where": {"loss": "soft_ce"}},
        {"times": -1, "where": {"loss": "tversky", "data_mix": "fresh"}},
    ]
    found = verdict_of(
        tmp_path, results, {"kind": "contrast", "measure": "test/recall", "terms": terms, "expect": "up"}
    )
    assert found.verdict == SUPPORTED
    assert found.key.contrast == "+2 (loss=dice) -1 (loss=soft_ce) -1 (data_mix=fresh, loss=tversky)"
    assert found.key.effect == pytest.approx(0.3, abs=0.01)
