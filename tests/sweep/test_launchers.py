"""The same sweep under other launchers, and a run of several processes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra

import train
from thinline import runs
from thinline.pipeline.locate import SKIPPED
from thinline.runs import FINISHED, RUNNING
from thinline.sweep.callback import lines

ROOT = Path(train.__file__).parent
SMALL = ["budget=smoke", "network.widths=[4,4,8]", "overlays=1", "optimiser.warmup_steps=2", "tracking.uri="]
PATIENCE_S = 600.0  # a dozen processes that import everything: minutes on a busy machine
pytestmark = pytest.mark.timeout(2 * PATIENCE_S)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def command(store, cache, *arguments: str, small=SMALL, out: int | IO = subprocess.PIPE) -> subprocess.Popen:
    """The program in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments, *small, f"paths.store={store}", f"paths.cache={cache}"],
        stdout=out,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        start_new_session=True,
    )


def test_submitit_runs_cells_as_jobs_of_this_machine(main, store, capsys):
    """One is trained there, and one that is finished is skipped there."""
    pytest.importorskip("submitit", reason="the extra `slurm` is not installed")
    assert main("loss=dice", "tracking.uri=") == 0
    assert main("-m", "hydra/launcher=submitit_local", "loss=dice,focal", "tracking.uri=") == 0
    text = capsys.readouterr().out
    assert runs.status(store)["status"].tolist() == [FINISHED, FINISHED]
    assert "focal" in text[text.rindex("curve_1: unseen") :]
    assert sorted(line.status for line in lines(next(store.glob("hydra/*/*/cells.jsonl")).parent)) == [
        FINISHED,
        SKIPPED,
    ]


def test_ray_runs_two_cells_at_a_time(store, cache, tmp_path):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    long_enough = ["budget.steps=120", "budget.validate_every=60"]  # to be seen beside each other
    with (tmp_path / "out").open("w") as out:
        process = command(store, cache, "-m", "hydra/launcher=ray", "loss=dice,focal", *long_enough, out=out)
    at_once = 0
    while process.poll() is None:
        if (store / "runs").exists():
            at_once = max(at_once, int((runs.status(store)["status"] == RUNNING).sum()))
        time.sleep(0.2)
    text = (tmp_path / "out").read_text()
    assert process.returncode == 0, text
    assert at_once == 2, text
    assert runs.status(store)["status"].tolist() == [FINISHED, FINISHED]
    assert "focal" in text[text.index("curve_1: unseen") :]


def test_two_processes_train_what_one_trains(store, cache, monkeypatch, log_handlers):
    """Losses and counts at the same global batch; a group norm, since torch shares no batch norm on a CPU.

    In fp64: the sum of two halves of a batch rounds otherwise than that of the whole, and where a gradient is zero but
    for rounding (a bias in front of a norm) Adam makes whole steps of it. With 53 bits that noise is under its epsilon.
    """
    same = ["network=veernet", "network.widths=[8,8,8,8,8]", "trainer.precision=fp64", "optimiser=adamw"]
    small = [word for word in SMALL if not word.startswith("network.")]
    for name, more in (("one", []), ("two", ["trainer=ddp", "trainer.accelerator=cpu"])):
        given = [*same, *more, *small, f"paths.store={store / name}", f"paths.cache={cache}"]
        monkeypatch.setattr(sys, "argv", [train.__file__, *given])
        GlobalHydra.instance().clear()
        train.main()
    one, two = ([line.metrics for line in runs.run_folders(store / name)[0].history()] for name in ("one", "two"))
    losses = [[metrics["train/loss"] for metrics in lines if "train/loss" in metrics] for lines in (one, two)]
    assert len(losses[0]) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-7)
    tables = [runs.read(store / name).drop(columns="run") for name in ("one", "two")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    support = runs.read_sheets(store / "two", measures=["support"], split="test")
    assert sorted(support["sheet"].unique()) == [0, 1, 2]  # every test sheet once, from both processes
