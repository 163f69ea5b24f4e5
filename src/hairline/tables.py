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


def class_tables(rows: pd.DataFrame, *, order: Sequence[str]) -> list[RenderableType]:
    """One table for every class in `rows` (as `ledger.read` gives them), the curves first.

    There is a line for every run of `order`, named by the factors in which the runs differ. The best cell of a class by
    test IoU is marked with a star.
    """
    scored = rows[rows["split"].isin(["test", "tuned"])]
    labels = cell_labels(scored)
    names = list(dict.fromkeys(scored.loc[scored["split"] == "test", "class"]))
    names = [name for name in names if name not in ("background", "all")] + [n for n in names if n == "background"]
    return [_class_table(scored[scored["class"] == name], name, order, labels) for name in names]


def cell_labels(rows: pd.DataFrame) -> dict[str, str]:
    """Each run by the levels in which it differs, as `tversky/measured`; a run alone by its first factors."""
    factors = [name for name in rows.columns if name not in NOT_FACTORS] + ["seed"]
    runs = rows[["run", *factors]].drop_duplicates().set_index("run")
    varied = [name for name in factors if runs[name].nunique(dropna=False) > 1] or factors[:2]
    return {
        str(run): "/".join(f"s{level}" if name == "seed" else str(level) for name, level in levels.items())
        for run, levels in runs[varied].iterrows()
    }


def _class_table(rows: pd.DataFrame, name: str, order: Sequence[str], labels: Mapping[str, str]) -> RenderableType:
    wide = rows.pivot_table(index="run", columns=["split", "measure"], values="value", aggfunc="first", dropna=False)
    wide = wide.reindex([run for run in order if run in wide.index])
    support = rows.loc[(rows["split"] == "test") & (rows["measure"] == "support"), "value"]
    pixels = f"{int(support.max()):,}" if len(support) else "no"
    title = f"{name}: unseen test sheets, {pixels} true pixels"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("")
    table.add_column("cell", overflow="fold")
    for head in COLUMNS.values():
        table.add_column(head, justify="right")
    best = wide[BEST_BY].idxmax() if BEST_BY in wide and wide[BEST_BY].notna().any() else None
    for run, values in wide.iterrows():
        shown = [_number(values.get(column, float("nan"))) for column in COLUMNS]
        marked = run == best and len(wide) > 1
        table.add_row("*" if marked else "", labels[str(run)], *shown, style="bold" if marked else None)
    return table


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.3f}"


def show(console: Console, rows: pd.DataFrame, *, order: Sequence[str], commands: Sequence[str]) -> None:
    """Print the tables and the commands that show more."""
    for table in class_tables(rows, order=order):
        console.print(table)
    if len(order) > 1:
        console.print("* best of this sweep by test IoU, for this class alone", style="dim")
    console.print("More:", style="dim")
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)
