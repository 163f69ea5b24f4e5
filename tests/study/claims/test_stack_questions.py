"""Single remedies and stacks of all families, on planted studies."""

from dataclasses import replace

import numpy as np
import pytest
from claim_cases import CLEARS, SMALL, verdict_of, with_rows
from study_cases import planted

from thinline.study.claims.verdicts import REFUTED, SUPPORTED, UNDECIDED, UNTESTABLE


def raised(**by_families):
    """Precision and recall by the number of families that moved: .6 less what is planted for that number."""

    def effect(cell, measure, name):
        moved = (cell["class_weight"] == "measured") + (cell["loss"] != "soft_ce") + (cell["data_mix"] == "fresh")
        return by_families.get(f"of_{moved}", -0.3) if measure in ("precision", "recall") else 0.0

    return effect


@pytest.mark.parametrize(
    ("planted_at", "noise", "expected", "reason"),
    [
        ({"of_3": 0.2}, 0.01, SUPPORTED, "of 5 seeds"),
        ({"of_3": -0.3}, 0.01, REFUTED, "stack"),
        ({"of_3": 0.2, "of_1": 0.2}, 0.01, REFUTED, "single"),
        ({"of_3": -0.09}, 0.1, UNDECIDED, "stack"),
    ],
)
def test_the_stack_clears_and_single_families_do_not(planted_at, noise, expected, reason, tmp_path):
    results = planted(effect=raised(**planted_at), cell_sd=noise, sheet_sd=0.01, **SMALL)
    verdict = verdict_of(tmp_path, results, CLEARS)
    assert verdict.verdict == expected, verdict.sentence
    assert [finding.contrast for finding in verdict.findings[:-1]] == [
        "weakest axis of none/soft_ce/fresh",
        "weakest axis of none/dice/scarce",
        "weakest axis of none/tversky/scarce",
        "weakest axis of measured/soft_ce/scarce",
    ]
    stack = verdict.findings[-1]
    assert stack.contrast.startswith("weakest axis of measured/")
    assert stack.contrast.endswith("/fresh")
    if reason == "single":
        assert [finding.holds for finding in verdict.findings] == [False] * 4 + [True]
    if reason == "stack":
        assert all(finding.holds for finding in verdict.findings[:-1])
        assert not stack.holds


def test_the_finding_is_that_of_the_weakest_axis(tmp_path):
    def only_precision_of_curve_2(cell, measure, name):
        return -0.2 if (measure, name) == ("precision", "curve_2") else 0.1

    results = planted(effect=only_precision_of_curve_2, **SMALL)
    verdict = verdict_of(tmp_path, results, CLEARS)
    assert {(finding.measure, finding.of) for finding in verdict.findings} == {("test/precision", "curve_2")}
    assert [finding.holds for finding in verdict.findings] == [True] * 4 + [False]
    rows = results.rows.merge(results.cells, on="run")
    chosen = (rows["condition"] == "none/dice/scarce") & (rows["measure"] == "precision") & (rows["class"] == "curve_2")
    assert verdict.findings[1].effect == pytest.approx(rows.loc[chosen & (rows["split"] == "test"), "value"].mean())


def test_a_condition_without_a_predicted_pixel_is_not_usable(tmp_path):
    """Without a predicted pixel there is no precision, and recall 0 rules it out; the rest is as before."""
    results = planted(effect=raised(of_3=0.2), cell_sd=0.01, sheet_sd=0.01, **SMALL)
    run = results.cells.loc[results.cells["condition"] == "none/dice/scarce", "run"]
    hit = results.sheets["run"].isin(run)
    nothing = {"precision": np.nan, "recall": 0.0, "iou": 0.0, "f1": 0.0, "area_ratio": 0.0}
    sheets = results.sheets.assign(
        value=results.sheets["value"].where(~hit, results.sheets["measure"].map(nothing)),
    )
    verdict = verdict_of(tmp_path, replace(results, sheets=sheets), CLEARS)
    assert verdict.verdict == SUPPORTED, verdict.sentence
    finding = verdict.findings[1]
    assert (finding.contrast, finding.measure, finding.high) == ("weakest axis of none/dice/scarce", "test/recall", 0.0)
    alone = verdict_of(tmp_path, replace(results, sheets=sheets), CLEARS | {"thresholds": {"test/precision": 0.5}})
    assert alone.verdict == UNTESTABLE
    assert "no value of test/precision of curve_1 in none/dice/scarce" in alone.sentence


def test_short_selects_the_numbers_of_families_and_stack_the_stacks(tmp_path):
    results = planted(effect=raised(of_0=0.2, of_3=-0.3), **SMALL)
    verdict = verdict_of(tmp_path, results, CLEARS | {"short": [0, 1, 2], "stack": False})
    assert len(verdict.findings) == 1 + 4 + 5
    assert verdict.verdict == REFUTED
    assert verdict.key.contrast == "weakest axis of none/soft_ce/scarce"
    alone = verdict_of(tmp_path, results, CLEARS | {"short": []})
    assert (alone.verdict, len(alone.findings)) == (REFUTED, 1)


@pytest.mark.parametrize(
    ("planted_at", "noise", "expected"),
    [
        ({"of_3": 0.1, "of_2": 0.0}, 0.005, SUPPORTED),
        ({"of_3": 0.0, "of_2": 0.1}, 0.005, REFUTED),
        ({"of_3": 0.04, "of_2": 0.0}, 0.1, UNDECIDED),
    ],
)
def test_the_best_is_a_stack(planted_at, noise, expected, tmp_path):
    results = planted(effect=raised(**planted_at), cell_sd=noise, sheet_sd=0.01, **SMALL)
    verdict = verdict_of(tmp_path, results, {"kind": "best", "measure": "test/iou"})
    assert verdict.verdict == expected, verdict.sentence
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    rows = rows[rows["class"] == "curve_1"].merge(results.cells, on="run")
    means = rows.groupby("condition")["value"].mean()
    stacks = means.index.str.startswith("measured/") & means.index.str.endswith("/fresh")
    stacks &= ~means.index.str.contains("soft_ce")
    assert verdict.findings[0].effect == pytest.approx(means[stacks].max() - means[~stacks].max())


def test_a_number_of_the_source_has_ours_beside_it(tmp_path):
    results = planted(effect=raised(of_3=0.2), **SMALL)
    verdict = verdict_of(tmp_path, results, {"kind": "beside", "measure": "test/iou", "pick": "stack"})
    assert verdict.verdict == UNTESTABLE
    assert verdict.sentence.startswith(
        "Untestable: a number of the source's own data; ours beside it over 5 seeds, measured/"
    )
    assert len(verdict.findings) == 2
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")].merge(
        results.cells, on="run"
    )
    label = verdict.key.contrast
    value = rows[(rows["condition"] == label) & (rows["class"] == "curve_1")]["value"].mean()
    assert verdict.key.effect == pytest.approx(value)
    weakest = rows.groupby(["condition", "class"])["value"].mean().unstack().min(axis=1)
    assert weakest[["measured/dice/fresh", "measured/tversky/fresh"]].idxmax() == label


def test_shares_of_pixels_are_counted(tmp_path):
    """From the supports of the rows alone."""
    results = with_rows(planted(**SMALL), "test", "iou", "background", lambda row: 0.99, support=48000)
    asked = [
        {"kind": "beside", "measure": "test/frequency", "classes": ["background"]},
        {"kind": "beside", "measure": "test/background_ratio"},
    ]
    verdict = verdict_of(tmp_path, results, *asked)
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    support = rows.merge(results.cells, on="run").groupby(["seed", "class"])["support"].first().unstack()
    shares = 48000 / support.sum(axis=1)
    assert verdict.findings[0].effect == pytest.approx(shares.mean())
    assert verdict.findings[1].effect == pytest.approx((48000 / support["curve_1"]).mean())


def test_of_errors_the_smallest_is_the_best(tmp_path):
    """All conditions have an error of .1 but for a stack of .07; the largest of both sides are equal."""

    def smaller(cell, measure, name):
        stack = (cell["class_weight"], cell["loss"], cell["data_mix"]) == ("measured", "dice", "fresh")
        return -0.03 * stack if measure == "viterbi_bridged_mae_track" else 0.0

    results = planted(effect=smaller, cell_sd=1e-4, seed_sd=1e-4, sheet_sd=1e-4, **SMALL)
    node = {"kind": "best", "measure": "test/viterbi_bridged_mae_track", "expect": "down", "margin": 0.02}
    verdict = verdict_of(tmp_path, results, node)
    assert verdict.verdict == SUPPORTED, verdict.sentence
    assert verdict.findings[0].effect == pytest.approx(-0.03, abs=2e-3)
