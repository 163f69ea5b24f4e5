"""The same sweep under other launchers, and a run of several processes."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra

import train
from thinline import runs
from thinline.pipeline.locate import SKIPPED
from thinline.runs import FINISHED, RUNNING
from thinline.tracking.tracker import MlflowClient

ROOT = Path(train.__file__).parent
SMALL = ["budget=smoke", "overlays=1", "optimiser.warmup_steps=2", "tracking.uri="]
PATIENCE_S = 600.0  # a dozen processes that import everything: minutes on a busy machine
pytestmark = pytest.mark.timeout(2 * PATIENCE_S)


def start(*arguments: str, out: IO) -> subprocess.Popen:
    """The program in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        stdout=out,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        start_new_session=True,
    )


def ended_cells(store: Path) -> list[dict[str, str]]:
    """What the jobs of all sweeps of a store wrote when they ended."""
    return [json.loads(line) for path in store.glob("hydra/*/*/cells.jsonl") for line in path.read_text().splitlines()]


def test_ray_runs_two_cells_at_a_time_and_another_sweep_skips_them(main, store, given, tmp_path):
    """Each cell of two sweeps on one store is trained by one of them, and skipped by the other."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    sweep = ["-m", "loss=dice,focal", "budget.steps=120", "budget.validate_every=60"]  # long enough to meet
    ray = ["hydra/launcher=ray", "+hydra.launcher.ray.init.include_dashboard=false"]  # a page of a dozen processes
    with (tmp_path / "out").open("w") as out:
        process = start(*sweep, *ray, *given, out=out)
    at_once = 0
    while process.poll() is None and at_once < 2:
        if (store / "runs").exists():
            at_once = max(at_once, int((runs.status(store)["status"] == RUNNING).sum()))
        time.sleep(0.2)
    assert main(*sweep) == 0
    process.wait(PATIENCE_S)
    text = (tmp_path / "out").read_text()
    assert process.returncode == 0, text
    assert at_once == 2, text
    assert "focal" in text[text.index("curve_1: unseen") :]
    assert runs.status(store)["status"].tolist() == [FINISHED, FINISHED]
    assert runs.status(store)["attempts"].tolist() == [1, 1]
    assert sorted(line["status"] for line in ended_cells(store)) == [FINISHED, FINISHED, SKIPPED, SKIPPED]
    client = MlflowClient(f"sqlite:///{store}/mlflow.db")
    of_mlflow = client.search_runs([client.get_experiment_by_name("thinline").experiment_id])
    assert len([run for run in of_mlflow if "run_folder" in run.data.tags]) == 2


def test_a_job_of_submitit_trains_in_two_processes_what_this_process_trains_alone(
    store, cache, monkeypatch, log_handlers, capsys
):
    """Losses and counts at the same global batch; a group norm, since torch shares no batch norm on a CPU.

    In fp64: the sum of two halves of a batch rounds otherwise than that of the whole, and where a gradient is zero but
    for rounding (a bias in front of a norm) Adam makes whole steps of it. With 53 bits that noise is under its epsilon.
    Without the extra `slurm` the two processes are started from this one.
    """
    same = ["-m", "loss=dice", "network=veernet", "network.widths=[8,8,8,8,8]", "trainer.precision=fp64"]
    launcher = [] if find_spec("submitit") is None else ["hydra/launcher=submitit_local"]
    for name, more in (("one", []), ("two", ["trainer=ddp", "trainer.accelerator=cpu", *launcher])):
        given = [*same, "optimiser=adamw", *more, *SMALL, f"paths.store={store / name}", f"paths.cache={cache}"]
        monkeypatch.setattr(sys, "argv", [train.__file__, *given])
        monkeypatch.setenv("COLUMNS", "200")
        GlobalHydra.instance().clear()
        train.main()
        text = capsys.readouterr().out
        assert "dice" in text[text.index("curve_1: unseen") :]
        assert [line["status"] for line in ended_cells(store / name)] == [FINISHED]
        assert not (store / name / "mlflow.db").exists()
    assert bool(list((store / "two").glob("hydra/*/*/.submitit"))) == bool(launcher)
    one, two = ([line.metrics for line in runs.run_folders(store / name)[0].history()] for name in ("one", "two"))
    losses = [[metrics["train/loss"] for metrics in lines if "train/loss" in metrics] for lines in (one, two)]
    assert len(losses[0]) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-7)
    tables = [runs.read(store / name).drop(columns="run") for name in ("one", "two")]
    assert len(tables[0]) > 0
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    support = runs.read_sheets(store / "two", measures=["support"], split="test")
    assert sorted(support["sheet"].unique()) == [0, 1, 2]  # every test sheet once, from both processes
