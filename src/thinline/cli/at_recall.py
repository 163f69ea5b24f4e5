"""Roof: `python -m thinline at-recall experiments/three_family --recall .96`: every published run at one recall.

A loss or a weight moves the operating point, and a table of recall and precision then compares points, not networks.
Here each curve of each run is told at the threshold that reaches the recall on its validation sheets: what is left of
precision, IoU and F1 on test is what the recall costs. The recall on test is close to what was asked for, not equal.
Intervals are of each condition by itself, over seeds, and no test of a difference; --against CONDITION adds the IoU of
each less that of one, paired by seed. `threshold` is a probability. Writes `at_recall.csv` into the folder in place of
an earlier one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.runs import RunFolder
from thinline.runs.folder import RUNS
from thinline.study.claims.expectations import short
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.tables import short_labels
from thinline.study.publish.folder import AT_RECALL, read_results, write_tables
from thinline.study.stats.estimates import estimate_of_seeds
from thinline.sweep.finished import declared

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COLUMNS: Final = {"recall": "recall", "precision": "precision", "iou": "IoU", "f1": "F1"}


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
    parser.add_argument("--against", metavar="CONDITION", help="compare all with this one, as none/soft_ce/fresh")
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
    against = _condition(results, options.against) if options.against else None
    recalls = list(dict.fromkeys(options.recall))
    rows = list(_rows(results, recalls, options, console))
    table = pd.DataFrame(rows)
    write_tables(options.folder, {AT_RECALL: table.to_csv(index=False, float_format="%.10g").encode()})
    for wanted, of in product(recalls, table["class"].unique()):
        console.print(_shown(results, table[table["asked"] == wanted], (wanted, str(of)), against))
    console.print(f"{options.folder / AT_RECALL}: {len(table)} rows, a curve of a run at a recall each")
    return 0


def _rows(
    results: Results, recalls: Sequence[float], options: argparse.Namespace, console: Console
) -> Iterable[dict[str, object]]:
    # torch takes seconds, and refusing needs none of it
    from thinline.pipeline.recall_points import points, scores_of

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


def _condition(results: Results, named: str) -> str:
    """The condition of that name, whole or without what all have in common. Raises `StudyError` for none."""
    names = short_labels(results)
    found = [label for label, name in names.items() if named in (label, name)]
    if not found:
        raise StudyError(f"--against must be one of {', '.join(names.values())}; got {named}")
    return found[0]


def _shown(results: Results, table: pd.DataFrame, at: tuple[float, str], against: str | None) -> Table:
    """Means over seeds of a curve with half of their 95 % interval by condition, the best IoU first; `at` is what."""
    wanted, of = at
    title = f"{of} at recall {wanted:g} on validation: test split, mean over seeds and half its interval"
    shown = Table("condition", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    names = short_labels(results)
    # F1 says what IoU says, and makes room
    columns = list(_COLUMNS) if against is None else [name for name in _COLUMNS if name != "f1"]
    for name in [*(_COLUMNS[it] for it in columns), *([] if against is None else [f"IoU less {names[against]}"])]:
        shown.add_column(name, justify="right", no_wrap=True)
    rows = table[table["class"] == of].set_index("seed").groupby("condition", sort=False)
    own = {str(label): part for label, part in rows}
    for label in sorted(own, key=lambda label: -estimate_of_seeds(own[label]["iou"].to_numpy()).effect):
        means = [_with_interval(own[label][name].to_numpy()) for name in columns]
        paired = [] if against is None else ["-" if label == against else _less(own[label]["iou"], own[against]["iou"])]
        shown.add_row(names[label], *means, *paired)
    return shown


def _less(one: pd.Series, other: pd.Series) -> str:
    """`+.084 [.007, .161]`: the mean over seeds of one less the other, by seed, with its 95 % interval."""
    difference = estimate_of_seeds((one - other).to_numpy())
    effect = short(difference.effect, 3, signed=True)
    if np.isnan(difference.low):
        return effect
    return f"{effect} [{short(difference.low, 3)}, {short(difference.high, 3)}]"


def _with_interval(values: np.ndarray) -> str:
    """`.823 ±.012`; without an interval where there is one value."""
    mean = estimate_of_seeds(values)
    half = "" if np.isnan(mean.low) else f" \u00b1{short((mean.high - mean.low) / 2, 3)}"
    return short(mean.effect, 3) + half
