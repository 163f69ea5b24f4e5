"""Start one run in a new process, or in several processes under torchrun, which stops all when one fails.

Lightning's own launcher repeats the program's command line in every process, including `-m` of a sweep, and hangs when
one process leaves the lock-step. Here each process is a fresh `thinline train` of one cell.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

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
"""Environment variables of a launcher of several processes. A run of one process must not see them."""
STOP_S = 60.0
CHILD = "THINLINE_CHILD"


class ProcessesError(RuntimeError):
    """One of the processes of a run failed."""


def rank_and_world() -> tuple[int, int]:
    """Rank of this process and number of processes. (0, 1) unless `launch` started this process."""
    if not launched():
        return 0, 1
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def launched() -> bool:
    """Whether `launch` started this process."""
    return CHILD in os.environ


def forget_ranks() -> list[str]:
    """Remove the variables RANKS that another launcher left, unless `launch` started this process; returns them.

    Lightning would otherwise treat the run as one rank of several and leave checkpoints and results to rank 0.
    """
    return [] if launched() else [f"{name}={os.environ.pop(name)}" for name in RANKS if name in os.environ]


def launch(processes: int, overrides: Sequence[str], *, program: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run `program` with `overrides` in `processes` processes and wait for them.

    `program` is a file, or `-m`, a module and its command. `environment` is added to that of this process. Raises
    `ProcessesError` when one fails.
    """
    command = [sys.executable]
    own = {name: value for name, value in os.environ.items() if name not in RANKS} | {CHILD: "1"}
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        own.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    child = subprocess.Popen([*command, *program, *overrides], env=own | dict(environment))
    try:
        code = child.wait()
    except (Killed, KeyboardInterrupt):
        child.terminate()
        child.wait(STOP_S)
        raise
    if code:
        raise ProcessesError(
            f"a run of {processes} processes must end with exit code 0, got {code}; its error is printed above"
        )
