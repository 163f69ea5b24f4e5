"""Compare the published runs of a study at equal recall.

    thinline at-recall experiments/three_family --recall .96

A loss or a class weight moves the operating point, so a table of recall and precision compares operating points, not
networks. Here the threshold of each curve of each run is set on its validation sheets, where it reaches the given
recall; precision, IoU and F1 are measured on test at this threshold. The recall on test is close to the given one, not
equal. Each interval is over the seeds of one condition and does not test a difference; the last line of a table has the
smallest difference that the seeds can tell, and --against CONDITION adds the difference of IoU to that condition,
paired by seed. `threshold` is a probability. Replaces `at_recall.csv`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from thinline.metrics.number_format import interval, number
from thinline.runs import RunFolder
from thinline.runs.folder import RUNS
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.tables import short_labels
from thinline.study.publish.folder import AT_RECALL, read_results, write_tables
from thinline.study.stats.detectable import smallest_difference
from thinline.study.stats.estimates import estimate_of_seeds
from thinline.sweep.study_results import declared

_COLUMNS: Final = {"recall": "recall", "precision": "precision", "iou": "IoU", "f1": "F1"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("folder", type=Path, help="published folder of a study, as experiments/three_family")
    parser.add_argument("--recall", type=float, nargs="+", default=[0.96], help="above 0 and at most 1 (.96)")
    parser.add_argument("--against", metavar="CONDITION", help="compare with this one, as none/soft_ce/fresh")
    parser.add_argument("--store", type=Path, default=Path("mlruns"), help="the store with the run folders (mlruns)")
    parser.add_argument("--cache", type=Path, help="folder of rendered sheets (STORE/cache)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the table of rates and print one summary for each curve and recall."""
    invalid = [f"{value:g}" for value in options.recall if not 0 < value <= 1]
    if invalid:
        raise StudyError(f"--recall must be above 0 and at most 1, got {', '.join(invalid)}")
    results = read_results(options.folder, declared(options.folder.resolve().name), but=[AT_RECALL])
    missing = [run for run in results.cells["run"] if not (options.store / RUNS / run).is_dir()]
    if missing:
        raise StudyError(
            f"expected the folders of {len(results.cells)} runs in {options.store}, lacking {len(missing)}, as "
            f"{missing[0]}; give --store, or train them again: {results.study.command}"
        )
    against = _condition(results, options.against) if options.against else None
    recalls = list(dict.fromkeys(options.recall))
    table = pd.DataFrame(_rows(results, recalls, options, console))
    write_tables(options.folder, {AT_RECALL: table.to_csv(index=False, float_format="%.10g").encode()})
    for recall, curve in product(recalls, table["class"].unique()):
        part = table[(table["asked"] == recall) & (table["class"] == curve)]
        title = f"{curve} at recall {recall:g} on validation: test split, mean over seeds and half its interval"
        console.print(_summary(results, part, title, against))
    console.print(f"{options.folder / AT_RECALL}: {len(table)} rows, one for each run, curve and recall")
    return 0


def _rows(
    results: Results, recalls: Sequence[float], options: argparse.Namespace, console: Console
) -> Iterable[dict[str, object]]:
    # torch takes seconds to import, and errors of the options need none of it
    from thinline.pipeline.recall_points import points, scores_of

    cells = results.cells[["run", "cell", "condition", "seed"]].to_dict("records")
    for position, cell in enumerate(cells, start=1):
        folder = RunFolder.open(options.store.absolute() / RUNS / str(cell["run"]))
        console.print(f"{position}/{len(cells)} {cell['cell']}", style="dim", soft_wrap=True)
        cache = options.cache or options.store / "cache"
        scores = scores_of(folder, cache=cache, device=options.device, console=console)
        for recall in recalls:
            for point in points(scores, recall):
                own = {str(name): value for name, value in cell.items()}
                yield {**own, "asked": recall, "class": point.of, "threshold": point.threshold, **point.rates}


def _condition(results: Results, name: str) -> str:
    """The label of the condition with this full or shortened name. Raises `StudyError` for an unknown name."""
    names = short_labels(results)
    for label, short_name in names.items():
        if name in (label, short_name):
            return label
    raise StudyError(f"--against must be one of {', '.join(names.values())}; got {name}")


def _summary(results: Results, rows: pd.DataFrame, title: str, against: str | None) -> Table:
    """Mean over seeds and half of its 95 % interval for each condition, the best IoU first."""
    table = Table("condition", title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    names = short_labels(results)
    # F1 is a function of IoU and is left out where the difference needs its column
    columns = [name for name in _COLUMNS if against is None or name != "f1"]
    headings = [_COLUMNS[name] for name in columns] + ([] if against is None else [f"IoU less {names[against]}"])
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    by_condition = {str(label): part for label, part in rows.set_index("seed").groupby("condition", sort=False)}
    iou = {label: part["iou"] for label, part in by_condition.items()}
    for label in sorted(iou, key=lambda label: -estimate_of_seeds(iou[label].to_numpy()).effect):
        cells = [_with_interval(by_condition[label][name].to_numpy()) for name in columns]
        if against is not None:
            cells.append("-" if label == against else _difference(iou[label], iou[against]))
        table.add_row(names[label], *cells)
    smallest = smallest_difference(pd.DataFrame(iou).to_numpy(np.float64).T)
    if np.isfinite(smallest):
        table.caption = f"smallest difference of two rows in IoU that these seeds can tell: {number(smallest)}"
    return table


def _difference(first: pd.Series, second: pd.Series) -> str:
    """`+.084 [.007, .161]`: the mean over seeds of first less second, paired by seed, with its 95 % interval."""
    difference = estimate_of_seeds((first - second).to_numpy())
    effect = number(difference.effect, signed=True)
    if np.isnan(difference.low):
        return effect
    return f"{effect} {interval(difference.low, difference.high)}"


def _with_interval(values: np.ndarray) -> str:
    """`.823 ±.012`, or without an interval for a single value."""
    mean = estimate_of_seeds(values)
    half = "" if np.isnan(mean.low) else f" \u00b1{number((mean.high - mean.low) / 2)}"
    return number(mean.effect) + half
