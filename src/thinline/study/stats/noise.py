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
they differ no more than chance would have it. Levels of a factor, or of two together, whose variances clearly differ
have a common value of their own. The correlation over measures is that of all residuals. The noise of a seed is the
mean of its conditions, weighted by the inverse of their variances.

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

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy import optimize, special

from thinline.vocabulary import Float64, Int64

_FEWEST: Final = 3
"""The fewest variances of which the dispersion is estimated."""

_SURE: Final = 0.99
_CERTAIN: Final = 0.999
_ROUNDS: Final = 3
"""Rounds of weighting the conditions by the inverse of their variances."""
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
    if spread <= by_chance * _chi_squared(_SURE, len(known) - 1) / (len(known) - 1):
        return Prior(float(known.mean()), np.inf)
    own = 2 * _trigamma_inverse(spread - by_chance)
    return Prior(float(np.exp(logs.mean() + special.digamma(own / 2) - np.log(own / 2))), own)


def _chi_squared(share: float, freedom: int) -> float:
    """The quantile of the chi-squared distribution."""
    return float(2 * special.gammaincinv(freedom / 2, share))


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
        correlation = (self.mixing[:, None] * self.mixing).sum(-1)
        of_seeds = (weights.sum(1)[:, None] * self.shared).sum(0)
        return float((own[:, None] * own * correlation[..., None]).sum() + (of_seeds**2).sum())

    def draw(self, rng: np.random.Generator, count: int, seeds: int, used: Int64) -> tuple[Float64, Float64]:
        """Noise of the cells [count,S,U,K] of the conditions numbered `used` [U], and of the seeds [count,S,K]."""
        measures, samples = self.shared.shape
        drawn = rng.standard_normal((count, seeds, len(used), measures))
        own = np.zeros_like(drawn)
        for row, column in zip(*np.nonzero(self.mixing), strict=True):
            own[..., row] += self.mixing[row, column] * drawn[..., column]
        of_seeds = (rng.standard_normal((count, seeds, 1, samples)) * self.shared).sum(-1)
        return own * self.cells.T[used], of_seeds


def noise_of(values: Float64, codes: Int64) -> Noise:
    """The noise of the cells `values [K,A,S]`, NaN where a cell has no value; `codes [A,F]` number the levels of the
    factors of each condition, -1 outside of the grid."""
    seeds = values.shape[2]
    weights: Float64 = np.asarray(np.isfinite(values).all(2), np.float64)
    for _ in range(_ROUNDS):
        residuals, of_seeds, share = _split(values, weights)
        freedom = np.maximum((seeds - 1) * (1 - share), _JITTER)
        variances = _moderated((residuals**2).sum(2) / freedom, float(np.median(freedom)), codes)
        used = (weights > 0).astype(np.float64)
        weights = np.asarray(np.divide(used, variances, out=np.zeros_like(variances), where=variances > 0))
    shared = of_seeds / np.sqrt(max(seeds - 1, 1))
    whole = (shared**2).sum(1)
    part = np.divide(1.0, weights.sum(1), out=np.zeros(len(weights)), where=weights.sum(1) > 0)
    kept = np.divide(whole - part, whole, out=np.zeros_like(whole), where=whole > part)
    cells = np.sqrt(variances)
    noise = Noise(cells, _mixing(residuals, cells), shared * np.sqrt(kept)[:, None], Prior(1.0, np.inf))
    return replace(noise, ratios=prior_of(_ratios(noise, values, codes), seeds - 1))


def _split(values: Float64, weights: Float64) -> tuple[Float64, Float64, Float64]:
    """The residuals [K,A,S], 0 where a cell has no value; the noise of the seeds [K,S], the mean of the conditions by
    their `weights` [K,A]; and the share [K,A] of each condition in this mean."""
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, filled - (filled.sum(2) / np.maximum(known.sum(2), 1))[..., None], 0.0)
    total = weights.sum(1, keepdims=True)
    share = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    of_seeds = (share[..., None] * centred).sum(1)
    return np.where(known, centred - of_seeds[:, None], 0.0), of_seeds, share


def _moderated(variances: Float64, freedom: float, codes: Int64) -> Float64:
    """The moderated variances [K,A] of the noise of single cells; how much they differ is taken from all measures."""
    known = variances > _JITTER * variances.max(initial=0.0)
    logs = np.where(known, np.log(np.where(known, variances, 1.0)), np.nan)
    trend = np.exp(_trend(logs, freedom, codes))
    scaled = np.where(known, variances / trend, 0.0)
    mean = scaled.sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    relative = np.divide(scaled, mean, out=np.zeros_like(scaled), where=known)
    if known.sum() < _FEWEST:
        return np.where(known, variances, 0.0)
    return np.where(known, prior_of(relative, freedom).shrunk(relative, freedom) * mean * trend, 0.0)


def _trend(logs: Float64, freedom: float, codes: Int64) -> Float64:
    """How far the logarithms [K,A] of the variances depend on the levels of single factors, and of two together, [A].

    A factor is left out unless its levels differ more than those of equal variances do in 999 of 1,000 samples.
    """
    known = np.isfinite(logs)
    centre = np.where(known, logs, 0.0).sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    rest = np.where(known, logs - centre, 0.0)
    trend, by_chance = np.zeros(logs.shape[1]), float(special.polygamma(1, freedom / 2))
    factors = range(codes.shape[1])
    for columns in [*((factor,) for factor in factors), *combinations(factors, 2)]:
        _, group = np.unique(codes[:, columns], axis=0, return_inverse=True)
        counts = np.bincount(group.ravel(), known.sum(0))
        means = np.bincount(group.ravel(), rest.sum(0)) / np.maximum(counts, 1)
        surprise = float((counts * means**2).sum()) / by_chance
        if len(counts) > 1 and surprise > _chi_squared(_CERTAIN, len(counts) - 1):
            trend += means[group.ravel()]
            rest = np.where(known, rest - means[group.ravel()], 0.0)
    return trend


def _mixing(residuals: Float64, cells: Float64) -> Float64:
    """The lower triangle [K,K] that gives independent noise the correlation of the residuals over measures."""
    unit = np.divide(residuals, cells[..., None], out=np.zeros_like(residuals), where=cells[..., None] > 0)
    flat = unit.reshape(len(unit), -1)
    norms = np.sqrt((flat**2).sum(1))
    products = (flat[:, None] * flat).sum(-1)
    correlation = products / np.maximum(norms[:, None] * norms, _JITTER)
    np.fill_diagonal(correlation, 1.0)
    return _cholesky((correlation + _JITTER * np.eye(len(unit))) / (1 + _JITTER))


def _cholesky(matrix: Float64) -> Float64:
    """The lower triangle whose product with its transpose is `matrix`; in a fixed order, unlike that of LAPACK."""
    lower = np.zeros_like(matrix)
    for row in range(len(matrix)):
        for column in range(row + 1):
            rest = matrix[row, column] - (lower[row, :column] * lower[column, :column]).sum()
            pivot = lower[column, column]
            lower[row, column] = np.sqrt(max(rest, 0.0)) if row == column else rest / pivot if pivot > 0 else 0.0
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
