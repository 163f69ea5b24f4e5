"""`make bench`: ratios against peers, each measured in pairs with ours in one process. Above 1 we are faster.

Give names to run a part, as `python tests/bench/run.py losses loop`. Each bench runs in a process of its own, so that
threads and caches of one do not favour the next: at one thread and at two; whole programs once, with the threads of
their configuration. A ratio whose spread stays above 5 % is not printed. Rows go to experiments/bench.json, and
`thinline publish` writes them into docs/explanation/speed.md.

`--loaded` measures on a machine that others use: rows are printed and not stored.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import machine

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NAMES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
WHOLE_PROGRAMS = {"effects", "gpu", "growth", "report", "study"}
"""Benches that start programs of their own, or do not compute with threads."""


def main(arguments: Sequence[str]) -> int:
    """Run the benches; the largest of their exit codes."""
    parser = argparse.ArgumentParser(prog="tests/bench/run.py")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without a name")
    parser.add_argument("--loaded", action="store_true", help="print rows of a busy machine too; nothing is stored")
    parser.add_argument("--seconds", type=float, help="after which a ratio is given up; 20 without")
    parser.add_argument("--threads", type=int, action="append", help="a number of threads instead of 1 and 2")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no bench is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    passed_on = ["--loaded"] if options.loaded else []
    passed_on += [] if options.seconds is None else ["--seconds", str(options.seconds)]
    jobs = [(name, count) for name in options.names or NAMES for count in threads_of(name, options.threads)]
    codes = []
    for number, (name, threads) in enumerate(jobs, start=1):
        began = time.perf_counter()
        codes.append(_start(name, threads, passed_on))
        print(f"{number} of {len(jobs)}: {name} took {time.perf_counter() - began:.0f} s", file=sys.stderr)
    if not options.loaded:
        print("\nundisturbed rows are in experiments/bench.json; thinline publish writes docs/explanation/speed.md")
    return max(codes)


def threads_of(name: str, asked: Sequence[int] | None = None) -> list[int | None]:
    """Numbers of threads at which a bench runs; [None] for a whole program."""
    if name in WHOLE_PROGRAMS:
        return [None]
    return list(asked or range(1, 1 + min(2, len(machine.cores()))))


def _start(name: str, threads: int | None, options: list[str]) -> int:
    """Run one bench; libraries read the number of threads from the environment when they are loaded."""
    limits = {} if threads is None else dict.fromkeys(machine.THREAD_VARIABLES, str(threads))
    count = [] if threads is None else ["--threads", str(threads)]
    command = [sys.executable, str(HERE / "one_bench.py"), name, *count, *options]
    return subprocess.call(command, env=os.environ | limits, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
