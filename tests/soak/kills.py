"""`make soak`, first part: a study of 12 tiny cells is killed 20 times and must end with equal results.

Each round starts the same command, waits until a cell trains, and a random while later kills with SIGKILL the worker of
the job (and all others once the sweep has gone on without it), or the parent alone, or all; every fourth round kills
all while they are still starting. Then the command runs to its end once. Checked against an undisturbed study of the
same cells: every cell once in the results, equal numbers, no run of MLflow left RUNNING. Prints what it did; exit code
1 when something differs, or when the study was done before the last kill.

python tests/soak/kills.py [--rounds 20] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from thinline import runs
from thinline.tracking.tracker import MlflowClient

ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "loss=dice,focal,tversky", "class_weight=none,measured", "seed=0,1", "budget=smoke"]
SMALL = ["network.widths=[4,4,8]", "overlays=1", "optimiser.warmup_steps=2"]
LONG = ["budget.steps=200", "budget.validate_every=20"]  # ten checkpoints a cell, in about two seconds
CELLS = 12
KINDS = ("worker", "parent", "all", "start")
STARTING_S, TRAINING_S = 8.0, 2.0


def main() -> int:
    """Run the soak; 0 when the two studies are one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        calm, killed = Path(folder) / "calm", Path(folder) / "killed"
        code = start(calm, Path(folder) / "cache").wait()
        print(f"undisturbed: exit code {code}", flush=True)
        for number in range(options.rounds):
            kind = KINDS[number % len(KINDS)]
            event = disturb(
                start(killed, Path(folder) / "cache", fresh=kind in ("worker", "parent")), kind, killed, chance
            )
            print(f"round {number + 1:2d}: {event}; cells {dict(states(killed))}", flush=True)
        early = states(killed)[runs.FINISHED] == CELLS
        code = start(killed, Path(folder) / "cache").wait()
        print(f"last run: exit code {code}", flush=True)
        wrong = differences(calm, killed) + ["the study was done before the last kill"] * early
    for line in wrong:
        print(f"WRONG  {line}")
    print("the disturbed study is the undisturbed one" if not wrong and code == 0 else "the soak failed")
    return 1 if wrong or code else 0


def start(store: Path, cache: Path, *, fresh: bool = False) -> subprocess.Popen[bytes]:
    """The same command, in a process group of its own."""
    paths = [f"paths.store={store}", f"paths.cache={cache}", f"fresh_process={str(fresh).lower()}"]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *SWEEP, *SMALL, *LONG, *paths],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def disturb(parent: subprocess.Popen[bytes], kind: str, store: Path, chance: random.Random) -> str:
    """Kill one kind of process, unless the sweep ended before; returns a phrase."""
    if kind == "start":
        time.sleep(chance.uniform(1.0, STARTING_S))
        return kill_all(parent, "all killed while they started")
    if not wait_until(lambda: states(store)[runs.RUNNING] > 0, parent):
        return f"ended by itself with exit code {parent.wait()}"
    time.sleep(chance.uniform(0.0, TRAINING_S))
    workers = children(parent.pid)
    if kind == "worker" and workers:
        os.kill(workers[0], signal.SIGKILL)
        went_on = wait_until(lambda: set(children(parent.pid)) - set(workers), parent)
        return kill_all(parent, f"worker killed, {'the next cell began, all killed' if went_on else 'the sweep ended'}")
    if kind == "parent":
        parent.kill()
        parent.wait()
        for worker in workers:  # an orphan finishes its cell; the next sweep waits for it
            wait_for_end(worker)
        return "parent killed" + (", its worker went on to the end of its cell" if workers else "")
    return kill_all(parent, "all killed")


def kill_all(parent: subprocess.Popen[bytes], words: str) -> str:
    """SIGKILL to the whole process group."""
    if parent.poll() is None:
        os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    return words


def wait_until(true: Callable[[], object], parent: subprocess.Popen[bytes]) -> bool:
    """Poll until it is true; False when the sweep ended before."""
    while parent.poll() is None:
        if true():
            return True
        time.sleep(0.05)
    return False


def states(store: Path) -> Counter[str]:
    """The number of cells in each state."""
    return Counter(runs.status(store)["status"]) if (store / "runs").exists() else Counter()


def children(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    ids = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            ids.append(int(stat.parent.name))
    return ids


def wait_for_end(pid: int) -> None:
    """Until the process is no more."""
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.1)


def differences(calm: Path, killed: Path) -> list[str]:
    """Differences between the two stores."""
    wrong = []
    states = Counter(runs.status(killed)["status"])
    if states != {runs.FINISHED: CELLS}:
        wrong.append(f"expected {CELLS} finished cells, got {dict(states)}")
    key = ["run", "split", "measure", "class"]
    tables = [runs.read(store).sort_values(key, ignore_index=True) for store in (calm, killed)]
    if tables[1].duplicated(key).any():
        wrong.append("a cell stands twice in the results")
    try:
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    except AssertionError as error:
        wrong.append(f"the numbers differ: {error}")
    client = MlflowClient(f"sqlite:///{killed}/mlflow.db")
    experiment = client.get_experiment_by_name("thinline")
    tracked = client.search_runs([experiment.experiment_id], max_results=1000)
    status = Counter(run.info.status for run in tracked)
    if status["RUNNING"]:
        wrong.append(f"MLflow has {status['RUNNING']} runs left RUNNING of {len(tracked)}")
    named = Counter(run.data.tags["run_folder"] for run in tracked if "run_folder" in run.data.tags)
    if sorted(named.values()) != [1] * CELLS:
        wrong.append(f"MLflow must have each cell once, got {dict(named)}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
