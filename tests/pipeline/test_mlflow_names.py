"""Names and descriptions of a sweep on the page of MLflow."""

import pytest

from thinline.config.schema import CONF
from thinline.pipeline.mlflow_names import cell_name, comparison, parent_name, parent_tags, varied
from thinline.sweep.finished import declared

LEVELS = {"loss": "soft_ce", "head": "softmax", "class_weight": "fixed(value=10)", "data_mix": "fresh", "seed": "3"}
STUDIES = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


def test_what_all_jobs_say_alike_is_not_varied():
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
        (("trainer.threads",), "soft_ce-s3"),
        ((), None),
    ],
)
def test_a_cell_is_named_by_the_levels_its_sweep_varies(keys, name):
    assert cell_name(LEVELS, keys) == name


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
def test_views_compare_what_a_study_varies_by_its_primary_measures(name):
    study = declared(name)
    actual = comparison(study, (), ["background", "a"])
    assert set(actual.factors) == {factor for block in (study.factors, *study.also) for factor in block}
    assert (actual.study, actual.measures, actual.classes) == (name, study.primary, ("background", "a"))


def test_a_sweep_without_study_is_compared_by_what_it_varies():
    assert comparison(None, ("head", "seed"), ["background", "a"]).factors == ("head",)
    assert comparison(None, ("seed",), ["background", "a"]).factors == ("loss",)
    assert "study" not in parent_tags(None, ["loss=dice,focal"], 2)
