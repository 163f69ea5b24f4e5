"""Roof: `python -m hairline at-recall experiments/three_family --recall .96`: every published run at one recall.

A loss or a weight moves the operating point, and a table of recall and precision then compares points, not networks.
Here each curve of each run is told at the threshold that reaches the recall on its validation sheets: what is left of
precision, IoU and F1 on test is what the recall costs. The recall on test is close to what was asked for, not equal.
Intervals are of each condition by itself, over seeds, and no test of a difference. `threshold` is a probability. Writes
`at_recall.csv` into the folder in place of an earlier one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hairline.ledger import RunFolder
from hairline.ledger.folder import RUNS
from hairline.study.design import StudyError
from hairline.study.estimates import interval
from hairline.study.figure_data import short_labels
from hairline.study.published import AT_RECALL, read_results, write_tables
from hairline.study.results import Results
from hairline.study_runs import declared

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_at_recall(commands: Commands, console: Console) -> None:
    """The subcommand, printing to `console`."""
    parser = commands.add_parser(
        "at-recall",
        help="precision and overlap of every published run at one recall",
        description=(__doc__ or "").removeprefix("Roof: "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="folder of a study with its results, as experiments/three_family")
    parser.add_argument("--recall", type=float, nargs="+", default=[0.96], help="above 0 and at most 1 (.96)")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store with the run folders (mlruns)")
    parser.add_argument("--cache", type=Path, help="where rendered sheets lie (STORE/cache)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    parser.set_defaults(run=partial(_at_recall, console=console))


def _at_recall(options: argparse.Namespace, *, console: Console) -> int:
    odd = [value for value in options.recall if not 0 < value <= 1]
    if odd:
        raise StudyError(f"--recall must be above 0 and at most 1, got {', '.join(f'{it:g}' for it in odd)}")
    results = read_results(options.folder, declared(options.folder.resolve().name), but=[AT_RECALL])
    lacking = [run for run in results.cells["run"] if not (options.store / RUNS / run).is_dir()]
    if lacking:
        raise StudyError(
            f"expected the folders of {len(results.cells)} runs in {options.store}, lacking {len(lacking)}, as "
            f"{lacking[0]}; give --store, or train them again: {results.study.command}"
        )
    recalls = list(dict.fromkeys(options.recall))
    rows = list(_rows(results, recalls, options, console))
    table = pd.DataFrame(rows)
    write_tables(options.folder, {AT_RECALL: table.to_csv(index=False, float_format="%.10g").encode()})
    for wanted in recalls:
        console.print(_shown(results, table[table["asked"] == wanted], wanted))
    console.print(f"{options.folder / AT_RECALL}: {len(table)} rows, a curve of a run at a recall each")
    return 0


def _rows(
    results: Results, recalls: Sequence[float], options: argparse.Namespace, console: Console
) -> Iterable[dict[str, object]]:
    # torch takes seconds, and refusing needs none of it
    from hairline.at_recall import points, scores_of

    cells = results.cells[["run", "cell", "condition", "seed"]].to_dict("records")
    for place, cell in enumerate(cells, start=1):
        folder = RunFolder.open(options.store.absolute() / RUNS / str(cell["run"]))
        console.print(f"{place}/{len(cells)} {cell['cell']}", style="dim", soft_wrap=True)
        cache = options.cache or options.store / "cache"
        scores = scores_of(folder, cache=cache, device=options.device, console=console)
        for wanted in recalls:
            for it in points(scores, wanted):
                told = {str(name): value for name, value in cell.items()}
                yield {**told, "asked": wanted, "class": it.of, "threshold": it.threshold, **it.rates}


def _shown(results: Results, table: pd.DataFrame, wanted: float) -> Table:
    """Means over seeds with half of their 95 % interval, the best weakest IoU first."""
    title = f"at the threshold with recall {wanted:g} on validation: test split, mean over seeds and half the interval"
    shown = Table("condition", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    measures = ("recall", "precision", "iou", "f1")
    shown.add_column("curve")
    for name in measures:
        shown.add_column({"iou": "IoU", "f1": "F1"}.get(name, name), justify="right")
    names = short_labels(results)
    means = table.groupby(["condition", "class"], sort=False)["iou"].mean()
    order = means.groupby("condition", sort=False).min().sort_values(ascending=False, kind="stable")
    for condition in order.index:
        for of, own in table[table["condition"] == condition].groupby("class", sort=False):
            shown.add_row(names[str(condition)], str(of), *(_with_interval(own[name].to_numpy()) for name in measures))
    return shown


def _with_interval(values: np.ndarray) -> str:
    low, high, _ = interval(values)
    return f"{values.mean():.3f}" + ("" if np.isnan(low) else f" \u00b1{(high - low) / 2:.3f}")
