"""`make soak`, first part: a study of 12 tiny cells is killed 20 times and must end as if nothing had happened.

Each round starts the same command and kills, after a random while, the worker of a job, the parent of the sweep, or
both, with SIGKILL. Then it runs to its end once. Checked against an undisturbed study of the same cells: every cell
once in the results, equal numbers, no run of MLflow left RUNNING. Prints what it did; exit code 1 when something
differs.

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
from pathlib import Path

import pandas as pd

from hairline import ledger
from hairline.ledger.tracker import MlflowClient

ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "loss=dice,focal,tversky", "class_weight=none,measured", "seed=0,1", "budget=smoke"]
SMALL = ["network.widths=[4,8]", "overlays=1", "optimiser.warmup_steps=2"]
CELLS = 12
KINDS = ("worker", "parent", "all")
LONGEST_S = 45.0


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
            after = chance.uniform(1.0, LONGEST_S)
            told = disturb(start(killed, Path(folder) / "cache", fresh=number % 2 == 0), kind, after)
            states = Counter(ledger.status(killed)["status"]) if (killed / "runs").exists() else Counter()
            print(f"round {number + 1:2d}: {told}; cells {dict(states)}", flush=True)
        code = start(killed, Path(folder) / "cache").wait()
        print(f"last run: exit code {code}", flush=True)
        wrong = differences(calm, killed)
    for line in wrong:
        print(f"WRONG  {line}")
    print("the disturbed study is the undisturbed one" if not wrong and code == 0 else "the soak failed")
    return 1 if wrong or code else 0


def start(store: Path, cache: Path, *, fresh: bool = False) -> subprocess.Popen[bytes]:
    """The same command, in a process group of its own."""
    paths = [f"paths.store={store}", f"paths.cache={cache}", f"fresh_process={str(fresh).lower()}"]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *SWEEP, *SMALL, *paths],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def disturb(parent: subprocess.Popen[bytes], kind: str, after: float) -> str:
    """Kill one kind of process `after` seconds, unless the sweep ended before; in words."""
    try:
        return f"ended by itself with exit code {parent.wait(after)}"
    except subprocess.TimeoutExpired:
        pass
    workers = children(parent.pid)
    if kind == "worker" and workers:
        os.kill(workers[0], signal.SIGKILL)
        return f"worker killed after {after:.0f} s, the sweep went on to exit code {parent.wait()}"
    if kind == "parent":
        parent.kill()
        parent.wait()
        for worker in workers:  # an orphan finishes its cell; the next sweep waits for it
            wait_for_end(worker)
        return f"parent killed after {after:.0f} s" + (", its worker went on" if workers else "")
    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    return f"all killed after {after:.0f} s"


def children(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def wait_for_end(pid: int) -> None:
    """Until the process is no more."""
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.1)


def differences(calm: Path, killed: Path) -> list[str]:
    """What the two stores do not have in common that they should."""
    wrong = []
    states = Counter(ledger.status(killed)["status"])
    if states != {ledger.FINISHED: CELLS}:
        wrong.append(f"expected {CELLS} finished cells, got {dict(states)}")
    key = ["run", "split", "measure", "class"]
    tables = [ledger.read(store).sort_values(key, ignore_index=True) for store in (calm, killed)]
    if tables[1].duplicated(key).any():
        wrong.append("a cell stands twice in the results")
    try:
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    except AssertionError as error:
        wrong.append(f"the numbers differ: {error}")
    client = MlflowClient(f"sqlite:///{killed}/mlflow.db")
    experiment = client.get_experiment_by_name("hairline")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    status = Counter(run.info.status for run in runs)
    if status["RUNNING"]:
        wrong.append(f"MLflow has {status['RUNNING']} runs left RUNNING of {len(runs)}")
    named = Counter(run.info.run_name for run in runs if "mlflow.parentRunId" in run.data.tags)
    if sorted(named.values()) != [1] * CELLS:
        wrong.append(f"MLflow must have each cell once, got {dict(named)}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
