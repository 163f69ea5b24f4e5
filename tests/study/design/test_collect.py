"""Runs matched to cells: complete, or refused by name; the balanced part of an incomplete study."""

from collections import UserDict
from dataclasses import replace

import pandas as pd
import pytest
from study_cases import THREE, planted

from thinline.study.design.collect import FinishedRun, collect
from thinline.study.design.results import label_of
from thinline.study.design.study import SEED, StudyError, expand

SMALL = replace(
    THREE, seeds=("0", "1"), also=({"class_weight": ("measured",), "loss": ("dice_ce",), "data_mix": ("fresh",)},)
)
DOTTED = replace(
    THREE,
    seeds=("0",),
    factors={"class_weight": ("fixed",), "class_weight.value": ("1", "42"), "head": ("softmax",)},
    also=({"class_weight": ("tuned_threshold",), "head": ("softmax",)},),
)
SETTING = {"budget": "laptop", "network": "unet_slim"}


def runs_of(study, **setting):
    """One finished run of every cell of the study."""
    return [
        FinishedRun(
            f"run-{number}",
            int(cell[SEED]),
            {name: level for name, level in cell.items() if name != SEED} | SETTING | setting,
            finished=True,
        )
        for number, cell in enumerate(expand(study))
    ]


def tables(runs):
    rows = pd.DataFrame(
        [(run.run, "test", "iou", "curve_1", 0.5, 10, "iou|v:1") for run in runs],
        columns=["run", "split", "measure", "class", "value", "support", "signature"],
    )
    return rows, rows.assign(sheet=0)


def assembled(study, runs, **options):
    return collect(study, runs, *tables(runs), **options)


def test_a_run_is_looked_up_and_not_compared_with_every_cell():
    """A comparison copies the levels; 10,000 runs times 10,000 cells would take minutes."""

    class Counted(UserDict):
        copies = 0

        def keys(self):
            Counted.copies += 1
            return super().keys()

    runs = [replace(run, levels=Counted(run.levels)) for run in runs_of(THREE)]
    assert len(assembled(THREE, runs).cells) == len(runs)
    assert len(runs) <= Counted.copies <= 3 * len(runs)


def test_every_cell_has_its_run_in_the_order_of_the_study():
    runs = runs_of(SMALL)
    results = assembled(SMALL, runs[::-1])
    assert list(results.cells["run"]) == [run.run for run in runs]
    assert list(results.cells["cell"])[:2] == ["none/soft_ce/scarce/s0", "none/soft_ce/fresh/s0"]
    assert results.cells["grid"].sum() == 24
    assert results.factors["loss"] == ("soft_ce", "dice", "tversky", "dice_ce")
    assert results.seeds == (0, 1)
    assert not results.left_out


def test_a_control_outside_of_the_grid_lacks_a_factor():
    results = assembled(DOTTED, runs_of(DOTTED))
    assert list(results.conditions.index) == ["fixed/1/softmax", "fixed/42/softmax", "tuned_threshold/softmax"]
    assert list(results.conditions["grid"]) == [True, True, False]
    assert results.conditions["class_weight.value"].isna().tolist() == [False, False, True]


def test_runs_of_another_budget_are_not_of_the_study_unless_asked_for():
    runs = runs_of(SMALL)
    others = [replace(run, run=f"smoke-{run.run}", levels={**run.levels, "budget": "smoke"}) for run in runs]
    assert not assembled(SMALL, runs + others).cells["run"].str.startswith("smoke").any()
    assert assembled(SMALL, runs + others, only={"budget": ["smoke"]}).cells["run"].str.startswith("smoke").all()
    with pytest.raises(StudyError, match="expected runs with budget=laptop, got 26 runs with budget=smoke"):
        assembled(SMALL, others)


def test_a_study_that_varies_the_budget_has_the_runs_of_all_budgets():
    """Runs of another budget than its own used to be left out, and their cells reported as not run."""
    study = replace(SMALL, factors={**SMALL.factors, "budget": ("laptop", "laptop_long")}, also=())
    cells = expand(study)
    levels = [SETTING | {name: level for name, level in cell.items() if name != SEED} for cell in cells]
    runs = [FinishedRun(f"run-{n}", int(cell[SEED]), levels[n], finished=True) for n, cell in enumerate(cells)]
    assert assembled(study, runs).factors["budget"] == ("laptop", "laptop_long")
    one = assembled(study, runs, only={"budget": ["laptop_long"]})
    assert set(one.cells["budget"]) == {"laptop_long"}
    assert len(one.cells) == len(runs) // 2


def test_a_study_without_runs_says_how_to_run_it():
    with pytest.raises(StudyError, match=r"got no run; run `python train.py -m \+experiment=planted`"):
        assembled(SMALL, [])


def test_missing_cells_are_refused_by_name_and_reason():
    runs = runs_of(SMALL)
    runs[3] = replace(runs[3], finished=False, why="FAILED: ValueError: boom")
    with pytest.raises(StudyError) as refused:
        assembled(SMALL, runs[:-1])
    text = str(refused.value)
    assert "expected 26 finished cells, got 24" in text
    assert "none/dice/fresh/s0 (FAILED: ValueError: boom)" in text
    assert "measured/dice_ce/fresh/s1 (not run)" in text
    assert "--partial" in text


def test_a_missing_cell_that_another_study_has_run_is_reported():
    runs = runs_of(SMALL)
    other_network = replace(runs[1], levels={**runs[1].levels, "network": "unet"})
    other_budget = replace(runs[2], levels={**runs[2].levels, "budget": "smoke"})
    unfinished = replace(runs[3], finished=False)
    with pytest.raises(StudyError) as refused:
        assembled(SMALL, runs[4:], elsewhere=[runs[0], other_network, other_budget, unfinished])
    text = str(refused.value)
    assert "expected 26 finished cells, got 22" in text
    assert "none/soft_ce/scarce/s0 (finished for another study)" in text
    assert text.count("(not run)") == 3
    assert "takes over what is finished for another study" in text
    kept = assembled(SMALL, runs[4:], elsewhere=runs[:4], partial=True)
    assert kept.seeds == (1,)
    assert sum("finished for another study" in line for line in kept.left_out) == 4


def test_a_duplicate_cell_is_refused_with_both_runs_and_their_difference():
    runs = runs_of(SMALL)
    twin = replace(runs[5], run="twin", levels={**runs[5].levels, "network": "unet"})
    with pytest.raises(StudyError, match=r"came twice, as run-5 and twin \(network: unet_slim, unet\)"):
        assembled(SMALL, [*runs, twin])
    kept = assembled(SMALL, [*runs, twin], only={"network": ["unet_slim"]})
    assert "twin" not in set(kept.cells["run"])
    failed = replace(twin, finished=False)
    assert len(assembled(SMALL, [failed, *runs]).cells) == 26


def test_runs_that_differ_in_a_level_that_is_not_varied_are_refused():
    runs = runs_of(SMALL)
    runs[4] = replace(runs[4], levels={**runs[4].levels, "network": "unet"})
    with pytest.raises(StudyError, match=r"does not vary network, its runs have unet_slim in .*, unet in run-4"):
        assembled(SMALL, runs)


def test_a_fold_may_go_with_the_seed_and_not_differ_within_one():
    runs = [replace(run, levels={**run.levels, "fold": str(run.seed)}) for run in runs_of(SMALL)]
    assert len(assembled(SMALL, runs).cells) == len(runs)
    runs[4] = replace(runs[4], levels={**runs[4].levels, "fold": "7"})
    with pytest.raises(StudyError, match=rf"does not vary fold, its runs of seed {runs[4].seed} have .*7 in run-4"):
        assembled(SMALL, runs)


def test_the_balanced_part_is_the_seeds_with_their_whole_grid():
    runs = runs_of(SMALL)
    gone = [label_of(cell, SMALL.names) + cell[SEED] for cell in expand(SMALL)].index("measured/dice/fresh1")
    part = assembled(SMALL, [*runs[:gone], *runs[gone + 1 :]], partial=True)
    assert part.seeds == (0,)
    assert len(part.cells) == 13
    assert len(part.left_out) == 13
    assert "measured/dice/fresh/s1 (not run)" in part.left_out
    assert "none/dice/fresh/s1 (finished, but without its counterparts)" in part.left_out


def test_a_condition_outside_of_the_grid_is_left_out_if_a_seed_lacks_it():
    runs = runs_of(SMALL)
    part = assembled(SMALL, runs[:-1], partial=True)
    assert part.seeds == (0, 1)
    assert "measured/dice_ce/fresh" not in part.conditions.index
    assert set(part.left_out) == {
        "measured/dice_ce/fresh/s1 (not run)",
        "measured/dice_ce/fresh/s0 (finished, but without its counterparts)",
    }


def test_a_study_without_a_balanced_part_is_refused():
    runs = runs_of(SMALL)
    holes = [run for run in runs if run.levels["loss"] != "dice"]
    with pytest.raises(StudyError, match="no seed has its whole grid finished"):
        assembled(SMALL, holes, partial=True)


def test_planted_results_have_the_shape_of_assembled_ones():
    real, drawn = assembled(THREE, runs_of(THREE)), planted(sheets=2)
    for name in ("cells", "rows", "sheets"):
        assert list(getattr(real, name).columns) == list(getattr(drawn, name).columns)
    assert list(real.cells["condition"]) == list(drawn.cells["condition"])


def test_only_selects_levels_of_a_factor():
    runs = [run for run in runs_of(SMALL) if run.levels["loss"] != "tversky"]
    part = assembled(SMALL, runs, only={"loss": ["soft_ce", "dice"]})
    assert part.factors["loss"] == ("soft_ce", "dice")
    assert len(part.cells) == 16
    assert part.cells["grid"].all()
    assert len(part.left_out) == 26 - 16
    assert "none/tversky/scarce/s0 (not asked for)" in part.left_out
    with pytest.raises(StudyError, match="loss=focal is no level of this study"):
        assembled(SMALL, runs, only={"loss": ["focal"]})


def test_a_run_that_is_two_cells_is_refused():
    odd = replace(SMALL, also=({"class_weight": ("measured",), "loss": ("dice",)},))
    with pytest.raises(
        StudyError, match=r"run-\d+ is measured/dice/scarce/s0 and measured/dice/s0 at once; correct `also`"
    ):
        assembled(odd, runs_of(replace(odd, also=())))
