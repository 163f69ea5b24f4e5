"""Notes on what a study cannot estimate, and why: few seeds or levels, an incomplete grid, cells without values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.stats.contrasts import MOST_FACTORS, Grid, grid_of
from thinline.study.stats.series import Series

_NAMED: Final = 4
"""The most cells or measures that a note names."""


def on_design(results: Results, grids: Iterable[Grid]) -> Iterator[str]:
    """What the design cannot estimate, whatever the measure."""
    if len(results.seeds) < 2:
        yield (
            "There is one seed: effects have no interval and no p, and there is no ranking and no component of "
            "variance. Its sheets alone would say how well this one training was measured."
        )
    full = grid_of(results)
    inside = results.conditions[results.conditions["grid"]]
    for name in results.study.factors:
        if name not in full.levels:
            level = ", ".join(map(str, inside[name].dropna().unique())) or "none"
            yield f"{name} has one level in the grid ({level}), so it has no effect that could be estimated."
    beside = [name for name in results.factors if name not in results.study.factors]
    if beside:
        yield f"{listed(beside)} varies outside of the grid alone: compare its conditions with others one by one."
    if full.resolution is not None:
        yield _incomplete(full)
    elif any(grid.resolution is not None for grid in grids):
        yield (
            "Some measures have no value in whole conditions, so their grid is not complete: their contrasts are taken "
            "over the combinations that all compared levels have, without coded parameters and components of variance."
        )


def _incomplete(grid: Grid) -> str:
    possible = prod(len(levels) for levels in grid.levels.values())
    clear = [order for order in range(1, MOST_FACTORS + 1) if grid.clear(order)]
    kept = (
        f"contrasts of up to {max(clear)} factor{'s' * (max(clear) > 1)} are estimated as in the full product, with "
        "interactions of more factors in them; others are"
        if clear
        else "contrasts are"
    )
    return (
        f"The grid has {int(grid.inside.sum())} of the {possible} conditions of the full product: {kept} taken over "
        "the combinations that all compared levels have, or left out. There are no coded parameters and no components "
        "of variance."
    )


def on_estimates(contrasts: pd.DataFrame, *, seeds: int) -> Iterator[str]:
    """Contrasts without an interval in a study of several `seeds`."""
    few = int((contrasts["seeds"] < 2).sum())
    if few and seeds > 1:
        yield f"{few} of {len(contrasts)} contrasts have all cells in fewer than two seeds: they have no interval."


def on_values(series: Sequence[Series], lacking: Sequence[str]) -> Iterator[str]:
    """Primary measures that are `lacking`, measures without single sheets, constant measures, cells without a value."""
    if lacking:
        yield f"No run of the grid has a value of {listed(lacking)}, primary measures of the study."
    without_sheets = [each.key for each in series if each.data.parts.shape[-1] == 1 < len(each.data.seeds)]
    if without_sheets:
        names = listed(list(dict.fromkeys(without_sheets)))
        yield f"No values of single sheets of {names}: their noise is in the components seed and residual."
    constant = [each.name for each in series if each.constant]
    if constant:
        yield f"The same value in all cells of the grid: {listed(constant)}. No effect and no ranking."
    yield from _on_conditions(series)
    for each in series:
        unknown = np.asarray(~np.isfinite(each.data.values))
        a, s = np.nonzero(unknown & ~unknown.all(1, keepdims=True))
        if len(a):
            names = listed([f"{each.data.conditions[i]}/s{each.data.seeds[j]}" for i, j in zip(a, s, strict=True)])
            yield f"{each.name} has no value in {names}; contrasts that use such a cell are without its seed."


def _on_conditions(series: Sequence[Series]) -> Iterator[str]:
    """Conditions without any value of a measure, in one note for all measures of a class that lack the same ones."""
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for each in series:
        empty = ~np.isfinite(each.data.values).any(1)
        if empty.any():
            conditions = tuple(each.data.conditions[condition] for condition in np.flatnonzero(empty))
            lacking.setdefault((each.data.name, conditions), []).append(each.name)
    for (curve, conditions), measures in lacking.items():
        every = len(measures) > 1 and len(measures) == sum(each.data.name == curve for each in series)
        subject = f"{curve} in any measure" if every else listed(measures)
        yield f"No value of {subject} in any seed of {listed(conditions)}, left out of its grid."


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
