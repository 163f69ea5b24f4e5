"""Names, descriptions and views of a sweep in MLflow."""

import pytest

from thinline.config.schema import CONF
from thinline.pipeline.mlflow_run_names import (
    cell_name,
    comparison,
    condition_name,
    parent_name,
    parent_tags,
    varied,
    varied_levels,
)
from thinline.sweep.study_results import declared

LEVELS = {"loss": "soft_ce", "head": "softmax", "class_weight": "fixed(value=10)", "data_mix": "fresh", "seed": "3"}
STUDIES = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml") if "\nstudy:\n" in path.read_text())


def test_only_keys_that_differ_between_jobs_are_varied():
    jobs = [["budget=smoke", "+x.y=1", "loss=dice", "seed=0"], ["budget=smoke", "+x.y=2", "loss=dice", "seed=1"]]
    assert varied(jobs) == ("x.y", "seed")
    assert varied([["loss=dice"], ["loss=dice", "head=binary"]]) == ("head",)
    assert varied([["loss=dice"]]) == varied([]) == ()


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("loss", "seed"), "soft_ce-s3"),
        (("data_mix", "loss"), "soft_ce-fresh-s3"),
        (("class_weight.value", "loss"), "soft_ce-fixed-s3-value_10"),
        (("seed",), "soft_ce-s3"),
        (("pooling", "loss"), "soft_ce-s3-none"),  # the neutral level, which the run itself does not name
        (("trainer.threads",), "soft_ce-s3"),
        ((), None),
    ],
)
def test_a_cell_is_named_by_the_levels_its_sweep_varies(keys, name):
    assert cell_name(LEVELS, keys) == name


@pytest.mark.parametrize(
    ("keys", "levels"),
    [
        (("loss", "seed"), "soft_ce/s3"),
        (("class_weight.value", "loss"), "soft_ce/fixed(value=10)"),
        (("trainer.threads",), "soft_ce"),
        (("pooling",), "none"),
        ((), "soft_ce"),
    ],
)
def test_the_levels_that_vary_are_short_enough_for_a_terminal(keys, levels):
    assert varied_levels(LEVELS, keys) == levels


def test_a_parent_is_named_by_its_study_or_the_command_line():
    study = declared("three_family")
    assert parent_name(study, ["+experiment=three_family"]) == "three_family"
    assert parent_name(study, ["+experiment=three_family", "loss=dice"]) == "three_family loss=dice"
    assert parent_name(None, ["loss=dice,focal", "seed=1"]) == "loss=dice,focal seed=1"
    assert parent_name(None, []) == "sweep"


@pytest.mark.parametrize("name", STUDIES)
def test_a_parent_describes_question_levels_and_comparison(name):
    study = declared(name)
    tags = parent_tags(study, [f"+experiment={name}"], 7)
    assert (tags["study"], tags["overrides"]) == (name, f"+experiment={name}")
    note = tags["mlflow.note.content"]
    assert study.question in note
    assert f"`python train.py -m +experiment={name}`" in note
    for block in (study.factors, *study.also):
        for factor, levels in block.items():
            [line] = [line for line in note.splitlines() if line.startswith(f"- `{factor}`: ")]
            assert set(levels) <= set(line.partition(": ")[2].split(", "))
    assert f"{name}: mean over seeds" in note


@pytest.mark.parametrize("name", STUDIES)
def test_views_compare_the_factors_of_a_study_by_its_primary_metrics(name):
    study = declared(name)
    actual = comparison(study, (), ["background", "a"])
    assert set(actual.factors) == {factor for block in (study.factors, *study.also) for factor in block}
    assert (actual.study, actual.measures, actual.classes) == (name, study.primary, ("background", "a"))


def test_views_without_a_study_compare_the_varied_keys():
    assert comparison(None, ("head", "seed"), ["background", "a"]).factors == ("head",)
    assert comparison(None, ("seed",), ["background", "a"]).factors == ("loss",)
    assert "study" not in parent_tags(None, ["loss=dice,focal"], 2)


def test_a_fold_repeats_a_condition_as_a_seed_does():
    levels = {"loss": "dice", "class_weight": "none", "seed": "0", "fold": "2"}
    assert condition_name(levels, ["loss", "fold", "seed"]) == condition_name(levels, ["fold"]) == "dice"
    assert cell_name(levels, ["loss", "fold"]) == "dice-s0-fold2"
    assert varied_levels(levels, ["loss", "fold"]) == "dice/fold2"
    assert comparison(None, ["loss", "seed", "fold"], ["vessel"]).factors == ("loss",)
