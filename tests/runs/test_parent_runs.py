import random

import pytest

from thinline.runs import StorageError, parent_runs
from thinline.runs.parent_runs import Sweep


def test_a_record_is_read_back_as_it_was(tmp_path):
    sweep = Sweep("pending-1", "sqlite:////x.db", "thinline", "loss=dice", {"a": "b"}, "FAILED", ("one", "two"), "ab12")
    parent_runs.write(tmp_path, sweep)
    assert parent_runs.read(tmp_path, "pending-1") == sweep
    assert parent_runs.read_all(tmp_path) == [sweep]
    assert parent_runs.read(tmp_path, "other") is None
    assert parent_runs.read_all(tmp_path / "nothing") == []


def test_seeding_does_not_repeat_an_id():
    ids = []
    for _ in range(2):
        random.seed(0)
        ids.append(parent_runs.pending_id())
    assert ids[0] != ids[1]


def test_a_sweep_is_locked_until_it_is_released(tmp_path):
    parent_runs.hold(tmp_path, "x")
    assert not parent_runs.lock_of(tmp_path, "x").try_acquire()
    parent_runs.let_go(tmp_path, "x")
    parent_runs.let_go(tmp_path, "x")
    lock = parent_runs.lock_of(tmp_path, "x")
    assert lock.try_acquire()
    lock.release()


@pytest.mark.parametrize("text", ["{", "{}", '{"failures": [], "unknown": 1}'])
def test_a_damaged_record_is_reported(tmp_path, text):
    parent_runs.write(tmp_path, Sweep("x", "u", "e", "n"))
    (tmp_path / "sweeps" / "x.json").write_text(text)
    with pytest.raises(StorageError, match=r"sweeps/x\.json: expected the record of a sweep.*delete it"):
        parent_runs.read_all(tmp_path)
