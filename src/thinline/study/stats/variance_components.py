"""Where the variance of a measure comes from: factors, interactions, seeds, sheets, and the rest.

Method
------
Analysis of variance of a complete grid of `A` conditions by `S` seeds, seeds as blocks. With V the mean square of an
effect's coded parameters over the conditions, d its degrees of freedom, MS_r the mean square of condition by seed (the
rest) and MS_s that of seeds,

    effect      V - d MS_r / (A S)           what the factor moves: the variance of the true means it makes
    seed        (MS_s - MS_r) / A            what all conditions of a seed share
    rest        MS_r                         what a condition of a seed has by itself

which are the estimators by expected mean squares [1], those of the effects as for fixed levels [2]. Interactions of
three factors and more are one component, `higher orders`.

`sheet` is the variance that the value of a cell has because it was scored on `N` sheets and not on all there could be:
a jackknife over the sheets of a seed. The conditions share their sheets, so that part of it shows among the seeds (its
covariance between conditions) and part in the rest; both are taken out there. Where the seeds share their sheets too,
the covariances between seeds are taken out in the same way, from what they swell. A measure without values of single
sheets has no `sheet`, it stays in seed and rest.

Estimates below 0 are set to 0, and so are those below a 10^-12 part of the sum of all. Shares are of the sum of the
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
class _Noise:
    """Covariance of the values of two cells through their sheets: of a cell with itself, with another condition of its
    seed, with its condition in another seed, with neither in common."""

    itself: float
    of_seed: float
    of_condition: float
    of_none: float


def components_of(data: Samples, grid: Grid) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The components, and the names of those whose estimate was below 0.

    Seeds that lack a cell of the grid are left out. Empty where the grid is not complete, where nothing is varied or
    fewer than two seeds are left.
    """
    places = np.array(sorted(np.flatnonzero(grid.inside), key=lambda place: tuple(grid.codes[place])))
    values = data.values[places]
    known = np.isfinite(values).all(0)
    values = values[:, known]
    if grid.resolution is not None or len(places) < 2 or known.sum() < 2:
        return pd.DataFrame(columns=list(COLUMNS)), ()
    a, s = values.shape
    of_condition, of_seed = values.mean(1), values.mean(0)
    rest = values - of_condition[:, None] - of_seed + values.mean()
    ms_rest = float((rest**2).sum()) / ((a - 1) * (s - 1))
    ms_seed = a * float(of_seed.var(ddof=1))
    noise = _noise(data.parts[places][:, known], data.whole[places][:, known], crossed=data.crossed)
    swollen = ms_rest / s + noise.of_condition - noise.of_none
    found = _effects(of_condition, grid, swollen)
    found["seed"] = (ms_seed - ms_rest) / a - (noise.of_seed - noise.of_none)
    if data.parts.shape[-1] > 1:
        found["sheet"] = noise.itself
    found["residual"] = ms_rest - (noise.itself - noise.of_seed - noise.of_condition + noise.of_none)
    least = ROUNDING * sum(map(abs, found.values()))
    found = {name: value if abs(value) > least else 0.0 for name, value in found.items()}
    kept = np.maximum(list(found.values()), 0.0)
    table = pd.DataFrame({"component": list(found), "variance": kept, "share": ratio(kept, np.asarray(kept.sum()))})
    return table, tuple(name for name, value in found.items() if value < 0)


def _effects(means: Float64, grid: Grid, swollen: float) -> dict[str, float]:
    """Component of each effect, from the mean of each condition, ordered by the levels of the factors; `swollen` is
    what the variance of such a mean has from elsewhere."""
    shape = [len(levels) for levels in grid.levels.values()]
    table = means.reshape(shape)
    found: dict[str, float] = {}
    for term in terms(grid.names, len(grid.names)):
        effect, freedom = table, 1
        for axis, name in enumerate(grid.names):
            mean = effect.mean(axis, keepdims=True)
            effect = effect - mean if name in term else mean
            freedom *= shape[axis] - 1 if name in term else 1
        name = ":".join(term) if len(term) < 3 else HIGHER
        found[name] = found.get(name, 0.0) + float((effect**2).mean()) - freedom * swollen / prod(shape)
    return found


def _noise(parts: Float64, whole: Float64, *, crossed: bool) -> _Noise:
    """Covariances of the values of cells [A,S] through the sheets they were scored on; see the class."""
    if parts.shape[-1] < 2:
        return _Noise(0.0, 0.0, 0.0, 0.0)
    a, s = parts.shape[:2]
    without = without_each_sheet(parts, whole)
    scored = np.asarray((whole > 0).any(0))
    itself = float(jackknife(without, scored).mean())
    over_seed = float(jackknife(without.mean(0), scored).mean())
    of_seed = (a * over_seed - itself) / (a - 1)
    if not crossed:
        return _Noise(itself, of_seed, 0.0, 0.0)
    everywhere = np.asarray(scored.all(0))
    over_condition = float(jackknife(without.mean(1), everywhere).mean())
    over_all = float(jackknife(without.mean((0, 1)), everywhere))
    of_condition = (s * over_condition - itself) / (s - 1)
    of_none = (a * s * over_all - itself - (a - 1) * of_seed - (s - 1) * of_condition) / ((a - 1) * (s - 1))
    return _Noise(itself, of_seed, of_condition, of_none)
