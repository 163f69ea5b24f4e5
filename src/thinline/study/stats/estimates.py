"""A contrast of conditions with its interval: paired by seed, from the values of the seeds. The only estimator here.

Conventions
-----------
`C` contrasts of `A` conditions over `S` seeds with `N` sheets. Effects, verdicts, figures, report and the README read
these functions and no others.

Method
------
Cells of one seed share initialisation, order of images and test sheets, so a contrast (a weighted sum over conditions)
is taken within each seed first, and the seeds' contrasts `d_1..d_S` are a sample of independent values. A cell without
a value takes its seed out of the contrasts that give it weight. Where every seed has test sheets of its own (`crossed`
false), the `d` carry the noise of seeds and of sheets, and the interval is Student's: mean +- t(S - 1) sd / sqrt(S).
Where all seeds share their sheets, the variance of the mean over sheets is added (a jackknife over sheets of the mean
over seeds), with Satterthwaite's degrees of freedom; the interaction of seed and sheet is in both and makes the
interval a little wide. With one seed there is no interval: `low`, `high`, `p` are NaN.

`chance_above` is the probability that the true contrast is above 0, given the data: the posterior under a flat prior
of the mean and of the logarithm of the standard deviation is Student's t of `mean / error` with the same degrees of
freedom [4]. With equal levels it is uniform, so it lies outside of .025 to .975 in 5 % of studies.

Rounding
--------
Contrasts, effects and ends of intervals are rounded to `ROUNDING` (a 10^-12 part) of the largest value of the samples,
and what is smaller is 0 without a sign: equal values do not differ. Sums run in a fixed order, condition by condition,
and never through a matrix product, whose order depends on the processor and the number of threads. So the same
results give the same bytes on every machine.

References
----------
[1] Field and Welsh, "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (2007): clusters carry the variance.
[2] Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2 (1946).
[3] Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021.
[4] Gelman et al., "Bayesian Data Analysis", 2013, section 3.2.
[5] Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
"""

from __future__ import annotations

import gc
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from thinline.study.design.results import Results
from thinline.study.design.study import StudyError
from thinline.study.stats.samples import Samples, jackknife, samples, without_each_sheet
from thinline.vocabulary import Bool, Float64, Int64

LEVEL: Final = 0.95
ROUNDING: Final = 1e-12
_DIGITS: Final = 12
"""Decimal digits of `ROUNDING`."""

_MOST_DECIMALS: Final = 300
"""10 to this power is still a finite float."""

_AT_ONCE: Final = 256
"""Contrasts whose values of single sheets are held at the same time."""


@dataclass(frozen=True)
class Estimates:
    """Arrays [C]: effect, ends of its interval, two-sided p against 0, standard error of the effect and its degrees of
    freedom, number of seeds; `per_seed` [C,S], NaN where a seed lacks a cell."""

    effect: Float64
    low: Float64
    high: Float64
    p: Float64
    error: Float64
    freedom: Float64
    seeds: Int64
    per_seed: Float64


@dataclass(frozen=True)
class Estimate:
    """One effect with its interval, two-sided p against 0, and the contrast of every seed that has it."""

    effect: float
    low: float
    high: float
    p: float
    per_seed: tuple[float, ...]

    @property
    def seeds(self) -> int:
        """How many seeds it was estimated from."""
        return len(self.per_seed)


def estimate_all(data: Samples, weights: Float64, *, level: float = LEVEL) -> Estimates:
    """The contrasts `weights [C,A]` of the conditions of `data`."""
    values = data.values
    size = size_of(values)
    each = rounded(by_seed(values, weights), size)
    sheets = _of_sheets(data, weights, np.isfinite(each)) if data.crossed else np.zeros(len(weights))
    return _over_seeds(each, size, sheets=sheets, sheet_count=data.parts.shape[-1], level=level)


def estimate(data: Samples, weights: Float64, *, level: float = LEVEL) -> Estimate:
    """The contrast `weights [A]` of the conditions of `data`."""
    return _single(estimate_all(data, weights[None], level=level))


def estimate_of_seeds(values: Float64, *, level: float = LEVEL) -> Estimate:
    """The mean of the `values [S]` of seeds that have test sheets of their own."""
    size = size_of(values)
    return _single(_over_seeds(rounded(values[None], size), size, level=level))


def _single(estimates: Estimates) -> Estimate:
    effect, low, high, p = (float(it[0]) for it in (estimates.effect, estimates.low, estimates.high, estimates.p))
    each = estimates.per_seed[0]
    return Estimate(effect, low, high, p, tuple(each[np.isfinite(each)].tolist()))


def _over_seeds(
    each: Float64, size: float, *, sheets: Float64 | None = None, sheet_count: int = 1, level: float = LEVEL
) -> Estimates:
    """Means of the contrasts `each [C,S]` of values of `size`; `sheets [C]` adds to the variance of the mean."""
    known = np.isfinite(each)
    seeds = known.sum(1)
    enough = seeds > 1
    effect = rounded(_over(np.where(known, each, 0.0).sum(1), seeds), size)
    squares = (np.where(known, each - effect[:, None], 0.0) ** 2).sum(1)
    of_seeds = np.where(enough, _over(squares, seeds * (seeds - 1)), np.nan)
    of_sheets = np.zeros(len(each)) if sheets is None else sheets.copy()
    for variance in (of_seeds, of_sheets):
        variance[variance <= (ROUNDING * size) ** 2] = 0.0
    variance = of_seeds + of_sheets
    spread = of_seeds**2 / np.maximum(seeds - 1, 1) + of_sheets**2 / max(sheet_count - 1, 1)
    freedom = np.where(enough, seeds - 1.0, np.nan)
    np.divide(variance**2, spread, out=freedom, where=spread > 0)
    error = np.sqrt(variance)
    half = stats.t.ppf(0.5 + level / 2, freedom) * error
    p = np.where(enough, np.where(effect == 0, 1.0, 0.0), np.nan)
    varied = error > 0
    p[varied] = 2 * stats.t.sf(np.abs(effect[varied]) / error[varied], freedom[varied])
    low, high = rounded(effect - half, size), rounded(effect + half, size)
    return Estimates(effect, low, high, p, error, freedom, seeds, each)


def chance_above(estimates: Estimates) -> Float64:
    """The probability [C] that each true contrast is above 0, see the module; NaN without an interval.

    Where no seed differs from another, 1, .5 or 0 by the sign of the effect.
    """
    chance = np.where(np.isfinite(estimates.p), 0.5 + 0.5 * np.sign(estimates.effect), np.nan)
    varied = estimates.error > 0
    chance[varied] = stats.t.cdf(estimates.effect[varied] / estimates.error[varied], estimates.freedom[varied])
    return chance


def by_seed(values: Float64, weights: Float64) -> Float64:
    """The contrasts `weights [C,A]` of `values [A,...]` in each seed, [C,...]; NaN where a cell with weight is.

    Summed in the order of the conditions, as the module says.
    """
    total = np.zeros((len(weights), *values.shape[1:]))
    for condition, its_values in zip(weights.T, values, strict=True):
        used = np.flatnonzero(condition)
        total[used] += condition[used].reshape(-1, *([1] * its_values.ndim)) * its_values
    return total


def rounded(values: Float64, size: float) -> Float64:
    """`values` rounded to a 10^-12 part of `size`, zeros without a sign."""
    decimals = min(_DIGITS - floor(log10(size)), _MOST_DECIMALS) if size else _DIGITS
    result: Float64 = np.round(values, decimals) + 0.0
    return result


def size_of(values: Float64) -> float:
    """The largest absolute value there is; 0 where there is none."""
    return float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0


def _of_sheets(data: Samples, weights: Float64, known: Bool) -> Float64:
    """Variance [C] of each contrast's mean over its `known [C,S]` seeds, from their common sheets."""
    without = without_each_sheet(data.parts, data.whole)
    out = np.zeros(len(weights))
    for start in range(0, len(weights), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        each, used = by_seed(without, weights[some]), known[some, :, None]
        there = np.asarray((np.isfinite(each) | ~used).all(1))
        mean = np.where(used & there[:, None], each, 0.0).sum(1) / np.maximum(used.sum(1), 1)
        out[some] = jackknife(mean, there)
    return out


def _over(total: Float64, count: Int64) -> Float64:
    out = np.full(len(total), np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out


def holm(p: Float64, families: Sequence[Hashable]) -> Float64:
    """`p` after Holm's step-down correction [5] within each of the `families`; NaN stays so and counts for nothing."""
    # statsmodels takes a second, and only the effects of a study are corrected
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

    corrected = np.full(len(p), np.nan)
    family, _ = pd.factorize(np.fromiter(families, dtype=object, count=len(families)))
    for number in range(family.max(initial=-1) + 1):
        own = (family == number) & np.isfinite(p)
        if own.any():
            gc.freeze()  # multipletests collects garbage, which takes a second where many objects are alive
            try:
                corrected[own] = multipletests(p[own], method="holm")[1]
            finally:
                gc.unfreeze()
    return corrected


def mean_of(conditions: pd.DataFrame, where: Mapping[str, str | Sequence[str]], *, grid: bool | None = None) -> Float64:
    """Weights [A] of the mean over the conditions that have one of the levels named of each factor.

    `where` may name the whole `condition` by its label. `grid` restricts to conditions in or outside of the grid.
    Raises `StudyError` where none is such.
    """
    chosen = pd.Series(True, index=conditions.index)
    for name, levels in where.items():
        told = conditions.index.to_series() if name == "condition" else conditions.get(name)
        if told is None:
            raise StudyError(f"expected a factor of {', '.join(conditions.columns.drop('grid'))}, got {name!r}")
        chosen &= told.isin([levels] if isinstance(levels, str) else list(levels))
    if grid is not None:
        chosen &= conditions["grid"] == grid
    if not chosen.any():
        raise StudyError(f"expected conditions with {dict(where)}, got none of {', '.join(conditions.index)}")
    weights: Float64 = chosen.to_numpy(np.float64) / float(chosen.sum())
    return weights


def difference(
    results: Results,
    measure: str,
    name: str,
    *,
    plus: Mapping[str, str | Sequence[str]],
    minus: Mapping[str, str | Sequence[str]],
    split: str = "test",
) -> Estimate:
    """The mean over the grid's conditions with the levels `plus` less that over those with `minus`, paired by seed."""
    conditions = results.conditions
    weights = mean_of(conditions, plus, grid=True) - mean_of(conditions, minus, grid=True)
    return estimate(samples(results, measure, name, split=split), weights)
