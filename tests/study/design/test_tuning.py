"""A level that is chosen on validation: the choice, and the balanced study of default and chosen levels."""

import zlib
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from study_cases import declared

from thinline.study.design.collect import FinishedRun
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS
from thinline.study.design.study import Study, StudyError, Tuning
from thinline.study.design.tuning import analysed, as_run, rates_of, run_of, tuned_results
from thinline.study.publish.folder import read_results, write_results
from thinline.study.stats.effects import effects

LOSSES, OPTIMISERS, RATES, SEEDS = ("ce", "dice"), ("muon", "adamw"), ("1", "2", "3"), ("0", "1", "2")
DEFAULT = {"muon": "2", "adamw": "1"}
STUDY = Study(
    name="rates",
    question="?",
    primary=("test/iou",),
    seeds=SEEDS,
    factors={"loss": LOSSES, "optimiser": OPTIMISERS, "rate": RATES},
    command="python train.py -m +experiment=rates",
    tuning=Tuning("rate", "val/iou", ("0",), {"optimiser": DEFAULT}),
)
BEST = {("ce", "muon"): "3", ("ce", "adamw"): "3", ("dice", "muon"): "2", ("dice", "adamw"): "2"}


def value(split, loss, optimiser, rate, seed, curve):
    """Highest on validation at BEST; the test score is anything."""
    stream = zlib.crc32("/".join((split, loss, optimiser, rate, seed, curve)).encode())
    noise = np.random.default_rng(stream).uniform(0, 0.1)
    return noise + (0.5 if split == "val" and BEST[loss, optimiser] == rate else 0.2)


@pytest.fixture(scope="module")
def stored():
    """Runs of every cell with their rows."""
    runs, rows = [], []
    for loss, optimiser, rate, seed in product(LOSSES, OPTIMISERS, RATES, SEEDS):
        name = f"{loss}-{optimiser}-{rate}-{seed}"
        runs.append(FinishedRun(name, int(seed), {"loss": loss, "optimiser": optimiser, "rate": rate}, True))
        for split, curve in product(("val", "test"), ("background", "curve_1", "curve_2")):
            number = 0.99 if curve == "background" else value(split, loss, optimiser, rate, seed, curve)
            rows.append((name, split, "iou", curve, number, 10, "iou|v:1"))
    sheets = pd.DataFrame(columns=list(SHEET_COLUMNS)).astype({"sheet": "int64"})
    return runs, pd.DataFrame(rows, columns=list(ROW_COLUMNS)), sheets


def analysis(stored, **options):
    runs, rows, sheets = stored
    return tuned_results(STUDY, runs, rows, sheets, rates=rates_of(STUDY, runs, rows), **options)


def of(stored, loss, optimiser, rate, seed, split="test", curve="curve_1"):
    rows = stored[1]
    own = rows[
        (rows["run"] == f"{loss}-{optimiser}-{rate}-{seed}") & (rows["split"] == split) & (rows["class"] == curve)
    ]
    return own["value"].item()


def test_the_level_with_the_best_mean_over_curves_is_chosen(stored):
    rates = rates_of(STUDY, *stored[:2])
    chosen = rates[rates["chosen"]].set_index(["loss", "optimiser"])["rate"]
    assert dict(chosen) == BEST
    first = rates.iloc[0]
    curves = [of(stored, "ce", "muon", "1", "0", "val", curve) for curve in ("curve_1", "curve_2")]
    assert first["mean"] == pytest.approx(np.mean(curves), rel=1e-12)
    assert rates.loc[rates["default"], "rate"].tolist() == ["2", "1", "2", "1"]


def test_a_tie_goes_to_the_level_declared_first(stored):
    runs, rows, _ = stored
    rates = rates_of(STUDY, runs, rows.assign(value=0.5))
    assert set(rates.loc[rates["chosen"], "rate"]) == {"1"}


def test_the_choice_reads_neither_test_sheets_nor_other_seeds(stored):
    runs, rows, _ = stored
    other = rows["split"].eq("test") | ~rows["run"].str.endswith("-0")
    changed = rows.assign(value=np.where(other, 1 - rows["value"], rows["value"]))
    assert rates_of(STUDY, runs, changed)["chosen"].equals(rates_of(STUDY, runs, rows)["chosen"])


def test_the_study_of_default_and_chosen_levels_is_balanced(stored):
    results = analysis(stored)
    assert results.factors == {"loss": LOSSES, "optimiser": OPTIMISERS, "rate": ("default", "chosen")}
    assert len(results.cells) == 2 * 2 * 2 * 3
    assert results.cells["run"].is_unique
    own = results.cells[results.cells["condition"] == "ce/adamw/chosen"]
    assert own["run"].tolist() == [f"ce-adamw-3-{seed}" for seed in SEEDS]
    both = results.cells[results.cells["condition"] == "dice/muon/default"]  # the chosen rate is the default
    assert [run_of(name) for name in both["run"]] == [f"dice-muon-2-{seed}" for seed in SEEDS]


def test_effects_of_the_choice_are_differences_of_the_runs(stored):
    contrasts = effects(analysis(stored)).contrasts
    own = contrasts[(contrasts["term"] == "rate") & (contrasts["measure"] == "iou") & (contrasts["class"] == "curve_1")]
    differences = [
        of(stored, loss, optimiser, BEST[loss, optimiser], seed) - of(stored, loss, optimiser, DEFAULT[optimiser], seed)
        for loss, optimiser, seed in product(LOSSES, OPTIMISERS, SEEDS)
    ]
    assert own["contrast"].tolist() == ["chosen - default"]
    assert own["effect"].item() == pytest.approx(np.mean(differences), abs=1e-9)


def test_a_chosen_cell_is_trained_again_at_its_level(stored):
    results = analysis(stored)
    actual = {
        cell["condition"]: as_run(
            STUDY, {"loss": cell["loss"], "optimiser": cell["optimiser"], "rate": cell["rate"]}, results
        )
        for _, cell in results.cells.iterrows()
    }
    assert actual["ce/adamw/chosen"] == {"loss": "ce", "optimiser": "adamw", "rate": "3"}
    assert actual["ce/adamw/default"] == {"loss": "ce", "optimiser": "adamw", "rate": "1"}


def test_cells_that_are_missing_are_named_with_the_overrides_that_run_them(stored):
    runs, rows, sheets = stored
    without = [run for run in runs if run.run != "ce-muon-1-0"]
    with pytest.raises(StudyError, match=r"of stage 1, got 1 .*: loss=ce optimiser=muon rate=1 seed=0\. `python train"):
        rates_of(STUDY, without, rows)
    without = [run for run in runs if run.run != "ce-muon-3-2"]
    rates = rates_of(STUDY, without, rows)
    with pytest.raises(StudyError, match=r"of stage 2, got 1 .*: loss=ce optimiser=muon rate=3 seed=2\."):
        tuned_results(STUDY, without, rows, sheets, rates=rates)
    results = tuned_results(STUDY, without, rows, sheets, rates=rates, partial=True)
    assert (results.seeds, len(results.cells)) == ((0, 1), 16)
    assert results.left_out == ("seed 2 (not every chosen and default level has run)",)


def test_a_part_of_the_losses_is_analysed_as_if_there_were_no_others(stored):
    runs, rows, sheets = stored
    of_dice = [run for run in runs if run.levels["loss"] == "dice"]
    only = {"loss": ["dice"]}
    rates = rates_of(STUDY, of_dice, rows, only=only)
    assert set(rates["loss"]) == {"dice"}
    results = tuned_results(STUDY, of_dice, rows, sheets, rates=rates, only=only)
    whole = analysis(stored)
    assert results.cells["cell"].tolist() == [cell for cell in whole.cells["cell"] if cell.startswith("dice/")]
    assert len(results.left_out) == 12
    assert results.left_out[0] == "ce/muon/default/s0 (not asked for)"
    with pytest.raises(StudyError, match=r"loss=lovasz is no level of this study, which has ce, dice"):
        rates_of(STUDY, of_dice, rows, only={"loss": ["lovasz"]})
    with pytest.raises(StudyError, match=r"levels of rate, so --only takes levels of loss, optimiser, got rate"):
        rates_of(STUDY, of_dice, rows, only={"rate": ["1"]})


def test_the_written_study_is_read_back_with_its_choices(stored, tmp_path):
    results = analysis(stored)
    results = replace(results, sheets=results.sheets.iloc[:0])
    write_results(tmp_path, results)
    again = read_results(tmp_path, STUDY)
    assert again.study == analysed(STUDY)
    pd.testing.assert_frame_equal(again.cells, results.cells, check_dtype=False)
    pd.testing.assert_frame_equal(again.choices, results.choices, check_dtype=False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"factor": "optimiser.momentum"}, "study.tuning.factor must be one of loss, optimiser"),
        ({"seeds": [7]}, "study.tuning.seeds must be seeds of the study, got 7"),
        ({"default": {"optimiser": {"muon": 0.005, "adamw": 1}}}, "default.optimiser.adamw must be one of 0.0005"),
        ({"by": "test/iou"}, "study.tuning.by: expected a text"),
    ],
)
def test_a_tuning_that_cannot_be_is_refused(changes, expected):
    tuning = {"factor": "optimiser.learning_rate", "by": "val/iou", "seeds": [0]}
    tuning |= {"default": {"optimiser": {"muon": 0.005, "adamw": 0.002}}} | changes
    with pytest.raises(StudyError, match=expected.replace(".", r"\.")):
        declared("tuned_losses", tuning=tuning)


def test_a_level_without_a_value_in_every_tuning_seed_is_not_chosen(stored):
    runs, rows, _ = stored
    study = replace(STUDY, tuning=replace(STUDY.tuning, seeds=("0", "1")))
    best = rows["run"].eq("ce-muon-3-1") & rows["split"].eq("val")
    rates = rates_of(study, runs, rows.assign(value=rows["value"].mask(best)))
    assert rates.loc[rates["chosen"] & (rates["loss"] == "ce") & (rates["optimiser"] == "muon"), "rate"].item() != "3"
    nothing = rows["run"].str.startswith("ce-muon") & rows["split"].eq("val")
    with pytest.raises(StudyError, match="expected a level of rate with val/iou in every tuning seed, got none for ce"):
        rates_of(study, runs, rows.assign(value=rows["value"].mask(nothing)))
