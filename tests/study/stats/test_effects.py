"""Effects of planted studies: planted effects are recovered, and notes say what cannot be estimated."""

import time
from dataclasses import replace

import numpy as np
import pytest
from effect_cases import difference
from scipy import stats
from study_cases import THREE, planted

from thinline.study.design.study import Exclusion
from thinline.study.stats.effects import COLUMNS, effects
from thinline.study.stats.estimates import estimate, holm
from thinline.study.stats.samples import samples

WEIGHT, REGION, SYNTHESIS, BOTH, ALL = 0.08, 0.04, 0.02, 0.03, 0.06
ALONG = ("nsd_1px", "tol_f1_1px")


def planned(cell, measure, name):
    """Effects of first, second and third order on the outlines of curve 1, and nothing else."""
    if measure not in ALONG or name != "curve_1":
        return 0.0
    weight, loss = cell["class_weight"] == "measured", cell["loss"] == "tversky"
    mix = cell["data_mix"] == "fresh"
    return WEIGHT * weight + REGION * loss + SYNTHESIS * mix + BOTH * weight * loss + ALL * weight * loss * mix


EXPECTED = {
    "measured - none": WEIGHT + BOTH / 3 + ALL / 6,
    "dice - soft_ce": 0.0,
    "tversky - soft_ce": REGION + BOTH / 2 + ALL / 4,
    "fresh - scarce": SYNTHESIS + ALL / 6,
    "(measured - none) x (dice - soft_ce)": 0.0,
    "(measured - none) x (tversky - dice)": BOTH + ALL / 2,
    "(measured - none) x (fresh - scarce)": ALL / 3,
    "(tversky - soft_ce) x (fresh - scarce)": ALL / 2,
    "(measured - none) x (tversky - soft_ce) x (fresh - scarce)": ALL,
    "(measured - none) x (dice - soft_ce) x (fresh - scarce)": 0.0,
}


def rows(table, **where):
    """The rows with these values."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table


@pytest.fixture(scope="module")
def results():
    return planted(effect=planned, sheets=16, seed_sd=0.02, cell_sd=0.004)


@pytest.fixture(scope="module")
def estimated(results):
    return effects(results)


def test_columns_and_rows(estimated):
    for name, columns in COLUMNS.items():
        assert tuple(getattr(estimated, name).columns) == columns
    of_test = rows(estimated.contrasts, split="test")
    assert set(of_test["measure"]) == {
        *("iou", "precision", "recall", "f1", "nsd_1px", "tol_f1_1px"),
        *("viterbi_bridged_mae_track", "viterbi_coverage"),
    }
    assert set(rows(estimated.contrasts, split="tuned")["measure"]) == {"f1"}
    assert set(rows(estimated.contrasts, primary=True)["measure"]) == {"iou", "precision", "recall"}
    assert len(estimated.contrasts) == 9 * 2 * 15
    assert len(estimated.cells) == 9 * 2 * 12


def test_planted_effects_are_exact_if_cells_have_no_noise_of_their_own():
    quiet = effects(planted(effect=planned, sheets=3, cell_sd=0.0, sheet_sd=0.02, others=("nsd_1px",)))
    table = rows(quiet.contrasts, measure="nsd_1px", **{"class": "curve_1"}).set_index("contrast")
    for name, effect in EXPECTED.items():
        assert table.loc[name, "effect"] == pytest.approx(effect, abs=1e-9), name
        assert (table.loc[name, "p"] == 0) == (effect != 0), name
    coded = rows(quiet.coded, measure="nsd_1px", term="class_weight", **{"class": "curve_1"})
    assert coded["effect"].tolist() == pytest.approx(
        [-EXPECTED["measured - none"] / 2, EXPECTED["measured - none"] / 2]
    )


def test_planted_effects_are_recovered_from_noise(estimated):
    table = rows(estimated.contrasts, measure="nsd_1px", **{"class": "curve_1"}).set_index("contrast")
    for name, effect in EXPECTED.items():
        assert table.loc[name, "effect"] == pytest.approx(effect, abs=0.015), name
    assert (table.loc[[name for name, effect in EXPECTED.items() if effect >= 0.03], "p"] < 0.01).all()
    elsewhere = rows(estimated.contrasts, measure="nsd_1px", **{"class": "curve_2"})
    assert (elsewhere["p_holm"] > 0.05).all()


def test_contrasts_equal_single_estimates(results, estimated):
    for measure, name in (("iou", "curve_1"), ("viterbi_coverage", "curve_2")):
        one = difference(results, measure, name, plus={"loss": "tversky"}, minus={"loss": "dice"})
        row = rows(estimated.contrasts, measure=measure, contrast="tversky - dice", **{"class": name}).iloc[0]
        assert row[["effect", "low", "high", "p"]].tolist() == pytest.approx([one.effect, one.low, one.high, one.p])
        assert row["seeds"] == 5
        assert row["detectable"] > (one.high - one.low) / 2


def test_cells_are_means_over_seeds(results, estimated):
    data = samples(results, "recall", "curve_2")
    table = rows(estimated.cells, measure="recall", **{"class": "curve_2"})
    assert table["condition"].tolist() == list(results.conditions.index)
    np.testing.assert_allclose(table["mean"], data.values.mean(1))
    half = stats.t.ppf(0.975, 4) * data.values.std(1, ddof=1) / np.sqrt(5)
    np.testing.assert_allclose(table["high"] - table["mean"], half)


def test_holm_is_over_all_primary_measures_and_classes_and_else_by_measure(estimated):
    table = estimated.contrasts
    own = table[table["primary"]]
    assert len(own) == 3 * 2 * 15
    np.testing.assert_allclose(own["p_holm"], holm(own["p"].to_numpy(), [0] * len(own)))
    other = rows(table, measure="f1", split="test")
    np.testing.assert_allclose(other["p_holm"], holm(other["p"].to_numpy(), [0] * 30))


def test_pairs_and_ranks_agree_with_the_contrasts(estimated):
    where = {"measure": "nsd_1px", "class": "curve_1"}
    contrasts = rows(estimated.contrasts, term="loss", **where).set_index("contrast")
    pairs = rows(estimated.pairs, factor="loss", **where).set_index(["level_a", "level_b"])["p_better"]
    assert pairs["tversky", "dice"] > 0.99
    for one, other in (("dice", "soft_ce"), ("tversky", "dice")):
        row = contrasts.loc[f"{one} - {other}"]
        chance = 1 - row["p"] / 2 if row["effect"] > 0 else row["p"] / 2
        assert pairs[one, other] == pytest.approx(chance, abs=1e-9)
        assert pairs[other, one] == pytest.approx(1 - chance, abs=1e-9)
    ranks = rows(estimated.ranks, factor="loss", **where).set_index("level")
    assert ranks.loc["tversky", ["rank", "low_rank", "high_rank"]].tolist() == [1, 1, 1]
    better = "dice" if contrasts.loc["dice - soft_ce", "effect"] > 0 else "soft_ce"
    assert ranks.loc[better, "rank"] == 2


def test_errors_are_ranked_the_other_way():
    def wrong(cell, measure, name):
        return 0.05 if measure == "viterbi_bridged_mae_track" and cell["loss"] == "tversky" else 0.0

    tables = effects(planted(effect=wrong, sheets=4, others=("viterbi_bridged_mae_track",)))
    table = rows(tables.ranks, measure="viterbi_bridged_mae_track", factor="loss", level="tversky")
    assert (table["rank"] == 3).all()
    pairs = rows(tables.pairs, measure="viterbi_bridged_mae_track", level_a="tversky")
    assert (pairs["p_better"] < 1e-3).all()


def test_tau_of_measures_is_that_of_their_condition_means(results, estimated):
    own = [samples(results, name, "curve_1").values.mean(1) for name in ("nsd_1px", "viterbi_bridged_mae_track")]
    row = rows(
        estimated.tau,
        factor="condition",
        measure_a="nsd_1px",
        measure_b="viterbi_bridged_mae_track",
        **{"class": "curve_1"},
    )
    assert row["tau"].tolist() == pytest.approx([stats.kendalltau(own[0], -own[1]).statistic])
    assert set(estimated.tau["factor"]) == {"condition", "loss"}
    assert len(rows(estimated.tau, factor="loss", **{"class": "curve_1"})) == 9 * 8 / 2
    assert "tuned/f1" in set(estimated.tau["measure_b"])


def test_components_are_there_for_every_measure(estimated):
    of_weight = rows(estimated.variance, measure="nsd_1px", component="class_weight", **{"class": "curve_1"})
    assert of_weight["variance"].item() == pytest.approx((EXPECTED["measured - none"] / 2) ** 2, rel=0.2)
    assert estimated.variance.groupby(["split", "measure", "class"])["share"].sum().tolist() == pytest.approx(
        [1.0] * 18
    )


def test_one_seed_has_effects_and_no_intervals():
    tables = effects(planted(replace(THREE, seeds=("3",)), effect=planned, sheets=4, others=()))
    assert np.isfinite(tables.contrasts["effect"]).all()
    assert tables.contrasts[["low", "high", "p", "p_holm", "detectable"]].isna().all(axis=None)
    assert all(getattr(tables, name).empty for name in ("pairs", "ranks", "variance"))
    assert "one seed" in tables.notes[0]


def test_one_condition_has_cells_alone():
    alone = replace(THREE, factors={name: levels[:1] for name, levels in THREE.factors.items()})
    tables = effects(planted(alone, sheets=3))
    assert len(tables.cells) == 18
    assert all(len(getattr(tables, name)) == 0 for name in COLUMNS if name not in ("cells", "tau"))
    assert tables.tau["tau"].isna().all()
    assert sum("one level" in note for note in tables.notes) == 3


def test_a_missing_cell_removes_its_seed_from_the_contrasts_that_use_it():
    whole = planted(sheets=3, others=("nsd_1px",))
    lost = whole.cells["run"].iloc[17]
    gone = (whole.sheets["run"] == lost) & (whole.sheets["measure"] == "nsd_1px")
    tables = effects(replace(whole, sheets=whole.sheets.assign(value=whole.sheets["value"].mask(gone))))
    table = rows(tables.contrasts, measure="nsd_1px", order=1)
    label = whole.cells["condition"].iloc[17]
    uses = [any(part in label.split("/") for part in row.split(" - ")) for row in table["contrast"]]
    assert table["seeds"].tolist() == [4 if used else 5 for used in uses]
    assert any(f"no value in {label}/s" in note for note in tables.notes)
    assert np.isfinite(tables.pairs["p_better"]).all()


def test_a_condition_that_never_has_a_value_leaves_the_rest_comparable():
    whole = planted(sheets=3, others=())
    of_dice = whole.cells.loc[whole.cells["loss"] == "dice", "run"]
    gone = whole.sheets["run"].isin(of_dice) & (whole.sheets["measure"] == "iou")
    tables = effects(replace(whole, sheets=whole.sheets.assign(value=whole.sheets["value"].mask(gone))))
    table = rows(tables.contrasts, measure="iou", order=1, **{"class": "curve_1"})
    assert table["contrast"].tolist() == ["measured - none", "tversky - soft_ce", "fresh - scarce"]
    assert (table["seeds"] == 5).all()
    assert rows(tables.cells, measure="iou")["mean"].isna().sum() == 2 * 4


def test_contrasts_of_an_incomplete_grid_are_matched():
    study = replace(THREE, exclude=(Exclusion({"class_weight": "measured", "loss": "dice"}, "it cannot act"),))
    results = planted(study, effect=planned, sheets=3, cell_sd=0.0, others=("nsd_1px",))
    tables = effects(results)
    table = rows(tables.contrasts, measure="nsd_1px", **{"class": "curve_1"}).set_index("contrast")
    assert table.loc["dice - soft_ce", "effect"] == pytest.approx(0, abs=1e-9)
    assert table.loc["measured - none", "effect"] == pytest.approx(WEIGHT + BOTH / 2 + ALL / 4)
    assert "(measured - none) x (dice - soft_ce)" not in table.index
    assert tables.coded.empty
    assert tables.variance.empty
    assert any("10 of the 12 conditions" in note for note in tables.notes)
    assert any("left out" in note for note in tables.notes)


def test_a_constant_measure_has_no_effect_and_no_order():
    whole = planted(sheets=5, others=("viterbi_coverage",))
    level = whole.sheets["measure"] == "viterbi_coverage"
    tables = effects(replace(whole, sheets=whole.sheets.assign(value=whole.sheets["value"].mask(level, 0.1))))
    table = rows(tables.contrasts, measure="viterbi_coverage")
    assert (table[["effect", "low", "high"]] == 0).all(axis=None)
    assert (table["p"] == 1).all()
    assert table["detectable"].isna().all()
    assert (rows(tables.pairs, measure="viterbi_coverage")["p_better"] == 0.5).all()
    assert rows(tables.tau, measure_b="viterbi_coverage")["tau"].isna().all()
    assert rows(tables.variance, measure="viterbi_coverage").empty
    assert any("The same value in all cells" in note and "viterbi_coverage" in note for note in tables.notes)


def test_a_study_of_60_cells_and_64_sheets_takes_less_than_15_seconds():
    whole = planted(effect=planned)
    began = time.process_time()
    effects(whole)
    assert time.process_time() - began < 15


def test_over_common_sheets_the_interval_has_their_noise():
    results = planted(effect=planned, sheets=4, others=("nsd_1px",))
    supports = results.sheets.groupby("sheet")["support"].transform("first")
    common = replace(results, sheets=results.sheets.assign(support=supports))
    data = samples(common, "nsd_1px", "curve_1")
    assert data.crossed
    tables = effects(common)
    row = rows(tables.contrasts, measure="nsd_1px", contrast="measured - none", **{"class": "curve_1"}).iloc[0]
    weights = np.where(results.conditions["class_weight"] == "measured", 1, -1) / 6
    one = estimate(data, weights)
    assert row[["effect", "low", "high"]].tolist() == pytest.approx([one.effect, one.low, one.high])


def test_levels_are_means_over_the_grid():
    """Against the rows of whole splits: a mean over conditions within a seed, then over seeds, with its interval."""
    results = planted(sheets=3)
    table = effects(results).levels
    rows = results.rows[(results.rows["split"] == "test") & (results.rows["measure"] == "iou")]
    rows = rows.merge(results.cells, on="run")
    own = table[(table["split"] == "test") & (table["measure"] == "iou")]
    assert len(own) == 2 * (2 + 3 + 2)
    for row in own.to_dict("records"):
        chosen = rows[(rows["class"] == row["class"]) & (rows[row["factor"]] == row["level"])]
        seeds = chosen.groupby("seed")["value"].mean()
        half = stats.t.ppf(0.975, len(seeds) - 1) * seeds.std(ddof=1) / np.sqrt(len(seeds))
        assert row["mean"] == pytest.approx(seeds.mean(), abs=1e-12)
        assert (row["low"], row["high"]) == pytest.approx((seeds.mean() - half, seeds.mean() + half), abs=1e-9)
