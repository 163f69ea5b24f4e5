"""The levels of a run in a study, and the provenance of its numbers."""

from dataclasses import replace

import pytest

from thinline.runs import FAILED, FINISHED, Cell, Failure, Manifest, Origin
from thinline.study.design.study import StudyError
from thinline.sweep.jobs import groups
from thinline.sweep.study_results import declared, finished_run, made_by, setting

LEVELS = {
    "loss": "soft_ce",
    "head": "softmax",
    "class_weight": "fixed(value=10)",
    "budget": "laptop",
    "network": "unet",
}


def manifest(factors=None, value=10.0, **changes):
    cell = Cell(LEVELS | (factors or {}), 3, {"class_weight": {"value": value}}, "d1")
    made = Manifest(
        FINISHED,
        cell,
        Origin("0123456789abcdef", False, {"numpy": "2.0"}, 1),
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:30:00+00:00",
    )
    return replace(made, **changes)


def test_the_value_of_a_dotted_factor_is_a_level_of_its_own():
    actual = finished_run(declared("weight_sweep"), "r", manifest())
    assert (actual.levels["class_weight"], actual.levels["class_weight.value"]) == ("fixed", "10")
    assert (actual.run, actual.seed, actual.finished) == ("r", 3, True)


def test_other_changes_to_an_option_stay_in_its_level():
    actual = finished_run(declared("weight_sweep"), "r", manifest({"class_weight": "fixed(scale=raw,value=10)"}))
    assert actual.levels["class_weight"] == "fixed(scale=raw)"
    plain = finished_run(declared("three_family"), "r", manifest())
    assert plain.levels["class_weight"] == "fixed(value=10)"
    assert "class_weight.value" not in plain.levels


def test_an_option_without_the_key_has_no_such_level():
    odd = manifest({"class_weight": "tuned_threshold"}, value=None)
    assert "class_weight.value" not in finished_run(declared("weight_sweep"), "r", odd).levels


def test_a_run_from_before_pooling_has_its_neutral_level():
    assert finished_run(declared("three_family"), "r", manifest()).levels["pooling"] == "none"
    assert finished_run(declared("three_family"), "r", manifest({"pooling": "scnp"})).levels["pooling"] == "scnp"
    assert groups()["pooling"] == ["none", "scnp"]


def test_a_run_that_failed_says_why():
    failed = manifest(status=FAILED, exception=Failure("ValueError", "boom", ""))
    actual = finished_run(declared("weight_sweep"), "r", failed)
    assert (actual.finished, actual.why) == (False, "FAILED: ValueError: boom")


def test_the_setting_is_what_the_command_line_would_say():
    odd = manifest({"budget": "smoke(steps=6,tile_px=[8,16])", "optimiser": "adamw(~momentum)"})
    assert setting(declared("weight_sweep"), odd) == [
        *("budget=smoke", "budget.steps=6", "budget.tile_px=[8,16]"),
        *("network=unet", "optimiser=adamw"),
    ]


def test_the_origin_of_a_study_is_that_of_its_runs():
    result = made_by([manifest(), manifest(attempts=2, origin=Origin("0123456789abcdef", True, {"torch": "2"}, 2))])
    assert result["cells"] == "2"
    assert result["commits"] == "0123456789ab, 0123456789ab with changes"
    assert result["threads a cell"] == "1, 2"
    assert result["hours of training"] == "0.5 by the clock of each cell (1 resumed ones left out)"
    assert result["versions"] == "numpy 2.0, torch 2"


def test_versions_that_differ_between_runs_are_all_listed():
    runs = [manifest(origin=Origin("0123456789abcdef", False, {"torch": version}, 1)) for version in ("2.9", "2.8")]
    assert made_by([*runs, manifest()])["versions"] == "numpy 2.0, torch 2.8 and 2.9"


def test_every_study_of_conf_is_declared_and_others_are_not():
    assert declared("three_family").name == "three_family"
    with pytest.raises(StudyError, match="one of data_mix, five_losses"):
        declared("four_family")
