"""Processes beside a process, when that one is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

PARENT = """
import signal, time
from thinline.system.worker_pool import pool_of
from work import prepare, who

if __name__ == "__main__":
    with pool_of(2, prepare, (7,)) as pool:
        ids = set()
        while len(ids) < 2:
            ids |= set(pool.map(who, range(8)))
        print(*ids, flush=True)
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
        time.sleep(60)
"""

WORK = """
import os, signal, time

known = []

def prepare(number):
    known.append(number)

def who(_):
    assert known == [7], known
    assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []), "Ctrl-C would end every process by itself"
    time.sleep(0.05)
    return os.getpid()
"""


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    (tmp_path / "work.py").write_text(WORK)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(workers) == 2
    until = time.monotonic() + 30
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < until, "processes wait for work that nobody will give them"
        time.sleep(0.05)
