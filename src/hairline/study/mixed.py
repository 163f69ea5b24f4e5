"""A mixed model as second opinion on main effects: all seeds at once, cells missing or not.

Method
------
The values of the grid's cells are effect-coded factors with all two-way interactions, fixed, plus an intercept of the
seed and noise of the cell, both normal; fitted by restricted maximum likelihood (statsmodels MixedLM). A main effect is
a difference of two coded levels, with Wald's interval and p from the normal distribution.

In a complete grid its effects are those of `contrasts.py`, to rounding. Its intervals differ: they pool the noise of
all cells, which makes them narrower where it is the same in all and wrong where it is not. Where cells are missing, in
some seeds or all, it compares levels under the assumption that interactions of three factors are 0. Where what is there
does not determine the two-way interactions, they are left out; where it does not determine the main effects either,
there is no fit.

References
----------
Laird and Ware, "Random-effects models for longitudinal data", Biometrics 38 (1982).
"""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM  # type: ignore[import-untyped]
from statsmodels.tools.sm_exceptions import ConvergenceWarning  # type: ignore[import-untyped]

from hairline.study.contrasts import Grid, terms
from hairline.study.estimates import LEVEL
from hairline.study.paired import ROUNDING, size_of
from hairline.vocabulary import Float64, Int64

COLUMNS: Final = ("term", "contrast", "effect", "low", "high", "p", "converged")
_ORDERS: Final = (2, 1)


def mixed_of(values: Float64, grid: Grid, *, level: float = LEVEL) -> pd.DataFrame:
    """Main effects of the `values [A,S]` of cells; cells that are NaN are left out.

    `converged` is False where the optimiser or the variance of seeds (at its bound of 0) was complained about; a model
    that cannot be fitted at all has NaN. Empty with fewer than two seeds, without factors, and where nothing varies.
    """
    there = np.isfinite(values) & grid.inside[:, None]
    rows, seeds = np.nonzero(there)
    told = values[there]
    empty = pd.DataFrame(columns=list(COLUMNS))
    if len(np.unique(seeds)) < 2 or not grid.names or np.ptp(told) <= ROUNDING * size_of(told):
        return empty
    for most in _ORDERS:
        design, places = _design(grid, most)
        if np.linalg.matrix_rank(design[rows]) == design.shape[1] < len(rows):
            scale = float(told.std())
            fitted = _fit((told - told.mean()) / scale, design[rows], seeds)
            return _main_effects(grid, places, fitted, scale=scale, level=level)
    return empty


def _design(grid: Grid, most: int) -> tuple[Float64, dict[str, slice]]:
    """The coded columns of an intercept and all terms up to `most` factors, [A,p], and where the main effects are."""
    coded = {}
    for name in grid.names:
        has = grid.has(name).astype(np.float64)
        coded[name] = (has[:-1] - has[-1]).T
    columns, places, width = [np.ones((len(grid.codes), 1))], {}, 1
    for term in terms(grid.names, most):
        block = coded[term[0]]
        for name in term[1:]:
            block = (block[:, :, None] * coded[name][:, None]).reshape(len(block), -1)
        if len(term) == 1:
            places[term[0]] = slice(width, width + block.shape[1])
        width += block.shape[1]
        columns.append(block)
    return np.hstack(columns), places


def _fit(values: Float64, design: Float64, seeds: Int64) -> tuple[Float64, Float64, bool]:
    """(parameters, their covariance, converged); NaN where the model cannot be fitted."""
    width = design.shape[1]
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        try:
            found = MixedLM(values, design, groups=seeds).fit(reml=True)
            parameters, covariance = np.asarray(found.fe_params), np.asarray(found.cov_params())[:width, :width]
            converged = bool(found.converged)
        except (np.linalg.LinAlgError, ValueError):
            return np.full(width, np.nan), np.full((width, width), np.nan), False
    return (
        parameters,
        covariance,
        converged and not any(issubclass(it.category, ConvergenceWarning) for it in complaints),
    )


def _main_effects(
    grid: Grid, places: dict[str, slice], fitted: tuple[Float64, Float64, bool], *, scale: float, level: float
) -> pd.DataFrame:
    """Differences of all pairs of levels of each factor, the later less the earlier."""
    parameters, covariance, converged = fitted
    wide = float(stats.norm.ppf(0.5 + level / 2))
    rows = []
    for name, levels in grid.levels.items():
        coding = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
        for early, late in combinations(range(len(levels)), 2):
            apart = np.zeros(len(parameters))
            apart[places[name]] = coding[late] - coding[early]
            effect = scale * float(apart @ parameters)
            error = scale * float(np.sqrt(apart @ covariance @ apart))
            p = 2 * float(stats.norm.sf(abs(effect) / error)) if error > 0 else np.nan
            told = f"{levels[late]} - {levels[early]}"
            rows.append((name, told, effect, effect - wide * error, effect + wide * error, p, converged))
    return pd.DataFrame(rows, columns=list(COLUMNS))
