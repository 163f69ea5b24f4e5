"""Components of variance of a measure: factors, interactions, seeds, sheets, residual.

Method
------
Analysis of variance of a complete grid of `A` conditions by `S` seeds, seeds as blocks. V is the mean square of the
coded parameters (contrasts.py) of an effect over the conditions, d its degrees of freedom, MS_r the mean square of
condition by seed (the residual) and MS_s that of seeds:

    effect      V - d MS_r / (A S)           variance of the true means that the factor causes
    seed        (MS_s - MS_r) / A            what all conditions of a seed share
    residual    MS_r                         what a single cell does not share with its condition or its seed

These are the estimators by expected mean squares [1], those of the effects for fixed levels [2]. Interactions of three
and more factors are one component, `higher orders`.

`sheet` is the variance of the value of a cell due to its `N` test sheets: a jackknife over the sheets of a seed [3].
The conditions of a seed share their sheets, so the variance due to sheets also raises the component of seeds (by the
covariance of two conditions of one seed) and the residual (by the rest); both amounts are subtracted. If all seeds
share their sheets too, two cells of different seeds are correlated as well; these covariances are estimated in the same
way and taken into account in all components. A measure without values of single sheets has no component `sheet`; the
variance due to sheets then stays in seed and residual.

Estimates below 0, or below 10^-12 of the sum of all absolute values, are set to 0. Shares are of the sum of the
components.

References
----------
[1] Searle, Casella and McCulloch, "Variance Components", Wiley 1992, chapter 4.
[2] Vaughan and Corballis, "Beyond tests of significance: estimating strength of effects in selected ANOVA designs",
    Psychological Bulletin 72 (1969).
[3] Efron and Stein, "The jackknife estimate of variance", Annals of Statistics 9 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
import pandas as pd

from thinline.study.stats.contrasts import Grid, terms
from thinline.study.stats.estimates import ROUNDING
from thinline.study.stats.samples import Samples, jackknife, ratio, without_each_sheet
from thinline.vocabulary import Float64

COLUMNS: Final = ("component", "variance", "share")
HIGHER: Final = "higher orders"


@dataclass(frozen=True)
class _Covariances:
    """Covariance of the values of two cells through their sheets: of one cell, of two conditions of one seed, of two
    seeds of one condition, of cells with neither in common."""

    own: float = 0.0
    of_seed: float = 0.0
    of_condition: float = 0.0
    of_none: float = 0.0


def components_of(data: Samples, grid: Grid) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The components, and the names of those estimated below 0.

    Seeds that lack a cell of the grid are left out. Empty if the grid is not complete, has one condition, or fewer than
    two seeds remain.
    """
    inside = np.array(sorted(np.flatnonzero(grid.inside), key=lambda condition: tuple(grid.codes[condition])))
    values = data.values[inside]
    known = np.isfinite(values).all(0)
    values = values[:, known]
    if grid.resolution is not None or len(inside) < 2 or known.sum() < 2:
        return pd.DataFrame(columns=list(COLUMNS)), ()
    a, s = values.shape
    of_condition, of_seed = values.mean(1), values.mean(0)
    rest = values - of_condition[:, None] - of_seed + values.mean()
    ms_rest = float((rest**2).sum()) / ((a - 1) * (s - 1))
    ms_seed = a * float(of_seed.var(ddof=1))
    sheets = _of_sheets(data.parts[inside][:, known], data.whole[inside][:, known], crossed=data.crossed)
    variances = _of_factors(of_condition, grid, ms_rest / s + sheets.of_condition - sheets.of_none)
    variances["seed"] = (ms_seed - ms_rest) / a - (sheets.of_seed - sheets.of_none)
    if data.parts.shape[-1] > 1:
        variances["sheet"] = sheets.own
    variances["residual"] = ms_rest - (sheets.own - sheets.of_seed - sheets.of_condition + sheets.of_none)
    least = ROUNDING * sum(map(abs, variances.values()))
    variances = {name: value if abs(value) > least else 0.0 for name, value in variances.items()}
    kept = np.maximum(list(variances.values()), 0.0)
    table = pd.DataFrame({"component": list(variances), "variance": kept, "share": ratio(kept, np.asarray(kept.sum()))})
    return table, tuple(name for name, value in variances.items() if value < 0)


def _of_factors(means: Float64, grid: Grid, noise: float) -> dict[str, float]:
    """The component of each effect from the means [A] of the conditions, ordered by the levels of the factors; `noise`
    is the variance of such a mean from other sources."""
    shape = [len(levels) for levels in grid.levels.values()]
    table = means.reshape(shape)
    variances: dict[str, float] = {}
    for term in terms(grid.names, len(grid.names)):
        effect, freedom = table, 1
        for axis, name in enumerate(grid.names):
            mean = effect.mean(axis, keepdims=True)
            effect = effect - mean if name in term else mean
            freedom *= shape[axis] - 1 if name in term else 1
        name = ":".join(term) if len(term) < 3 else HIGHER
        variances[name] = variances.get(name, 0.0) + float((effect**2).mean()) - freedom * noise / prod(shape)
    return variances


def _of_sheets(parts: Float64, whole: Float64, *, crossed: bool) -> _Covariances:
    """Covariances of the values of cells [A,S] through the sheets they were scored on."""
    if parts.shape[-1] < 2:
        return _Covariances()
    a, s = parts.shape[:2]
    without = without_each_sheet(parts, whole)
    scored = np.asarray((whole > 0).any(0))
    own = float(jackknife(without, scored).mean())
    over_seed = float(jackknife(without.mean(0), scored).mean())
    of_seed = (a * over_seed - own) / (a - 1)
    if not crossed:
        return _Covariances(own, of_seed)
    everywhere = np.asarray(scored.all(0))
    over_condition = float(jackknife(without.mean(1), everywhere).mean())
    over_all = float(jackknife(without.mean((0, 1)), everywhere))
    of_condition = (s * over_condition - own) / (s - 1)
    of_none = (a * s * over_all - own - (a - 1) * of_seed - (s - 1) * of_condition) / ((a - 1) * (s - 1))
    return _Covariances(own, of_seed, of_condition, of_none)
