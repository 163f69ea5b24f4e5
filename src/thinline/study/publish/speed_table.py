"""The page of speed ratios as Markdown, from experiments/bench.json, which `make bench` writes.

A file without rows gives a sentence that says so. A ratio that was not held still is not printed; its spread is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from thinline.metrics.number_format import number
from thinline.study.design.study import StudyError

NOT_MEASURED: Final = "Nothing has been measured since the way of measuring changed: `make bench` does it."

Entry = Mapping[str, Any]
"""A row of the file: bench, name, threads, ratio, spread, pairs, comment, run and others."""


def speed_block(path: Path) -> str:
    """A table for each bench of the file `path`, and the machines. Raises `StudyError` for a file of another form."""
    if not path.exists():
        return NOT_MEASURED
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows, runs = list(content["rows"]), dict(content["runs"])
        parts = [_table(name, list(own)) for name, own in groupby(rows, key=lambda row: row["bench"])]
        machines = [_machine(run) for run in runs.values()]
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(
            f"{path}: expected rows and runs as `make bench` writes them, got {type(error).__name__}: {error}; restore "
            "the file (git checkout) or remove it and measure again"
        ) from error
    if not rows:
        return NOT_MEASURED
    return "\n\n".join([*parts, "## Machines", "\n".join(f"- {line}" for line in dict.fromkeys(machines))])


def _table(bench: str, rows: Sequence[Entry]) -> str:
    """A line for each name, a column for each number of threads; the comment is that of the first of them."""
    threads = sorted({row["threads"] or 0 for row in rows})
    cells = {(row["name"], row["threads"] or 0): row for row in rows}
    heads = ["compared", *map(_head, threads), ""]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---|' * len(threads)}---|"]
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [cells.get((name, count)) for count in threads]
        comment = next(row["comment"] for row in own if row)
        lines.append(f"| {_text(name)} | {' | '.join(map(_ratio, own))} | {_text(comment)} |")
    return "\n".join([f"## {bench.replace('_', ' ')}", "", *lines])


def _head(threads: int) -> str:
    return f"{threads} thread{'s' * (threads > 1)}" if threads else "ratio"


def _ratio(row: Entry | None) -> str:
    """`12.3 ±2 %`; without a spread where it was measured once, and with nothing else where it was not held still."""
    if row is None:
        return "-"
    spread = None if row["spread"] is None else f"{row['spread']:.0%}".replace("%", " %")
    ratio = row["ratio"]
    if ratio is None:
        return f"not held still (±{spread})"
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    return f"{number(ratio, digits)} {'(once)' if spread is None else f'±{spread}'}"


def _machine(run: Entry) -> str:
    """Date, machine, versions and load of one run."""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return f"{run['date'][:10]}: {_text(run['machine'])}; {versions}"


def _text(text: str) -> str:
    return text.replace("|", r"\|")
