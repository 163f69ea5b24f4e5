"""Effects of a study: main effects, interactions, ranks and components of variance of every measure, with intervals.

All estimates are of the conditions of the grid, with the cells of one seed paired (common random numbers). contrasts.py
defines the contrasts, estimates.py their intervals. Tidy tables, one estimate a row:

    contrasts   split measure class order term contrast effect low high p p_holm seeds primary detectable
    coded       split measure class order term level effect low high p             effect-coded parameters
    cells       split measure class condition mean low high seeds                  all conditions, in the grid or not
    levels      split measure class factor level mean low high     of the grid; over the same combinations of the other
                                                                   factors for all levels of a factor
    pairs       split measure class factor level_a level_b p_better                both directions
    ranks       split measure class factor level rank low_rank high_rank
    tau         class factor measure_a measure_b tau             over all conditions (factor `condition`), and over the
                                                                 levels of each factor with three or more
    variance    split measure class component variance share

`measure` of tau is a key such as `iou` or `tuned/f1`; ranks.py explains pairs and ranks. `detectable` is the minimum
detectable effect: found with a probability of .8 at p < .05, before Holm's correction.

Holm's correction
-----------------
`p_holm` bounds the probability of one false rejection or more in a *family* of tests. The declared family is all
contrasts of one to three factors of all `primary` measures and classes together. Every other measure is a family by
itself, over its contrasts and classes; these p values are exploratory.
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
from thinline.study.stats.estimates import Estimates, by_seed, estimate_all, holm, minimum_detectable_effect
from thinline.study.stats.ranks import better_up, compared, tau_of
from thinline.study.stats.samples import ratio
from thinline.study.stats.series import Series, labelled, series_of
from thinline.study.stats.variance_components import components_of
from thinline.vocabulary import Float64

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(columns.split())
    for name, columns in {
        "contrasts": "split measure class order term contrast effect low high p p_holm seeds primary detectable",
        "coded": "split measure class order term level effect low high p",
        "cells": "split measure class condition mean low high seeds",
        "levels": "split measure class factor level mean low high",
        "pairs": "split measure class factor level_a level_b p_better",
        "ranks": "split measure class factor level rank low_rank high_rank",
        "tau": "class factor measure_a measure_b tau",
        "variance": "split measure class component variance share",
    }.items()
}
_FEWEST_RANKED: Final = 3
"""The fewest levels for a tau over levels: with two it only says whether their order is the same."""


@dataclass(frozen=True)
class Effects:
    """Tables of estimates; see the module. `notes` say what could not be estimated, and why."""

    contrasts: pd.DataFrame
    coded: pd.DataFrame
    cells: pd.DataFrame
    levels: pd.DataFrame
    pairs: pd.DataFrame
    ranks: pd.DataFrame
    tau: pd.DataFrame
    variance: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    """The weights of everything that is estimated of a grid."""

    contrasts: Contrasts
    coded: Contrasts
    levels: Mapping[str, Float64]

    @classmethod
    def of(cls, grid: Grid) -> _Plan:
        levels = {name: level_weights(grid, name) for name in grid.names}
        return cls(contrasts_of(grid), coded_of(grid), levels)


def effects(results: Results) -> Effects:
    """All estimates of a study.

    Raises no error for a study with one seed, one level or constant measures: estimates that it does not allow are
    missing from the tables, and a note says why.
    """
    every, lacking = series_of(results)
    grids = {id(series.grid): series.grid for series in every}
    plans = {key: _Plan.of(grid) for key, grid in grids.items()}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    below: list[str] = []
    for series in every:
        plan = plans[id(series.grid)]
        tables = _estimated(series, plan) | {"levels": level_means(results, series, plan.levels)}
        if len(results.seeds) > 1:
            tables |= _ranked(series, plan)
            if not series.constant:
                tables["variance"], negative = components_of(series.data, series.grid)
                below += [f"{component} of {series.name}" for component in negative]
        for name, table in tables.items():
            parts[name].append(labelled(table, series))
    parts["tau"] = _taus(every, plans)
    joined = {name: _joined(parts[name], columns) for name, columns in COLUMNS.items()}
    joined["contrasts"] = _corrected(joined["contrasts"])
    notes = [
        *on_design(results, grids.values()),
        *on_values(every, lacking),
        *on_estimates(joined["contrasts"], seeds=len(results.seeds)),
    ]
    lost = max((plan.contrasts.lost for plan in plans.values()), default=0)
    if lost:
        notes.append(
            f"Up to {lost} contrasts of a measure compare levels that never occur with the same levels of the other "
            "factors: left out."
        )
    if below:
        notes.append(f"Components of variance estimated below 0 and set to 0: {len(below)}, as {below[0]}.")
    return Effects(notes=tuple(notes), **joined)


def _estimated(series: Series, plan: _Plan) -> dict[str, pd.DataFrame]:
    """Contrasts, coded parameters and cells."""
    data = series.data
    contrasts = estimate_all(data, plan.contrasts.weights)
    coded = plan.coded.table.rename(columns={"contrast": "level"})
    cells = _interval(estimate_all(data, np.eye(len(data.conditions))))
    return {
        "contrasts": plan.contrasts.table.assign(
            **_interval(contrasts),
            seeds=contrasts.seeds,
            primary=series.primary,
            detectable=minimum_detectable_effect(contrasts.error, contrasts.freedom),
        ),
        "coded": coded.assign(**_interval(estimate_all(data, plan.coded.weights))),
        "cells": pd.DataFrame({"condition": data.conditions, "mean": cells.pop("effect"), **cells}).assign(
            seeds=np.isfinite(data.values).sum(1)
        ),
    }


def level_means(results: Results, series: Series, weights: Mapping[str, Float64]) -> pd.DataFrame:
    """The marginal mean of every level of the factors that the study varies, by the `weights` [L,A] of each factor.

    A factor of which only one level has the measure has the mean of the grid at this level.
    """
    grid, tables = series.grid, []
    for name in (name for name, levels in results.factors.items() if len(levels) > 1):
        levels, own = grid.levels.get(name, ()), weights.get(name)
        if own is None:
            levels = tuple(map(str, results.conditions[name][grid.inside].dropna().unique()))
            own = np.repeat((grid.inside / grid.inside.sum())[None], len(levels), axis=0)
        means = _interval(estimate_all(series.data, own))
        named = {"factor": name, "level": list(levels[: len(own)]), "mean": means["effect"]}
        tables.append(pd.DataFrame(named | {end: means[end] for end in ("low", "high")}))
    return _joined(tables, COLUMNS["levels"][3:])


def _interval(estimates: Estimates) -> dict[str, Float64]:
    return {"effect": estimates.effect, "low": estimates.low, "high": estimates.high, "p": estimates.p}


def _ranked(series: Series, plan: _Plan) -> dict[str, pd.DataFrame]:
    """P(A > B) and ranks of the levels of every factor."""
    pairs, ranks = [], []
    for name, weights in plan.levels.items():
        of_pairs, of_levels = compared(series.data, weights, series.grid.levels[name][: len(weights)])
        pairs.append(of_pairs.assign(factor=name))
        ranks.append(of_levels.assign(factor=name))
    return {"pairs": _joined(pairs, COLUMNS["pairs"][3:]), "ranks": _joined(ranks, COLUMNS["ranks"][3:])}


def _taus(every: Sequence[Series], plans: Mapping[int, _Plan]) -> list[pd.DataFrame]:
    """Kendall's tau between measures, class by class: over conditions, and over the levels of each factor."""
    tables = []
    for name in dict.fromkeys(series.data.name for series in every):
        own = [series for series in every if series.data.name == name]
        means = {series.key: _mean(better_up(series.data.values, series.data.measure)) for series in own}
        tables.append(tau_of(means).assign(factor="condition", **{"class": name}))
        for factor, levels in _most_levels(own).items():
            of_levels = {}
            for series in own:
                weights = plans[id(series.grid)].levels.get(factor, np.zeros((0, 0)))
                if series.grid.levels.get(factor) == levels and len(weights):
                    values = by_seed(series.data.values, weights)
                    of_levels[series.key] = _mean(better_up(values, series.data.measure))
            tables.append(tau_of(of_levels).assign(factor=factor, **{"class": name}))
    return tables


def _most_levels(every: Sequence[Series]) -> dict[str, tuple[str, ...]]:
    """The factors with three levels or more, each with the most levels that any measure has."""
    most: dict[str, tuple[str, ...]] = {}
    for series in every:
        for name, levels in series.grid.levels.items():
            if len(levels) >= max(_FEWEST_RANKED, len(most.get(name, ())) + 1):
                most[name] = levels
    return most


def _mean(values: Float64) -> Float64:
    """Mean over seeds [.] without NaN."""
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(1), known.sum(1))


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """All rows of the tables, with `columns`."""
    filled = [table for table in tables if len(table)]
    if not filled:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(filled, ignore_index=True).reindex(columns=list(columns))


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with `p_holm`; see the module."""
    names = (table["split"] + "/" + table["measure"]).tolist()
    family = ["primary" if primary else name for primary, name in zip(table["primary"], names, strict=True)]
    return table.assign(p_holm=holm(table["p"].to_numpy(np.float64), family))


assert set(COLUMNS) == {table.name for table in fields(Effects)} - {"notes"}
