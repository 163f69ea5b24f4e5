"""The tables behind the figures: means of conditions and of levels, and the order and choice of what is drawn.

Conventions
-----------
A table of means is indexed by condition or level and has `mean`, `low`, `high`: the value of the whole split, mean
over seeds, and its interval (estimates.py), NaN with one seed. `cells` is the table of that name of the effects; a
measure or split that it does not have is estimated from the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from thinline.metrics.catalogue import less_is_better
from thinline.study.claims.usable import most_curves_first
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import NotDrawn, words
from thinline.study.stats.estimates import LEVEL, estimate, mean_of
from thinline.study.stats.samples import AXES, UNBRIDGED, Samples, of_split, samples
from thinline.vocabulary import Float64

MEANS: Final = ("mean", "low", "high")
_DECIMALS: Final = 12
"""Means are compared to so many digits, so that equal ones keep their order."""


def data_of(results: Results, measure: str, name: str, *, split: str = "test") -> Samples:
    """The samples of a measure and class. Raises `NotDrawn` where no run has it."""
    try:
        return samples(results, measure, name, split=split)
    except StudyError:
        raise NotDrawn(f"no run of this study has {split}/{measure} of {words(name)}") from None


def has_values(results: Results, measure: str, name: str, *, split: str = "test") -> bool:
    """Whether any run has a value of the measure for the class; a binary head has the class "curve", and no traces."""
    rows = results.rows
    own = (rows["split"] == split) & (rows["measure"] == measure) & (rows["class"] == name)
    return bool(rows.loc[own, "value"].notna().any())


def grid_of_curve(results: Results, name: str) -> pd.DataFrame:
    """The conditions of `results`, of which only those stay in the grid whose head predicts the curve `name`."""
    rows, conditions = results.rows, results.conditions
    runs = rows.loc[(rows["split"] == "test") & (rows["class"] == name), "run"].unique()
    there = results.cells.loc[results.cells["run"].isin(runs), "condition"].unique()
    return conditions.assign(grid=conditions["grid"] & conditions.index.isin(there))


def predicts_all(results: Results) -> bool:
    """Whether every condition of the grid predicts every curve."""
    return all(grid_of_curve(results, name)["grid"].equals(results.conditions["grid"]) for name in results.classes)


def no_means(results: Results) -> pd.DataFrame:
    """The means of a measure that no condition has: all NaN."""
    return pd.DataFrame(np.nan, index=results.conditions.index, columns=list(MEANS))


def condition_means(
    results: Results, cells: pd.DataFrame, measure: str, name: str, *, split: str = "test"
) -> pd.DataFrame:
    """Means of all conditions of `results`, in their order. Raises `NotDrawn` where no run has the measure."""
    conditions = results.conditions.index
    known = cells[(cells["split"] == split) & (cells["measure"] == measure) & (cells["class"] == name)]
    known = known.set_index("condition")
    if set(conditions) <= set(known.index):
        return known.loc[conditions, list(MEANS)].astype(np.float64)
    return _each_condition(data_of(results, measure, name, split=split))


def whole_split_means(results: Results, measure: str, name: str) -> pd.DataFrame:
    """Means by condition of the values of the whole test split, for metrics that are no sum over sheets."""
    try:
        return _each_condition(of_split(results, measure, name))
    except StudyError:
        raise NotDrawn(f"no run of this study has test/{measure} of {words(name)}") from None


def _each_condition(data: Samples) -> pd.DataFrame:
    return means(data, dict(zip(data.conditions, np.eye(len(data.conditions)), strict=True)))


def level_means(
    conditions: pd.DataFrame,
    data: Samples,
    factor: str,
    *,
    where: Mapping[str, str] | None = None,
    grid: bool | None = True,
) -> pd.DataFrame:
    """Means by level of `factor` over the `conditions` of the results that have the levels `where`.

    `grid` is that of `mean_of`. Levels without such conditions are left out.
    """
    weights = {}
    for level in conditions[factor].dropna().unique():
        try:
            weights[str(level)] = mean_of(conditions, {**(where or {}), factor: level}, grid=grid)
        except StudyError:
            continue
    return means(data, weights)


def means(data: Samples, weights: Mapping[str, Float64]) -> pd.DataFrame:
    """The mean of `data` with its interval under each of the `weights` over conditions."""
    estimates = {name: estimate(data, weight) for name, weight in weights.items()}
    rows = {name: (estimate.effect, estimate.low, estimate.high) for name, estimate in estimates.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(MEANS), dtype=np.float64)


def varied(results: Results) -> dict[str, tuple[str, ...]]:
    """The factors with two or more levels in the grid, and those levels."""
    grid = results.conditions[results.conditions["grid"]]
    levels_of = {
        name: tuple(level for level in levels if level in set(grid[name])) for name, levels in results.factors.items()
    }
    return {name: levels for name, levels in levels_of.items() if len(levels) > 1}


def short_labels(results: Results) -> dict[str, str]:
    """The label of each condition without the factors that never vary."""
    conditions = results.conditions
    names = [name for name in results.factors if conditions[name].nunique(dropna=False) > 1]
    rows = conditions[names].to_dict("index")
    return {
        str(label): "/".join(str(level) for level in row.values() if isinstance(level, str)) or str(label)
        for label, row in rows.items()
    }


def ends_of(ordered: Sequence[str], most: int) -> tuple[list[str], str]:
    """All of `ordered`, or its first and last `most / 2`, with a text that says so."""
    if len(ordered) <= most:
        return list(ordered), ""
    half = most // 2
    return [*ordered[:half], *ordered[-half:]], f"Shown: the first {half} and the last {half} of {len(ordered)}. "


def overall(results: Results, cells: pd.DataFrame, measure: str = "iou") -> pd.Series:
    """The mean over curves of a measure by condition: conditions that predict most curves first, then the best.

    Scores of a head that need not separate the curves cannot be compared with those of one that must.
    """
    table = pd.concat([condition_means(results, cells, measure, name)["mean"] for name in results.classes], axis=1)
    means = table.mean(axis=1).round(_DECIMALS)
    best = means.sort_values(ascending=less_is_better(measure), kind="stable")
    return most_curves_first(best, table)


def order_note(results: Results) -> str:
    """The order of `overall` in words."""
    return "sorted by IoU" + ("" if predicts_all(results) else ", those that predict fewer curves last")


def measured_axes(results: Results) -> list[str]:
    """The measures of `AXES` that the study has on the test split, but `UNBRIDGED`."""
    there = set(results.rows.loc[results.rows["split"] == "test", "measure"])
    return [name for name in AXES if name in there and name != UNBRIDGED]


def intervals_note(results: Results, shown_as: str = "Lines") -> str:
    """What the intervals of a figure are, in words."""
    seeds = len(results.seeds)
    if seeds < 2:
        return "One seed: no intervals."
    return f"{shown_as}: {LEVEL * 100:g} % intervals over {seeds} seeds."


def some(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """`table`, which must have rows. Raises `NotDrawn`."""
    if table.empty:
        raise NotDrawn(f"the study has no {what}")
    return table
