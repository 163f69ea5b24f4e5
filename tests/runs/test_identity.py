import hashlib
import json
import math
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinline.runs import StorageError, cell_digest, cell_slug, git_state, library_versions
from thinline.runs.identity import flatten

WORDS = st.text(alphabet='xyz ä"\\', max_size=5)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS
KEYS = st.text(alphabet="abcdef", min_size=1, max_size=3)
BRANCHES = st.recursive(
    LEAVES, lambda branch: st.lists(branch, max_size=3) | st.dictionaries(KEYS, branch, max_size=3), max_leaves=6
)
TREES = st.dictionaries(KEYS, BRANCHES, max_size=4)


def shuffled(tree, order: random.Random):
    if isinstance(tree, dict):
        items = list(tree.items())
        order.shuffle(items)
        return {key: shuffled(value, order) for key, value in items}
    return tuple(shuffled(value, order) for value in tree) if isinstance(tree, list) else tree


@given(TREES, st.randoms(use_true_random=False))
def test_neither_the_order_of_keys_nor_tuple_or_list_matters(tree, order):
    assert cell_digest(tree) == cell_digest(shuffled(tree, order))


@given(TREES, KEYS, LEAVES)
def test_a_key_that_is_left_out_cannot_change_the_identity(tree, key, value):
    assert cell_digest(tree | {key: value}, leave_out=[key]) == cell_digest(tree, leave_out=[key])


@given(st.dictionaries(KEYS, st.integers() | WORDS, max_size=5), KEYS, st.integers())
def test_any_other_key_changes_the_digest(tree, key, value):
    changed = tree | {key: value}
    assert (cell_digest(changed) == cell_digest(tree)) == (changed == tree)


def test_the_digest_is_that_of_canonical_json():
    config = {"b": {"y": 0.5, "x": [1, True, None]}, "a": "ä"}
    canonical = json.dumps(config, sort_keys=True, separators=(",", ":"))
    assert cell_digest(config) == hashlib.sha256(canonical.encode()).hexdigest()[:10]


def test_dotted_keys_leave_out_leaves_and_branches():
    config = {"trainer": {"devices": 1, "max_steps": 100}, "paths": {"root": Path("/here")}}
    moved = {"trainer": {"devices": 8, "max_steps": 100}, "paths": {"root": Path("/there")}}
    longer = {"trainer": {"devices": 1, "max_steps": 200}, "paths": {"root": Path("/here")}}
    leave_out = ["trainer.devices", "paths", "no.such.key"]
    assert cell_digest(config, leave_out=leave_out) == cell_digest(moved, leave_out=leave_out)
    assert cell_digest(config, leave_out=leave_out) != cell_digest(longer, leave_out=leave_out)
    assert cell_digest(config) != cell_digest(moved)


def test_one_and_one_point_nought_are_one_level_and_true_is_another():
    assert cell_digest({"fp_weight": 1}) == cell_digest({"fp_weight": 1.0})
    assert cell_digest({"fp_weight": 1}) != cell_digest({"fp_weight": True})


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1, 2}])
def test_a_value_without_canonical_form_is_named(value):
    with pytest.raises(StorageError, match=r"'loss\.weights\.1' must hold plain values"):
        cell_digest({"loss": {"weights": [1, value]}})


def test_slugs():
    factors = {"loss": "tversky", "head": "softmax", "class_weight": "none", "data_mix": "fresh", "resolution": "pen1"}
    assert cell_slug(factors | {"seed": "0"}) == "tversky-softmax-none-fresh-pen1-s0"
    assert cell_slug({"loss": "../dice ce", "w": "1.5"}) == ".._dice_ce-1.5"
    changed = {"loss": "focal(gamma=3)", "network": "unet_slim(up_convs=2,widths=[4,8])", "seed": "1"}
    assert cell_slug(changed) == "focal-unet_slim-s1-gamma_3-up_convs_2_widths_4_8"
    assert len(cell_slug({str(number): "x" * 20 for number in range(20)})) == 120


def test_flatten_gives_every_leaf_under_its_dotted_name():
    config = {"loss": {"name": "dice", "weights": [1, 42]}, "seed": 0, "empty": {}}
    assert flatten(config) == {"loss.name": "dice", "loss.weights": "[1, 42]", "seed": "0", "empty": "{}"}


def git(folder, *words):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_git_state_sees_the_commit_and_every_kind_of_change(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_state(tmp_path) == (commit, False)
    (tmp_path / "new_loss.py").write_text("2")
    assert git_state(tmp_path) == (commit, True)
    (tmp_path / "new_loss.py").unlink()
    (tmp_path / "a.py").write_text("3")
    assert git_state(tmp_path) == (commit, True)


def test_no_git_is_no_error(tmp_path, monkeypatch):
    assert git_state(tmp_path) == (None, None)
    monkeypatch.setenv("PATH", "")
    assert git_state(Path(__file__).parent) == (None, None)


def test_versions_are_those_installed():
    import numpy

    assert library_versions(["numpy", "no-such-library"]) == {"numpy": numpy.__version__}
