"""Processes that `launch` starts: what they are given, and what becomes of them when one dies."""

import os
from pathlib import Path

import pytest

from thinline.system.launch import CHILD, ProcessesError, forget_ranks, launch, launched, rank_and_world

SCRIPT = """
import os, signal, sys, time
from pathlib import Path
folder, rank = Path(sys.argv[1]), os.environ.get("RANK", "alone")
(folder / rank).write_text(" ".join([str(os.getpid()), os.environ["MINE"], *sys.argv[2:]]))
if "die" in sys.argv and rank == "1":
    while not (folder / "0").exists():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(600 if "die" in sys.argv else 0)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_one_process_gets_the_overrides_and_no_rank_of_another_program(script, monkeypatch):
    monkeypatch.setenv("RANK", "3")
    launch(1, [str(script.parent), "loss=dice"], program=[str(script)], environment={"MINE": "yes"})
    assert (script.parent / "alone").read_text().split()[1:] == ["yes", "loss=dice"]


def test_when_one_of_two_processes_dies_the_other_is_stopped(script):
    with pytest.raises(ProcessesError, match="a run of 2 processes must end with exit code 0, got 1"):
        launch(2, [str(script.parent), "die"], program=[str(script)], environment={"MINE": "yes"})
    for rank in ("0", "1"):
        process, *words = (script.parent / rank).read_text().split()
        assert words == ["yes", "die"]
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)


def test_ranks_count_only_in_a_process_that_was_launched(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert not launched()
    assert rank_and_world() == (0, 1)
    monkeypatch.setenv(CHILD, "1")
    assert rank_and_world() == (3, 4)
    assert forget_ranks() == []
    monkeypatch.delenv(CHILD)
    assert sorted(forget_ranks()) == ["RANK=3", "WORLD_SIZE=4"]
    assert "RANK" not in os.environ
