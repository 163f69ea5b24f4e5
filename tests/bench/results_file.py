"""experiments/bench.json: the last result of every row of every bench, and the runs that they come from.

    rows    bench, name, threads (null for whole programs), ratio (null: not held still), spread, pairs, seconds and
            busy cores of ours and of the peer, cores that other processes used, comment, and the number of the run
    runs    date, commit, machine, versions, load of the machine before and after

A run replaces the rows of its bench and number of threads. A row that could not be measured (a peer is not installed,
no GPU) or that other processes disturbed keeps its earlier result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rows import Row

from thinline.system.atomic_files import write_bytes

Content = dict[str, Any]


def read(path: Path) -> Content:
    """The content of the file; no rows where there is none yet."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {"rows": [], "runs": {}}


def merged(
    content: Content, bench: str, threads: int | None, rows: Sequence[Row], *, run: Mapping[str, Any], complete: bool
) -> Content:
    """`content` with the rows of one run of a bench. `complete`: rows that the bench no longer has are removed."""
    own = [row for row in content["rows"] if (row["bench"], row["threads"]) == (bench, threads)]
    others = [row for row in content["rows"] if (row["bench"], row["threads"]) != (bench, threads)]
    number = str(1 + max(map(int, content["runs"]), default=0))
    earlier = {row["name"]: row for row in own}
    new = {row.name: _entry(row, bench, threads, number) if row.measured else earlier.get(row.name) for row in rows}
    if not complete:
        new = earlier | {name: entry for name, entry in new.items() if entry}
    kept = sorted([*others, *filter(None, new.values())], key=lambda row: (row["bench"], row["threads"] or 0))
    used = {row["run"] for row in kept}
    runs = {key: value for key, value in (content["runs"] | {number: dict(run)}).items() if key in used}
    return {"rows": kept, "runs": runs}


def write(path: Path, content: Content) -> None:
    """Replace the file atomically; a row is one line, so that a change of one is a change of a line."""
    rows = ",\n".join(f"  {json.dumps(row)}" for row in content["rows"])
    runs = ",\n".join(f"  {json.dumps(key)}: {json.dumps(run)}" for key, run in content["runs"].items())
    write_bytes(path, f'{{"rows": [\n{rows}\n],\n"runs": {{\n{runs}\n}}}}\n'.encode())


def _entry(row: Row, bench: str, threads: int | None, run: str) -> Content:
    return {
        "bench": bench,
        "name": row.name,
        "threads": threads,
        "ratio": _figures(row.ratio),
        "spread": _figures(row.spread),
        "pairs": row.pairs,
        "seconds": row.seconds and [_figures(value) for value in row.seconds],
        "cores": row.cores and [_figures(value) for value in row.cores],
        "others": _figures(row.others),
        "comment": row.comment,
        "run": run,
    }


def _figures(value: float | None) -> float | None:
    """Four figures; what a ratio has beyond them is noise."""
    return None if value is None else float(f"{value:.4g}")
