"""Roof: one run in a process of its own, or in several that torchrun starts and watches, stopping all when one fails.

Lightning's own launcher runs the program's command line again in every process, with `-m` if it was a sweep, and hangs
for ever when one process leaves the lock-step. Here each process is a fresh `python train.py` of this one cell.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from thinline.system.signals import Killed

RANKS = (
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "NODE_RANK",
    "GROUP_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
)
"""What a launcher of several processes says in the environment; a run of one process must not see it."""
STOP_S = 60.0
CHILD = "THINLINE_CHILD"


class ProcessesError(RuntimeError):
    """One of the processes of a run failed."""


def rank_and_world() -> tuple[int, int]:
    """Which process this is of how many; (0, 1) alone. Only `launch` says so: what others left is not believed."""
    if not launched():
        return 0, 1
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def launched() -> bool:
    """Whether `launch` started this process."""
    return CHILD in os.environ


def forget_ranks() -> list[str]:
    """Remove from the environment of a process that `launch` did not start that it is one of several; what was there.

    Lightning would else take the run for the part of another one, and leave checkpoints and results to its first.
    """
    left = [] if launched() else [f"{name}={os.environ.pop(name)}" for name in RANKS if name in os.environ]
    return left


def launch(processes: int, overrides: Sequence[str], *, script: Path, environment: Mapping[str, str]) -> None:
    """Run `script` with `overrides` in `processes` processes and wait. Raises `ProcessesError` when one fails.

    `environment` is added to that of this process.
    """
    command = [sys.executable]
    own = {name: value for name, value in os.environ.items() if name not in RANKS} | {CHILD: "1"}
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        own.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    child = subprocess.Popen([*command, str(script), *overrides], env=own | dict(environment))
    try:
        code = child.wait()
    except (Killed, KeyboardInterrupt):
        child.terminate()
        child.wait(STOP_S)
        raise
    if code:
        raise ProcessesError(
            f"a run of {processes} processes must end with exit code 0, got {code}; the failing process says why above"
        )
