"""The digests of own modules: found without importing them, and changed by every edit of what they run."""

import hashlib
import sys

import pytest

from thinline.runs import own_code


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes modules into a folder that Python searches; returns the digests of a loss from `_target_`."""
    monkeypatch.syspath_prepend(tmp_path)

    def digests(target, **files):
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return own_code({"loss": {"terms": [{"_target_": target}]}, "paths": {"store": "x"}})

    return digests


def test_a_module_is_digested_and_not_imported(write):
    source = "raise SystemExit\n"
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    assert write("mine_plain.Loss", mine_plain=source) == {"mine_plain": digest}
    assert "mine_plain" not in sys.modules
    assert write("mine_plain.Loss.build", mine_plain=source.replace("\n", "\r\n")) == {"mine_plain": digest}
    assert write("mine_plain.Loss", mine_plain=source + "#\n") != {"mine_plain": digest}


def test_code_that_is_installed_has_no_digest(write):
    targets = ["thinline.losses.dice.Dice", "torch.nn.Linear", "monai.losses.DiceLoss", "json.loads", "nowhere.Loss"]
    assert own_code([{"_target_": target} for target in targets]) == {}
    assert write("mine_user.Loss", mine_user="import torch, json, thinline.losses.dice\n").keys() == {"mine_user"}


@pytest.mark.parametrize(
    "line",
    ["import mine_other", "from mine_other import f", "def f():\n    import mine_other", "import os, mine_middle"],
)
def test_modules_that_it_imports_count_through_others_too(write, line):
    files = {"mine_user": line, "mine_other": "import mine_user\nX = 1", "mine_middle": "import mine_other"}
    before = write("mine_user.Loss", **files)
    after = write("mine_user.Loss", **files | {"mine_other": "X = 2"})
    assert before.keys() - {"mine_middle"} == after.keys() - {"mine_middle"} == {"mine_user", "mine_other"}
    assert {name for name in before if before[name] != after[name]} == {"mine_other"}


def test_a_package_counts_with_its_init_and_relative_imports(write):
    files = {
        "mine_pack/__init__": "raise SystemExit",
        "mine_pack/losses": "from . import shared\nfrom .sub.deep import x\nfrom .. import nothing",
        "mine_pack/shared": "",
        "mine_pack/unused": "",
        "mine_pack/sub/deep": "from ..last import y",  # `sub` has no __init__.py
        "mine_pack/last": "def broken(:",
    }
    expected = {f"mine_pack{end}" for end in ("", ".losses", ".shared", ".sub.deep", ".last")}
    assert write("mine_pack.losses.Loss", **files).keys() == expected
    assert "mine_pack" not in sys.modules


def test_the_digest_is_that_of_the_code_which_this_process_runs(write, monkeypatch):
    """A file that is edited during a sweep: the module is imported already."""
    before = write("mine_running.Loss", mine_running="X = 1")
    monkeypatch.setitem(sys.modules, "mine_running", __import__("mine_running"))
    assert write("mine_running.Loss", mine_running="X = 2") == before
    monkeypatch.delitem(sys.modules, "mine_running")
    assert write("mine_running.Loss", mine_running="X = 2") != before
