"""Studies that choose a level, as a learning rate, for each combination of their other factors.

Stage 1 runs every level of the tuned factor on `tuning.seeds`. For each combination of the other factors the level with
the best mean of the measure `tuning.by` over curves and these seeds is *chosen*; a tie goes to the level that the study
declares first. Stage 2 runs the chosen and the default level with the other seeds. The measure is one of validation, so
the choice never sees a test sheet.

What is analysed is the study with two levels of the tuned factor, `default` and `chosen`: a balanced grid, whose
effects, ranks and intervals are computed as those of any other study. A run whose level is both stands for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from thinline.metrics.catalogue import less_is_better
from thinline.study.design.collect import FinishedRun, check_alike, in_grid, of_own_setting
from thinline.study.design.results import CELL_COLUMNS, ROW_COLUMNS, SHEET_COLUMNS, Results, label_of
from thinline.study.design.study import SEED, Cell, Study, StudyError, Tuning, crossed, select

DEFAULT: Final = "default"
CHOSEN: Final = "chosen"
AGAIN: Final = " as default"
"""Added to the name of a run that is chosen and default at once, where it stands for the default."""

_NAMED: Final = 6
Key = tuple[tuple[str, str], ...]


def analysed(study: Study) -> Study:
    """The study with the levels `default` and `chosen` of its tuned factor; `study` itself if it has none."""
    if study.tuning is None:
        return study
    factor = study.tuning.factor
    factors, *also = ({**block, factor: (DEFAULT, CHOSEN)} for block in (study.factors, *study.also))
    return replace(study, factors=factors, also=tuple(also), tuning=None)


Only = Mapping[str, Sequence[str]]
"""Levels of factors other than the tuned one: cells with other levels are left out."""


def rates_of(
    study: Study, runs: Iterable[FinishedRun], rows: pd.DataFrame, *, only: Only | None = None
) -> pd.DataFrame:
    """Stage 1: one row a cell of the tuning seeds averaged over these seeds, with what was measured.

    Columns: the factors, one for each curve and measure (`val/iou curve_1`, `test/iou curve_1`, ...), `mean` of the
    chosen measure over curves, `chosen`, `default` (bool). Raises `StudyError` for cells that are not finished, and for
    `only` with anything but levels of the other factors.
    """
    tuning = _tuning(study)
    stage = replace(study, seeds=tuning.seeds, tuning=None)
    others = [name for name in study.names if name not in (tuning.factor, SEED)]
    if wrong := [name for name in only or {} if name not in others]:
        raise StudyError(
            f"study {study.name!r} chooses levels of {tuning.factor}, so --only takes levels of {', '.join(others)}, "
            f"got {', '.join(wrong)}"
        )
    cells = select(crossed(stage), only or {})
    matched = _matched(cells, of_own_setting(study, runs))
    check_alike(study, list(matched.values()))
    if missing := [cell for cell in cells if _key(cell) not in matched]:
        raise StudyError(_missing(study, missing, "of stage 1"))
    measures = dict.fromkeys([tuning.by, *study.primary])
    values = _values(rows, measures)
    table = pd.DataFrame([{name: cell.get(name) for name in study.names} for cell in cells])
    of_runs = values.reindex([matched[_key(cell)].run for cell in cells]).reset_index(drop=True)
    factors = [name for name in study.names if name != SEED]
    by_seed = pd.concat([table[factors], of_runs], axis=1).groupby(factors, sort=False, dropna=False)
    table = by_seed.agg(_mean_of_all).reset_index()
    own = [name for name in of_runs.columns if name.startswith(f"{tuning.by} ")]
    table["mean"] = table[own].mean(axis=1, skipna=False)
    sign = -1 if less_is_better(tuning.by.partition("/")[2]) else 1
    by_others = (sign * table["mean"]).groupby([table[name] for name in others], dropna=False)
    if (none := by_others.transform("count") == 0).any():
        where = ", ".join(str(table[name].iloc[int(none.to_numpy().argmax())]) for name in others)
        raise StudyError(
            f"study {study.name!r}: expected a level of {tuning.factor} with {tuning.by} in every tuning seed, got "
            f"none for {where}; choose by another measure"
        )
    best = by_others.idxmax()
    table["chosen"] = table.index.isin(best)
    table["default"] = [row[tuning.factor] == _default(tuning, row) for _, row in table.iterrows()]
    return table


def _mean_of_all(values: pd.Series) -> float:
    """The mean; NaN where one value is."""
    return float(values.mean(skipna=False))


def tuned_results(
    study: Study,
    runs: Sequence[FinishedRun],
    rows: pd.DataFrame,
    sheets: pd.DataFrame,
    *,
    rates: pd.DataFrame,
    partial: bool = False,
    only: Only | None = None,
) -> Results:
    """Stage 2: the results of `analysed(study)`; `rates` is the table of `rates_of` with the same `only`.

    With `partial` seeds without all of their cells are left out. Raises `StudyError` for cells that are not finished.
    """
    tuning, target = _tuning(study), analysed(study)
    levels = _chosen_levels(study, rates)
    declared = crossed(target)
    asked = select(declared, only or {})
    pairs = [(cell, _actual(cell, tuning, levels)) for seed in study.seeds for cell in asked if cell[SEED] == seed]
    left_out = tuple(
        f"{label_of(cell, target.names)}/s{cell[SEED]} (not asked for)" for cell in declared if cell not in asked
    )
    matched = _matched([actual for _, actual in pairs], of_own_setting(study, runs))
    check_alike(study, list(matched.values()))
    missing = [actual for _, actual in pairs if _key(actual) not in matched]
    if missing:
        seeds = {cell[SEED] for cell in missing}
        pairs = [pair for pair in pairs if pair[0][SEED] not in seeds]
        if not partial or not pairs:
            raise StudyError(_missing(study, missing, "of stage 2"))
        left_out += tuple(f"seed {seed} (not every chosen and default level has run)" for seed in sorted(seeds))
    results = _results(target, [(cell, matched[_key(actual)].run) for cell, actual in pairs], rows, sheets, left_out)
    return replace(results, choices=rates)


def run_of(name: str) -> str:
    """The run folder of a cell of `tuned_results`."""
    return name.removesuffix(AGAIN)


def _results(
    study: Study, pairs: Sequence[tuple[Cell, str]], rows: pd.DataFrame, sheets: pd.DataFrame, left_out: tuple[str, ...]
) -> Results:
    """Results of the cells of `pairs`; a run that is two cells is there twice, with two names."""
    names, cells, copies = set[str](), [], []
    factors = [name for name in study.names if name != SEED]
    for cell, run in sorted(pairs, key=lambda pair: CHOSEN not in pair[0].values()):
        name = f"{run}{AGAIN}" if run in names else run
        names.add(name)
        label = label_of(cell, study.names)
        cells.append(
            [name, f"{label}/s{cell[SEED]}", label, int(cell[SEED]), *map(cell.get, factors), in_grid(study, cell)]
        )
        copies.append((run, name))
    order = {f"{label_of(cell, study.names)}/s{cell[SEED]}": number for number, (cell, _) in enumerate(pairs)}
    table = pd.DataFrame(cells, columns=[*CELL_COLUMNS, *factors, "grid"])
    table = table.sort_values("cell", key=lambda column: column.map(order), ignore_index=True)
    named = pd.DataFrame(copies, columns=["run", "name"])
    of_runs = [
        part.astype({"run": "str"})
        .merge(named, on="run")
        .drop(columns="run")
        .rename(columns={"name": "run"})[list(columns)]
        for part, columns in ((rows, ROW_COLUMNS), (sheets, SHEET_COLUMNS))
    ]
    return Results(study, table, of_runs[0], of_runs[1], left_out)


def _tuning(study: Study) -> Tuning:
    if study.tuning is None:
        raise StudyError(f"study {study.name!r}: expected `tuning`, got none; see conf/experiment/tuned_losses.yaml")
    return study.tuning


def _default(tuning: Tuning, levels: Mapping[str, str] | pd.Series) -> str:
    """The default level of the tuned factor at the other `levels`."""
    return next(own[levels[factor]] for factor, own in tuning.default.items() if levels.get(factor) in own)


def _chosen_levels(study: Study, rates: pd.DataFrame) -> dict[Key, str]:
    """The chosen level by the other levels of a cell."""
    factor = _tuning(study).factor
    others = [name for name in study.names if name not in (factor, SEED)]
    return {
        _key({name: str(row[name]) for name in others if pd.notna(row[name])}): str(row[factor])
        for _, row in rates[rates["chosen"]].iterrows()
    }


def as_run(study: Study, cell: Cell, results: Results) -> Cell:
    """A cell of `results` with the level of the tuned factor that its run has; `cell` itself if there is none."""
    if study.tuning is None or results.choices is None:
        return cell
    return _actual(cell, study.tuning, _chosen_levels(study, results.choices))


def _actual(cell: Cell, tuning: Tuning, levels: Mapping[Key, str]) -> Cell:
    """The cell as it runs: with a level of the tuned factor in place of `default` or `chosen`."""
    others = {name: level for name, level in cell.items() if name not in (tuning.factor, SEED)}
    chosen = cell[tuning.factor] == CHOSEN
    return {**cell, tuning.factor: levels[_key(others)] if chosen else _default(tuning, cell)}


def _values(rows: pd.DataFrame, measures: Iterable[str]) -> pd.DataFrame:
    """The `measures` (`split/name`) of every curve, one row a run."""
    columns = {}
    for key in measures:
        split, _, name = key.partition("/")
        own = rows[(rows["split"] == split) & (rows["measure"] == name) & ~rows["class"].isin(["background", "all"])]
        for curve, part in own.groupby("class", observed=True):
            columns[f"{key} {curve}"] = part.set_index(part["run"].astype(str))["value"]
    return pd.DataFrame(columns)


def _key(cell: Mapping[str, str]) -> Key:
    return tuple(sorted(cell.items()))


def _matched(cells: Iterable[Cell], runs: Iterable[FinishedRun]) -> dict[Key, FinishedRun]:
    """The finished run of each cell that has one."""
    finished = [run for run in runs if run.finished]
    of_cells: dict[Key, FinishedRun] = {}
    for cell in cells:
        of_cell = [run for run in finished if run.has(cell)]
        if len(of_cell) > 1:
            raise StudyError(
                f"cell {dict(cell)} came twice, as {of_cell[0].run} and {of_cell[1].run}; delete one run folder"
            )
        if of_cell:
            of_cells[_key(cell)] = of_cell[0]
    return of_cells


def _missing(study: Study, cells: Sequence[Cell], stage: str) -> str:
    """The message that cells are missing, with the overrides that run them."""
    unique = list({_key(cell): cell for cell in cells}.values())
    listed = "; ".join(" ".join(f"{name}={level}" for name, level in cell.items()) for cell in unique[:_NAMED])
    more = f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else ""
    return (
        f"study {study.name!r}: expected every cell {stage}, got {len(unique)} that are not finished: {listed}{more}. "
        f"`{study.command}` with these overrides runs them; --partial analyses the seeds that have all"
    )
