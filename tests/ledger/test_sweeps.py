import random

import pytest

from hairline.ledger import LedgerError, sweeps
from hairline.ledger.sweeps import Sweep


def test_a_record_is_read_back_as_it_was(tmp_path):
    sweep = Sweep("pending-1", "sqlite:////x.db", "hairline", "loss=dice", {"a": "b"}, "FAILED", ("one", "two"), "ab12")
    sweeps.write(tmp_path, sweep)
    assert sweeps.read(tmp_path, "pending-1") == sweep
    assert sweeps.read_all(tmp_path) == [sweep]
    assert sweeps.read(tmp_path, "other") is None
    assert sweeps.read_all(tmp_path / "nothing") == []


def test_a_seed_does_not_make_two_ids_alike():
    ids = []
    for _ in range(2):
        random.seed(0)
        ids.append(sweeps.pending_id())
    assert ids[0] != ids[1]


def test_a_sweep_is_held_until_it_is_let_go(tmp_path):
    sweeps.hold(tmp_path, "x")
    assert not sweeps.lock_of(tmp_path, "x").try_acquire()
    sweeps.let_go(tmp_path, "x")
    sweeps.let_go(tmp_path, "x")
    lock = sweeps.lock_of(tmp_path, "x")
    assert lock.try_acquire()
    lock.release()


@pytest.mark.parametrize("text", ["{", "{}", '{"failures": [], "unknown": 1}'])
def test_a_damaged_record_is_told(tmp_path, text):
    sweeps.write(tmp_path, Sweep("x", "u", "e", "n"))
    (tmp_path / "sweeps" / "x.json").write_text(text)
    with pytest.raises(LedgerError, match=r"sweeps/x\.json: expected the record of a sweep.*delete it"):
        sweeps.read_all(tmp_path)
