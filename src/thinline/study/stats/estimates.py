"""Contrasts (paired differences) of conditions: confidence intervals over seeds, p values, Holm correction.

Conventions
-----------
`C` contrasts of `A` conditions over `S` seeds with `N` sheets. A *cell* is the run of one condition with one seed.
Effects, verdicts, figures, report and README take every interval from this module. A contrast of one measure is
computed once; the result is kept in `Samples.estimated`.

Method
------
Cells of one seed share initialisation, order of images and test sheets (common random numbers); a new seed changes the
sources of randomness together, as [3] recommends. What the cells of a seed share cancels in their difference, so a
contrast, a weighted sum over conditions, is taken within each seed first. The seeds are the independent clusters [1]:
their contrasts `d_1..d_S` are a sample of independent values. If a cell has no value, its seed is left out of every
contrast in which the weight of the cell is not 0.

If each seed has other test sheets than the other seeds (`crossed` is false), the variance of `d_1..d_S` includes that
of the sheets, and the interval is Student's: mean +- t(S - 1) sd / sqrt(S). If all seeds are tested on the same sheets
(`crossed` is true), the variance due to sheets is added: a jackknife over sheets of the mean over seeds [6]. The
degrees of freedom are then Satterthwaite's [2]. This interval is slightly too wide: the effect of a seed differs from
sheet to sheet, and this interaction of seed and sheet is part of both variances, so it is counted twice. One seed gives
no interval: `low`, `high` and `p` are NaN.

`chance_above` is the probability that the true contrast is above 0, given the data: under a flat prior of the mean and
of the logarithm of the standard deviation the posterior is Student's t of `mean / error` with the same degrees of
freedom [4]. Over many studies with a true contrast of 0 this probability is uniformly distributed: in 5 % of them it
lies outside .025 to .975.

`minimum_detectable_effect` is the true contrast that a two-sided t test at level `alpha` finds with probability `power`
[7, 8]. It is the standard error times a noncentrality: the one at which Student's noncentral t exceeds the critical
value of the test with probability `power`. A significant effect of the wrong sign does not count as found; at a power
of .8 its probability is below 10^-4. The estimated standard error is used as if it were the true standard error.

Rounding
--------
Contrasts, effects and interval ends are rounded to `ROUNDING` (10^-12) of the largest value of the samples; smaller
values become +0. So two results that are equal but for rounding errors are stored as the same number. Sums run in a
fixed order, condition by condition, and never through a matrix product, whose order depends on the processor and the
number of threads: the same results give the same bytes on every machine.

References
----------
[1] Field and Welsh, "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (2007): clusters carry the variance.
[2] Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2 (1946).
[3] Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021.
[4] Gelman et al., "Bayesian Data Analysis", 2013, section 3.2.
[5] Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).
[6] Efron and Stein, "The jackknife estimate of variance", Annals of Statistics 9 (1981).
[7] Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, section 2.
[8] Bloom, "Minimum detectable effects", Evaluation Review 19 (1995).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from math import floor, log10
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from thinline.study.design.study import StudyError
from thinline.study.stats.samples import Samples, jackknife, without_each_sheet
from thinline.vocabulary import Bool, Float64, Int64

LEVEL: Final = 0.95
ROUNDING: Final = 1e-12
_DIGITS: Final = 12
"""Decimal digits of `ROUNDING`."""

_MOST_DECIMALS: Final = 300
"""The largest number of decimals: 10 to this power is a finite float."""

_AT_ONCE: Final = 256
"""Number of contrasts whose values on single sheets are in memory at the same time."""


@dataclass(frozen=True)
class Estimates:
    """Arrays [C]: effect, ends of its interval, two-sided p against 0, standard error, degrees of freedom, number of
    seeds; `per_seed` [C,S] is NaN where a seed lacks a cell."""

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
    """One effect with its interval, two-sided p against 0, standard error and degrees of freedom; `by_seed` [S] is NaN
    where a seed lacks a cell."""

    effect: float
    low: float
    high: float
    p: float
    error: float
    freedom: float
    by_seed: tuple[float, ...]

    @property
    def per_seed(self) -> tuple[float, ...]:
        """The contrasts of the seeds that have all cells."""
        return tuple(value for value in self.by_seed if np.isfinite(value))

    @property
    def seeds(self) -> int:
        """Number of seeds in the estimate."""
        return len(self.per_seed)


def estimate_all(data: Samples, weights: Float64) -> Estimates:
    """The contrasts `weights [C,A]` of the conditions of `data`; each is computed once, and then read from the table
    `data.estimated`."""
    if not len(weights):
        return _computed(data, weights)
    keys = [blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in weights]  # -0. is 0.
    missing = {key: number for number, key in enumerate(keys) if key not in data.estimated}
    if missing:
        arrays = _columns(_computed(data, weights[list(missing.values())]))
        data.estimated.update(zip(missing, zip(*arrays, strict=True), strict=True))
    return Estimates(*(np.array(column) for column in zip(*(data.estimated[key] for key in keys), strict=True)))


def _columns(estimates: Estimates) -> list[Float64 | Int64]:
    return [getattr(estimates, each.name) for each in fields(Estimates)]


def _computed(data: Samples, weights: Float64) -> Estimates:
    values = data.values
    size = size_of(values)
    each = rounded(by_seed(values, weights), size)
    sheets = _of_sheets(data, weights, np.isfinite(each)) if data.crossed else np.zeros(len(weights))
    return _over_seeds(each, size, sheets=sheets, sheet_count=data.parts.shape[-1])


def estimate(data: Samples, weights: Float64) -> Estimate:
    """The contrast `weights [A]` of the conditions of `data`."""
    return _single(estimate_all(data, weights[None]))


def estimate_of_seeds(values: Float64) -> Estimate:
    """The mean of the `values [S]` of seeds that have test sheets of their own."""
    size = size_of(values)
    return _single(_over_seeds(rounded(values[None], size), size, sheets=np.zeros(1), sheet_count=1))


def _single(estimates: Estimates) -> Estimate:
    effect, low, high, p, error, freedom = (float(column[0]) for column in _columns(estimates)[:6])
    return Estimate(effect, low, high, p, error, freedom, tuple(estimates.per_seed[0].tolist()))


def _over_seeds(each: Float64, size: float, *, sheets: Float64, sheet_count: int) -> Estimates:
    """The estimates from `each [C,S]`, the contrasts of every seed.

    `size` is the largest value of the samples, for rounding; `sheets [C]` is the variance due to sheets that all seeds
    share, and `sheet_count` the number of these sheets.
    """
    known = np.isfinite(each)
    seeds = known.sum(1)
    enough = seeds > 1
    effect = rounded(_over(np.where(known, each, 0.0).sum(1), seeds), size)
    squares = (np.where(known, each - effect[:, None], 0.0) ** 2).sum(1)
    of_seeds = np.where(enough, _over(squares, seeds * (seeds - 1)), np.nan)
    of_sheets = sheets.copy()
    for variance in (of_seeds, of_sheets):
        variance[variance <= (ROUNDING * size) ** 2] = 0.0
    variance = of_seeds + of_sheets
    spread = of_seeds**2 / np.maximum(seeds - 1, 1) + of_sheets**2 / max(sheet_count - 1, 1)
    freedom = np.where(enough, seeds - 1.0, np.nan)
    np.divide(variance**2, spread, out=freedom, where=spread > 0)
    error = np.sqrt(variance)
    half = special.stdtrit(freedom, 0.5 + LEVEL / 2) * error
    p = np.where(enough, np.where(effect == 0, 1.0, 0.0), np.nan)
    varied = error > 0
    p[varied] = 2 * special.stdtr(freedom[varied], -np.abs(effect[varied]) / error[varied])
    low, high = rounded(effect - half, size), rounded(effect + half, size)
    return Estimates(effect, low, high, p, error, freedom, seeds, each)


def chance_above(estimates: Estimates) -> Float64:
    """The probability [C] that each true contrast is above 0, see the module; NaN without an interval.

    If no seed differs from another: 1, .5 or 0 by the sign of the effect.
    """
    chance = np.where(np.isfinite(estimates.p), 0.5 + 0.5 * np.sign(estimates.effect), np.nan)
    varied = estimates.error > 0
    chance[varied] = special.stdtr(estimates.freedom[varied], estimates.effect[varied] / estimates.error[varied])
    return chance


def minimum_detectable_effect(error: Float64, freedom: Float64, *, power: float = 0.8, alpha: float = 0.05) -> Float64:
    """The effect found with probability `power`, see the module; NaN where `error` is 0 or NaN: no seed varied."""
    effect = np.full(np.shape(error), np.nan)
    varied = np.isfinite(error) & (error > 0) & np.isfinite(freedom)
    each, which = np.unique(freedom[varied], return_inverse=True)  # few: nctdtrinc takes milliseconds
    critical = special.stdtrit(each, 1 - alpha / 2)
    effect[varied] = error[varied] * special.nctdtrinc(each, 1 - power, critical)[which]
    return effect


def by_seed(values: Float64, weights: Float64) -> Float64:
    """The contrasts `weights [C,A]` of `values [A,...]` in each seed, [C,...]; NaN where a weighted cell is NaN.

    Summed in the order of the conditions, as the module says.
    """
    total = np.zeros((len(weights), *values.shape[1:]))
    for condition in np.flatnonzero(weights.any(0)):
        used = np.flatnonzero(weights[:, condition])
        total[used] += weights[used, condition].reshape(-1, *([1] * (values.ndim - 1))) * values[condition]
    return total


def rounded(values: Float64, size: float) -> Float64:
    """`values` rounded to 10^-12 of `size`, zeros without a sign."""
    decimals = min(_DIGITS - floor(log10(size)), _MOST_DECIMALS) if size else _DIGITS
    result: Float64 = np.round(values, decimals) + 0.0
    return result


def size_of(values: Float64) -> float:
    """The largest finite absolute value; 0 without any."""
    return float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0


def _of_sheets(data: Samples, weights: Float64, known: Bool) -> Float64:
    """Variance [C] from common sheets of the mean of each contrast over its `known [C,S]` seeds."""
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
    """`p` after Holm's step-down correction [5] within each family; NaN stays NaN and is not counted.

    Not by statsmodels: it takes a second to import, and collects garbage at each call.
    """
    corrected = np.full(len(p), np.nan)
    family, _ = pd.factorize(np.fromiter(families, dtype=object, count=len(families)))
    for number in range(family.max(initial=-1) + 1):
        own = np.flatnonzero((family == number) & np.isfinite(p))
        ascending = own[np.argsort(p[own])]
        raw = p[ascending] * np.arange(len(own), 0, -1)
        corrected[ascending] = np.minimum(np.maximum.accumulate(raw), 1.0)
    return corrected


def levels_of(conditions: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """The level [A] of the factor `name` of each condition, or its label for `condition`."""
    column = conditions.index if name == "condition" else conditions[name]
    levels: NDArray[np.object_] = column.to_numpy(np.object_)
    return levels


def mean_of(conditions: pd.DataFrame, where: Mapping[str, str | Sequence[str]], *, grid: bool | None = None) -> Float64:
    """Weights [A] of the mean over the conditions that have, of each factor in `where`, one of the levels named.

    `where` may name a `condition` by its label. `grid` restricts to conditions inside (True) or outside of the grid.
    Raises `StudyError` if no condition matches.
    """
    chosen = np.ones(len(conditions), np.bool_)
    for name, levels in where.items():
        if name != "condition" and name not in conditions:
            raise StudyError(f"expected a factor of {', '.join(conditions.columns.drop('grid'))}, got {name!r}")
        named = [levels] if isinstance(levels, str) else list(levels)
        chosen &= np.isin(levels_of(conditions, name), np.array(named, np.object_))
    if grid is not None:
        chosen &= conditions["grid"].to_numpy(np.bool_) == grid
    if not chosen.any():
        raise StudyError(f"expected conditions with {dict(where)}, got none of {', '.join(conditions.index)}")
    weights: Float64 = chosen / float(chosen.sum())
    return weights
