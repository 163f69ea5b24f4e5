"""List the runs of a store, the latest first: id, age, state, IoU of each curve on the test sheets.

On a terminal every run is one line, with the levels in which the runs differ, or the error of a failed run. Piped
output has the full name of each run and its whole error.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinline import runs
from thinline.metrics.number_format import number
from thinline.runs.manifest import age
from thinline.runs.table import STATUS_COLUMNS, curve_iou
from thinline.system.atomic_files import StorageError

MOST_CURVES: Final = 4
"""More curves would leave no space for the levels in 80 columns."""
_WHOLE: Final = 10_000
"""Width of piped output, in which nothing is cut."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store of runs (mlruns)")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print one line for each run."""
    if not options.store.is_dir():
        raise StorageError(f"expected a store of runs at {options.store}, got no such folder; check --store")
    rows = runs.status(options.store)
    if rows.empty:
        console.print(f"no run in {options.store} yet; python train.py makes one")
        return 0
    rows["moment"] = rows["finished"].where(rows["finished"].notna(), rows["started"])
    rows = rows.sort_values("moment", ascending=False, kind="stable")
    piped = not console.is_terminal
    table = status_table(rows, now=datetime.now().astimezone(), names=piped)
    out = Console(file=console.file, width=_WHOLE, markup=False, highlight=False) if piped else console
    out.print(table)
    return 0


def status_table(rows: pd.DataFrame, *, now: datetime, names: bool) -> Table:
    """The table of `rows` (of `runs.status`, with the column `moment`), in their order.

    The last column has the full name of a run where `names` is true, else the levels in which the runs differ.
    """
    scores = [curve_iou(Path(folder)) if state == runs.FINISHED else {} for folder, state in _pairs(rows)]
    curves = list(dict.fromkeys(name for score in scores for name in score))[:MOST_CURVES]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("id", "age", "state"):
        table.add_column(name, no_wrap=True, min_width=3)
    for name in curves:
        table.add_column(f"IoU\n{name}", justify="right", no_wrap=True)
    table.add_column("run" if names else "levels")  # the only column that rich may make narrower
    labels = rows["run"].tolist() if names else _levels(rows)
    for label, score, row in zip(labels, scores, rows.to_dict("records"), strict=True):
        texts = [number(score.get(name, math.nan), 3) for name in curves]
        error = row["exception"] if isinstance(row["exception"], str) else ""  # pandas has NaN or None for no error
        last = Text(f"{label}  {error}".rstrip().replace("\n", " "), no_wrap=True, overflow="ellipsis")
        table.add_row(short_id(row["run"]), age(row["moment"], now=now), row["status"], *texts, last)
    return table


def short_id(run: str) -> str:
    """The digest at the end of the name of a run folder."""
    return run.rpartition("-")[2]


def _pairs(rows: pd.DataFrame) -> Sequence[tuple[str, str]]:
    return list(zip(rows["folder"], rows["status"], strict=True))


def _levels(rows: pd.DataFrame) -> list[str]:
    """The levels in which the runs differ, joined by `/`; the first two factors where they do not."""
    factors = [name for name in rows.columns if name not in (*STATUS_COLUMNS, "moment")]
    varied = [name for name in factors if rows[name].nunique(dropna=False) > 1] or factors[:2]
    seeds = ["seed"] if rows["seed"].nunique() > 1 else []
    return ["/".join(_level(name, row) for name in (*varied, *seeds)) for row in rows.to_dict("records")]


def _level(name: str, row: Mapping[Any, object]) -> str:
    return f"s{row[name]}" if name == "seed" else str(row[name])
