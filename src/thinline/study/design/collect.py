"""Match finished runs to the cells of a study and collect their results, or refuse.

A run belongs to the cell whose levels it has. All runs must agree in what the study does not vary (budget, network,
head, ...); `only` selects among runs that differ there, by default those of the study's own budget. For a factor of the
study `only` selects levels: cells with other levels are left out, and listed in `left_out`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from thinline.study.design.results import CELL_COLUMNS, ROW_COLUMNS, SHEET_COLUMNS, Results, label_of
from thinline.study.design.study import SEED, Cell, Study, StudyError, expand, select

_NAMED = 6
"""The most cells that an error names."""


@dataclass(frozen=True)
class FinishedRun:
    """A run of the study: its levels (also of dotted factors), whether it is finished, and if not, `why`."""

    run: str
    seed: int
    levels: Mapping[str, str]
    finished: bool
    why: str = ""

    def has(self, levels: Mapping[str, str]) -> bool:
        """Whether the run has all these levels, its seed among them."""
        own = {**self.levels, SEED: str(self.seed)}
        return all(own.get(name) == level for name, level in levels.items())


Key = tuple[str | None, ...]
Matches = Mapping[Key, FinishedRun]


def collect(
    study: Study,
    candidates: Iterable[FinishedRun],
    rows: pd.DataFrame,
    sheets: pd.DataFrame,
    *,
    only: Mapping[str, Sequence[str]] | None = None,
    partial: bool = False,
    elsewhere: Iterable[FinishedRun] = (),
) -> Results:
    """The results of `study` from its runs `candidates`, their rows by split and by test sheet.

    With `partial` the balanced part is kept: seeds whose whole grid is finished, and other conditions finished for all
    of those seeds; `left_out` names the rest. An error says of a missing cell whether a run of another study,
    `elsewhere`, has its levels. Raises `StudyError` for no run at all, missing or duplicate cells, and runs that differ
    in what the study does not vary.
    """
    levels = {name: own for name, own in (only or {}).items() if name in study.names}
    setting = {name: own for name, own in (only or {}).items() if name not in levels} or _own_setting(study)
    declared = expand(study)
    cells = select(declared, levels)
    matched = _match(study, cells, _of_setting(study, list(candidates), setting))
    finished = {key: run for key, run in matched.items() if run.finished}
    check_alike(study, list(finished.values()))
    asked = {_key(study, cell) for cell in cells}
    left_out = [f"{_name(study, cell)} (not asked for)" for cell in declared if _key(study, cell) not in asked]
    if len(finished) < len(cells):
        others = _match_elsewhere(study, cells, _with(setting, elsewhere), next(iter(finished.values()), None))
        gaps = _gaps(study, cells, {**others, **matched})
        if not partial:
            raise StudyError(_missing(study, cells, gaps))
        kept = _balanced(study, cells, finished, gaps)
        balanced = {_key(study, cell) for cell in kept}
        unbalanced = [_name(study, cell) for cell in cells if _key(study, cell) not in balanced]
        left_out += [gaps[name] for name in unbalanced if name in gaps]
        left_out += [f"{name} (finished, but without its counterparts)" for name in unbalanced if name not in gaps]
        cells = kept
    table = _cells(study, cells, finished)
    rows, sheets = (part[part["run"].isin(table["run"])].reset_index(drop=True) for part in (rows, sheets))
    return Results(study, table, rows[list(ROW_COLUMNS)], sheets[list(SHEET_COLUMNS)], tuple(left_out))


def in_grid(study: Study, cell: Mapping[str, str]) -> bool:
    """Whether a cell is in the product of the declared factors."""
    return all(cell.get(name) in levels for name, levels in study.factors.items())


def _name(study: Study, cell: Cell) -> str:
    return f"{label_of(cell, study.names)}/s{cell[SEED]}"


def _key(study: Study, cell: Mapping[str, str]) -> Key:
    return tuple(cell.get(name) for name in study.names)


def _own_setting(study: Study) -> dict[str, Sequence[str]]:
    return {"budget": [study.budget]} if study.budget and "budget" not in study.names else {}


def of_own_setting(study: Study, runs: Iterable[FinishedRun]) -> list[FinishedRun]:
    """The runs with the budget of the study."""
    return _with(_own_setting(study), runs)


def _with(setting: Mapping[str, Sequence[str]], runs: Iterable[FinishedRun]) -> list[FinishedRun]:
    return [run for run in runs if all(run.levels.get(name) in levels for name, levels in setting.items())]


def _of_setting(study: Study, runs: Sequence[FinishedRun], setting: Mapping[str, Sequence[str]]) -> list[FinishedRun]:
    """The runs of the setting. Raises `StudyError` if there is none."""
    kept = _with(setting, runs)
    if not kept:
        others = sorted({", ".join(f"{name}={run.levels.get(name)}" for name in setting) for run in runs})
        got = f"{len(runs)} runs with {'; '.join(others)}" if runs else "no run"
        expected = ", ".join(f"{name}={','.join(levels)}" for name, levels in setting.items())
        raise StudyError(
            f"study {study.name!r}: expected runs with {expected or 'its levels'}, got {got}; run `{study.command}` "
            "first, or name another setting with --only"
        )
    return kept


def _match(study: Study, cells: Sequence[Cell], runs: Iterable[FinishedRun]) -> dict[Key, FinishedRun]:
    """The run of each cell. Runs of no cell are ignored; raises `StudyError` for a cell with two finished runs."""
    matched: dict[Key, FinishedRun] = {}
    by_levels = _by_levels(cells)
    for run in runs:
        own = _cells_of(run, by_levels)
        if len(own) > 1:
            names = " and ".join(_name(study, cell) for cell in own)
            raise StudyError(
                f"study {study.name!r}: {run.run} is {names} at once; correct `also`, its cells are in the grid"
            )
        for cell in own:
            before = matched.setdefault(_key(study, cell), run)
            if before is not run and before.finished and run.finished:
                raise StudyError(_duplicate(study, cell, before, run))
            if run.finished:
                matched[_key(study, cell)] = run
    return matched


def _by_levels(cells: Iterable[Cell]) -> dict[tuple[str, ...], dict[tuple[str, ...], Cell]]:
    """The cells by the names of their factors (few), then by their levels, so that a run is looked up, not searched."""
    by_levels: dict[tuple[str, ...], dict[tuple[str, ...], Cell]] = {}
    for cell in cells:
        by_levels.setdefault(tuple(cell), {})[tuple(cell.values())] = cell
    return by_levels


def _cells_of(run: FinishedRun, by_levels: Mapping[tuple[str, ...], Mapping[tuple[str, ...], Cell]]) -> list[Cell]:
    """The cells whose levels `run` has."""
    own = {**run.levels, SEED: str(run.seed)}
    matches = (cells.get(tuple(own.get(name, "") for name in names)) for names, cells in by_levels.items())
    return [cell for cell in matches if cell is not None]


def _duplicate(study: Study, cell: Cell, first: FinishedRun, second: FinishedRun) -> str:
    """The message that two runs are one cell, and how they differ."""
    differ = [name for name in first.levels if first.levels[name] != second.levels.get(name)]
    difference = "; ".join(f"{name}: {first.levels[name]}, {second.levels.get(name)}" for name in differ)
    return (
        f"study {study.name!r}: cell {_name(study, cell)} came twice, as {first.run} and {second.run} "
        f"({difference or 'alike in all factors'}); select one with --only FACTOR=LEVEL, or delete one run folder"
    )


def _match_elsewhere(
    study: Study, cells: Sequence[Cell], others: Iterable[FinishedRun], like: FinishedRun | None
) -> dict[Key, FinishedRun]:
    """Finished runs of other studies with the levels of a cell, and in all else the levels of the run `like`."""
    fixed = {} if like is None else {name: like.levels[name] for name in _unvaried(study, like)}
    by_levels = _by_levels(cells)
    return {
        _key(study, cell): replace(run, finished=False, why="finished for another study")
        for run in others
        if run.finished and run.has(fixed)
        for cell in _cells_of(run, by_levels)
    }


def _unvaried(study: Study, run: FinishedRun) -> list[str]:
    """The names of the levels of a run that the study does not vary."""
    varied = {part for name in study.names for part in (name, name.partition(".")[0])}
    return [name for name in run.levels if name not in varied]


def check_alike(study: Study, runs: Sequence[FinishedRun]) -> None:
    """Raises `StudyError` unless all runs have one level of everything that the study does not vary.

    The fold of a cross-validation may go with the seed: one for all runs of a seed.
    """
    for name in _unvaried(study, runs[0]) if runs else ():
        levels: dict[int | None, dict[str | None, str]] = {}
        for run in runs:
            of_seed = levels.setdefault(run.seed if name == "fold" else None, {})
            of_seed[run.levels.get(name)] = run.run
        for seed, own in levels.items():
            if len(own) > 1:
                got = ", ".join(f"{level} in {run}" for level, run in own.items())
                of = "" if seed is None else f" of seed {seed}"
                raise StudyError(
                    f"study {study.name!r} does not vary {name}, its runs{of} have {got}; select one with "
                    f"--only {name}=LEVEL"
                )


def _gaps(study: Study, cells: Sequence[Cell], matched: Matches) -> dict[str, str]:
    """By the name of each cell that is not finished, the name with the reason."""
    gaps = {}
    for cell in cells:
        run = matched.get(_key(study, cell))
        if run is None or not run.finished:
            name, reason = _name(study, cell), "not run" if run is None else (run.why or "not finished")
            gaps[name] = f"{name} ({reason})"
    return gaps


def _missing(study: Study, cells: Sequence[Cell], gaps: Mapping[str, str]) -> str:
    """The message that cells are missing, and why."""
    more = f" and {len(gaps) - _NAMED} more" if len(gaps) > _NAMED else ""
    return (
        f"study {study.name!r}: expected {len(cells)} finished cells, got {len(cells) - len(gaps)}; lacking "
        f"{'; '.join(list(gaps.values())[:_NAMED])}{more}. `{study.command}` runs them, and takes over what is "
        "finished for another study; --partial analyses the balanced part"
    )


def _balanced(study: Study, cells: Sequence[Cell], finished: Matches, gaps: Mapping[str, str]) -> list[Cell]:
    """The cells of the balanced part. Raises `StudyError` if no seed has its whole grid."""
    grid = [cell for cell in cells if in_grid(study, cell)]
    seeds = [seed for seed in study.seeds if all(_key(study, cell) in finished for cell in grid if cell[SEED] == seed)]
    if not seeds:
        raise StudyError(
            f"study {study.name!r}: no seed has its whole grid finished, so no part of it is balanced; "
            f"{_missing(study, cells, gaps)}"
        )
    return [
        cell
        for cell in cells
        if cell[SEED] in seeds and all(_key(study, {**cell, SEED: seed}) in finished for seed in seeds)
    ]


def _cells(study: Study, cells: Sequence[Cell], finished: Matches) -> pd.DataFrame:
    factors = [name for name in study.names if name != SEED]
    rows = []
    for cell in cells:
        condition = label_of(cell, study.names)
        run, name = finished[_key(study, cell)].run, f"{condition}/s{cell[SEED]}"
        rows.append([run, name, condition, int(cell[SEED]), *map(cell.get, factors), in_grid(study, cell)])
    return pd.DataFrame(rows, columns=[*CELL_COLUMNS, *factors, "grid"])
