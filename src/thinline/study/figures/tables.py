"""What the figures show, as small tables: means of conditions and of levels, and which of many are shown.

Conventions
-----------
A table of means is indexed by condition or level and has `mean`, `low`, `high`: the value of the whole split, mean
over seeds, and its interval (estimates.py), NaN with one seed. `cells` is the table of that name of the effects; a
measure or split that it does not have is estimated from the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.claims.usable import most_curves_first
from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.figures.style import NotDrawn, words
from thinline.study.stats.estimates import LEVEL, estimate, mean_of
from thinline.study.stats.samples import AXES, LOWER_IS_BETTER, Samples, of_split, samples
from thinline.vocabulary import Float64

MEANS: Final = ("mean", "low", "high")
_DECIMALS: Final = 12
"""To which means are compared, so that equal ones keep their order."""


def data_of(results: Results, measure: str, name: str, *, split: str = "test") -> Samples:
    """The samples of a measure and class. Raises `NotDrawn` where no run has it."""
    try:
        return samples(results, measure, name, split=split)
    except StudyError:
        raise NotDrawn(f"no run of this study has {split}/{measure} of {words(name)}") from None


def has_values(results: Results, measure: str, name: str, *, split: str = "test") -> bool:
    """Whether any run has a value of the measure of that class; a binary head has "curve", and no traces."""
    rows = results.rows
    own = (rows["split"] == split) & (rows["measure"] == measure) & (rows["class"] == name)
    return bool(rows.loc[own, "value"].notna().any())


def grid_of_curve(results: Results, name: str) -> pd.DataFrame:
    """The conditions of `results`; in the grid are only those whose head tells the curve `name` from others."""
    rows, conditions = results.rows, results.conditions
    runs = rows.loc[(rows["split"] == "test") & (rows["class"] == name), "run"].unique()
    there = results.cells.loc[results.cells["run"].isin(runs), "condition"].unique()
    return conditions.assign(grid=conditions["grid"] & conditions.index.isin(there))


def some_untold(results: Results) -> bool:
    """Whether a condition of the grid does not tell one of the curves."""
    return any(not grid_of_curve(results, name)["grid"].equals(results.conditions["grid"]) for name in results.classes)


def no_means(results: Results) -> pd.DataFrame:
    """The means of a measure that no condition has."""
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
    data = data_of(results, measure, name, split=split)
    return means(data, {str(label): row for label, row in zip(conditions, np.eye(len(conditions)), strict=True)})


def whole_split_means(results: Results, measure: str, name: str) -> pd.DataFrame:
    """Means by condition of what the whole test split has, for counts and rates that sheets do not add up to."""
    conditions = results.conditions.index
    try:
        data = of_split(results, measure, name)
    except StudyError:
        raise NotDrawn(f"no run of this study has test/{measure} of {words(name)}") from None
    return means(data, {str(label): row for label, row in zip(conditions, np.eye(len(conditions)), strict=True)})


def level_means(
    conditions: pd.DataFrame,
    data: Samples,
    factor: str,
    *,
    where: Mapping[str, str] | None = None,
    grid: bool | None = True,
) -> pd.DataFrame:
    """Means by level of `factor` over the `conditions` of the results that have the levels `where`.

    `grid` as for `mean_of`. Levels without such conditions are left out.
    """
    weights = {}
    for level in conditions[factor].dropna().unique():
        try:
            weights[str(level)] = mean_of(conditions, {**(where or {}), factor: level}, grid=grid)
        except StudyError:
            continue
    return means(data, weights)


def means(data: Samples, weights: Mapping[str, Float64]) -> pd.DataFrame:
    """The mean of `data` by name, for weights over conditions by name."""
    rows = {}
    for name, weight in weights.items():
        it = estimate(data, weight)
        rows[name] = (it.effect, it.low, it.high)
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(MEANS), dtype=np.float64)


def narrowed(results: Results, measures: Sequence[str]) -> Results:
    """`results` to be read quickly: of single sheets only what `measures` need, and names as categories."""
    kept = {*measures, "recall", "area_ratio"}
    sheets = results.sheets
    sheets = sheets[sheets["measure"].isin(kept) & (sheets["split"] == "test")]
    names = dict.fromkeys(("split", "measure", "class"), "category")
    return replace(results, sheets=sheets.astype(names), rows=results.rows.astype(names))


def varied(results: Results) -> dict[str, tuple[str, ...]]:
    """The factors of which the grid has two levels or more, with those levels."""
    grid = results.conditions[results.conditions["grid"]]
    found = {name: tuple(it for it in levels if it in set(grid[name])) for name, levels in results.factors.items()}
    return {name: levels for name, levels in found.items() if len(levels) > 1}


def short_labels(results: Results) -> dict[str, str]:
    """The label of each condition without the factors that have one level in all of them."""
    conditions = results.conditions
    names = [name for name in results.factors if conditions[name].nunique(dropna=False) > 1]
    rows = conditions[names].to_dict("index")
    return {
        str(label): "/".join(str(it) for it in row.values() if isinstance(it, str)) or str(label)
        for label, row in rows.items()
    }


def ends_of(ordered: Sequence[str], most: int) -> tuple[list[str], str]:
    """All of `ordered`, or where they are more than `most` its first and last halves; and a text that says so."""
    if len(ordered) <= most:
        return list(ordered), ""
    half = most // 2
    return [*ordered[:half], *ordered[-half:]], f"Shown: the first {half} and the last {half} of {len(ordered)}. "


def overall(results: Results, cells: pd.DataFrame, measure: str = "iou") -> pd.Series:
    """The mean over curves of a measure, by condition: those that tell most curves first, and of these the best.

    What a head scores that need not tell curves apart does not compare with what one does that must.
    """
    table = pd.concat([condition_means(results, cells, measure, name)["mean"] for name in results.classes], axis=1)
    means = table.mean(axis=1).round(_DECIMALS)
    best = means.sort_values(ascending=measure in LOWER_IS_BETTER, kind="stable")
    return most_curves_first(best, table)


def order_note(results: Results) -> str:
    """How `overall` orders the conditions of `results`."""
    return "sorted by IoU" + (", those that tell fewer curves last" if some_untold(results) else "")


def measured_axes(results: Results) -> list[str]:
    """The axes on which the study has values on the test split."""
    there = set(results.rows.loc[results.rows["split"] == "test", "measure"])
    return [name for name in AXES if name in there]


def intervals_note(results: Results, shown_as: str = "Lines") -> str:
    """What the intervals of a figure are."""
    seeds = len(results.seeds)
    if seeds < 2:
        return "One seed: no intervals."
    return f"{shown_as}: {LEVEL * 100:g} % intervals over {seeds} seeds."


def some(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """`table`, which must have rows. Raises `NotDrawn`."""
    if table.empty:
        raise NotDrawn(f"the study has no {what}")
    return table
