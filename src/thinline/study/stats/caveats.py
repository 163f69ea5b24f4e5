"""What a study cannot say, and why, in sentences: too few seeds or levels, an incomplete grid, cells without value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.design.results import Results
from thinline.study.stats.contrasts import MOST_FACTORS, Grid, grid_of
from thinline.study.stats.series import Subject

_NAMED: Final = 4
"""How many cells or measures a note names."""


def on_design(results: Results, grids: Iterable[Grid]) -> Iterator[str]:
    """What cannot be estimated because of the design, whatever the measure."""
    if len(results.seeds) < 2:
        yield (
            "There is one seed: effects have no interval and no p, and there is no ranking and no component of "
            "variance. Its sheets alone would say how well this one training was measured."
        )
    full = grid_of(results)
    inside = results.conditions[results.conditions["grid"]]
    for name in results.study.factors:
        if name not in full.levels:
            told = ", ".join(map(str, inside[name].dropna().unique())) or "none"
            yield f"{name} has one level in the grid ({told}), so it has no effect that could be estimated."
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
    """Contrasts that are missing an interval in a study of several `seeds`."""
    few = int((contrasts["seeds"] < 2).sum())
    if few and seeds > 1:
        yield f"{few} of {len(contrasts)} contrasts have all cells in fewer than two seeds: they have no interval."


def on_values(subjects: Sequence[Subject], lacking: Sequence[str]) -> Iterator[str]:
    """Primary measures that are `lacking`, constant measures, cells without a value, measures without single sheets."""
    if lacking:
        yield f"No run of the grid has a value of {listed(lacking)}, which the study is judged by."
    plain = [it.key for it in subjects if it.data.parts.shape[-1] == 1 < len(it.data.seeds)]
    if plain:
        told = listed(list(dict.fromkeys(plain)))
        yield f"No values of single sheets of {told}: their noise is in the components seed and residual."
    constant = [it.told for it in subjects if it.constant]
    if constant:
        yield f"The same value in all cells of the grid: {listed(constant)}. No effect and no ranking."
    yield from _on_conditions(subjects)
    for it in subjects:
        unknown = np.asarray(~np.isfinite(it.data.values))
        a, s = np.nonzero(unknown & ~unknown.all(1, keepdims=True))
        if len(a):
            names = [f"{it.data.conditions[i]}/s{it.data.seeds[j]}" for i, j in zip(a, s, strict=True)]
            yield f"{it.told} has no value in {listed(names)}; contrasts that use such a cell are without its seed."


def _on_conditions(subjects: Sequence[Subject]) -> Iterator[str]:
    """Conditions without any value of a measure; measures of one class that lack the same ones are told as one."""
    lacking: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for it in subjects:
        whole = ~np.isfinite(it.data.values).any(1)
        if whole.any():
            names = tuple(it.data.conditions[place] for place in np.flatnonzero(whole))
            lacking.setdefault((it.data.name, names), []).append(it.told)
    for (of, names), measures in lacking.items():
        every = len(measures) > 1 and len(measures) == sum(it.data.name == of for it in subjects)
        told = f"{of} in any measure" if every else listed(measures)
        yield f"No value of {told} in any seed of {listed(names)}, left out of its grid."


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
