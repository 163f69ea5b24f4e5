"""One bench in this process, at one number of threads: prints its rows as they are measured, and stores them.

A module `bench_NAME.py` has a function `main` that returns or yields rows (rows.py).
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import machine
import results_file
import turns
from rows import BUSY, Row, rows_of

from thinline.runs.identity import git_state, library_versions

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "bench.json"


def main(arguments: Sequence[str]) -> int:
    """Run the bench named in the arguments. The rows before an error are stored too."""
    parser = argparse.ArgumentParser(prog="tests/bench/one_bench.py")
    parser.add_argument("name")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--loaded", action="store_true", help="print rows of a busy machine too; nothing is stored")
    parser.add_argument("--seconds", type=float, default=turns.BUDGET_S, help="after which a ratio is given up")
    options = parser.parse_args(arguments)
    sys.path.append(str(ROOT / "tests" / "cases"))
    turns.BUDGET_S = options.seconds
    rows: list[Row] = []
    bench = importlib.import_module(f"bench_{options.name}")
    if options.threads:
        machine.limit_threads(options.threads)
    run = _run()
    print(_title(options.name, options.threads, run), flush=True)
    complete = False
    try:
        for row in watched(bench, loaded=options.loaded):
            print(row.line(), flush=True)
            rows.append(row)
        complete = True
    finally:
        if not options.loaded:
            run["load after"] = os.getloadavg()
            content = results_file.read(RESULTS)
            new = results_file.merged(content, options.name, options.threads, rows, run=run, complete=complete)
            if new != content:
                results_file.write(RESULTS, new)
    return 0


def watched(bench: Any, *, loaded: bool) -> Iterator[Row]:
    """The rows of a bench, each with the cores that other processes used while it was measured.

    `loaded`: they are not noted, so that the row is printed in any case.
    """
    watch = machine.Watch()
    time.sleep(0.5)
    others = watch.others()
    if others is not None and others > BUSY:
        print(f"  the machine is busy: other processes use {others:.2f} cores, at most {BUSY} wanted", file=sys.stderr)
    for row in rows_of(bench.main()):
        others = watch.others()
        yield row if loaded else replace(row, others=others)


def _run() -> dict[str, Any]:
    commit, _ = git_state(ROOT)  # the results of this very run are a change that does not count
    status = ["git", "status", "--porcelain", "--", "src", "conf", "tests/bench"]
    changes = commit and subprocess.run(status, cwd=ROOT, capture_output=True, text=True).stdout
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": f"{commit}{' with changes' if changes else ''}",
        "machine": machine.describe(machine.cpuinfo(), len(machine.cores())),
        "versions": {"python": sys.version.split()[0], **library_versions(machine.PACKAGES)},
        "load before": os.getloadavg(),
    }


def _title(name: str, threads: int | None, run: dict[str, Any]) -> str:
    counted = "" if threads is None else f", {threads} thread{'s' * (threads > 1)}"
    load = ", ".join(f"{load:.2f}" for load in run["load before"])
    title = f"{name}{counted}"
    return f"\n{title}\n{'-' * len(title)}\n{run['machine']}; load {load}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
