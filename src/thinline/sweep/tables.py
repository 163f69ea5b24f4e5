"""Roof: what a run and a sweep print at their end. Two tables per curve, its pixels and its line, and one of the
background; classes are never averaged. Below the cells of a curve stand the oracles: what nearly perfect answers score
on the same sheets, so that a score can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table

Columns = Mapping[tuple[str, str], str]

COLUMNS: Final[Columns] = {
    ("test", "iou"): "IoU",
    ("test", "precision"): "precision",
    ("test", "recall"): "recall",
    ("test", "f1"): "F1",
    ("test", "area_ratio"): "area",
    ("tuned", "f1"): "tuned F1",
    ("tuned", "threshold"): "at p",
}
"""What a table shows of each cell: split and measure. `tuned` is the test split at the threshold best on validation."""

LINE_COLUMNS: Final[Columns] = {
    ("test", "nsd_1px"): "NSD 1px",
    ("test", "viterbi_bridged_mae_track"): "MAE",
    ("test", "budget_identity_mae_track"): "named",
    ("test", "viterbi_bridged_r2"): "R2",
    ("test", "viterbi_coverage"): "cover",
    ("test", "viterbi_swaps"): "swaps",
    ("test", "breaks"): "breaks",
    ("test", "viterbi_values_mae_track"): "values",
}
"""Of the curve itself: MAE of the traced curve with its gaps bridged, in tracks, what right names would leave of it,
and the same of values, in which a lap of the track counts."""

ORACLE_LINES: Final = {
    "oracle_exact": "(the truth)",
    "oracle_jitter": "(1 px jitter)",
    "oracle_shift": "(1 px aside)",
    "oracle_thick": "(3 px thick)",
}


NOT_FACTORS: Final = frozenset({"run", "seed", "split", "measure", "class", "value", "support", "signature"})


def class_tables(rows: pd.DataFrame, *, order: Sequence[str], width: int = 80) -> list[RenderableType]:
    """One table for every class in `rows` (as `ledger.read` gives them), the curves first.

    There is a line for every cell, in the `order` of its first run, named by the factors in which the runs differ. Runs
    of a cell under several seeds are one line: their means, the standard deviation of the first column, and how many
    they are; a mean over an undefined value is undefined. The best cell of a class by the first column is marked with a
    star. The last columns are left out where names would not fit into `width` characters beside them.
    """
    cells = cell_labels(rows)
    names = list(dict.fromkeys(rows.loc[rows["split"] == "test", "class"]))
    names = [name for name in names if name not in ("background", "all")] + [n for n in names if n == "background"]
    tables = []
    for name in names:
        of_oracles = rows["split"].str.startswith("oracle")
        mine = rows[(rows["class"] == name) & ~(of_oracles & (name == "background"))]
        tables.append(_class_table(mine, f"{name}: unseen test sheets", COLUMNS, order, cells, width))
        if "nsd_1px" in set(mine["measure"]):
            tables.append(_class_table(mine, f"{name} as a line", LINE_COLUMNS, order, cells, width))
    return tables


def cell_labels(rows: pd.DataFrame) -> dict[str, str]:
    """The cell of each run by the levels in which cells differ, as `tversky/measured`; where none do, by the first."""
    factors = [name for name in rows.columns if name not in NOT_FACTORS]
    runs = rows[["run", *factors]].drop_duplicates().set_index("run")
    varied = [name for name in factors if runs[name].nunique(dropna=False) > 1] or factors[:2]
    return {str(run): "/".join(str(level) for level in levels) for run, *levels in runs[varied].itertuples()}


def _class_table(
    rows: pd.DataFrame, title: str, columns: Columns, order: Sequence[str], cells: Mapping[str, str], width: int
) -> RenderableType:
    best_by = next(iter(columns))
    wide = rows.pivot_table(index="run", columns=["split", "measure"], values="value", aggfunc="first", dropna=False)
    wide = wide.reindex([run for run in order if run in wide.index])
    by_cell = wide.groupby([cells[str(run)] for run in wide.index], sort=False)
    means, seeds = by_cell.mean(skipna=False), by_cell.size()
    spread = by_cell[[best_by]].std().iloc[:, 0]
    best = means[best_by].idxmax() if best_by in means and means[best_by].notna().any() else None
    several = int(seeds.max()) > 1
    by_seed = rows.drop_duplicates("run").set_index("run")["seed"]
    oracles = _oracle_lines(wide, columns) if _same_sheets(wide, by_seed) else {}
    heads = _heads(columns, max(map(len, [*map(str, means.index), *oracles])), several, width)
    table = _empty(_title(title, wide, int(seeds.max())), heads, several)
    for (cell, values), deviation, count in zip(means.iterrows(), spread, seeds, strict=True):
        shown = [_number(values.get(column, float("nan")), column) for column in heads]
        if several:
            shown = [shown[0], _number(deviation, best_by), *shown[1:], str(count)]
        marked = cell == best and len(means) > 1
        table.add_row("*" if marked else "", str(cell), *shown, style="bold" if marked else None)
    for name, line in oracles.items():
        shown = [_number(line[column], column) for column in heads]
        table.add_row("", name, *([shown[0], "", *shown[1:], ""] if several else shown), style="dim")
    return table


def _oracle_lines(wide: pd.DataFrame, columns: Columns) -> dict[str, dict[tuple[str, str], float]]:
    """What each oracle scores, by its name in a table: the mean over seeds, as of the cells.

    None where runs have no oracles, or where cells were scored on sheets on which the oracles differ, as resolutions.
    """
    there = set(wide.columns.get_level_values("split"))
    as_test = {at: at[1] if at[0] == "test" else "" for at in columns}  # an oracle has no threshold to tune
    lines = {}
    for oracle, name in ORACLE_LINES.items():
        if oracle in there:
            known = wide.loc[:, wide.columns.get_level_values("split") == oracle].dropna(how="all")
            means = known.mean(skipna=False)
            lines[name] = {at: float(means.get((oracle, m), float("nan"))) for at, m in as_test.items()}
    return lines


def _same_sheets(wide: pd.DataFrame, seeds: pd.Series) -> bool:
    """Whether cells of one seed were scored on the same sheets: their oracles agree."""
    of_oracles = wide.loc[:, wide.columns.get_level_values("split").str.startswith("oracle")]
    of_seed = of_oracles.groupby(seeds.reindex(of_oracles.index))
    spread = of_seed.max() - of_seed.min()  # `agg` of a function fails in some versions of pandas where none are there
    return bool((spread.fillna(0).abs() < 1e-9).all(axis=None))


def _heads(columns: Columns, label: int, several: bool, width: int) -> dict[tuple[str, str], str]:
    """The columns that fit beside names of `label` characters; the first four always stay."""
    heads = dict(columns)
    room = width - label - (19 if several else 5)
    while len(heads) > 4 and sum(max(6 if _fine(at) else 5, len(head)) + 2 for at, head in heads.items()) > room:
        heads.popitem()
    return heads


def _title(title: str, wide: pd.DataFrame, seeds: int) -> str:
    support = wide.get(("test", "support"))
    pixels = "no" if support is None or support.isna().all() else f"{int(support.max()):,}"
    if seeds == 1:
        return f"{title}, {pixels} true pixels"
    return f"{title}, mean over seeds, {pixels} true pixels"


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


def _number(value: float, column: tuple[str, str]) -> str:
    if np.isnan(value):
        return "-"
    whole = column[1] in ("breaks", "viterbi_swaps")
    return f"{value:.0f}" if whole else f"{value:.4f}" if _fine(column) else f"{value:.3f}"


def _fine(column: tuple[str, str]) -> bool:
    """Whether a measure is written with four digits."""
    return column[1].endswith("_mae_track")


def _band_is_all(rows: pd.DataFrame) -> bool:
    """Whether boundary IoU says nothing that IoU does not, of the classes that were scored."""
    test = rows[(rows["split"] == "test") & (rows["class"] != "background")].set_index(["run", "class"])
    boundary, iou = (test.loc[test["measure"] == name, "value"].dropna() for name in ("boundary_iou", "iou"))
    same = boundary.to_numpy() == iou.reindex(boundary.index).to_numpy()
    return bool(len(same)) and bool(np.all(same))


def show(console: Console, rows: pd.DataFrame, *, order: Sequence[str], commands: Sequence[str]) -> None:
    """Print the tables and the commands that show more."""
    for table in class_tables(rows, order=order, width=console.width):
        console.print(table)
    if len(order) > 1:
        console.print("* best of this sweep by the first column, for this class alone", style="dim")
    if "oracle_exact" in set(rows["split"]):
        console.print("in brackets: what nearly perfect answers score on these sheets", style="dim")
    if _band_is_all(rows):
        console.print("boundary IoU is IoU here: no mask is thicker than its band", style="dim")
    console.print("More:", style="dim")
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)
