"""From finished runs to the results of a study: every declared cell once, under one set of definitions, or a refusal.

A run belongs to the cell whose levels it has. What a study does not vary (budget, network, head, ...) must be the same
in all its runs; `only` picks among runs that differ there, and without it those of the study's own budget are taken.
Of a factor of the study, `only` picks levels, as the command line that trains does: the cells with other levels are no
part of the analysis, and it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from thinline.study.design.results import CELL_COLUMNS, ROW_COLUMNS, SHEET_COLUMNS, Results, label_of
from thinline.study.design.study import SEED, Cell, Study, StudyError, expand, select

_NAMED = 6
"""How many cells an error names."""


@dataclass(frozen=True)
class FinishedRun:
    """A run of the study: its levels, dotted factors among them, and how it ended; `why` says what went wrong."""

    run: str
    seed: int
    levels: Mapping[str, str]
    finished: bool
    why: str = ""


def collect(
    study: Study,
    found: Iterable[FinishedRun],
    rows: pd.DataFrame,
    sheets: pd.DataFrame,
    *,
    only: Mapping[str, Sequence[str]] | None = None,
    partial: bool = False,
    elsewhere: Iterable[FinishedRun] = (),
) -> Results:
    """The results of `study` from its runs, their split rows and the rows of their test sheets.

    With `partial` the balanced part is kept: seeds of which the whole grid is finished, and other conditions finished
    for all of those; `left_out` names the rest. Of a cell that is missing it is said whether a run of other studies,
    `elsewhere`, could be it. Raises `StudyError` for no run at all, for cells that are missing, that came twice, or
    runs that differ in what the study does not vary.
    """
    chosen = {name: levels for name, levels in (only or {}).items() if name in study.names}
    wanted = {name: it for name, it in (only or {}).items() if name not in chosen} or _own_setting(study)
    runs = _of_setting(study, list(found), wanted)
    declared = expand(study)
    cells = select(declared, chosen)
    matched = _matched(study, cells, runs)
    _check_alike(study, [run for run in matched.values() if run.finished])
    there = {key: run for key, run in matched.items() if run.finished}
    left_out = tuple(f"{_name(study, cell)} (not asked for)" for cell in declared if cell not in cells)
    if len(there) < len(cells):
        for key, run in _matched_elsewhere(study, cells, _with(wanted, elsewhere), there.values()).items():
            matched.setdefault(key, run)
        if not partial:
            raise StudyError(_lacking(study, cells, matched))
        cells, unbalanced = _balanced(study, cells, matched)
        left_out = (*left_out, *unbalanced)
    table = _cells(study, cells, there)
    names = set(table["run"])
    kept = [part[part["run"].isin(names)].reset_index(drop=True) for part in (rows, sheets)]
    return Results(study, table, kept[0][list(ROW_COLUMNS)], kept[1][list(SHEET_COLUMNS)], left_out)


def _name(study: Study, cell: Cell) -> str:
    return f"{label_of(cell, study.names)}/s{cell[SEED]}"


def _key(study: Study, cell: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(cell.get(name) for name in study.names)


def _own_setting(study: Study) -> dict[str, Sequence[str]]:
    return {"budget": [study.budget]} if study.budget and "budget" not in study.names else {}


def _with(wanted: Mapping[str, Sequence[str]], runs: Iterable[FinishedRun]) -> list[FinishedRun]:
    return [run for run in runs if all(run.levels.get(name) in levels for name, levels in wanted.items())]


def _of_setting(study: Study, runs: Sequence[FinishedRun], wanted: Mapping[str, Sequence[str]]) -> list[FinishedRun]:
    """The runs of the setting asked for."""
    kept = _with(wanted, runs)
    if not kept:
        others = sorted({", ".join(f"{name}={run.levels.get(name)}" for name in wanted) for run in runs})
        there = f"{len(runs)} runs with {'; '.join(others)}" if runs else "no run"
        setting = ", ".join(f"{name}={','.join(levels)}" for name, levels in wanted.items())
        raise StudyError(
            f"study {study.name!r}: expected runs with {setting or 'its levels'}, got {there}; run `{study.command}` "
            "first, or name another setting with --only"
        )
    return kept


def _matched(
    study: Study, cells: Sequence[Cell], runs: Iterable[FinishedRun]
) -> dict[tuple[str | None, ...], FinishedRun]:
    """The run of each cell by key; a run of no cell is none of the study's. Raises `StudyError` for a doubled cell."""
    matched: dict[tuple[str | None, ...], FinishedRun] = {}
    for run in runs:
        levels = {**run.levels, SEED: str(run.seed)}
        own = [cell for cell in cells if all(levels.get(name) == level for name, level in cell.items())]
        if len(own) > 1:
            names = " and ".join(_name(study, cell) for cell in own)
            raise StudyError(
                f"study {study.name!r}: {run.run} is {names} at once; mend `also`, its cells are in the grid"
            )
        for cell in own:
            key = _key(study, cell)
            other = matched.get(key)
            if other is not None and other.finished and run.finished:
                raise StudyError(_twice(study, cell, other, run))
            if other is None or run.finished:
                matched[key] = run
    return matched


def _twice(study: Study, cell: Cell, one: FinishedRun, other: FinishedRun) -> str:
    """Which two runs are one cell, and in what they differ."""
    differ = [name for name in one.levels if one.levels[name] != other.levels.get(name)]
    told = "; ".join(f"{name}: {one.levels[name]}, {other.levels.get(name)}" for name in differ)
    return (
        f"study {study.name!r}: cell {_name(study, cell)} came twice, as {one.run} and "
        f"{other.run} ({told or 'alike in all factors'}); pick one with --only FACTOR=LEVEL, or delete one run folder"
    )


def _matched_elsewhere(
    study: Study, cells: Sequence[Cell], others: Iterable[FinishedRun], own: Iterable[FinishedRun]
) -> dict[tuple[str | None, ...], FinishedRun]:
    """By key, finished runs of other studies that could be cells of this one, as runs that are not there and why."""
    like = next(iter(own), None)
    fixed = {} if like is None else {name: like.levels[name] for name in _unvaried(study, like)}
    found = {}
    for run in others:
        levels = {**run.levels, SEED: str(run.seed)}
        if run.finished and all(levels.get(name) == level for name, level in fixed.items()):
            for cell in cells:
                if all(levels.get(name) == level for name, level in cell.items()):
                    found[_key(study, cell)] = replace(run, finished=False, why="finished for another study")
    return found


def _unvaried(study: Study, run: FinishedRun) -> list[str]:
    """What the study does not vary of what its runs have levels of."""
    varied = {part for name in study.names for part in (name, name.partition(".")[0])}
    return [name for name in run.levels if name not in varied]


def _check_alike(study: Study, runs: Sequence[FinishedRun]) -> None:
    """One level of everything that the study does not vary."""
    for name in _unvaried(study, runs[0]) if runs else ():
        levels = {run.levels.get(name): run.run for run in runs}
        if len(levels) > 1:
            told = ", ".join(f"{level} in {run}" for level, run in levels.items())
            raise StudyError(
                f"study {study.name!r} does not vary {name}, its runs have {told}; pick one with --only {name}=LEVEL"
            )


def _lacking(study: Study, cells: Sequence[Cell], matched: Mapping[tuple[str | None, ...], FinishedRun]) -> str:
    """Which cells are not there, and why."""
    lines = _gaps(study, cells, matched)
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return (
        f"study {study.name!r}: expected {len(cells)} finished cells, got {len(cells) - len(lines)}; lacking "
        f"{'; '.join(lines[:_NAMED])}{more}. `{study.command}` runs them, and takes over what is finished for another "
        "study; --partial analyses the balanced part"
    )


def _gaps(study: Study, cells: Sequence[Cell], matched: Mapping[tuple[str | None, ...], FinishedRun]) -> list[str]:
    """A line for each cell that is not finished: its name and why."""
    lines = []
    for cell in cells:
        run = matched.get(_key(study, cell))
        if run is None or not run.finished:
            reason = "not run" if run is None else (run.why or "not finished")
            lines.append(f"{_name(study, cell)} ({reason})")
    return lines


def _balanced(
    study: Study, cells: Sequence[Cell], matched: Mapping[tuple[str | None, ...], FinishedRun]
) -> tuple[list[Cell], tuple[str, ...]]:
    """The cells of the balanced part, and a line for each cell left out, finished or not."""
    done = {key for key, run in matched.items() if run.finished}
    grid = [cell for cell in cells if in_grid(study, cell)]
    seeds = [seed for seed in study.seeds if all(_key(study, cell) in done for cell in grid if cell[SEED] == seed)]
    if not seeds:
        raise StudyError(
            f"study {study.name!r}: no seed has its whole grid finished, so no part of it is balanced; "
            f"{_lacking(study, cells, matched)}"
        )
    full = {
        label_of(cell, study.names)
        for cell in cells
        if all(_key(study, {**cell, SEED: seed}) in done for seed in seeds)
    }
    kept = [cell for cell in cells if cell[SEED] in seeds and label_of(cell, study.names) in full]
    out = [cell for cell in cells if cell not in kept]
    finished = [
        f"{_name(study, cell)} (finished, but without its counterparts)" for cell in out if _key(study, cell) in done
    ]
    return kept, (*_gaps(study, out, matched), *finished)


def in_grid(study: Study, cell: Mapping[str, str]) -> bool:
    """Whether a cell is of the product of the declared factors."""
    return all(cell.get(name) in levels for name, levels in study.factors.items())


def _cells(study: Study, cells: Sequence[Cell], there: Mapping[tuple[str | None, ...], FinishedRun]) -> pd.DataFrame:
    factors = [name for name in study.names if name != SEED]
    rows = []
    for cell in cells:
        condition = label_of(cell, study.names)
        run = there[_key(study, cell)]
        own = {name: cell.get(name) for name in factors}
        rows.append(
            [run.run, f"{condition}/s{cell[SEED]}", condition, int(cell[SEED]), *own.values(), in_grid(study, cell)]
        )
    return pd.DataFrame(rows, columns=[*CELL_COLUMNS, *factors, "grid"])
