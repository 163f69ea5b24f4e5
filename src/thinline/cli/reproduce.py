"""Roof: `python -m thinline reproduce experiments/three_family --cells 2`: train published cells again and compare.

Each cell is trained from nothing, into a store of its own, with as many threads as the published ones, and its primary
measures are told beside the published values. Exit code 0: all are the same or lie where a further run may be expected
(study/design/agreement.py); 1: some do not, or a cell failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline import runs
from thinline.config.path_options import override_of
from thinline.config.schema import CONF
from thinline.study.design.agreement import Repeated, cell_of, chosen, compare
from thinline.study.design.results import Results
from thinline.study.design.study import Study, StudyError
from thinline.study.publish.folder import read_results
from thinline.sweep.finished import declared

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_reproduce(commands: Commands, console: Console) -> None:
    """The subcommand, printing to `console`."""
    parser = commands.add_parser(
        "reproduce",
        help="train published cells again and compare",
        description=(__doc__ or "").removeprefix("Roof: "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="folder of a study with its results, as experiments/three_family")
    parser.add_argument("--cells", type=int, default=2, help="how many cells (2)")
    parser.add_argument("--seed", type=int, default=0, help="which cells are drawn (0)")
    parser.add_argument("--store", type=Path, default=Path("mlruns/reproduced"), help="a store of their own")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="for the machine, as trainer=gpu")
    parser.set_defaults(run=partial(_reproduce, console=console))


def _reproduce(options: argparse.Namespace, *, console: Console) -> int:
    study = declared(options.folder.resolve().name)
    results = read_results(options.folder, study)
    rows = chosen(results, options.cells, seed=options.seed)
    found: list[Repeated] = []
    level = 1 - 0.05 / (len(rows) * len(study.primary) * len(results.classes))
    for place, (_, row) in enumerate(rows.iterrows(), start=1):
        console.print(f"{place}/{len(rows)}: {row['cell']}, published as {row['run']}", soft_wrap=True)
        again = _trained(study, results, row, options)
        found += compare(results, row, again, measures=study.primary, level=level)
    console.print(_table(found))
    same, outside = sum(it.same for it in found), [it for it in found if not it.same and it.inside is False]
    judged = sum(it.inside is not None for it in found)
    console.print(
        f"{len(found)} numbers of {len(rows)} cells: {same} the same to the last digit; of {judged} with an interval "
        f"{len(outside)} are other and outside of it; in 95 of 100 repetitions all lie inside",
        soft_wrap=True,
    )
    return 1 if outside else 0


def _trained(study: Study, results: Results, row: pd.Series, options: argparse.Namespace) -> pd.DataFrame:
    """Rows of the cell of `row`, trained anew. Raises `StudyError` where it failed."""
    store: Path = options.store
    cell = [f"{name}={level}" for name, level in cell_of(results, row).items()]
    threads = results.made_by.get("threads a cell", "")
    settings = results.made_by.get("setting", "").split()
    settings += [f"trainer.threads={threads}"] if threads.isdecimal() else []
    command = [
        *(sys.executable, str(CONF.parent / "train.py"), "-m", f"+experiment={study.name}", *cell, *settings),
        *(override_of("paths.store", store), "force=true", *_given(options.set)),
    ]
    done = subprocess.run(command, check=False)
    rows = runs.read(store, study.name, runs=[str(row["run"])])
    if done.returncode or rows.empty:
        there = ", ".join(sorted(set(runs.status(store)["run"]))) or "no run"
        raise StudyError(
            f"{row['cell']}: expected a finished run {row['run']} in {store}, got exit code {done.returncode} and "
            f"{there}. Another name means that sheets or settings are not those of the published run: check out its "
            f"commit ({results.made_by.get('commits', 'unknown')})"
        )
    return rows


def _given(overrides: Sequence[str]) -> list[str]:
    odd = [it for it in overrides if "=" not in it]
    if odd:
        raise StudyError(f"expected settings as trainer=gpu, got {', '.join(odd)}")
    return list(overrides)


def _table(found: Sequence[Repeated]) -> Table:
    table = Table("cell", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("measure", "class"):
        table.add_column(name)
    for name in ("published", "again", "a further run"):
        table.add_column(name, justify="right")
    table.add_column("")
    for it in found:
        told = "same" if it.same else {True: "inside", False: "OUTSIDE", None: "no interval"}[it.inside]
        interval = "-" if it.inside is None else f"{it.low:.4f} to {it.high:.4f}"
        table.add_row(it.cell, it.measure, it.of, f"{it.published:.4f}", f"{it.again:.4f}", interval, told)
    return table
