"""Effects of a study: main effects and interactions on every axis at once, with intervals.

Everything is estimated from the conditions of the grid, cells of one seed paired; which contrasts there are is said in
contrasts.py, the interval in estimates.py. Tables, tidy, one estimate a row:

    contrasts   split measure class order term contrast effect low high p p_holm seeds primary detectable
    coded       split measure class order term level effect low high p             effect-coded parameters
    cells       split measure class condition mean low high seeds                  all conditions, in the grid or not
    pairs       split measure class factor level_a level_b p_better                both directions
    ranks       split measure class factor level rank low_rank high_rank
    tau         class factor measure_a measure_b tau             over all conditions (factor `condition`), and over the
                                                                 levels of each factor that has three or more
    variance    split measure class component variance share

`measure` of tau is a key as `iou` or `tuned/f1`; pairs and ranks are explained in ranks.py. `detectable` is the
smallest effect that would have been found with a probability of .8 at p < .05, before Holm.

Holm's correction
-----------------
`p_holm` holds the chance of one false call or more in a *family* at its level. The declared family is all contrasts of
one to three factors of all `primary` measures of the study over all classes together. Measures that are not primary are
families by themselves, each over its contrasts and classes: they are looked at, not judged by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.stats.caveats import on_design, on_estimates, on_values
from thinline.study.stats.contrasts import Contrasts, Grid, coded_of, contrasts_of, level_weights
from thinline.study.stats.estimates import Estimates, by_seed, estimate_all, holm
from thinline.study.stats.minimum_effect import detectable
from thinline.study.stats.ranks import better_up, compared, tau_of
from thinline.study.stats.samples import ratio
from thinline.study.stats.series import Subject, labelled, subjects_of
from thinline.study.stats.variance_components import components_of
from thinline.vocabulary import Float64

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(columns.split())
    for name, columns in {
        "contrasts": "split measure class order term contrast effect low high p p_holm seeds primary detectable",
        "coded": "split measure class order term level effect low high p",
        "cells": "split measure class condition mean low high seeds",
        "pairs": "split measure class factor level_a level_b p_better",
        "ranks": "split measure class factor level rank low_rank high_rank",
        "tau": "class factor measure_a measure_b tau",
        "variance": "split measure class component variance share",
    }.items()
}
_FEWEST_RANKED: Final = 3
"""Levels whose order can agree more or less."""


@dataclass(frozen=True)
class Effects:
    """Tables of estimates; see the module. `notes` are sentences on what could not be estimated, and why."""

    contrasts: pd.DataFrame
    coded: pd.DataFrame
    cells: pd.DataFrame
    pairs: pd.DataFrame
    ranks: pd.DataFrame
    tau: pd.DataFrame
    variance: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    """What is estimated of a grid."""

    contrasts: Contrasts
    coded: Contrasts
    levels: Mapping[str, Float64]

    @classmethod
    def of(cls, grid: Grid) -> _Plan:
        levels = {name: level_weights(grid, name) for name in grid.names}
        return cls(contrasts_of(grid), coded_of(grid), levels)


def effects(results: Results) -> Effects:
    """All estimates of a study.

    Nothing is refused for being too little: what a study of one seed, of one level or with constant measures cannot say
    is missing from the tables, and a note says why.
    """
    subjects, lacking = subjects_of(results)
    grids = {id(it.grid): it.grid for it in subjects}
    plans = {key: _Plan.of(grid) for key, grid in grids.items()}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    below: list[str] = []
    for it in subjects:
        plan = plans[id(it.grid)]
        tables = _estimated(it, plan)
        if len(results.seeds) > 1:
            tables |= _ranked(it, plan)
            tables["variance"], negative = components_of(it.data, it.grid) if not it.constant else (pd.DataFrame(), ())
            below += [f"{component} of {it.told}" for component in negative]
        for name, table in tables.items():
            parts[name].append(labelled(table, it))
    parts["tau"] = _taus(subjects, plans)
    joined = {name: _joined(parts[name], columns) for name, columns in COLUMNS.items()}
    joined["contrasts"] = _corrected(joined["contrasts"])
    notes = [
        *on_design(results, grids.values()),
        *on_values(subjects, lacking),
        *on_estimates(joined["contrasts"], seeds=len(results.seeds)),
    ]
    lost = max((plan.contrasts.lost for plan in plans.values()), default=0)
    if lost:
        notes.append(f"Up to {lost} contrasts of a measure compare levels that never met the same others: left out.")
    if below:
        notes.append(f"Components of variance estimated below 0 and set to 0: {len(below)}, as {below[0]}.")
    return Effects(notes=tuple(notes), **joined)


def _estimated(it: Subject, plan: _Plan) -> dict[str, pd.DataFrame]:
    """Contrasts, coded parameters and cells: paired by seed."""
    of_contrasts = estimate_all(it.data, plan.contrasts.weights)
    smallest = detectable(of_contrasts.error, of_contrasts.freedom)
    coded = plan.coded.table.rename(columns={"contrast": "level"})
    cells = _interval(estimate_all(it.data, np.eye(len(it.data.conditions))))
    return {
        "contrasts": plan.contrasts.table.assign(**_interval(of_contrasts)).assign(
            seeds=of_contrasts.seeds, primary=it.primary, detectable=smallest
        ),
        "coded": coded.assign(**_interval(estimate_all(it.data, plan.coded.weights))),
        "cells": pd.DataFrame({"condition": it.data.conditions, "mean": cells.pop("effect"), **cells}).assign(
            seeds=np.isfinite(it.data.values).sum(1)
        ),
    }


def _interval(estimates: Estimates) -> dict[str, Float64]:
    return {"effect": estimates.effect, "low": estimates.low, "high": estimates.high, "p": estimates.p}


def _ranked(it: Subject, plan: _Plan) -> dict[str, pd.DataFrame]:
    """P(A > B) and ranks of the levels of every factor."""
    pairs, ranks = [], []
    for name, weights in plan.levels.items():
        of_pairs, of_levels = compared(it.data, weights, it.grid.levels[name][: len(weights)])
        pairs.append(of_pairs.assign(factor=name))
        ranks.append(of_levels.assign(factor=name))
    return {"pairs": _joined(pairs, COLUMNS["pairs"][3:]), "ranks": _joined(ranks, COLUMNS["ranks"][3:])}


def _taus(subjects: Sequence[Subject], plans: Mapping[int, _Plan]) -> list[pd.DataFrame]:
    """Kendall's tau between measures, class by class: over conditions, and over the levels of each factor."""
    tables = []
    for name in dict.fromkeys(it.data.name for it in subjects):
        own = [it for it in subjects if it.data.name == name]
        of_conditions = {it.key: _mean(better_up(it.data.values, it.data.measure)) for it in own}
        tables.append(tau_of(of_conditions).assign(factor="condition", **{"class": name}))
        for factor, levels in _most_levels(own).items():
            of_levels = {}
            for it in own:
                weights = plans[id(it.grid)].levels.get(factor, np.zeros((0, 0)))
                if it.grid.levels.get(factor) == levels and len(weights):
                    of_levels[it.key] = _mean(better_up(by_seed(it.data.values, weights), it.data.measure))
            tables.append(tau_of(of_levels).assign(factor=factor, **{"class": name}))
    return tables


def _most_levels(subjects: Sequence[Subject]) -> dict[str, tuple[str, ...]]:
    """The factors with three levels or more, with the most levels that any measure has."""
    most: dict[str, tuple[str, ...]] = {}
    for it in subjects:
        for name, levels in it.grid.levels.items():
            if len(levels) >= max(_FEWEST_RANKED, len(most.get(name, ())) + 1):
                most[name] = levels
    return most


def _mean(values: Float64) -> Float64:
    """Mean over seeds, those that are NaN left out, [.]."""
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(1), known.sum(1))


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """All rows of the tables, in the order of `columns`; those alone, where there are no rows."""
    there = [table for table in tables if len(table)]
    if not there:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(there, ignore_index=True).reindex(columns=list(columns))


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """With p after Holm's correction within each family; see the module."""
    names = (table["split"] + "/" + table["measure"]).tolist()
    family = ["primary" if own else name for own, name in zip(table["primary"], names, strict=True)]
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64), family))


assert set(COLUMNS) == {it.name for it in fields(Effects)} - {"notes"}
