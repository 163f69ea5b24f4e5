"""A data set is one file of conf/data_set: complete, with its licence, and refused by name where it is not."""

import pytest
from composed import options

from thinline.config.data_set import read_data_set
from thinline.config.levels import levels
from thinline.config.schema import NOT_IDENTITY, ConfigError, checked, compose_config
from thinline.config.typos import typo_in
from thinline.pipeline.user_images import folder_of

FOLDER = ["data_mix=folder", "data_mix.root=/data"]
CHOICES = {"loss": "dice", "head": "softmax", "class_weight": "none", "data_mix": "folder", "resolution": "pen1"}
CHOICES |= {"network": "unet_slim", "budget": "laptop", "optimiser": "muon"}


def conf_of(*overrides):
    return checked(compose_config(list(overrides)))


@pytest.mark.parametrize("name", options("data_set"))
def test_every_data_set_is_complete(name):
    conf = conf_of(*FOLDER, f"data_set={name}")
    said = read_data_set(conf.data_set)
    assert said.name == name
    assert said.licence
    assert "data_mix" not in compose_config([*FOLDER, f"data_set={name}"]).data_set
    folder = folder_of(conf)
    assert folder.class_map.classes == tuple(conf.classes)
    assert levels(CHOICES, conf, leave_out=NOT_IDENTITY)["data_mix"] == "folder"
    assert levels(CHOICES, conf, leave_out=NOT_IDENTITY)["head"] == "softmax"


def test_a_variant_chooses_the_masks_and_names_the_level():
    conf = conf_of(*FOLDER, "data_set=topomortar", "data_set.labels=noisy", "data_mix.piece_px=256")
    masks = {each.part: each.masks for each in folder_of(conf).templates}
    assert masks == {"train": "train/noisy/*", "val": "val/noisy/*", "test": "test/accurate/*"}
    named = levels(CHOICES, conf, leave_out=NOT_IDENTITY)
    assert named["data_set"] == "topomortar(labels=noisy)"
    assert named["data_mix"] == "folder(piece_px=256)"


def test_wrong_data_sets_are_refused(monkeypatch):
    monkeypatch.delenv("THINLINE_OCTA", raising=False)
    for overrides, message in (
        (["data_mix=fresh", "data_set=octa"], "data_set=octa needs data_mix=folder, got data_mix=fresh"),
        ([*FOLDER, "data_set=topomortar", "data_set.labels=noissy"], "got 'noissy'; did you mean 'noisy'?"),
        ([*FOLDER, "data_set=octa", "~data_set.licence"], "got no 'licence'; see conf/data_set"),
        ([*FOLDER, "data_set=octa", "data_set.licence=''"], r"data_set.licence: expected a text, got ''; write what"),
        (["fold=1"], "`fold` needs data_mix=folder"),
    ):
        with pytest.raises(ConfigError) as error:
            conf_of(*overrides)
        assert message in str(error.value)
    with pytest.raises(
        ValueError, match=r"expected the folder of data_set=octa, got null; .*\(licence: MIT\).*THINLINE_"
    ):
        folder_of(conf_of("data_mix=folder", "data_set=octa"))
    monkeypatch.setenv("THINLINE_OCTA", "/from/variable")
    assert str(folder_of(conf_of("data_mix=folder", "data_set=octa")).root) == "/from/variable"
    assert "did you mean data_set=topomortar?" in typo_in(["data_mix=folder", "data_set=topomotar"])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["fold=0"], "`fold` needs folds, got fold=0 and data_mix.split.folds=null"),
        (["data_mix.split.folds=5"], "`fold` must be 0 to 4 with data_mix.split.folds=5, got null; say fold=0"),
        (["data_mix.split.folds=5", "fold=5"], "`fold` must be 0 to 4 with data_mix.split.folds=5, got 5"),
        (["data_mix.split.folds=5", "fold=-1"], "`fold` must be 0 to 4 with data_mix.split.folds=5, got -1"),
    ],
)
def test_a_fold_that_is_not_there_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        folder_of(conf_of(*FOLDER, "data_set=octa", *keys))
