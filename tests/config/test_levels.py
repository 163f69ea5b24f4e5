"""The levels of a cell name its options and the changes to them."""

import re

import pytest
from composed import OPTION_ROWS, composed

from thinline.config.levels import levels
from thinline.config.schema import CONF, FACTORS, NOT_IDENTITY, checked
from thinline.runs import cell_digest


@pytest.fixture(autouse=True)
def composed_once(monkeypatch):
    """The files of the options, with which levels are compared, are those that the tests compose."""
    monkeypatch.setattr("thinline.config.levels.compose_config", lambda overrides: composed(*overrides))


def levels_of(*overrides, leave_out=()):
    """The levels of a command line, with the options that Hydra would report."""
    options = {"loss": "dice", "head": "softmax", "class_weight": "none", "data_mix": "fresh", "resolution": "pen1"}
    options |= {"network": "unet_slim", "budget": "laptop", "optimiser": "muon", "trainer": "cpu"}
    pairs = (text.partition("=") for text in overrides)
    options |= {key: value for key, _, value in pairs if key in options}
    return levels(options, checked(composed(*overrides)), leave_out=leave_out)


def test_levels_name_factors_and_seed():
    named = levels_of("seed=7")
    assert list(named) == [*FACTORS, "seed"]
    assert named["seed"] == "7"
    assert named["loss"] == "dice"
    assert not [level for level in named.values() if "(" in level]


@pytest.mark.parametrize("row", OPTION_ROWS)
def test_an_unchanged_option_is_its_name(row):
    asked = dict(text.split("=") for text in row)
    named = levels_of(*row)
    assert {group: named[group] for group in asked} == asked


@pytest.mark.parametrize(
    ("overrides", "group", "level"),
    [
        (["class_weight=fixed", "class_weight.value=5"], "class_weight", "fixed(value=5)"),
        (["class_weight=fixed", "class_weight.value=5.0"], "class_weight", "fixed(value=5)"),
        (["class_weight=fixed", "class_weight.value=2.5"], "class_weight", "fixed(value=2.5)"),
        (["class_weight=fixed", "class_weight.value=42"], "class_weight", "fixed"),
        (["class_weight=measured", "class_weight.scale=raw"], "class_weight", "measured(scale=raw)"),
        (["loss=tversky", "loss.fn_weight=0.5", "loss.fp_weight=0.5"], "loss", "tversky(fn_weight=0.5,fp_weight=0.5)"),
        (["network.widths=[4,8]"], "network", "unet_slim(widths=[4,8])"),
        (["budget.counts.train=99"], "budget", "laptop(counts.train=99)"),
        (["optimiser.learning_rate=1e-3"], "optimiser", "muon(learning_rate=0.001)"),
        (["data_mix.archive.repeat=true"], "data_mix", "fresh(archive.repeat=true)"),
        (["data_mix.archive.las_dir=/somewhere/logs/"], "data_mix", "fresh(archive.las_dir=logs)"),
        (["classes=[background,vessel]"], "head", "softmax(classes=[background,vessel])"),
        (["~network.up_convs"], "network", "unet_slim(~up_convs)"),
        (["+loss.smooth=1"], "loss", "dice(smooth=1)"),
    ],
)
def test_a_level_names_the_changes_inside_its_group(overrides, group, level):
    assert levels_of(*overrides)[group] == level


def test_levels_of_another_identity_are_other_levels():
    """Each pair of these cells has two identities, and two rows of levels."""
    cells = [[f"class_weight.value={value}", "class_weight=fixed"] for value in (1, 5, 42)]
    cells += [["loss=focal", "loss.gamma=3"], ["loss=focal"], ["optimiser=adamw"], ["head.classes=[background,a]"]]
    rows = {tuple(levels_of(*cell).items()) for cell in cells}
    digests = {cell_digest(checked(composed(*cell)).tree, leave_out=NOT_IDENTITY) for cell in cells}
    assert len(rows) == len(digests) == len(cells)


def test_keys_that_are_left_out_are_not_named():
    changes = ["data_mix.archive.las_dir=/somewhere/logs", "data_mix.enrich=2"]
    assert levels_of(*changes, leave_out=NOT_IDENTITY)["data_mix"] == "fresh(enrich=2)"


def test_an_option_from_another_folder_is_its_name():
    """One of --config-dir has no file in conf/ to compare with."""
    conf = checked(composed("loss=focal", "loss.gamma=3"))
    choices = dict(text.split("=") for text in OPTION_ROWS[0]) | {"loss": "my_own"}
    assert levels(choices, conf)["loss"] == "my_own"


def test_no_option_of_a_factor_reads_another_factor():
    """The levels of many combinations are composed from few, so each file must have one meaning in all of them."""
    texts = {path: path.read_text() for name in FACTORS for path in (CONF / name).glob("*.yaml")}
    read = {path.name: name for path, text in texts.items() for name in re.findall(r"\$\{(\w+)", text)}
    assert set(read.values()) == {"classes"}
