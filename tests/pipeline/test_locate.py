"""The name of a run is the hash of what it computes, so the names of published runs must not change."""

import sys

import pandas as pd
import pytest

from thinline.config.schema import CONF, KEY_LEVELS, checked, compose_config
from thinline.pipeline.locate import locate

PUBLISHED = [
    (
        "weight_sweep",
        {"loss": "soft_ce", "class_weight": "fixed", "budget": "laptop_half"},
        ["class_weight.value=1"],
        "soft_ce-softmax-fixed-fresh-pen1-unet_slim-laptop_half-muon-s0-value_1-faece25d03",
    ),
    (
        "three_family",
        {"loss": "soft_ce", "data_mix": "scarce"},
        [],
        "soft_ce-softmax-none-scarce-pen1-unet_slim-laptop-muon-s0-28db1ec4d0",
    ),
    (
        "resolution",
        {"resolution": "pen2", "budget": "laptop_half"},
        [],
        "dice-softmax-none-fresh-pen2-unet_slim-laptop_half-muon-s0-edbb877bfd",
    ),
]


@pytest.mark.parametrize(("study", "levels", "changes", "run"), PUBLISHED, ids=[cell[0] for cell in PUBLISHED])
def test_published_runs_keep_their_names(study, levels, changes, run):
    options = {"loss": "dice", "head": "softmax", "class_weight": "none", "data_mix": "fresh"}
    options |= {"resolution": "pen1", "network": "unet_slim", "budget": "laptop", "optimiser": "muon"} | levels
    conf = checked(compose_config([*(f"{group}={option}" for group, option in options.items()), *changes]))
    assert locate(conf, options).folder.name == run
    published = pd.read_parquet(CONF.parent / "experiments" / study / "results.parquet", columns=["run"])
    assert run in set(published["run"])


@pytest.mark.parametrize(("key", "levels"), KEY_LEVELS.items(), ids=KEY_LEVELS)
def test_a_key_with_levels_is_part_of_the_identity_and_a_factor_unless_it_is_neutral(key, levels, tiny):
    plain, neutral, other = (locate(*tiny(*change)) for change in ([], *([f"{key}={level}"] for level in levels)))
    assert plain.folder.name == neutral.folder.name != other.folder.name
    assert key not in plain.factors
    assert other.factors == plain.factors | {key: levels[1]}
    assert f"-s0-{levels[1]}-" in other.folder.name


def test_an_edited_loss_is_another_run_and_moving_the_folder_is_not(tmp_path, tiny, monkeypatch):
    def located(folder, source):
        path = tmp_path / folder / "mine_located.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(path.parent)
            return locate(*tiny("loss._target_=mine_located.Loss"))

    first, edited, moved = located("a", "X = 1"), located("a", "X = 2"), located("b", "X = 1")
    assert first.folder.name == moved.folder.name != edited.folder.name
    assert first.own_code.keys() == {"mine_located"}
    assert "mine_located" not in sys.modules
