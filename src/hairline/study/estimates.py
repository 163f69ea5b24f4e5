"""A contrast of conditions with its interval: paired by seed, from the values of the seeds.

Method
------
Cells of one seed share initialisation, order of images and test sheets, so a contrast (a weighted sum over conditions)
is taken within each seed first, and the seeds' contrasts `d_1..d_S` are a sample of independent values. Where every
seed has test sheets of its own (`crossed` false), they carry the noise of seeds and of sheets, and the interval is
Student's: mean +- t(S - 1) sd / sqrt(S). Where all seeds share their sheets, the variance of the mean over sheets is
added (a jackknife over sheets of the mean over seeds), with Satterthwaite's degrees of freedom; the interaction of
seed and sheet is in both and makes the interval a little wide.

With one seed there is no interval: `low`, `high`, `p` are NaN.

References
----------
Field and Welsh, "Bootstrapping clustered data", J. R. Statist. Soc. B 69 (2007): clusters carry the variance within.
Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2 (1946).
Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from hairline.study.design import StudyError
from hairline.study.results import Results
from hairline.study.samples import Samples, ratio, samples
from hairline.vocabulary import Bool, Float64

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """An effect with its interval, two-sided p against 0, and the contrast of every seed; see the module."""

    effect: float
    low: float
    high: float
    p: float
    per_seed: tuple[float, ...]

    @property
    def seeds(self) -> int:
        """How many seeds it was estimated from."""
        return len(self.per_seed)


def estimate(data: Samples, weights: Float64, *, level: float = LEVEL) -> Estimate:
    """The contrast `weights [A]` of the conditions of `data`; seeds in which a cell with weight is NaN are left out."""
    used = np.flatnonzero(weights)
    each = weights[used] @ data.values[used]
    known = np.isfinite(each)
    each = each[known]
    sheets = _sheet_variance(data, weights, known) if data.crossed else 0.0
    low, high, p = interval(each, sheets=sheets, sheet_count=data.parts.shape[-1], level=level)
    effect = float(each.mean()) if len(each) else np.nan
    return Estimate(effect, low, high, p, tuple(float(value) for value in each))


def interval(
    each: Float64, *, sheets: float = 0.0, sheet_count: int = 0, level: float = LEVEL
) -> tuple[float, float, float]:
    """(low, high, p) of the mean of the contrasts `each [S]` of seeds; `sheets` adds to the variance of that."""
    if len(each) < 2:
        return np.nan, np.nan, np.nan
    of_seeds = float(each.var(ddof=1)) / len(each)
    variance = of_seeds + sheets
    mean = float(each.mean())
    if variance <= 0:  # constant: nothing varied, so nothing is uncertain, and only 0 is 0
        return mean, mean, 1.0 if mean == 0 else 0.0
    freedom = variance**2 / (of_seeds**2 / (len(each) - 1) + (sheets**2 / (sheet_count - 1) if sheets else 0.0))
    half = float(stats.t.ppf(0.5 + level / 2, freedom)) * np.sqrt(variance)
    p = 2 * float(stats.t.sf(abs(mean) / np.sqrt(variance), freedom))
    return mean - half, mean + half, p


def _sheet_variance(data: Samples, weights: Float64, known: Bool) -> float:
    """Jackknife over the common sheets of the contrast's mean over seeds."""
    used = np.flatnonzero(weights)
    parts, whole = data.parts[used][:, known], data.whole[used][:, known]
    without = ratio(parts.sum(-1, keepdims=True) - parts, whole.sum(-1, keepdims=True) - whole)
    each = np.einsum("a,asn->sn", weights[used], without).mean(0)
    each = each[np.isfinite(each)]
    return float((len(each) - 1) * each.var()) if len(each) > 1 else 0.0


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
