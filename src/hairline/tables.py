"""Roof: what a run and a sweep print at their end. One table per class; classes are never averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table

COLUMNS: Final = {
    ("test", "iou"): "IoU",
    ("test", "precision"): "precision",
    ("test", "recall"): "recall",
    ("test", "f1"): "F1",
    ("test", "area_ratio"): "area",
    ("tuned", "f1"): "tuned F1",
    ("tuned", "threshold"): "at p",
}
"""What a table shows of each cell: split and measure. `tuned` is the test split at the threshold best on validation."""

BEST_BY: Final = ("test", "iou")


NOT_FACTORS: Final = frozenset({"run", "seed", "split", "measure", "class", "value", "support", "signature"})


def class_tables(rows: pd.DataFrame, *, order: Sequence[str], width: int = 80) -> list[RenderableType]:
    """One table for every class in `rows` (as `ledger.read` gives them), the curves first.

    There is a line for every cell, in the `order` of its first run, named by the factors in which the runs differ. Runs
    of a cell under several seeds are one line: their means, the standard deviation of the IoU, and how many they are; a
    mean over an undefined value is undefined. The best cell of a class by test IoU is marked with a star. The last
    columns are left out where names would not fit into `width` characters beside them.
    """
    scored = rows[rows["split"].isin(["test", "tuned"])]
    cells = cell_labels(scored)
    names = list(dict.fromkeys(scored.loc[scored["split"] == "test", "class"]))
    names = [name for name in names if name not in ("background", "all")] + [n for n in names if n == "background"]
    return [_class_table(scored[scored["class"] == name], name, order, cells, width) for name in names]


def cell_labels(rows: pd.DataFrame) -> dict[str, str]:
    """The cell of each run by the levels in which cells differ, as `tversky/measured`; where none do, by the first."""
    factors = [name for name in rows.columns if name not in NOT_FACTORS]
    runs = rows[["run", *factors]].drop_duplicates().set_index("run")
    varied = [name for name in factors if runs[name].nunique(dropna=False) > 1] or factors[:2]
    return {str(run): "/".join(str(level) for level in levels) for run, *levels in runs[varied].itertuples()}


def _class_table(
    rows: pd.DataFrame, name: str, order: Sequence[str], cells: Mapping[str, str], width: int
) -> RenderableType:
    wide = rows.pivot_table(index="run", columns=["split", "measure"], values="value", aggfunc="first", dropna=False)
    wide = wide.reindex([run for run in order if run in wide.index])
    by_cell = wide.groupby([cells[str(run)] for run in wide.index], sort=False)
    means, seeds = by_cell.mean(skipna=False), by_cell.size()
    spread = by_cell[[BEST_BY]].std().iloc[:, 0]
    best = means[BEST_BY].idxmax() if BEST_BY in means and means[BEST_BY].notna().any() else None
    several = int(seeds.max()) > 1
    heads = _heads(int(means.index.str.len().max()), several, width)
    table = _empty(_title(name, wide, int(seeds.max())), heads, several)
    for (cell, values), deviation, count in zip(means.iterrows(), spread, seeds, strict=True):
        shown = [_number(values.get(column, float("nan"))) for column in heads]
        if several:
            shown = [shown[0], _number(deviation), *shown[1:], str(count)]
        marked = cell == best and len(means) > 1
        table.add_row("*" if marked else "", str(cell), *shown, style="bold" if marked else None)
    return table


def _heads(label: int, several: bool, width: int) -> dict[tuple[str, str], str]:
    """The columns that fit beside names of `label` characters; the first four always stay."""
    heads = dict(COLUMNS)
    room = width - label - (18 if several else 4)
    while len(heads) > 4 and sum(max(5, len(head)) + 2 for head in heads.values()) > room:
        heads.popitem()
    return heads


def _title(name: str, wide: pd.DataFrame, seeds: int) -> str:
    support = wide.get(("test", "support"))
    pixels = "no" if support is None or support.isna().all() else f"{int(support.max()):,}"
    if seeds == 1:
        return f"{name}: unseen test sheets, {pixels} true pixels"
    return f"{name}: unseen test sheets, mean over seeds, {pixels} true pixels"


def _empty(title: str, heads: Mapping[tuple[str, str], str], several: bool) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("")
    table.add_column("cell", overflow="fold")
    for place, head in enumerate(heads.values()):
        table.add_column(head, justify="right", no_wrap=True)
        if several and place == 0:
            table.add_column("±", justify="right", no_wrap=True)
    if several:
        table.add_column("seeds", justify="right", no_wrap=True)
    return table


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.3f}"


def show(console: Console, rows: pd.DataFrame, *, order: Sequence[str], commands: Sequence[str]) -> None:
    """Print the tables and the commands that show more."""
    for table in class_tables(rows, order=order, width=console.width):
        console.print(table)
    if len(order) > 1:
        console.print("* best of this sweep by test IoU, for this class alone", style="dim")
    console.print("More:", style="dim")
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)
