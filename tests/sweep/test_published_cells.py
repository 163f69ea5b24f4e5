"""Cells that are taken over from published tables: those whose run would have the published name."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from thinline.study.design.study import StudyError
from thinline.study.publish.folder import read_results
from thinline.sweep.published_cells import published_cells
from thinline.sweep.study_results import declared, gather

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
LEVELS = {"loss": ("dice",), "class_weight": ("none", "measured"), "data_mix": ("scarce",)}
STUDY = replace(declared("five_losses"), seeds=("3",), factors=LEVELS)


@pytest.fixture(scope="module")
def taken():
    return published_cells(STUDY, EXPERIMENTS)


def test_a_published_cell_is_known_by_the_name_that_its_run_would_have(taken):
    results = read_results(EXPERIMENTS / "five_losses", declared("five_losses"))
    conditions = ["dice/none/scarce", "dice/measured/scarce"]
    own = results.cells[results.cells["condition"].isin(conditions) & (results.cells["seed"] == 3)]
    assert {run.run for run in taken.runs} == set(own["run"])
    assert set(taken.folders.values()) == {"five_losses"}, "the own table comes before that of three_family"
    expected = results.rows[results.rows["run"].isin(own["run"])]
    actual = taken.rows.set_index(["run", "split", "measure", "class"])["value"]
    pd.testing.assert_series_equal(
        actual, expected.set_index(["run", "split", "measure", "class"])["value"].reindex(actual.index)
    )
    assert len(taken.sheets) == results.sheets["run"].isin(own["run"]).sum()


def test_a_cell_that_has_run_here_is_not_taken_over(taken):
    assert published_cells(STUDY, EXPERIMENTS, but=taken.runs[:1]).runs == taken.runs[1:]


def test_a_run_of_another_study_is_found_and_another_setting_is_another_run(tmp_path):
    (tmp_path / "resolution").symlink_to(EXPERIMENTS / "resolution")
    factors = {"loss": ("dice",), "optimiser": ("muon", "adamw")}
    tuned = published_cells(replace(STUDY, name="tuned_losses", factors=factors), tmp_path)
    assert [run.levels["optimiser"] for run in tuned.runs] == ["muon"]
    assert set(tuned.folders.values()) == {"resolution"}, "as many steps, the optimiser and its rate by default"


def test_a_study_is_gathered_from_published_tables_alone(tmp_path):
    results = gather(STUDY, tmp_path, experiments=EXPERIMENTS)
    assert results.made_by == {"taken over": "2 cells of five_losses"}
    assert results.cells["condition"].tolist() == ["dice/none/scarce", "dice/measured/scarce"]


def test_an_edited_table_is_refused(tmp_path):
    for name in ("results.parquet", "digests.json"):
        (tmp_path / "five_losses").mkdir(exist_ok=True)
        (tmp_path / "five_losses" / name).write_bytes((EXPERIMENTS / "five_losses" / name).read_bytes())
    with pytest.raises(StudyError, match="expected tables as they were written"):
        published_cells(STUDY, tmp_path)
