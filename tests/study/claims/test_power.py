"""The printed power against the share of simulated studies that support a true claim."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from claim_cases import RECALL, SMALL, claim_node, claims_of, verdict_of
from rows_only import by_study, cells_of, drawn_rows
from scipy import stats
from study_cases import LOSSES, THREE, planted

from thinline.study.claims.comparisons import StudyData
from thinline.study.claims.power import assumed_words, power_of
from thinline.study.claims.simple_effects import findings_of

UP = RECALL | {"expect": "up"}
NONE = RECALL | {"expect": "none", "measure": ["test/recall", "test/precision"]}
CONDITIONS = [(weight, loss, mix) for weight, loss, mix in product(*THREE.factors.values())]
TRUE = {
    "a rise of the margin": (UP, {"cell_sd": 0.005, "measures": ("recall",)}),
    "a rise with little power": (UP, {"cell_sd": 0.008, "measures": ("recall",)}),
    "cells of unequal noise": (
        UP,
        {"cell_sd": lambda cell: 0.008 if cell["class_weight"] == "measured" else 0.002, "measures": ("recall",)},
    ),
    "no change of two measures that share noise": (
        NONE,
        {"cell_sd": 0.006, "measures": ("recall", "precision"), "common": 0.7},
    ),
}


def share_supported(expect, noise, *, studies=20000):
    """The share of true studies that support a claim: noise of cells alone, paired differences, Student's intervals."""
    rng = np.random.default_rng(99)
    factors = [dict(zip(THREE.factors, levels, strict=True)) for levels in CONDITIONS]
    of_cell = noise["cell_sd"] if callable(noise["cell_sd"]) else lambda cell: noise["cell_sd"]
    deviations = np.array([of_cell(cell) for cell in factors])[:, None]
    share, all_hold = noise.get("common", 0.0), np.ones(studies, np.bool_)
    of_all = rng.standard_normal((studies, len(CONDITIONS), 5))
    for _ in range(2 * len(noise["measures"])):
        cells = np.sqrt(share) * of_all + np.sqrt(1 - share) * rng.standard_normal(of_all.shape)
        cells = cells * deviations
        for weight, mix in product(THREE.factors["class_weight"], THREE.factors["data_mix"]):
            dice, soft_ce = (CONDITIONS.index((weight, loss, mix)) for loss in ("dice", "soft_ce"))
            each = cells[:, dice] - cells[:, soft_ce] + (0.02 if expect == "up" else 0.0)
            half = stats.t.ppf(0.975, 4) * stats.sem(each, axis=1)
            low, high = each.mean(1) - half, each.mean(1) + half
            all_hold &= (low > 0) & (high >= 0.02) if expect == "up" else (low > -0.02) & (high < 0.02)
    return all_hold.mean()


def criteria(folder, *nodes):
    """The criteria of a claim."""
    (claim,) = claims_of(folder, claim_node(*nodes))
    return claim.tests["planted"]


@pytest.mark.parametrize("what", TRUE)
def test_the_printed_power_is_the_share_of_studies_that_support_a_true_claim(what, tmp_path):
    """Within .05, on average over 60 planted studies: one study of five seeds knows its noise only roughly."""
    node, noise = TRUE[what]

    def truth(cell, measure, name):
        return 0.02 * (node["expect"] == "up" and cell["loss"] == "dice")

    data = StudyData(drawn_rows(THREE, cells_of(THREE), np.random.default_rng(0), truth=truth, studies=60, **noise))
    findings = [finding for comparison in criteria(tmp_path, node) for finding in findings_of(data, comparison)]
    printed = [power_of(own, data, draws=500) for own in by_study(findings)]
    assert len(printed) == 60
    share = share_supported(node["expect"], noise)
    assert np.mean(printed) == pytest.approx(share, abs=0.05)
    assert 0.1 < share < 0.9, "the comparison says nothing near 0 and 1"


def test_one_finding_has_the_power_of_students_test(tmp_path):
    """One curve and one setting: the noncentral t at the standard error that the noise of the cells gives."""
    (comparison,) = criteria(tmp_path, UP | {"classes": ["curve_1"], "margin": 0.0})
    results = drawn_rows(LOSSES, cells_of(LOSSES), np.random.default_rng(3), truth=lambda *cell: 0.0, cell_sd=0.006)
    data = StudyData(results)
    findings = findings_of(data, comparison)
    values = data.samples("test/recall", "curve_1").values
    rest = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    error = np.sqrt(2 * (rest**2).sum() / 8 / 5)
    exact = stats.nct.sf(stats.t.ppf(0.975, 4), 4, 0.02 / error)
    assert power_of(findings, data) == pytest.approx(exact, abs=0.04)


def test_many_findings_have_less_power_than_one(tmp_path):
    results = planted(cell_sd=0.01, **SMALL)
    one = verdict_of(tmp_path, results, UP | {"where": {"class_weight": "none", "data_mix": "fresh"}})
    all_of_them = verdict_of(tmp_path, results, UP)
    assert 0 < all_of_them.power < one.power < 1
    assert f"power {all_of_them.power:.2f}"[:-1].replace("0.", ".") in all_of_them.sentence
    assert verdict_of(tmp_path, results, UP).power == all_of_them.power, "the simulation is the same each time"


def test_without_an_interval_there_is_no_power(tmp_path):
    results = planted(replace(LOSSES, seeds=("0",)), **SMALL)
    assert np.isnan(verdict_of(tmp_path, results, UP).power)


def test_the_assumed_effects_are_in_words(tmp_path):
    results = planted(LOSSES, **SMALL)
    level = {"kind": "level", "measure": "test/recall", "expect": "at_most", "bound": 0.5}
    verdict = verdict_of(tmp_path, results, UP, RECALL | {"expect": "none", "measure": "test/iou"}, level)
    assert assumed_words(verdict.findings) == "test/recall +.02, test/iou 0, test/recall .48" == verdict.assumed
