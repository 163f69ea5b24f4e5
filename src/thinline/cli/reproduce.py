"""Train published cells again and compare the results.

    thinline reproduce experiments/three_family --cells 2

Each cell is trained from scratch into a separate store, with as many threads as the published cells. Its primary
measures are printed beside the published values. Exit code 0: all values are equal or inside the prediction interval of
a further run (study/design/agreement.py); 1: some are outside, or a cell failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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
from thinline.study.design.tuning import as_run, run_of
from thinline.study.publish.folder import read_results
from thinline.sweep.study_results import declared


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, help="published folder of a study, as experiments/three_family")
    parser.add_argument("--cells", type=int, default=2, help="number of cells (2)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice of cells (0)")
    parser.add_argument("--store", type=Path, default=Path("mlruns/reproduced"), help="store of the new runs")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", help="settings of the machine, as trainer=gpu"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Train the chosen cells and print their numbers beside the published ones."""
    study = declared(options.folder.resolve().name)
    results = read_results(options.folder, study)
    rows = chosen(results, options.cells, seed=options.seed)
    repeated: list[Repeated] = []
    level = 1 - 0.05 / (len(rows) * len(study.primary) * len(results.classes))
    for number, (_, row) in enumerate(rows.iterrows(), start=1):
        console.print(f"{number}/{len(rows)}: {row['cell']}, published as {row['run']}", soft_wrap=True)
        again = _trained(study, results, row, options)
        repeated += compare(results, row, again, measures=study.primary, level=level)
    console.print(_table(repeated))
    same = sum(number.same for number in repeated)
    with_interval = sum(number.inside is not None for number in repeated)
    outside = sum(number.inside is False and not number.same for number in repeated)
    console.print(
        f"{len(repeated)} numbers of {len(rows)} cells: {same} are equal to the last digit; of {with_interval} with a "
        f"prediction interval {outside} differ and lie outside; all lie inside in 95 of 100 repetitions",
        soft_wrap=True,
    )
    return 1 if outside else 0


def _trained(study: Study, results: Results, row: pd.Series, options: argparse.Namespace) -> pd.DataFrame:
    """Results of the cell of `row`, trained again. Raises `StudyError` where it failed."""
    store: Path = options.store
    cell = [f"{name}={level}" for name, level in as_run(study, cell_of(results, row), results).items()]
    threads = results.made_by.get("threads a cell", "")
    settings = results.made_by.get("setting", "").split()
    settings += [f"trainer.threads={threads}"] if threads.isdecimal() else []
    command = [
        *(sys.executable, str(CONF.parent / "train.py"), "-m", f"+experiment={study.name}", *cell, *settings),
        *(override_of("paths.store", store), "force=true", *_overrides(options.set)),
    ]
    process = subprocess.run(command, check=False)
    rows = runs.read(store, study.name, runs=[run_of(str(row["run"]))])
    if process.returncode or rows.empty:
        existing = ", ".join(sorted(set(runs.status(store)["run"]))) or "no run"
        raise StudyError(
            f"{row['cell']}: expected a finished run {row['run']} in {store}, got exit code {process.returncode} and "
            f"{existing}. Another name means other sheets or settings than those of the published run: check out its "
            f"commit ({results.made_by.get('commits', 'unknown')})"
        )
    return rows


def _overrides(settings: Sequence[str]) -> Sequence[str]:
    invalid = [setting for setting in settings if "=" not in setting]
    if invalid:
        raise StudyError(f"expected settings as trainer=gpu, got {', '.join(invalid)}")
    return settings


def _table(repeated: Sequence[Repeated]) -> Table:
    table = Table("cell", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("measure", "class"):
        table.add_column(name)
    for name in ("published", "again", "a further run"):
        table.add_column(name, justify="right")
    table.add_column("")
    for number in repeated:
        outcome = "same" if number.same else {True: "inside", False: "OUTSIDE", None: "no interval"}[number.inside]
        interval = "-" if number.inside is None else f"{number.low:.4f} to {number.high:.4f}"
        values = (f"{value:.4f}" for value in (number.published, number.again))
        table.add_row(number.cell, number.measure, number.of, *values, interval, outcome)
    return table
