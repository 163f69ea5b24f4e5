"""`thinline train`: the arguments go to Hydra as those of train.py, from any folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hydra.core.global_hydra import GlobalHydra

import train as train_script
from thinline import runs
from thinline.cli.main import main
from thinline.cli.network import train
from thinline.runs import FINISHED
from thinline.sweep.job import PROGRAM


@pytest.fixture
def command(monkeypatch, cache, tmp_path, log_handlers):
    """`command("loss=dice")` -> exit code, with a tiny cell, no tracker, and the default store of an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: str) -> int:
        GlobalHydra.instance().clear()
        tiny = ["budget=smoke", "network.widths=[4,4,8]", "overlays=1", "optimiser.warmup_steps=2", "tracking.uri="]
        try:
            return main(["train", *words, *tiny, f"paths.cache={cache}"])
        except SystemExit as stop:
            return int(stop.code or 0)

    return call


def test_a_run_in_an_empty_folder_is_that_of_train_py(command, tmp_path, monkeypatch, cache, capsys):
    before = list(sys.argv)
    assert command("loss=tversky") == 0
    assert sys.argv == before
    assert "curve_1: unseen test sheets" in capsys.readouterr().out
    (row,) = runs.status(tmp_path / "mlruns").to_dict("records")
    assert (row["status"], row["loss"]) == (FINISHED, "tversky")
    assert train_script.main is train.main
    assert command("loss=tversky", "force=false") == 0
    assert len(runs.status(tmp_path / "mlruns")) == 1


def test_a_sweep_and_a_failure_keep_their_exit_codes(command, tmp_path):
    assert command("-m", "seed=0,1", "budget.steps=3", "budget.validate_every=3") == 0
    assert len(runs.status(tmp_path / "mlruns")) == 2
    assert command("head=binary", "class_weight=fixed") == 1
    assert command("loss=nope") == 1


def test_the_program_of_a_run_of_several_processes_is_the_command():
    """Each process of `torchrun` starts it; its help needs no torch."""
    done = subprocess.run(
        [sys.executable, *PROGRAM, "--help"],
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "loss: " in done.stdout
    assert "tversky" in done.stdout
