"""The noise of the cells of a study: what a single cell has alone, and what the cells of one seed share.

Conventions
-----------
`K` measures of classes, `A` conditions, `S` seeds. The value of a cell is the mean of its condition, plus noise of its
seed (one number for each measure, shared by all conditions), plus noise of its own (the residual). The noise of the
cells of one seed and condition is correlated over the measures.

Method
------
With five seeds the variance of one condition has four degrees of freedom, and is uncertain by more than half. The
variances of all conditions of a measure are therefore *moderated* [1]: shrunk towards their common value, by as much as
they differ no more than chance would have it. The correlation over measures is that of all residuals.

Conditions that are alike share more than their seed, so that their difference varies less than this model says, and
others vary more. The *ratio* of a contrast is the variance that it has over seeds by that of the model. The ratios of
contrasts are moderated as well; how much they differ is estimated from all pairs of conditions that differ in one
factor. A contrast whose weights do not add up to 0 contains the noise of the seeds, of which there is one sample for
all conditions: its variance is its own.

References
----------
[1] Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray experiments",
    Statistical Applications in Genetics and Molecular Biology 3 (2004), section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy import optimize, special, stats

from thinline.vocabulary import Bool, Float64, Int64

_FEWEST: Final = 3
"""The fewest variances of which the dispersion is estimated."""

_SURE: Final = 0.99
_JITTER: Final = 1e-9


@dataclass(frozen=True)
class Prior:
    """What variances are shrunk towards: their `common` value, with the weight of `freedom` degrees of freedom."""

    common: float
    freedom: float

    def shrunk(self, variances: Float64, freedom: float) -> Float64:
        """`variances` of `freedom` degrees of freedom each, after shrinkage."""
        if np.isinf(self.freedom):
            return np.full(np.shape(variances), self.common)
        total: Float64 = (self.freedom * self.common + freedom * variances) / (self.freedom + freedom)
        return total


def prior_of(variances: Float64, freedom: float) -> Prior:
    """The prior of `variances [.]` of `freedom` degrees of freedom each, by the moments of their logarithms [1].

    They are taken for equal, the prior having all the weight, unless their logarithms differ more than those of equal
    variances do in 99 of 100 samples. Variances of 0 are left out; fewer than three give a prior without weight.
    """
    known = variances[np.isfinite(variances) & (variances > 0)]
    if len(known) < _FEWEST:
        return Prior(1.0, 0.0)
    half = freedom / 2
    logs = np.log(known) - special.digamma(half) + np.log(half)
    by_chance = float(special.polygamma(1, half))
    spread = float(logs.var(ddof=1))
    if spread <= by_chance * stats.chi2.ppf(_SURE, len(known) - 1) / (len(known) - 1):
        return Prior(float(known.mean()), np.inf)
    own = 2 * _trigamma_inverse(spread - by_chance)
    return Prior(float(np.exp(logs.mean() + special.digamma(own / 2) - np.log(own / 2))), own)


def _trigamma_inverse(value: float) -> float:
    return float(optimize.brentq(lambda x: special.polygamma(1, x) - value, 1e-6, 1e9))


@dataclass(frozen=True)
class Noise:
    """Standard deviations `cells` [K,A] of the noise of single cells, `mixing` [K,K] that correlates it over measures,
    and the noise `shared` [K,S] of the seeds, of which every sample is one column; `ratios` is the prior of ratios."""

    cells: Float64
    mixing: Float64
    shared: Float64
    ratios: Prior

    def variance(self, weights: Float64) -> float:
        """The variance over seeds of the contrast `weights` [K,A], by the model."""
        own = weights * self.cells
        correlation = self.mixing @ self.mixing.T
        of_seeds = (weights.sum(1)[:, None] * self.shared).sum(0)
        return float((own.T @ correlation * own.T).sum() + (of_seeds**2).sum())

    def draw(self, rng: np.random.Generator, count: int, seeds: int, used: Int64) -> tuple[Float64, Float64]:
        """Noise of the cells [count,S,U,K] of the conditions numbered `used` [U], and of the seeds [count,S,K]."""
        measures, samples = self.shared.shape
        own = np.einsum("nsuk,lk->nsul", rng.standard_normal((count, seeds, len(used), measures)), self.mixing)
        of_seeds = np.einsum("nsj,kj->nsk", rng.standard_normal((count, seeds, samples)), self.shared)
        return np.asarray(own * self.cells.T[used]), np.asarray(of_seeds)


def noise_of(values: Float64, codes: Int64) -> Noise:
    """The noise of the cells `values [K,A,S]`, NaN where a cell has no value; `codes [A,F]` number the levels of the
    factors of each condition, -1 outside of the grid."""
    k, _, s = values.shape
    residuals, of_seeds = _split(values)
    conditions = np.isfinite(values).all(2).sum(1)
    freedom = max((s - 1) * (1 - 1 / max(int(conditions.max()), 1)), 1e-9)
    cells = np.sqrt(_moderated((residuals**2).sum(2) / freedom, freedom))
    shared = of_seeds / np.sqrt(max(s - 1, 1))
    for measure in range(k):  # the mean of the conditions has a part of the noise of single cells
        whole = float((shared[measure] ** 2).sum())
        part = float((cells[measure] ** 2).mean()) / max(int(conditions[measure]), 1)
        shared[measure] *= np.sqrt(max(1 - part / whole, 0.0)) if whole > 0 else 0.0
    noise = Noise(cells, _mixing(residuals, cells), shared, Prior(1.0, np.inf))
    return Noise(cells, noise.mixing, shared, prior_of(_ratios(noise, values, codes), s - 1))


def _split(values: Float64) -> tuple[Float64, Float64]:
    """The residuals [K,A,S], 0 where a cell has no value, and the noise of the seeds [K,S]."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, filled - (filled.sum(2) / np.maximum(known.sum(2), 1))[..., None], 0.0)
    complete: Bool = np.asarray(known.all(2))[..., None]
    of_seeds = np.where(complete, centred, 0.0).sum(1) / np.maximum(complete.sum(1), 1)
    return np.where(known, centred - of_seeds[:, None], 0.0), of_seeds


def _moderated(variances: Float64, freedom: float) -> Float64:
    """The moderated variances [K,A] of the noise of single cells; how much they differ is taken from all measures."""
    known = variances > 0
    mean = np.where(known, variances, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    relative = np.divide(variances, mean[:, None], out=np.zeros_like(variances), where=known)
    prior = prior_of(relative, freedom)
    return np.where(known, prior.shrunk(relative, freedom) * mean[:, None], 0.0)


def _mixing(residuals: Float64, cells: Float64) -> Float64:
    """The lower triangle [K,K] that gives independent noise the correlation of the residuals over measures."""
    unit = np.divide(residuals, cells[..., None], out=np.zeros_like(residuals), where=cells[..., None] > 0)
    flat = unit.reshape(len(unit), -1)
    norms = np.sqrt((flat**2).sum(1))
    products = np.einsum("ki,li->kl", flat, flat)
    correlation = products / np.maximum(norms[:, None] * norms, _JITTER)
    np.fill_diagonal(correlation, 1.0)
    lower: Float64 = np.linalg.cholesky((correlation + _JITTER * np.eye(len(unit))) / (1 + _JITTER))
    return lower


def _ratios(noise: Noise, values: Float64, codes: Int64) -> Float64:
    """The variance over seeds of every difference of two conditions of the grid in one factor, by that of the model."""
    inside = np.flatnonzero((codes >= 0).all(1)) if codes.shape[1] else np.zeros(0, np.int64)
    pairs = np.array([pair for pair in combinations(inside, 2) if (codes[pair[0]] != codes[pair[1]]).sum() == 1])
    if not len(pairs):
        return np.zeros(0)
    first, second = pairs.T
    of_pairs = (values[:, first] - values[:, second]).var(2, ddof=1)
    of_model = noise.cells[:, first] ** 2 + noise.cells[:, second] ** 2
    ratios = np.divide(of_pairs, of_model, out=np.full(of_pairs.shape, np.nan), where=of_model > 0)
    return np.asarray(ratios[np.isfinite(ratios)])
