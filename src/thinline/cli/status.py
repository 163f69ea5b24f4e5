"""List every run of a store with its status, attempts, start and error."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline import runs
from thinline.system.atomic_files import StorageError

TABLE_COLUMNS = 80
"""A narrower terminal gets one line for each run, because a table would split the names of runs."""


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
    if console.width < TABLE_COLUMNS:
        for row in rows.to_dict("records"):
            line = f"{row['status']:<10}{row['run']}  {row['attempts']} attempts  {row['exception'] or ''}"
            console.print(line.rstrip(), soft_wrap=True)
        return 0
    table = Table("status", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "attempts", "started", "error"):
        table.add_column(name, overflow="fold")
    cells = rows[["status", "run", "attempts", "started", "exception"]].astype(object)
    for values in cells.where(cells.notna(), "").itertuples(index=False):
        table.add_row(*map(str, values))
    console.print(table)
    return 0
