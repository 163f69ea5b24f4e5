"""The tables that a run and a sweep print at their end.

Each curve has two tables, one for its pixels and one for the traced curve; the background has one table. Classes are
never averaged. A *cell* in these tables is a condition: one configuration with all its seeds. As a reference, the lines
below the cells have the scores of the perturbed truth on the same sheets. The deviation of a line is mostly that of the
sheets, which all lines share, so lines are not compared by it: the caption has the smallest difference that the seeds
can tell.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.segment import Segment
from rich.table import Table

from thinline.config.schema import KEY_LEVELS
from thinline.metrics.catalogue import PERTURBED_TRUTH, label, metric, registered
from thinline.metrics.number_format import number
from thinline.study.stats.detectable import smallest_difference
from thinline.sweep.best_cell import best_cell

Column = tuple[str, str]
"""Split and measure."""

COLUMNS: Final[Sequence[Column]] = (
    *(("test", name) for name in ("iou", "precision", "recall", "f1", "area_ratio")),
    *(("tuned", name) for name in ("f1", "threshold")),
)
"""The table of pixels. `tuned` is the test split at the threshold with the best F1 on validation."""

LINE_COLUMNS: Final[Sequence[Column]] = tuple(
    ("test", name)
    for name in (
        *("nsd_1px", "viterbi_mae_track", "viterbi_bridged_mae_track", "budget_identity_mae_track"),
        *("viterbi_coverage", "viterbi_swaps", "breaks", "viterbi_values_mae_track", "viterbi_bridged_r2"),
    )
)
"""The table of the traced curve: its error with gaps, where a missing row costs a track, beside the bridged one."""

NOT_FACTORS: Final = frozenset({"run", "seed", "fold", "split", "measure", "class", "value", "support", "signature"})
_FEWEST_COLUMNS: Final = 4


def class_tables(rows: pd.DataFrame, *, order: Sequence[str], width: int = 80) -> list[Table]:
    """The tables of every class in `rows` (columns as in `runs.read`), the curves first; own metrics have a table.

    Each cell is one line, named by the factors in which the runs differ. The lines have the `order` of the first run of
    each cell. A cell with several seeds shows means, the standard deviation of the first column, and the number of
    seeds; a mean over an undefined value is undefined. A star marks the best cell by the first column, if there is one
    (best_cell.py). Columns without a number in any line are left out. If a table is wider than `width` characters, its
    heads are broken into lines; if that is not enough, the last columns are left out.
    """
    cells = cell_labels(rows)
    names = list(dict.fromkeys(rows.loc[rows["split"] == "test", "class"]))
    names = [name for name in names if name not in ("background", "all")] + [n for n in names if n == "background"]
    tables: list[Table] = []
    for name in names:
        of_truth = rows["split"].str.startswith("oracle")
        of_class = rows[(rows["class"] == name) & ~(of_truth & (name == "background"))]
        tables.append(_class_table(of_class, f"{name}: unseen test sheets", COLUMNS, order, cells, width))
        if "nsd_1px" in set(of_class["measure"]):
            tables.append(_class_table(of_class, f"{name} as a line", LINE_COLUMNS, order, cells, width))
        if name != "background":
            tables += _tables_of_more_tests(of_class, name, order, cells, width)
        own = [("test", measure) for measure in registered() if measure in set(of_class["measure"])]
        if own:
            tables.append(_class_table(of_class, f"{name} by own metrics", [COLUMNS[0], *own], order, cells, width))
    return tables


def _tables_of_more_tests(
    rows: pd.DataFrame, name: str, order: Sequence[str], cells: Mapping[str, str], width: int
) -> list[Table]:
    """Tables of the IoU on further test sets of a folder, FEWEST_COLUMNS - 1 sets in each, beside that of `test`."""
    more = [(str(split), "iou") for split in rows["split"].unique() if str(split).startswith("test_")]
    step = _FEWEST_COLUMNS - 1
    parts = [more[first : first + step] for first in range(0, len(more), step)]
    title = f"{name}: further test sets"
    rows = rows[~rows["split"].str.startswith("oracle")]
    return [_class_table(rows, title, [COLUMNS[0], *part], order, cells, width) for part in parts]


def cell_labels(rows: pd.DataFrame) -> dict[str, str]:
    """The name of the cell of each run: the levels in which the runs differ, for example `tversky/measured`.

    If the runs do not differ, the name consists of the levels of the first two factors.
    """
    factors = [name for name in rows.columns if name not in NOT_FACTORS]
    runs = rows[["run", *factors]].drop_duplicates().set_index("run")
    varied = [name for name in factors if runs[name].nunique(dropna=False) > 1] or factors[:2]
    neutral = {key: levels[0] for key, levels in KEY_LEVELS.items()}
    runs = runs.astype(object).fillna(neutral).fillna("-")  # a run may lack a factor, for example init_from
    return {str(run): "/".join(str(level) for level in levels) for run, *levels in runs[varied].itertuples()}


def _class_table(
    rows: pd.DataFrame,
    title: str,
    columns: Sequence[Column],
    order: Sequence[str],
    cells: Mapping[str, str],
    width: int,
) -> Table:
    first = columns[0]
    wide = rows.pivot_table(index="run", columns=["split", "measure"], values="value", aggfunc="first", dropna=False)
    wide = wide.reindex([run for run in order if run in wide.index])
    by_cell = wide.groupby([cells[str(run)] for run in wide.index], sort=False)
    means, seeds = by_cell.mean(skipna=False), by_cell.size()
    deviations = by_cell[[first]].std().iloc[:, 0]
    seed_of = rows.drop_duplicates("run").set_index("run")["seed"]
    scores = _by_seed(wide, first, cells, seed_of) if first in wide else pd.DataFrame()
    best = best_cell(scores) if first in wide else None
    several = int(seeds.max()) > 1
    lines = []
    for (cell, values), deviation, count in zip(means.iterrows(), deviations, seeds, strict=True):
        lines.append(("*" if cell == best else "", str(cell), values, deviation, str(count)))
    if _same_sheets(wide, seed_of):
        lines += [("", name, values, np.nan, "") for name, values in _perturbed_truth(wide, columns).items()]
    pixels = wide.get(("test", "support"))
    support = "no" if pixels is None or pixels.isna().all() else f"{int(pixels.max()):,}"
    title = f"{title}{', mean over seeds' if several else ''}, {support} true pixels"
    filled = [column for column in columns[1:] if any(pd.notna(values.get(column)) for _, _, values, _, _ in lines)]
    table = _fitting(title, [first, *filled], lines, several=several, width=width)
    smallest = smallest_difference(scores.replace(np.inf, np.nan).to_numpy(np.float64).T)
    if np.isfinite(smallest):
        difference = f"{label(first[1], first[0])} {number(smallest, metric(first[1]).digits)}"
        table.caption = f"smallest difference of two lines that these seeds can tell: {difference}"
    return table


def _by_seed(wide: pd.DataFrame, first: Column, cells: Mapping[str, str], seed_of: pd.Series) -> pd.DataFrame:
    """The first column as a row for each seed and a column for each cell; an undefined score is infinite."""
    runs = [str(run) for run in wide.index]
    long = pd.DataFrame({"seed": seed_of.loc[runs].to_numpy(), "cell": [cells[run] for run in runs]})
    long["score"] = wide[first].fillna(np.inf).to_numpy()
    return long.pivot_table(index="seed", columns="cell", values="score", aggfunc="mean", sort=False)


def _perturbed_truth(wide: pd.DataFrame, columns: Sequence[Column]) -> dict[str, pd.Series]:
    """Mean scores over the runs of every perturbation that the runs have, by label; none for the split `tuned`."""
    splits = set(wide.columns.get_level_values("split"))
    scores = {}
    for split, name in PERTURBED_TRUTH.items():
        if split in splits:
            means = wide.loc[:, wide.columns.get_level_values("split") == split].dropna(how="all").mean(skipna=False)
            scores[name] = pd.Series(
                {(own, m): means.get((split, m)) for own, m in columns if own == "test"}, dtype=float
            )
    return scores


def _same_sheets(wide: pd.DataFrame, seeds: pd.Series) -> bool:
    """Whether the runs of each seed were scored on the same sheets: then their perturbed truths have equal scores."""
    of_truth = wide.loc[:, wide.columns.get_level_values("split").str.startswith("oracle")]
    of_seed = of_truth.groupby(seeds.reindex(of_truth.index))
    spread = of_seed.max() - of_seed.min()  # `agg` of a function fails in some versions of pandas without columns
    return bool((spread.fillna(0).abs() < 1e-9).all(axis=None))


def _fitting(
    title: str,
    columns: Sequence[Column],
    lines: Sequence[tuple[str, str, pd.Series, float, str]],
    *,
    several: bool,
    width: int,
) -> Table:
    """The widest table of `lines` (star, cell, values, deviation, seeds) that has at most `width` characters."""
    ruler = Console(width=1000)
    for shown in range(len(columns), min(len(columns), _FEWEST_COLUMNS) - 1, -1):
        for broken, gap in ((False, 1), (True, 1), (True, 0)):
            table = _table(title, columns[:shown], lines, several=several, broken=broken, gap=gap)
            lengths = map(Segment.get_line_length, ruler.render_lines(table, pad=False))
            if max(lengths) <= width:  # rich's own measure is a character short for some tables
                return table
    return table


def _table(
    title: str,
    columns: Sequence[Column],
    lines: Sequence[tuple[str, str, pd.Series, float, str]],
    *,
    several: bool,
    broken: bool,
    gap: int,
) -> Table:
    table = Table(title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, gap, 0, 0))
    table.title = title
    table.add_column("")
    table.add_column("cell", overflow="fold")
    texts = [[_value(values, column) for column in columns] for _, _, values, _, _ in lines]
    for index, column in enumerate(columns):
        head = label(column[1], column[0])
        if broken:
            head = _broken(head, max(len(row[index]) for row in texts))
        table.add_column(head, justify="right", no_wrap=True)
        if several and index == 0:
            table.add_column("±", justify="right", no_wrap=True)
    if several:
        table.add_column("seeds", justify="right", no_wrap=True)
    digits = metric(columns[0][1]).digits
    for (star, cell, _, deviation, count), row in zip(lines, texts, strict=True):
        of_truth = count == ""
        if several:
            row = [row[0], "" if of_truth else number(deviation, digits), *row[1:], count]
        table.add_row(star, cell, *row, style="bold" if star else "dim" if of_truth else None)
    return table


def _value(values: pd.Series, column: Column) -> str:
    return number(values.get(column, np.nan), metric(column[1]).digits)


def _broken(head: str, width: int) -> str:
    """`head` broken into lines of about `width` characters, but not inside a word or between a number and its unit."""
    joined = re.sub(r"(\d) (px|mm)", "\\1\u00a0\\2", head)
    return "\n".join(textwrap.wrap(joined, max(width, 5), break_long_words=False))


def _boundary_is_all(rows: pd.DataFrame) -> bool:
    """Whether boundary IoU equals IoU for all classes scored, because no mask is thicker than the boundary's band."""
    test = rows[(rows["split"] == "test") & (rows["class"] != "background")].set_index(["run", "class"])
    boundary, iou = (test.loc[test["measure"] == name, "value"].dropna() for name in ("boundary_iou", "iou"))
    return bool(len(boundary)) and np.array_equal(boundary.to_numpy(), iou.reindex(boundary.index).to_numpy())


def show(console: Console, rows: pd.DataFrame, *, order: Sequence[str], commands: Sequence[str]) -> None:
    """Print the tables, notes on the tables, and `commands` that show more."""
    tables = class_tables(rows, order=order, width=console.width)
    for table in tables:
        console.print(table)
    cells = cell_labels(rows[rows["run"].isin(order)])
    several = len(set(cells.values())) > 1
    replicated = len(cells) > len(set(cells.values()))
    starred = any("*" in table.columns[0].cells for table in tables)
    splits = set(rows["split"])
    notes = {
        "* best by the first column, for this class alone: its lead is larger than the spread over seeds": starred,
        "no star: no lead is larger than the spread over seeds": several and replicated and not starred,
        "no star: several seeds are needed to compare, e.g. seed=0,1,2": several and not replicated,
        "truth: scores of the perturbed truth on these sheets": "oracle_exact" in splits,
        "normal, rows: moved by up to 1 px along the normal of the curve, along the rows": "oracle_jitter" in splits,
        "boundary IoU is IoU here: no mask is thicker than its band": _boundary_is_all(rows),
        "More:": True,
    }
    for note in (note for note, holds in notes.items() if holds):
        console.print(note, style="dim")
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)
