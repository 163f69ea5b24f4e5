"""Cells of a study that other studies, or an earlier part of the same study, have published.

A published table names the run of each cell, and the name of a run is a digest of all that it computes. So a cell of
another study whose run would have this name is the same run, and its numbers are taken over: its run folder may be on
another machine. Composing a cell takes .1 s, and the sheets of a cell that may have been published .5 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from hydra import compose, initialize_config_dir
from omegaconf import open_dict, read_write

from thinline.config.schema import CONF, KEY_LEVELS, Conf, checked
from thinline.pipeline.locate import locate, outline
from thinline.study.design.collect import FinishedRun
from thinline.study.design.results import ROW_COLUMNS, SHEET_COLUMNS
from thinline.study.design.study import SEED, Cell, Study, crossed
from thinline.study.design.tuning import run_of
from thinline.study.publish.folder import RESULTS, check_unedited


@dataclass(frozen=True)
class PublishedCells:
    """Runs of published tables with the levels of a study, and their rows of whole splits and of sheets.

    `folders` has the name of the study whose table has each run.
    """

    runs: tuple[FinishedRun, ...]
    rows: pd.DataFrame
    sheets: pd.DataFrame
    folders: Mapping[str, str]


def published_cells(study: Study, experiments: Path, *, but: Sequence[FinishedRun] = ()) -> PublishedCells:
    """The cells of `study` in the tables under `experiments`, without those that one of the runs `but` is.

    Raises `StudyError` for a table that was edited.
    """
    names = _names(experiments, study.name)
    slugs = {name.rpartition("-")[0] for name in names}
    runs = []
    for cell in crossed(study):
        if any(run.finished and run.has(cell) for run in but):
            continue
        conf, choices = _configuration(study, cell)
        brief = outline(conf, choices)
        if brief.slug in slugs:
            name = locate(conf, choices).folder.name
            if name in names:
                runs.append(FinishedRun(name, conf.seed, levels_of(study, brief.factors, conf.tree), finished=True))
    rows, sheets = _tables(experiments, {run.run: names[run.run] for run in runs})
    return PublishedCells(tuple(runs), rows, sheets, {run.run: names[run.run] for run in runs})


def levels_of(study: Study, factors: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, str]:
    """The levels of a run in `study`, from the levels of its groups and its configuration.

    A dotted factor, for example `loss.fp_weight`, gets a level of its own and is removed from the level of its group.
    """
    levels = {key: known[0] for key, known in KEY_LEVELS.items()} | dict(factors)
    for factor in (name for name in study.names if "." in name):
        group, _, key = factor.partition(".")
        option, _, inside = levels.get(group, "").rstrip(")").partition("(")
        rest = [part for part in inside.split(",") if part and part.partition("=")[0] != key]
        levels[group] = f"{option}({','.join(rest)})" if rest else option
        value = _at(config, factor)
        if value is not None:
            levels[factor] = _text(value)
    return levels


def _at(config: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = config
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    """A level in the spelling of study files: 10.0 becomes 10."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _configuration(study: Study, cell: Cell) -> tuple[Conf, dict[str, str]]:
    """The configuration of a cell and the option of each group; all seeds of a condition are composed once."""
    conf, choices = _of_condition(study.name, tuple(f"{name}={cell[name]}" for name in cell if name != SEED))
    seed = int(cell[SEED])
    return replace(conf, seed=seed, tree=conf.tree | {SEED: seed}), choices


@cache
def _of_condition(study: str, overrides: tuple[str, ...]) -> tuple[Conf, dict[str, str]]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", overrides=[f"+experiment={study}", *overrides], return_hydra_config=True)
    choices = dict(config.hydra.runtime.choices)
    with read_write(config), open_dict(config):
        config.pop("hydra")
    return checked(config), choices


def _names(experiments: Path, study: str) -> dict[str, str]:
    """The study that published each run, by the name of the run; `study` itself where it has it."""
    names: dict[str, str] = {}
    for path in sorted(experiments.glob(f"*/{RESULTS}"), key=lambda path: (path.parent.name == study, path)):
        published = pd.read_parquet(path, columns=["run"])["run"].unique()
        names |= {run_of(str(run)): path.parent.name for run in published}
    return names


def _tables(experiments: Path, folders: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of whole splits and of sheets of the runs in `folders`."""
    parts = []
    for folder in sorted(set(folders.values())):
        check_unedited(experiments / folder)
        own = [run for run, name in folders.items() if name == folder]
        parts.append(pd.read_parquet(experiments / folder / RESULTS, filters=[("run", "in", own)]))
    if not parts:
        return pd.DataFrame(columns=list(ROW_COLUMNS)), pd.DataFrame(columns=list(SHEET_COLUMNS))
    table = pd.concat(parts, ignore_index=True)
    whole = table["sheet"].isna()
    sheets = table.loc[~whole, list(SHEET_COLUMNS)].astype({"sheet": "int64"})
    return table.loc[whole, list(ROW_COLUMNS)].reset_index(drop=True), sheets.reset_index(drop=True)
